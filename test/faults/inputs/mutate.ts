/** Seeded damage to documents: one place of one JSON value, or of its text. */

/** In [0, 1), from 32 bits of state; the same seed gives the same numbers. */
export function numbersFrom(seed: string): () => number {
  let state = 2_166_136_261;
  for (const letter of seed) state = Math.imul(state ^ letter.charCodeAt(0), 16_777_619);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export const pick = <T>(random: () => number, list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;

const strange: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1, 0.5, 1e-7, 1e21, 1e300, -0, 9_007_199_254_740_992, 1_789_000_003_000],
  ...[
    "",
    " ",
    "0",
    "-1",
    "1e-7",
    "1e300",
    "NaN",
    "null",
    "0x",
    "0x0",
    "0x60000000",
    `0x${"f".repeat(64)}`,
    `0x${"F".repeat(40)}`,
  ],
  ...[
    "9".repeat(80),
    "9".repeat(400),
    "long ".repeat(1_200),
    "\u001b[2J\u001b[31m",
    "\ud83d",
    "__proto__",
    "INVALID OPERATION",
  ],
  ...[[], {}, [null], [[]], { error: "x" }, { __proto__: null }, [{}, {}]],
];

type Container = Record<string, unknown> | unknown[];
const isContainer = (value: unknown): value is Container => value !== null && typeof value === "object";

function places(value: unknown, found: { at: Container; key: string }[] = []): { at: Container; key: string }[] {
  if (!isContainer(value)) return found;
  for (const key of Object.keys(value)) {
    found.push({ at: value, key });
    places((value as Record<string, unknown>)[key], found);
  }
  return found;
}

/** Changes one place below `value`, in place: another value, none, doubled, another type of the same, or swapped. */
export function damage(value: unknown, random: () => number): void {
  const all = places(value);
  if (all.length === 0) return;
  const { at, key } = pick(random, all);
  const record = at as Record<string, unknown>;
  const old = record[key];
  switch (Math.floor(random() * 7)) {
    case 0:
      if (Array.isArray(at)) at.splice(Number(key), 1);
      else delete record[key];
      return;
    case 1:
      if (Array.isArray(at)) at.splice(Number(key), 0, structuredClone(old));
      else record[`${key}2`] = old;
      return;
    case 2:
      record[key] = typeof old === "number" ? String(old) : typeof old === "string" ? Number(old) : [old];
      return;
    case 3: {
      const other = pick(random, all);
      record[key] = structuredClone((other.at as Record<string, unknown>)[other.key]);
      return;
    }
    default:
      record[key] = structuredClone(pick(random, strange));
  }
}

/** Changes one place of a text: cut, a character more, less or another one, or a part twice. */
export function damageText(text: string, random: () => number): string {
  const at = Math.floor(random() * text.length);
  const letter = pick(random, ["0", "9", '"', "{", "}", ",", "-", "\\", "\u0000", "\u001b", "x", "\ufeff"]);
  switch (Math.floor(random() * 5)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + letter + text.slice(at);
    case 2:
      return text.slice(0, at) + text.slice(at + 1);
    case 3:
      return text.slice(0, at) + letter + text.slice(at + 1);
    default:
      return text.slice(0, at) + text.slice(Math.max(0, at - 40));
  }
}
