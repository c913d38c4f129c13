/**
 * Book changes applied, history included, beside bare JSON.parse of the same frames (what any reader pays before it does
 * anything) and beside the two usual ways to keep a book: a Map sorted when asked, and sorted arrays.
 * Run: npm run bench. Generated flow: 40 levels a side, changes near the touch, two tokens per frame as the venue sends.
 */
import { createHistory, openEpoch, recordLevel } from "../libs/book/src/history.ts";
import { bookAt } from "../libs/book/src/historyAnswers.ts";
import { bestAsk, bestBid, copyBook } from "../libs/book/src/ladder.ts";
import { createMarketParser } from "../libs/polymarket/src/marketChannel.ts";
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

function newHistory(tokenId = TOKEN) {
  const history = createHistory({ tokenId });
  openEpoch(history, { epoch: "1.0", seq: 0, tsEventMs: 0, tickMicro: TICK, bids: [], asks: [] });
  return history;
}

function withLadder(changes: readonly Change[]): void {
  const history = newHistory();
  const { book } = history;
  if (book === null) return;
  let seq = 0;
  for (const { tsMs, side, priceMicro, sizeMicro } of changes) {
    seq += 1;
    recordLevel(history, { seq, tsEventMs: tsMs }, side, priceMicro, sizeMicro);
    sink += (bestBid(book) ?? 0) + (bestAsk(book) ?? 0);
  }
}

/** What bookstore does with a frame before it publishes: text to integers, both tokens' ladders, both histories. */
function parseAndApply(frames: readonly string[]): void {
  const parser = createMarketParser();
  const histories = new Map<string, ReturnType<typeof newHistory>>();
  for (const tokenId of [TOKEN, SIBLING]) histories.set(tokenId, newHistory(tokenId));
  const stamp = { seq: 0, tsEventMs: 0 };
  for (const frame of frames) {
    for (const event of parser.parse(frame).events) {
      if (event.kind !== "priceChange") continue;
      stamp.seq += 1;
      stamp.tsEventMs = event.tsEventMs;
      for (const { tokenId, side, priceMicro, sizeMicro } of event.changes) {
        const history = histories.get(tokenId);
        if (history !== undefined) recordLevel(history, stamp, side, priceMicro, sizeMicro);
      }
    }
  }
  if (parser.counts.scanned !== frames.length) throw new Error("a frame was not of the known form");
  for (const { book } of histories.values()) sink += book === null ? 0 : (bestBid(book) ?? 0) + (bestAsk(book) ?? 0);
}

function withMap(changes: readonly Change[]): void {
  const sides = { BUY: new Map<number, number>(), SELL: new Map<number, number>() };
  for (const { side, priceMicro, sizeMicro } of changes) {
    if (sizeMicro === 0) sides[side].delete(priceMicro);
    else sides[side].set(priceMicro, sizeMicro);
    sink += [...sides.BUY.keys()].sort((a, b) => b - a)[0] ?? 0;
    sink += [...sides.SELL.keys()].sort((a, b) => a - b)[0] ?? 0;
  }
}

function withSortedArrays(changes: readonly Change[]): void {
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
}

const isBetter = (side: Side, a: number, b: number): boolean => (side === "BUY" ? a > b : a < b);
const perSecond = (value: number): string => `${Math.round(value / 1_000).toLocaleString("en")} k/s`;
const row = (name: string, ours: number, floor: number): BenchRow => ({
  name,
  ours: perSecond(ours),
  floor: perSecond(floor),
  ratio: ours / floor,
});

/** Rates are changes per second; `ratio` above 1 is faster than the floor or peer. */
export async function run(): Promise<BenchRow[]> {
  const { changes, frames } = generate();
  let parse = 0;
  let whole = 0;
  // In turns, so that other work on the machine slows both down or neither.
  for (let turn = 0; turn < TURNS; turn++) {
    parse = Math.max(
      parse,
      rate(FRAMES * 2, () => {
        for (const frame of frames) sink += JSON.parse(frame).price_changes.length;
      }),
    );
    whole = Math.max(
      whole,
      rate(FRAMES * 2, () => parseAndApply(frames)),
    );
  }
  const ladder = rate(FRAMES, () => withLadder(changes));
  const map = rate(FRAMES, () => withMap(changes));
  const arrays = rate(FRAMES, () => withSortedArrays(changes));
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
    row("book: apply with history, against bare JSON.parse of the frames", ladder, parse),
    row("book: apply with history, against a Map sorted per question", ladder, map),
    row("book: apply with history, against sorted arrays without history", ladder, arrays),
    row("book: the book 300 ms ago, against a bare copy of the live one", asked(300), copies),
    row("book: the book 60 s ago, against a bare copy of the live one", asked(60_000), copies),
  ];
}
