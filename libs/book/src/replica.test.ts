import type { BookDelta, BookSnapshot, BookStatus, BookUpdate, TradePrint } from "@slipstream/contracts/book";
import { ConditionId, TokenId } from "@slipstream/contracts/ids";
import { type PriceMicro, sharesMicro } from "@slipstream/contracts/money";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isLive } from "./history.ts";
import { bookAt, deltasAfter } from "./historyAnswers.ts";
import { expectEqualBook, levelChange, type NaiveBook, naiveBook } from "./naive.testing.ts";
import {
  compareEpochs,
  createReplica,
  onReplicaLinkLost,
  onReplicaMessage,
  onReplicaTimer,
  quoteTier,
  type Replica,
} from "./replica.ts";

const TICK = 10_000;
const common = {
  v: 1,
  tokenId: TokenId.parse("1"),
  conditionId: ConditionId.parse(`0x${"a1".padStart(64, "0")}`),
  connection: "c1",
} as const;
type At = { epoch?: string; seq: number; tsEventMs?: number };
const stamp = (at: At) => ({ ...common, epoch: "1.0", tsEventMs: 1_000 + at.seq, tsInitMs: 2_000 + at.seq, ...at });

const snapshot = (at: At, bids: number[] = [400_000, 5], asks: number[] = [600_000, 7]): BookSnapshot => ({
  type: "BookSnapshot",
  ...stamp(at),
  tickMicro: TICK as PriceMicro,
  health: "healthy",
  bids,
  asks,
});
const delta = (at: At, bids: number[], asks: number[] = []): BookDelta => ({
  type: "BookDelta",
  ...stamp(at),
  tickMicro: TICK as PriceMicro,
  bids,
  asks,
});
const status = (at: At, health: BookStatus["health"]): BookStatus => ({
  type: "BookStatus",
  ...stamp(at),
  health,
  reason: "test",
  closedMs: null,
});
const print = (at: At): TradePrint => ({
  type: "TradePrint",
  ...stamp(at),
  priceMicro: 600_000 as PriceMicro,
  sizeMicro: sharesMicro(1n),
  side: "BUY",
});

const kinds = (replica: Replica): string[] => {
  const answer = deltasAfter(replica.history, -1);
  return answer.kind === "entries" ? answer.entries.map((entry) => entry.kind) : [answer.kind];
};

/** Feeds messages and returns mode, epoch, seq, kinds of history entries and the reasons of requests. */
function feed(...messages: (BookUpdate | TradePrint)[]) {
  const replica = createReplica({ tokenId: "1" });
  const asked = messages.flatMap((message) => onReplicaMessage(replica, message, 5_000)).map((effect) => effect.reason);
  return { mode: replica.mode, epoch: replica.epoch, seq: replica.seq, entries: kinds(replica), asked };
}

describe("replica", () => {
  test.each<[string, (BookUpdate | TradePrint)[], ReturnType<typeof feed>]>([
    [
      "deltas in order are applied",
      [snapshot({ seq: 0 }), delta({ seq: 1 }, [400_000, 4]), delta({ seq: 2 }, [], [600_000, 0])],
      { mode: "healthy", epoch: "1.0", seq: 2, entries: ["epoch", "level", "level"], asked: [] },
    ],
    [
      "a repeated delta changes nothing",
      [snapshot({ seq: 0 }), delta({ seq: 1 }, [400_000, 4]), delta({ seq: 1 }, [400_000, 9])],
      { mode: "healthy", epoch: "1.0", seq: 1, entries: ["epoch", "level"], asked: [] },
    ],
    [
      "before a book, messages wait for the snapshot and one is asked for",
      [delta({ seq: 3 }, [400_000, 3]), delta({ seq: 4 }, [400_000, 4]), print({ seq: 4 }), snapshot({ seq: 3 })],
      { mode: "healthy", epoch: "1.0", seq: 4, entries: ["epoch", "level", "trade"], asked: ["noBook"] },
    ],
    [
      "a missing delta is a gap and a hole",
      [snapshot({ seq: 0 }), delta({ seq: 2 }, [400_000, 4])],
      { mode: "gap", epoch: "1.0", seq: 0, entries: ["epoch", "hole"], asked: ["missedUpdate"] },
    ],
    [
      "the snapshot that fills a gap is joined to what waited; prints from before it are dropped",
      [
        snapshot({ seq: 0 }),
        delta({ seq: 2 }, [400_000, 4]),
        print({ seq: 2 }),
        delta({ seq: 3 }, [400_000, 3]),
        status({ seq: 4 }, "suspect"),
        delta({ seq: 5 }, [400_000, 5]),
        snapshot({ seq: 3 }, [400_000, 3]),
      ],
      { mode: "healthy", epoch: "1.0", seq: 5, entries: ["epoch", "hole", "epoch", "level"], asked: ["missedUpdate"] },
    ],
    [
      "a snapshot from before the gap is of no use",
      [snapshot({ seq: 0 }), delta({ seq: 2 }, [400_000, 4]), snapshot({ seq: 0 })],
      { mode: "gap", epoch: "1.0", seq: 0, entries: ["epoch", "hole"], asked: ["missedUpdate"] },
    ],
    [
      "a snapshot inside the gap is found too old and asked for again",
      [snapshot({ seq: 0 }), delta({ seq: 5 }, [400_000, 4]), snapshot({ seq: 3 })],
      {
        mode: "gap",
        epoch: "1.0",
        seq: 3,
        entries: ["epoch", "hole", "epoch", "hole"],
        asked: ["missedUpdate", "missedUpdate"],
      },
    ],
    [
      "a delta of a newer epoch waits for its snapshot",
      [snapshot({ seq: 0 }), delta({ epoch: "2.0", seq: 1 }, [400_000, 4]), snapshot({ epoch: "2.0", seq: 0 })],
      { mode: "healthy", epoch: "2.0", seq: 1, entries: ["epoch", "hole", "epoch", "level"], asked: ["newEpoch"] },
    ],
    [
      "an owner who lost the book is ignored",
      [
        snapshot({ epoch: "2.0", seq: 0 }),
        delta({ epoch: "1.9", seq: 1 }, [400_000, 4]),
        snapshot({ epoch: "1.9", seq: 9 }),
      ],
      { mode: "healthy", epoch: "2.0", seq: 0, entries: ["epoch"], asked: [] },
    ],
    [
      "a new epoch's snapshot replaces the book across a hole",
      [snapshot({ seq: 0 }), snapshot({ epoch: "1.1", seq: 0 })],
      { mode: "healthy", epoch: "1.1", seq: 0, entries: ["epoch", "hole", "epoch"], asked: [] },
    ],
    [
      "a refused level is a gap",
      [snapshot({ seq: 0 }), delta({ seq: 1 }, [400_001, 4])],
      { mode: "gap", epoch: "1.0", seq: 0, entries: ["epoch", "hole"], asked: ["refusedUpdate"] },
    ],
    [
      "half a level is refused",
      [snapshot({ seq: 0 }), delta({ seq: 1 }, [400_000])],
      { mode: "gap", epoch: "1.0", seq: 0, entries: ["epoch", "hole"], asked: ["refusedUpdate"] },
    ],
    [
      "a refused snapshot leaves the replica without a book",
      [snapshot({ seq: 0 }, [400_001, 1])],
      { mode: "unknown", epoch: "0.0", seq: -1, entries: [], asked: ["refusedUpdate"] },
    ],
    [
      "a dead book is a hole until it is healthy again, while its changes still arrive",
      [
        snapshot({ seq: 0 }),
        status({ seq: 1 }, "dead"),
        delta({ seq: 2 }, [400_000, 4]),
        print({ seq: 2 }),
        status({ seq: 3 }, "healthy"),
        delta({ seq: 4 }, [400_000, 3]),
      ],
      { mode: "healthy", epoch: "1.0", seq: 4, entries: ["epoch", "hole", "epoch", "level"], asked: [] },
    ],
    [
      "a status may carry the sequence of the update before it",
      [snapshot({ seq: 0 }), status({ seq: 0 }, "suspect"), delta({ seq: 1 }, [400_000, 4])],
      { mode: "healthy", epoch: "1.0", seq: 1, entries: ["epoch", "level"], asked: [] },
    ],
  ])("%s", (_name, messages, expected) => expect(feed(...messages)).toEqual(expected));

  test("the timer asks at once, then again while no answer comes, and not when healthy", () => {
    const replica = createReplica({ tokenId: "1" });
    expect(onReplicaTimer(replica, 1_000)).toEqual([{ kind: "requestSnapshot", tokenId: "1", reason: "noBook" }]);
    expect(onReplicaTimer(replica, 1_499)).toEqual([]);
    expect(onReplicaTimer(replica, 1_500)).toEqual([{ kind: "requestSnapshot", tokenId: "1", reason: "noAnswer" }]);
    onReplicaMessage(replica, snapshot({ seq: 0 }), 1_600);
    expect(onReplicaTimer(replica, 9_000)).toEqual([]);
  });

  test("a half applied delta is not in the history's answers", () => {
    const replica = createReplica({ tokenId: "1" });
    onReplicaMessage(replica, snapshot({ seq: 0 }), 0);
    onReplicaMessage(replica, delta({ seq: 1, tsEventMs: 1_050 }, [400_000, 1, 400_001, 1]), 0);
    expect(bookAt(replica.history, 1_050).kind).toBe("hole");
    const before = bookAt(replica.history, 1_049);
    expect(before.kind === "book" && before.book.bids.count).toBe(1);
  });

  test("epochs are ordered by lease revision, then by number", () => {
    expect(["10.0", "9.12", "9.2", "10.1"].sort(compareEpochs)).toEqual(["9.2", "9.12", "10.0", "10.1"]);
  });

  test.each([
    [2_000, "FRESH"],
    [2_001, "SOFT_STALE"],
    [5_000, "SOFT_STALE"],
    [5_001, "HARD_STALE"],
  ])("a quote of %i ms is %s", (ageMs, tier) => expect(quoteTier(ageMs)).toBe(tier));
});

const event = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("delta" as const), change: levelChange(TICK) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("epoch" as const),
      changes: fc.array(levelChange(TICK), { maxLength: 8 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("status" as const),
      health: fc.constantFrom("healthy", "suspect", "dead"),
    }),
  },
);

test("whatever is lost, repeated or answered late, a healthy replica equals the source at its sequence, and it heals", () => {
  const fate = fc.constantFrom("arrives", "arrives", "arrives", "lost", "twice");
  fc.assert(
    fc.property(fc.array(fc.tuple(event, fate, fc.nat(4)), { maxLength: 80 }), (story) => {
      const source = { book: naiveBook(), n: 0, seq: 0 };
      const past = new Map<string, NaiveBook>();
      const replica = createReplica({ tokenId: "1" });
      const answers: { atStep: number; message: BookSnapshot }[] = [];
      const current = (): BookSnapshot =>
        snapshot({ epoch: `1.${source.n}`, seq: source.seq }, source.book.flat("BUY"), source.book.flat("SELL"));
      const deliver = (message: BookUpdate, step: number, delay: number): void => {
        for (const _ of onReplicaMessage(replica, message, step))
          answers.push({ atStep: step + delay, message: current() });
        if (replica.mode !== "healthy" || replica.history.book === null) return;
        expectEqualBook(
          replica.history.book,
          past.get(`${replica.epoch}/${replica.seq}`) ?? expect.fail("never existed"),
        );
      };
      past.set("1.0/0", source.book.copy());
      for (const [step, [each, how, delay]] of story.entries()) {
        const message = emit(source, each);
        past.set(`1.${source.n}/${source.seq}`, source.book.copy());
        for (const answer of answers.splice(0)) {
          if (answer.atStep > step) answers.push(answer);
          else deliver(answer.message, step, delay);
        }
        for (let n = how === "lost" ? 0 : how === "twice" ? 2 : 1; n > 0; n--) deliver(message, step, delay);
      }
      source.seq += 1;
      past.set(`1.${source.n}/${source.seq}`, source.book.copy());
      deliver(delta({ epoch: `1.${source.n}`, seq: source.seq }, []), 100, 0);
      if (onReplicaTimer(replica, 10_000).length > 0) deliver(current(), 10_000, 0);
      expect([replica.mode, replica.epoch, replica.seq]).toEqual(["healthy", `1.${source.n}`, source.seq]);
      expect(replica.health === "dead").toBe(!isLive(replica.history));
    }),
  );
});

function emit(
  source: { book: NaiveBook; n: number; seq: number },
  each: typeof event extends fc.Arbitrary<infer E> ? E : never,
): BookUpdate {
  if (each.kind === "epoch") {
    source.n += 1;
    source.seq = 0;
    source.book = naiveBook();
    for (const change of each.changes) source.book.set(change);
    return snapshot({ epoch: `1.${source.n}`, seq: 0 }, source.book.flat("BUY"), source.book.flat("SELL"));
  }
  source.seq += 1;
  const at = { epoch: `1.${source.n}`, seq: source.seq };
  if (each.kind === "status") return status(at, each.health);
  source.book.set(each.change);
  const levels = [each.change.priceMicro, each.change.sizeMicro];
  return each.change.side === "BUY" ? delta(at, levels) : delta(at, [], levels);
}

test("a status that loses the book says up to when it stays known", () => {
  const replica = createReplica({ tokenId: "1" });
  onReplicaMessage(replica, snapshot({ seq: 0, tsEventMs: 1_000 }), 5_000);
  onReplicaMessage(replica, { ...status({ seq: 1, tsEventMs: 1_000 }, "resyncing"), knownThroughMs: 3_000 }, 5_000);
  expect([3_000, 3_001].map((ms) => bookAt(replica.history, ms).kind)).toEqual(["book", "hole"]);
});

test("what is lost on the bus after a tick stamped ahead is no proof of the time before it", () => {
  const lose = (by: (replica: Replica) => void): string[] => {
    const replica = createReplica({ tokenId: "1" });
    onReplicaMessage(replica, snapshot({ seq: 0, tsEventMs: 1_000 }), 5_000, 999);
    const tick = { ...delta({ seq: 1, tsEventMs: 9_000 }, []), tickMicro: 1_000 as PriceMicro };
    onReplicaMessage(replica, tick, 5_000, 3_000);
    by(replica);
    return [3_000, 3_001, 8_999].map((ms) => bookAt(replica.history, ms).kind);
  };
  const missed = delta({ seq: 3, tsEventMs: 9_000 }, []);
  expect(lose((replica) => onReplicaMessage(replica, missed, 5_000, 8_000))).toEqual(["book", "hole", "hole"]);
  expect(lose(onReplicaLinkLost)).toEqual(["book", "hole", "hole"]);
  const next = snapshot({ epoch: "1.1", seq: 0, tsEventMs: 9_000 });
  expect(lose((replica) => onReplicaMessage(replica, next, 5_000, 8_000))).toEqual(["book", "hole", "hole"]);
});

test("a lost link is a hole until a snapshot comes, also one that says nothing new", () => {
  const replica = createReplica({ tokenId: "1" });
  onReplicaMessage(replica, snapshot({ seq: 0 }), 5_000);
  onReplicaMessage(replica, delta({ seq: 1 }, [410_000, 3]), 5_000);
  onReplicaLinkLost(replica);
  expect(replica.mode).toBe("unknown");
  expect(onReplicaTimer(replica, 6_000).map(({ reason }) => reason)).toEqual(["noBook"]);
  onReplicaMessage(replica, snapshot({ seq: 1 }, [410_000, 3, 400_000, 5]), 6_010);
  expect({ mode: replica.mode, seq: replica.seq, entries: kinds(replica) }).toEqual({
    mode: "healthy",
    seq: 1,
    entries: ["epoch", "level", "hole", "epoch"],
  });
});
