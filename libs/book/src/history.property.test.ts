/** A history of anything that can happen to a book, against full copies of it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type BookHistory,
  createHistory,
  lastPosition,
  openEpoch,
  openHole,
  recordLevel,
  recordSnapshot,
  recordTrade,
  resumeEpoch,
} from "./history.ts";
import { bookAfter, bookAt, deltasAfter } from "./historyAnswers.ts";
import { flatLevels } from "./ladder.ts";
import { expectEqualBook, levelChange, type NaiveBook, naiveBook, side, size } from "./naive.testing.ts";

const TICK = 10_000;
const change = levelChange(TICK);

/** Venue time usually stands still or moves on, and sometimes steps back. */
const step = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 50 }), fc.integer({ min: -5, max: -1 }));
const action = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant("level" as const), step, change }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("trade" as const), step, side, size }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("snapshot" as const), step, changes: fc.array(change) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("epoch" as const), step, changes: fc.array(change) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("hole" as const), step, proven: fc.option(fc.nat(20)) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("resume" as const), step }) },
);
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;

/** The same history as full copies: a state per change with the time from which it held, null where nothing is known. */
type NaiveHistory = {
  readonly states: { readonly fromMs: number; readonly book: NaiveBook | null }[];
  book: NaiveBook | null;
  live: boolean;
  /** When what is known since the last hole began. */
  liveFromMs: number;
  lastMs: number;
};
const naiveHistory = (): NaiveHistory => ({ states: [], book: null, live: false, liveFromMs: 0, lastMs: 0 });

function stamp(naive: NaiveHistory, tsMs: number): number {
  naive.lastMs = Math.max(naive.lastMs, tsMs);
  return naive.lastMs;
}

function addState(naive: NaiveHistory, tsMs: number): void {
  naive.states.push({ fromMs: stamp(naive, tsMs), book: naive.book?.copy() ?? null });
}

function addHole(naive: NaiveHistory, provenThroughMs: number | null): void {
  if (!naive.live) return;
  naive.live = false;
  // What was known of the time before stays known.
  const end = Math.max(provenThroughMs ?? naive.lastMs - 1, naive.liveFromMs - 1);
  stamp(naive, end + 1);
  // May begin before states recorded earlier, and wins over them: their time may be incomplete.
  naive.states.push({ fromMs: end + 1, book: null });
}

/** Undefined: before everything. Null: nobody knows. */
const naiveAt = (naive: NaiveHistory, tsMs: number): NaiveBook | null | undefined =>
  naive.states.findLast((state) => state.fromMs <= tsMs)?.book;

function play(history: BookHistory, naive: NaiveHistory, actions: readonly Action[]): void {
  let nowMs = 1_000;
  for (const [index, each] of actions.entries()) {
    nowMs += each.step;
    playOne(history, naive, each, { seq: index, tsEventMs: nowMs });
  }
}

function playOne(
  history: BookHistory,
  naive: NaiveHistory,
  each: Action,
  at: { seq: number; tsEventMs: number },
): void {
  switch (each.kind) {
    case "level": {
      if (naive.book === null) return;
      const { side: on, priceMicro, sizeMicro } = each.change;
      recordLevel(history, at, on, priceMicro, sizeMicro);
      const isChange = naive.book.sizeAt(on, priceMicro) !== sizeMicro;
      naive.book.set(each.change);
      if (naive.live && isChange) addState(naive, at.tsEventMs);
      return;
    }
    case "trade":
      // Moves no time: what comes after it may have happened before it.
      recordTrade(history, at, each.side, TICK, each.size);
      return;
    case "snapshot": {
      if (naive.book === null) return;
      const next = naiveBook(each.changes);
      const result = recordSnapshot(history, at, next.flat("BUY"), next.flat("SELL"));
      naive.book = next;
      if (naive.live && result === "changed") addState(naive, at.tsEventMs);
      return;
    }
    case "epoch": {
      const next = naiveBook(each.changes);
      const opening = { ...at, epoch: `1.${at.seq}`, tickMicro: TICK, bids: next.flat("BUY"), asks: next.flat("SELL") };
      openEpoch(history, opening);
      addHole(naive, null);
      naive.book = next;
      naive.live = true;
      addState(naive, at.tsEventMs);
      naive.liveFromMs = naive.lastMs;
      return;
    }
    case "hole":
      openHole(history, each.proven === null ? undefined : at.tsEventMs + each.proven);
      addHole(naive, each.proven === null ? null : at.tsEventMs + each.proven);
      return;
    case "resume":
      if (naive.book === null || naive.live) return;
      resumeEpoch(history, { ...at, epoch: `1.${at.seq}` });
      naive.live = true;
      addState(naive, at.tsEventMs);
      naive.liveFromMs = naive.lastMs;
  }
}

function naiveFrom(book: Parameters<typeof flatLevels>[0]): NaiveBook {
  const naive = naiveBook();
  for (const on of ["BUY", "SELL"] as const) {
    const flat = flatLevels(book, on);
    for (let at = 0; at < flat.length; at += 2) naive.of(on).set(flat[at] ?? 0, flat[at + 1] ?? 0);
  }
  return naive;
}

describe("book history against full copies", () => {
  test("bookAt is exact at every millisecond, or says that it does not know", () => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 1, maxLength: 60 }), (actions) => {
        const history = createHistory({ tokenId: "1" });
        const naive = naiveHistory();
        play(history, naive, [{ kind: "epoch", step: 0, changes: [] }, ...actions]);
        for (let ms = 990; ms <= naive.lastMs + 5; ms++) {
          const expected = naiveAt(naive, ms);
          const answer = bookAt(history, ms);
          if (expected === undefined) expect(answer).toEqual({ kind: "tooOld", oldestTsMs: 1_000 });
          else if (expected === null) expect(answer).toEqual({ kind: "hole" });
          else if (answer.kind === "book") expectEqualBook(answer.book, expected);
          else expect.fail(`the book at ${ms} is known, got ${answer.kind}`);
        }
      }),
    );
  });

  test("with little memory it answers the same or tooOld, and everything within the retention when entries suffice", () => {
    fc.assert(
      fc.property(
        fc.array(action, { minLength: 30, maxLength: 150 }),
        fc.integer({ min: 0, max: 300 }),
        fc.constantFrom(0, 300, 1_000, 100_000),
        (actions, retentionMs, bytesMax) => {
          const history = createHistory({ tokenId: "1", retentionMs, bytesMax });
          const naive = naiveHistory();
          play(history, naive, [{ kind: "epoch", step: 0, changes: [] }, ...actions]);
          const opened = actions.filter((each) => each.kind === "epoch" || each.kind === "resume").length;
          for (let ms = Math.max(990, naive.lastMs - 400); ms <= naive.lastMs + 2; ms++) {
            const answer = bookAt(history, ms);
            const expected = naiveAt(naive, ms);
            const isKept = bytesMax === 100_000 && ms >= naive.lastMs - retentionMs && ms >= 1_000 && opened < 15;
            if (answer.kind === "tooOld") expect(isKept && expected !== null).toBe(false);
            else if (answer.kind === "book") expectEqualBook(answer.book, expected ?? expect.fail("not known"));
            else expect([answer.kind, expected]).toEqual(["hole", null]);
          }
        },
      ),
    );
  });

  test("entries applied to the book before them give the book after them, at every position", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), fc.constantFrom(1_000, 100_000), (actions, bytesMax) => {
        const history = createHistory({ tokenId: "1", bytesMax });
        play(history, naiveHistory(), [{ kind: "epoch", step: 0, changes: [] }, ...actions]);
        const oldest = deltasAfter(history, -1);
        const from = oldest.kind === "tooOld" ? oldest.oldestPosition - 1 : -1;
        const answer = deltasAfter(history, from);
        if (answer.kind !== "entries") return expect.fail("the oldest position named can be read");
        expect(answer.entries.at(-1)?.position).toBe(lastPosition(history));
        const start = bookAfter(history, from);
        let naive = start.kind === "book" ? naiveFrom(start.book) : null;
        for (const entry of answer.entries) {
          const after = bookAfter(history, entry.position);
          if (entry.kind === "hole") naive = null;
          if (entry.kind === "epoch" && after.kind === "book") {
            expect(after.epoch).toBe(entry.epoch);
            naive = naiveFrom(after.book);
          }
          if (entry.kind === "level") {
            expect(naive?.sizeAt(entry.side, entry.priceMicro)).toBe(entry.beforeMicro);
            naive?.set(entry);
          }
          if (naive === null) expect(after).toEqual({ kind: "hole" });
          else if (after.kind === "book") expectEqualBook(after.book, naive);
          else expect.fail(`the book after ${entry.position} is known, got ${after.kind}`);
        }
      }),
    );
  });
});

test("a full book of the same epoch is taken in whatever order its levels come", () => {
  const changes = fc.array(change, { maxLength: 30 });
  fc.assert(
    fc.property(changes, changes, fc.nat(2), fc.infiniteStream(fc.nat()), (before, after, way, random) => {
      const [old, next] = [naiveBook(before), naiveBook(after)];
      const history = createHistory({ tokenId: "1" });
      const opening = { epoch: "1.0", seq: 0, tsEventMs: 1_000, tickMicro: TICK };
      openEpoch(history, { ...opening, bids: old.flat("BUY"), asks: old.flat("SELL") });
      const ordered = (on: "BUY" | "SELL"): number[] => {
        const levels = next.sorted(on);
        if (way === 1) levels.reverse();
        if (way === 2) levels.sort(() => ((random.next().value ?? 0) % 2) - 0.5);
        // A level of nothing is no level.
        return [...levels, ...(way === 2 ? [[5 * TICK, 0]] : [])].flat();
      };
      const hasGone = way === 2 && (next.sizeAt("BUY", 5 * TICK) > 0 || next.sizeAt("SELL", 5 * TICK) > 0);
      fc.pre(!hasGone);
      const result = recordSnapshot(history, { seq: 1, tsEventMs: 1_001 }, ordered("BUY"), ordered("SELL"));
      const isEqual =
        JSON.stringify([old.flat("BUY"), old.flat("SELL")]) === JSON.stringify([next.flat("BUY"), next.flat("SELL")]);
      expect(result).toBe(isEqual ? "unchanged" : "changed");
      if (history.book === null) return expect.fail("a book is open");
      expectEqualBook(history.book, next);
      const past = bookAt(history, 1_000);
      if (past.kind !== "book") return expect.fail("the book before is known");
      expectEqualBook(past.book, old);
    }),
  );
});
