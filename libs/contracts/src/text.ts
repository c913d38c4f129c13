/** Words of strangers (questions, outcomes, labels) made safe to keep and to print. */

/**
 * Control characters, line and paragraph ends, and marks that turn the direction of writing: on a terminal they move the
 * cursor, colour the screen or show a text in another order than it is written.
 */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;
const characters = new Intl.Segmenter("en", { granularity: "grapheme" });
/** A character may carry any number of marks; more than these are no writing. */
const UNITS_PER_CHARACTER = 16;

/**
 * Returns a text of at most `max` characters as people count them, none of them cut, without what cannot be printed; what
 * was left out is told by "…". Lone surrogates become the replacement character.
 */
export function plainText(text: string, max: number): string {
  // Far beyond what may be kept nothing is looked at.
  const plain = text
    .slice(0, max * UNITS_PER_CHARACTER)
    .replace(UNPRINTABLE, " ")
    .toWellFormed()
    .trim();
  if (plain.length <= max) return plain;
  const kept: string[] = [];
  let units = 0;
  for (const { segment } of characters.segment(plain)) {
    if (kept.length === max || units + segment.length > max * UNITS_PER_CHARACTER)
      return `${kept.slice(0, max - 1).join("")}…`;
    kept.push(segment);
    units += segment.length;
  }
  return kept.join("");
}
