import type { BookSnapshot, BookUpdate, TradePrint } from "@slipstream/contracts/book";
import { TokenId } from "@slipstream/contracts/ids";
import type { PriceMicro } from "@slipstream/contracts/money";
import { describe, expect, test } from "vitest";
import { bookAt, deltasAfter } from "./historyAnswers.ts";
import { bestAsk } from "./ladder.ts";
import { delta, print, snapshot, status } from "./replica.testing.ts";
import {
  askedNow,
  compareEpochs,
  createReplica,
  onReplicaAnswer,
  onReplicaLinkLost,
  onReplicaMessage,
  onReplicaRefused,
  onReplicaTimer,
  type Replica,
  type ReplicaEffect,
} from "./replica.ts";

const kinds = (replica: Replica): string[] => {
  const answer = deltasAfter(replica.history, -1);
  return answer.kind === "entries" ? answer.entries.map((entry) => entry.kind) : [answer.kind];
};

type Said = BookUpdate | TradePrint | { readonly answer: BookSnapshot; readonly isLate: boolean };
/** The answer to the newest question, and to one from before everything. */
const answer = (...of: Parameters<typeof snapshot>): Said => ({ answer: snapshot(...of), isLate: false });
const lateAnswer = (...of: Parameters<typeof snapshot>): Said => ({ answer: snapshot(...of), isLate: true });

/** Feeds messages and answers, and returns mode, epoch, seq, kinds of history entries and the reasons of requests. */
function feed(...said: Said[]) {
  const replica = createReplica({ tokenId: "1" });
  const first = askedNow(replica);
  let asked = first;
  const effects: ReplicaEffect[] = [];
  for (const one of said) {
    const more =
      "answer" in one
        ? onReplicaAnswer(replica, one.answer, one.isLate ? first : asked, 5_000)
        : onReplicaMessage(replica, one, 5_000);
    asked = more.at(-1)?.asked ?? asked;
    effects.push(...more);
  }
  const reasons = effects.map(({ reason }) => reason);
  return { mode: replica.mode, epoch: replica.epoch, seq: replica.seq, entries: kinds(replica), asked: reasons };
}

describe("replica", () => {
  test.each<[string, Said[], ReturnType<typeof feed>]>([
    [
      "deltas in order are applied",
      [answer({ seq: 0 }), delta({ seq: 1 }, [400_000, 4]), delta({ seq: 2 }, [], [600_000, 0])],
      { mode: "healthy", epoch: "1.0", seq: 2, entries: ["epoch", "level", "level"], asked: [] },
    ],
    [
      "a second delta of one sequence changes nothing and is doubted",
      [answer({ seq: 0 }), delta({ seq: 1 }, [400_000, 4]), delta({ seq: 1 }, [400_000, 9])],
      { mode: "gap", epoch: "1.0", seq: 1, entries: ["epoch", "level", "hole"], asked: ["doubledUpdate"] },
    ],
    [
      "a delta from before the answer that it was built on changes nothing",
      [answer({ seq: 2 }), delta({ seq: 1 }, [400_000, 9])],
      { mode: "healthy", epoch: "1.0", seq: 2, entries: ["epoch"], asked: [] },
    ],
    [
      "before a book, messages wait for the snapshot and one is asked for",
      [delta({ seq: 3 }, [400_000, 3]), delta({ seq: 4 }, [400_000, 4]), print({ seq: 4 }), answer({ seq: 3 })],
      { mode: "healthy", epoch: "1.0", seq: 4, entries: ["epoch", "level", "trade"], asked: ["noBook"] },
    ],
    [
      "a missing delta is a gap and a hole",
      [answer({ seq: 0 }), delta({ seq: 2 }, [400_000, 4])],
      { mode: "gap", epoch: "1.0", seq: 0, entries: ["epoch", "hole"], asked: ["missedUpdate"] },
    ],
    [
      "the snapshot that fills a gap is joined to what waited; prints from before it are dropped",
      [
        answer({ seq: 0 }),
        delta({ seq: 2 }, [400_000, 4]),
        print({ seq: 2 }),
        delta({ seq: 3 }, [400_000, 3]),
        status({ seq: 4 }, "suspect"),
        delta({ seq: 5 }, [400_000, 5]),
        answer({ seq: 3 }, [400_000, 3]),
      ],
      { mode: "healthy", epoch: "1.0", seq: 5, entries: ["epoch", "hole", "epoch", "level"], asked: ["missedUpdate"] },
    ],
    [
      "a snapshot from before the gap is of no use",
      [answer({ seq: 0 }), delta({ seq: 2 }, [400_000, 4]), lateAnswer({ seq: 0 })],
      { mode: "gap", epoch: "1.0", seq: 0, entries: ["epoch", "hole"], asked: ["missedUpdate"] },
    ],
    [
      "a snapshot inside the gap is found too old and asked for again",
      [answer({ seq: 0 }), delta({ seq: 5 }, [400_000, 4]), lateAnswer({ seq: 3 })],
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
      [answer({ seq: 0 }), delta({ epoch: "2.0", seq: 1 }, [400_000, 4]), lateAnswer({ epoch: "2.0", seq: 0 })],
      { mode: "healthy", epoch: "2.0", seq: 1, entries: ["epoch", "hole", "epoch", "level"], asked: ["newEpoch"] },
    ],
    [
      "an owner who lost the book is ignored",
      [
        answer({ epoch: "2.0", seq: 0 }),
        delta({ epoch: "1.9", seq: 1 }, [400_000, 4]),
        snapshot({ epoch: "1.9", seq: 9 }),
      ],
      { mode: "healthy", epoch: "2.0", seq: 0, entries: ["epoch"], asked: [] },
    ],
    [
      "a new epoch's snapshot is asked for, and the answer replaces the book across a hole",
      [answer({ seq: 0 }), snapshot({ epoch: "1.1", seq: 0 }), answer({ epoch: "1.1", seq: 0 })],
      { mode: "healthy", epoch: "1.1", seq: 0, entries: ["epoch", "hole", "epoch"], asked: ["newEpoch"] },
    ],
    [
      "a refused level is a gap",
      [answer({ seq: 0 }), delta({ seq: 1 }, [400_001, 4])],
      { mode: "gap", epoch: "1.0", seq: 0, entries: ["epoch", "hole"], asked: ["refusedUpdate"] },
    ],
    [
      "half a level is refused",
      [answer({ seq: 0 }), delta({ seq: 1 }, [400_000])],
      { mode: "gap", epoch: "1.0", seq: 0, entries: ["epoch", "hole"], asked: ["refusedUpdate"] },
    ],
    [
      "a refused snapshot leaves the replica without a book",
      [answer({ seq: 0 }, [400_001, 1])],
      { mode: "unknown", epoch: "0.0", seq: -1, entries: [], asked: ["refusedUpdate"] },
    ],
    [
      "a dead book is a hole until it is healthy again, while its changes still arrive",
      [
        answer({ seq: 0 }),
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
      [answer({ seq: 0 }), status({ seq: 0 }, "suspect"), delta({ seq: 1 }, [400_000, 4])],
      { mode: "healthy", epoch: "1.0", seq: 1, entries: ["epoch", "level"], asked: [] },
    ],
  ])("%s", (_name, messages, expected) => expect(feed(...messages)).toEqual(expected));

  test("the timer asks at once, then again while no answer comes, and not when healthy", () => {
    const replica = createReplica({ tokenId: "1" });
    expect(onReplicaTimer(replica, 1_000)).toMatchObject([{ kind: "requestSnapshot", tokenId: "1", reason: "noBook" }]);
    expect(onReplicaTimer(replica, 1_499)).toEqual([]);
    expect(onReplicaTimer(replica, 1_500)).toMatchObject([{ tokenId: "1", reason: "noAnswer" }]);
    onReplicaAnswer(replica, snapshot({ seq: 0 }), askedNow(replica), 1_600);
    expect(onReplicaTimer(replica, 9_000)).toEqual([]);
  });

  test("a half applied delta is not in the history's answers", () => {
    const replica = createReplica({ tokenId: "1" });
    onReplicaAnswer(replica, snapshot({ seq: 0 }), askedNow(replica), 0);
    onReplicaMessage(replica, delta({ seq: 1, tsEventMs: 1_050 }, [400_000, 1, 400_001, 1]), 0);
    expect(bookAt(replica.history, 1_050).kind).toBe("hole");
    const before = bookAt(replica.history, 1_049);
    expect(before.kind === "book" && before.book.bids.count).toBe(1);
  });

  test("epochs are ordered by lease revision, then by number", () => {
    expect(["10.0", "9.12", "9.2", "10.1"].sort(compareEpochs)).toEqual(["9.2", "9.12", "10.0", "10.1"]);
  });
});

describe("what the bookstore did not say", () => {
  const forgedAsks = [20_000, 900_000_000];
  const forged: [string, BookUpdate | TradePrint][] = [
    ["a book of a far epoch", snapshot({ epoch: "999999.0", seq: 0 }, [], forgedAsks)],
    ["a book of the next epoch", snapshot({ epoch: "1.1", seq: 0 }, [], forgedAsks)],
    ["a book of the running epoch", snapshot({ seq: 7 }, [], forgedAsks)],
    ["a delta of a far epoch", delta({ epoch: "999999.0", seq: 1 }, [], forgedAsks)],
    ["a far sequence", delta({ seq: 900_000 }, [], forgedAsks)],
    ["a delta of a sequence that was there", delta({ seq: 1 }, [], forgedAsks)],
    ["a print of a far epoch", print({ epoch: "999999.0", seq: 0 })],
    ["a book of another token", { ...snapshot({ epoch: "2.0", seq: 0 }, [], forgedAsks), tokenId: TokenId.parse("2") }],
  ];
  test.each(forged)("%s is not in the book, and the next real change is", (_name, message) => {
    const replica = createReplica({ tokenId: "1" });
    onReplicaAnswer(replica, snapshot({ seq: 0 }), askedNow(replica), 0);
    onReplicaMessage(replica, delta({ seq: 1 }, [400_000, 4]), 0);
    const truth = snapshot({ seq: 1 }, [400_000, 4]);
    for (const effect of onReplicaMessage(replica, message, 0)) {
      expect(replica.mode).toBe("gap");
      expect(onReplicaAnswer(replica, truth, effect.asked, 0)).toEqual([]);
    }
    onReplicaMessage(replica, delta({ seq: 2 }, [410_000, 3]), 0);
    const { book } = replica.history;
    expect({
      mode: replica.mode,
      at: `${replica.epoch}/${replica.seq}`,
      best: book === null ? null : bestAsk(book),
    }).toEqual({ mode: "healthy", at: "1.0/2", best: 600_000 });
  });

  test("the next sequence is found with the real one, or with the next answer", () => {
    for (const told of [
      (replica: Replica) => onReplicaMessage(replica, delta({ seq: 1 }, [400_000, 4]), 0),
      (replica: Replica) => onReplicaAnswer(replica, snapshot({ seq: 0 }), askedNow(replica), 0),
    ]) {
      const replica = createReplica({ tokenId: "1" });
      onReplicaAnswer(replica, snapshot({ seq: 0 }), askedNow(replica), 0);
      onReplicaMessage(replica, delta({ seq: 1 }, [], forgedAsks), 0);
      for (const effect of told(replica)) onReplicaAnswer(replica, snapshot({ seq: 1 }, [400_000, 4]), effect.asked, 0);
      const { book } = replica.history;
      expect({ mode: replica.mode, best: book === null ? null : bestAsk(book) }).toEqual({
        mode: "healthy",
        best: 600_000,
      });
    }
  });

  test("a book that was published while the bookstore had none is asked for at once", () => {
    const replica = createReplica({ tokenId: "1" });
    const [first] = onReplicaTimer(replica, 1_000);
    expect(onReplicaMessage(replica, snapshot({ seq: 0 }), 1_001)).toEqual([]);
    const again = onReplicaRefused(replica, first?.asked ?? expect.fail("not asked"), 1_002);
    expect(again).toMatchObject([{ reason: "newEpoch" }]);
    expect(onReplicaRefused(replica, again[0]?.asked ?? expect.fail("not asked"), 1_003)).toEqual([]);
    expect(onReplicaMessage(replica, snapshot({ seq: 0 }), 1_004)).toMatchObject([{ reason: "noBook" }]);
  });
});

test("a status that loses the book says up to when it stays known", () => {
  const replica = createReplica({ tokenId: "1" });
  onReplicaAnswer(replica, snapshot({ seq: 0, tsEventMs: 1_000 }), askedNow(replica), 5_000);
  onReplicaMessage(replica, { ...status({ seq: 1, tsEventMs: 1_000 }, "resyncing"), knownThroughMs: 3_000 }, 5_000);
  expect([3_000, 3_001].map((ms) => bookAt(replica.history, ms).kind)).toEqual(["book", "hole"]);
});

test("what is lost on the bus after a tick stamped ahead is no proof of the time before it", () => {
  const lose = (by: (replica: Replica) => void): string[] => {
    const replica = createReplica({ tokenId: "1" });
    onReplicaAnswer(replica, snapshot({ seq: 0, tsEventMs: 1_000 }), askedNow(replica), 5_000, 999);
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
  onReplicaAnswer(replica, snapshot({ seq: 0 }), askedNow(replica), 5_000);
  onReplicaMessage(replica, delta({ seq: 1 }, [410_000, 3]), 5_000);
  onReplicaLinkLost(replica);
  expect(replica.mode).toBe("unknown");
  expect(onReplicaTimer(replica, 6_000).map(({ reason }) => reason)).toEqual(["noBook"]);
  onReplicaAnswer(replica, snapshot({ seq: 1 }, [410_000, 3, 400_000, 5]), askedNow(replica), 6_010);
  expect({ mode: replica.mode, seq: replica.seq, entries: kinds(replica) }).toEqual({
    mode: "healthy",
    seq: 1,
    entries: ["epoch", "level", "hole", "epoch"],
  });
});

describe("a status that the bookstore did not send", () => {
  const built = () => {
    const replica = createReplica({ tokenId: "1" });
    onReplicaAnswer(replica, snapshot({ seq: 4 }), askedNow(replica), 5_000);
    return replica;
  };
  test("of the sequence of the answer ends no book: the answer has it", () => {
    const replica = built();
    expect(onReplicaMessage(replica, { ...status({ seq: 4 }, "dead"), closedMs: 500 }, 5_000)).toEqual([]);
    expect([replica.health, replica.history.closedTsMs]).toEqual(["healthy", null]);
  });
  test("of a sequence that was told already is doubted", () => {
    const replica = built();
    onReplicaMessage(replica, delta({ seq: 5 }, [410_000, 3]), 5_000);
    const effects = onReplicaMessage(replica, status({ seq: 5 }, "dead"), 5_000);
    expect([replica.health, replica.mode, effects[0]?.reason]).toEqual(["healthy", "gap", "doubledUpdate"]);
  });
  test("that closed the market is taken back by the answer", () => {
    const replica = built();
    onReplicaMessage(replica, { ...status({ seq: 5 }, "dead"), closedMs: 500 }, 5_000);
    const [asked] = onReplicaMessage(replica, delta({ seq: 5 }, [410_000, 3]), 5_000);
    if (asked === undefined) throw new Error("nothing was asked");
    onReplicaAnswer(replica, { ...snapshot({ seq: 5 }), closedMs: null }, asked.asked, 5_000);
    expect([replica.mode, replica.health, replica.history.closedTsMs]).toEqual(["healthy", "healthy", null]);
  });
});

test("who asks after the market's end learns of it with the book", () => {
  const replica = createReplica({ tokenId: "1" });
  onReplicaAnswer(replica, { ...snapshot({ seq: 4 }), closedMs: 900 }, askedNow(replica), 5_000);
  expect(replica.history.closedTsMs).toBe(900);
  // The next owner of the book was not there when it was told.
  onReplicaAnswer(replica, { ...snapshot({ epoch: "2.0", seq: 0 }), closedMs: null }, askedNow(replica), 5_000);
  expect(replica.history.closedTsMs).toBe(900);
});
