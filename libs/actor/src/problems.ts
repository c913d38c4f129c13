/** Problems as they are told to others: what a node or the venue wrote into one must neither fill a message nor move a cursor. */
import { plainText } from "@slipstream/contracts/text";

/** Together they stay below what the bus takes as one message, whatever characters they are made of. */
const PROBLEMS_MAX = 30;
const TEXT_MAX = 500;

/** The first problems, each printable and of bounded length; what is left out is counted. */
export function toldProblems(problems: readonly string[]): string[] {
  const told = problems.slice(0, PROBLEMS_MAX).map((text) => plainText(text, TEXT_MAX));
  const more = problems.length - told.length;
  return more === 0 ? told : [...told, `and ${more} more problems`];
}
