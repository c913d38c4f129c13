/**
 * Book changes applied, history included, beside bare JSON.parse of the same frames (what any reader pays before it does
 * anything) and beside the two usual ways to keep a book: a Map sorted when asked, and sorted arrays. All of them must
 * end with the same books.
 * Run: npm run bench book. Generated flow: 40 levels a side, changes near the touch, two tokens per frame as the venue
 * sends. The frames of sample tapes too, and of recordings where there are any (SLIPSTREAM_SAMPLES).
 */
import { deepStrictEqual } from "node:assert/strict";
import { createHistory, openEpoch, recordLevel, recordSnapshot } from "../libs/book/src/history.ts";
import { bookAt } from "../libs/book/src/historyAnswers.ts";
import { bestAsk, bestBid, copyBook, flatLevels } from "../libs/book/src/ladder.ts";
import { createMarketParser } from "../libs/polymarket/src/marketChannel.ts";
import { framesOf, sampleTapes } from "../libs/testkit/src/samples.ts";
import type { BenchRow } from "./run.ts";

type Side = "BUY" | "SELL";
type Change = { readonly tsMs: number; readonly side: Side; readonly priceMicro: number; readonly sizeMicro: number };

const FRAMES = 100_000;
const ROUNDS = 5;
const TURNS = 3;
const QUESTIONS = 10_000;
const TICK = 10_000;
const MID = 500_000;
const TOKEN = "114602688616062054693464639818826590702731982636255124778328943187816056373369";
const SIBLING = "112222077780534073126353733665449794547376835979729917699348268168151417239731";

/** A linear congruential generator: the same flow in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** One change per frame and token, 20 a second; most near the touch, a third of them remove their level. */
function generate(): { changes: Change[]; frames: string[] } {
  const random = seeded(7);
  const changes: Change[] = [];
  const frames: string[] = [];
  for (let n = 0; n < FRAMES; n++) {
    const side: Side = random() < 0.5 ? "BUY" : "SELL";
    const away = 1 + Math.floor(40 * random() ** 2);
    const priceMicro = side === "BUY" ? MID - away * TICK : MID + away * TICK;
    const sizeMicro = random() < 0.33 ? 0 : Math.floor(random() * 500_000) * 10_000;
    const tsMs = 1_700_000_000_000 + n * 50;
    changes.push({ tsMs, side, priceMicro, sizeMicro });
    frames.push(frameOf({ tsMs, side, priceMicro, sizeMicro }));
  }
  // As a socket delivers them: flat strings, not ropes of the generator.
  return { changes, frames: JSON.parse(JSON.stringify(frames)) as string[] };
}

function frameOf({ tsMs, side, priceMicro, sizeMicro }: Change): string {
  const entry = (token: string, at: number, of: Side): string =>
    `{"asset_id":"${token}","price":"${at / 1e6}","size":"${sizeMicro / 1e6}","side":"${of}",` +
    `"hash":"f35c20fd9045b659d967d11ed00670b641b29642","best_bid":"0.49","best_ask":"0.51"}`;
  const sibling = entry(SIBLING, 1_000_000 - priceMicro, side === "BUY" ? "SELL" : "BUY");
  return (
    `{"market":"0xd23bf61367002265932ce5ae32052aac970c889da8518a2487b5e8a5f1e0693b",` +
    `"price_changes":[${entry(TOKEN, priceMicro, side)},${sibling}],"timestamp":"${tsMs}","event_type":"price_change"}`
  );
}

let sink = 0;

/** Best of some rounds, in operations per second: the machine's other work only ever slows a round down. */
function rate(operations: number, round: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let n = 0; n < ROUNDS; n++) {
    const from = performance.now();
    round();
    best = Math.min(best, performance.now() - from);
  }
  return (operations / best) * 1_000;
}

type History = ReturnType<typeof createHistory>;
/** Flat levels of both sides by token, best first: what every way must end with. */
type Books = Record<string, readonly (readonly number[])[]>;

function newHistory(tokenId = TOKEN, tickMicro = TICK): History {
  const history = createHistory({ tokenId });
  openEpoch(history, { epoch: "1.0", seq: 0, tsEventMs: 0, tickMicro, bids: [], asks: [] });
  return history;
}

const levelsOf = ({ book }: History): readonly (readonly number[])[] =>
  book === null ? [] : [flatLevels(book, "BUY"), flatLevels(book, "SELL")];

function withLadder(changes: readonly Change[]): Books {
  const history = newHistory();
  const { book } = history;
  if (book === null) return {};
  let seq = 0;
  for (const { tsMs, side, priceMicro, sizeMicro } of changes) {
    seq += 1;
    recordLevel(history, { seq, tsEventMs: tsMs }, side, priceMicro, sizeMicro);
    sink += (bestBid(book) ?? 0) + (bestAsk(book) ?? 0);
  }
  return { [TOKEN]: levelsOf(history) };
}

/** What bookstore does with a frame before it publishes: text to integers, both tokens' ladders, both histories. */
function parseAndApply(frames: readonly string[], tickMicro = TICK, parser = createMarketParser()): Books {
  const histories = new Map<string, History>();
  const stamp = { seq: 0, tsEventMs: 0 };
  const historyOf = (tokenId: string): History => {
    const history = histories.get(tokenId) ?? newHistory(tokenId, tickMicro);
    histories.set(tokenId, history);
    return history;
  };
  for (const frame of frames) {
    for (const event of parser.parse(frame).events) {
      stamp.seq += 1;
      stamp.tsEventMs = event.tsEventMs ?? stamp.tsEventMs;
      if (event.kind === "book") {
        const history = histories.get(event.tokenId) ?? createHistory({ tokenId: event.tokenId });
        const { bids, asks } = event;
        if (history.book === null) openEpoch(history, { ...stamp, epoch: "1.0", tickMicro, bids, asks });
        else recordSnapshot(history, stamp, bids, asks);
        histories.set(event.tokenId, history);
      }
      if (event.kind !== "priceChange") continue;
      for (const { tokenId, side, priceMicro, sizeMicro } of event.changes) {
        recordLevel(historyOf(tokenId), stamp, side, priceMicro, sizeMicro);
      }
    }
  }
  for (const { book } of histories.values()) sink += book === null ? 0 : (bestBid(book) ?? 0) + (bestAsk(book) ?? 0);
  return Object.fromEntries([...histories].map(([tokenId, history]) => [tokenId, levelsOf(history)]));
}

type Wire = {
  readonly price_changes: readonly { asset_id: string; side: Side; price: string; size: string }[];
};

/** The usual reader: JSON.parse, numbers from texts, a Map of prices per side. */
function parseToMaps(frames: readonly string[]): Books {
  const books = new Map<string, MapBook>();
  for (const frame of frames) {
    for (const { asset_id, side, price, size } of (JSON.parse(frame) as Wire).price_changes) {
      const book = books.get(asset_id) ?? { BUY: new Map<number, number>(), SELL: new Map<number, number>() };
      books.set(asset_id, book);
      setInMap(book, side, Math.round(Number(price) * 1e6), Math.round(Number(size) * 1e6));
    }
  }
  return Object.fromEntries([...books].map(([tokenId, book]) => [tokenId, levelsOfMap(book)]));
}

type MapBook = Record<Side, Map<number, number>>;

function setInMap(book: MapBook, side: Side, priceMicro: number, sizeMicro: number): void {
  if (sizeMicro === 0) book[side].delete(priceMicro);
  else book[side].set(priceMicro, sizeMicro);
}

const levelsOfMap = ({ BUY, SELL }: MapBook): number[][] => [
  [...BUY].sort(([a], [b]) => b - a).flat(),
  [...SELL].sort(([a], [b]) => a - b).flat(),
];

function withMap(changes: readonly Change[]): Books {
  const book: MapBook = { BUY: new Map(), SELL: new Map() };
  for (const { side, priceMicro, sizeMicro } of changes) {
    setInMap(book, side, priceMicro, sizeMicro);
    sink += [...book.BUY.keys()].sort((a, b) => b - a)[0] ?? 0;
    sink += [...book.SELL.keys()].sort((a, b) => a - b)[0] ?? 0;
  }
  return { [TOKEN]: levelsOfMap(book) };
}

function withSortedArrays(changes: readonly Change[]): Books {
  const sides = { BUY: [] as { price: number; size: number }[], SELL: [] as { price: number; size: number }[] };
  for (const { side, priceMicro, sizeMicro } of changes) {
    const levels = sides[side];
    let at = 0;
    while (at < levels.length && isBetter(side, levels[at]?.price ?? 0, priceMicro)) at += 1;
    const isThere = levels[at]?.price === priceMicro;
    if (sizeMicro === 0) {
      if (isThere) levels.splice(at, 1);
    } else levels.splice(at, isThere ? 1 : 0, { price: priceMicro, size: sizeMicro });
    sink += (sides.BUY[0]?.price ?? 0) + (sides.SELL[0]?.price ?? 0);
  }
  const flat = (levels: readonly { price: number; size: number }[]): number[] =>
    levels.flatMap(({ price, size }) => [price, size]);
  return { [TOKEN]: [flat(sides.BUY), flat(sides.SELL)] };
}

const isBetter = (side: Side, a: number, b: number): boolean => (side === "BUY" ? a > b : a < b);
const perSecond = (value: number): string => `${Math.round(value / 1_000).toLocaleString("en")} k/s`;
const row = (name: string, ours: number, floor: number): BenchRow => ({
  name,
  ours: perSecond(ours),
  floor: perSecond(floor),
  ratio: ours / floor,
});

/** Both in turns, so that other work on the machine slows both down or neither. */
function inTurns(operations: number, ours: () => void, floor: () => void): [number, number] {
  let best: [number, number] = [0, 0];
  for (let turn = 0; turn < TURNS; turn++) {
    best = [Math.max(best[0], rate(operations, ours)), Math.max(best[1], rate(operations, floor))];
  }
  return best;
}

const parseBare = (frames: readonly string[]): void => {
  for (const frame of frames) sink += JSON.parse(frame).price_changes?.length ?? 0;
};

/** The same on the frames of tapes, which are arrays, full books and prints too; a finer ladder takes any price. */
function recordedRows(): BenchRow[] {
  return sampleTapes.map((tape) => {
    const frames = framesOf(tape).flatMap(({ d }) => (d.trim() === "" ? [] : [d]));
    // Each lap with books of its own: the times of a tape told twice go back.
    const parser = createMarketParser();
    const laps = Math.ceil(10_000 / frames.length);
    const [ours, floor] = inTurns(
      laps * frames.length,
      () => {
        for (let lap = 0; lap < laps; lap++) parseAndApply(frames, 1_000, parser);
      },
      () => {
        for (let lap = 0; lap < laps; lap++) parseBare(frames);
      },
    );
    return row(`book: frames of ${tape.name.slice(0, 14)}…, against bare JSON.parse`, ours, floor);
  });
}

/** Rates are changes per second, of recordings frames; `ratio` above 1 is faster than the floor or peer. */
export async function run(): Promise<BenchRow[]> {
  const { changes, frames } = generate();
  const books = parseAndApply(frames);
  deepStrictEqual(parseToMaps(frames), books);
  for (const other of [withLadder, withMap, withSortedArrays]) {
    deepStrictEqual(other(changes), { [TOKEN]: books[TOKEN] });
  }
  const [whole, parse] = inTurns(
    FRAMES * 2,
    () => void parseAndApply(frames),
    () => parseBare(frames),
  );
  const maps = rate(FRAMES * 2, () => void parseToMaps(frames));
  const ladder = rate(FRAMES, () => void withLadder(changes));
  const map = rate(FRAMES, () => void withMap(changes));
  const arrays = rate(FRAMES, () => void withSortedArrays(changes));
  const history = newHistory();
  for (const [seq, { tsMs, side, priceMicro, sizeMicro }] of changes.entries()) {
    recordLevel(history, { seq, tsEventMs: tsMs }, side, priceMicro, sizeMicro);
  }
  const asked = (ms: number): number =>
    rate(QUESTIONS, () => {
      for (let n = 0; n < QUESTIONS; n++) sink += bookAt(history, history.lastTsMs - ms).kind.length;
    });
  const { book } = history;
  const copies = rate(QUESTIONS, () => {
    for (let n = 0; n < QUESTIONS && book !== null; n++) sink += copyBook(book).tickMicro;
  });
  if (sink === 0) throw new Error("the benchmark did nothing");
  return [
    row("book: parse + apply + history, against bare JSON.parse of the same bytes", whole, parse),
    row("book: parse + apply + history, against JSON.parse into Maps", whole, maps),
    row("book: apply with history, against bare JSON.parse of the frames", ladder, parse),
    row("book: apply with history, against a Map sorted per question", ladder, map),
    row("book: apply with history, against sorted arrays without history", ladder, arrays),
    row("book: the book 300 ms ago, against a bare copy of the live one", asked(300), copies),
    row("book: the book 60 s ago, against a bare copy of the live one", asked(60_000), copies),
    ...recordedRows(),
  ];
}
