/**
 * What came before, and what a full book has already. The venue sends messages twice now and then, up to 120 ms apart, and
 * changes from before an opening book up to a second after it (reference §6.3). Neither is told by stamps, which may go
 * back: a message is known by its hash, which covers the whole book after it and its time.
 */
import { checkBookHash } from "@slipstream/book/hash";
import { applyLevel, copyBook, isRefusal } from "@slipstream/book/ladder";
import type { Told } from "./changes.ts";
import { likelyPrices } from "./likelyPrices.ts";
import type { Heard, Opened, Stamped, TokenBook } from "./tokenBook.ts";

/** At 840 frames a second, the most ever seen, repeats are some 100 frames behind: so many at least are remembered. */
const HEARD_MAX = 128;
/** Well above the 120 ms of repeats, and below what a clock that went back needs to come to a time again. */
const REPEAT_MS = 2_000;
/** How long after an opening book changes from before it may come, and by how much they are before it (reference §6.3). */
const BEFORE_OPENING_MS = 1_000;

/** Without a hash a change is known by its time and content. */
const nameOf = ({ tsEventMs, hash, levels }: Told): string =>
  hash !== ""
    ? hash
    : [tsEventMs, ...levels.flatMap(({ side, priceMicro, sizeMicro }) => [side, priceMicro, sizeMicro])].join(" ");

/** True for a message that came a moment ago, unless it is the last one over again, which may be the rest of its burst. */
export function isRepeat({ heard }: TokenBook, told: Told, tsInitMs: number): boolean {
  const name = nameOf(told);
  const before = name === heard.last ? undefined : timesOf(heard, name);
  return before !== undefined && before.tsEventMs === told.tsEventMs && tsInitMs - before.tsInitMs <= REPEAT_MS;
}

export function hear({ heard }: TokenBook, told: Told, tsInitMs: number): void {
  const name = nameOf(told);
  if (name === heard.last) return;
  heard.last = name;
  heard.times.set(name, { tsEventMs: told.tsEventMs, tsInitMs });
  if (heard.times.size < HEARD_MAX) return;
  heard.before = heard.times;
  heard.times = new Map();
}

const timesOf = ({ times, before }: Heard, name: string) => times.get(name) ?? before.get(name);

/** True when the stream has told a message with this hash. */
export const wasHeard = ({ heard }: TokenBook, { hash }: Stamped): boolean =>
  hash !== "" && timesOf(heard, hash) !== undefined;

export const openedNow = ({ tsEventMs, hash }: Stamped, tsInitMs: number): Opened => ({
  ...{ tsEventMs, hash, untilMs: tsInitMs + BEFORE_OPENING_MS, held: [], wasApplied: false },
});

/** What comes of a change after an opening book: what is to be applied, and whether something was that the book has. */
export type AfterOpening = { readonly apply: readonly Told[]; readonly wasInside: boolean };

/**
 * Which changes are to be applied after an opening book, now that one more has come.
 * - One that carries the book's hash is inside it, and with it everything before.
 * - For a second, one stamped up to a second before the book is inside it. One stamped earlier is not: the venue's clock went
 *   back.
 * - Those of the book's own millisecond may be inside it or come after it: they are held until the book with them has the
 *   hash of the last one, or that of the opening book comes. Where hashes cannot be reckoned they come after.
 * - Any other comes after it.
 */
export function afterOpening(book: TokenBook, told: Told, tsInitMs: number): AfterOpening {
  const { opened } = book;
  if (opened === null) return { apply: [told], wasInside: false };
  const { held } = opened;
  if (told.hash !== "" && told.hash === opened.hash) {
    book.opened = { ...opened, held: [] };
    return { apply: [], wasInside: opened.wasApplied };
  }
  const beforeMs = opened.tsEventMs - told.tsEventMs;
  const isSoon = tsInitMs < opened.untilMs;
  if (isSoon && beforeMs > 0 && beforeMs <= BEFORE_OPENING_MS) return { apply: [], wasInside: false };
  if (!isSoon || beforeMs !== 0) book.opened = null;
  else if (book.market === null || told.hash === "") book.opened = { ...opened, held: [], wasApplied: true };
  else {
    const all = [...held, told];
    const isAfter = fitsAfter(book, all);
    book.opened = isAfter ? { ...opened, held: [], wasApplied: true } : { ...opened, held: all };
    return { apply: isAfter ? all : [], wasInside: false };
  }
  const wereAfter = held.length > 0 && !fitsAfter(book, [told]) && fitsAfter(book, [...held, told]);
  return { apply: wereAfter ? [...held, told] : [told], wasInside: false };
}

/** True when nothing has told in time whether changes of the opening book's own millisecond are inside it. */
export const isOpeningOpen = ({ opened, joining }: TokenBook, tsInitMs: number): boolean =>
  opened !== null && joining === null && opened.held.length > 0 && tsInitMs >= opened.untilMs;

/** True when the book, with all these changes, has the hash of the last one. */
function fitsAfter(book: TokenBook, changes: readonly Told[]): boolean {
  const { history, market } = book;
  const last = changes.at(-1);
  if (history.book === null || market === null || last === undefined) return false;
  const copy = copyBook(history.book);
  for (const { levels } of changes) {
    for (const { side, priceMicro, sizeMicro } of levels) {
      if (isRefusal(applyLevel(copy, side, priceMicro, sizeMicro))) return false;
    }
  }
  const { tsEventMs, hash: expected } = last;
  const lastTradePrices = likelyPrices(book);
  return checkBookHash({ book: copy, market, tsEventMs, expected, lastTradePrices, search: "given" }).kind === "match";
}
