/**
 * What a book costs: many books of 60 levels with the history of a minute, by what the process takes for them after a
 * collection, beside the 200 KB that a tracked book may take. Run: npm run bench memory.
 *
 * Flow: 20 updates a second of one level each, which is busy (recorded sports markets have 1.5 a second and token), for
 * three minutes, so that the minute kept has been filled and dropped from.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type BookHistory, createHistory, openEpoch, recordLevel } from "../libs/book/src/history.ts";
import { bookAt } from "../libs/book/src/historyAnswers.ts";
import { levelCount } from "../libs/book/src/ladder.ts";
import type { BenchRow } from "./run.ts";

const BOOKS = 300;
const LEVELS_A_SIDE = 30;
const UPDATES_A_SECOND = 20;
const SECONDS = 180;
const BYTES_ALLOWED = 200_000;
const START_MS = 1_790_000_000_000;

// As by `--expose-gc`, which a benchmark started with others cannot ask for.
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function usedBytes(): number {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function busyBook(n: number, tickMicro: number, midMicro: number): BookHistory {
  const history = createHistory({ tokenId: String(n) });
  const bids = Array.from({ length: LEVELS_A_SIDE }, (_, away) => [midMicro - away * tickMicro, 1e6]).flat();
  const asks = Array.from({ length: LEVELS_A_SIDE }, (_, away) => [midMicro + (away + 1) * tickMicro, 1e6]).flat();
  openEpoch(history, { epoch: "1.0", seq: 0, tsEventMs: START_MS, tickMicro, bids, asks });
  for (let update = 1; update <= UPDATES_A_SECOND * SECONDS; update++) {
    const at = { seq: update, tsEventMs: START_MS + (update * 1_000) / UPDATES_A_SECOND };
    const away = update % LEVELS_A_SIDE;
    if (update % 2 === 0) recordLevel(history, at, "BUY", midMicro - away * tickMicro, update * 1e6);
    else recordLevel(history, at, "SELL", midMicro + (away + 1) * tickMicro, update * 1e6);
  }
  return history;
}

function measure(tickMicro: number, midMicro: number): BenchRow {
  const before = usedBytes();
  const books = Array.from({ length: BOOKS }, (_, n) => busyBook(n, tickMicro, midMicro));
  const each = (usedBytes() - before) / BOOKS;
  for (const history of books) {
    const isWhole = bookAt(history, history.lastTsMs - 60_000).kind === "book";
    const { book } = history;
    if (!isWhole || book === null || levelCount(book, "BUY") !== LEVELS_A_SIDE)
      throw new Error("not the book measured");
  }
  return {
    name: `memory: a book at tick ${tickMicro / 1e6} around ${midMicro / 1e6}, 60 levels, 60 s`,
    ours: `${Math.round(each / 1_000)} KB`,
    floor: `${BYTES_ALLOWED / 1_000} KB`,
    ratio: each / BYTES_ALLOWED,
  };
}

/** `ratio` below 1 is within what is allowed. */
export async function run(): Promise<BenchRow[]> {
  return [
    measure(10_000, 500_000),
    measure(5_000, 500_000),
    measure(2_500, 500_000),
    measure(1_000, 500_000),
    measure(100, 500_000),
    measure(100, 980_000),
  ];
}
