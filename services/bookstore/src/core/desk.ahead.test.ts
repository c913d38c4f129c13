/** Stamps ahead of the newest time, and what a PONG has proved: the book at a time, here and at whoever follows it. */
import type { BookHistory } from "@slipstream/book/history";
import { bookAt } from "@slipstream/book/historyAnswers";
import { levelCount } from "@slipstream/book/ladder";
import { askedNow, createReplica, onReplicaAnswer, type Replica } from "@slipstream/book/replica";
import { hearPublished } from "@slipstream/book/replica.testing";
import type { MarketEvent } from "@slipstream/polymarket/marketChannel";
import { beforeEach, describe, expect, test } from "vitest";
import {
  createDesk,
  type Desk,
  type DeskOutput,
  onDisconnected,
  onEvents,
  onPong,
  onTick,
  onUnreadable,
  onUnreadableFrame,
  track,
} from "./desk.ts";
import { snap } from "./deskAnswers.ts";
import { ask, bid, conditionId, createVenue, marketOf, NO, START_MS, type Venue, YES } from "./venue.testing.ts";

const C = "7-0";
let venue: Venue;
let desk: Desk;
/** Follows YES from its first book on. */
let replica: Replica;

const hear = (follower: Replica, outputs: readonly DeskOutput[]): void => {
  for (const output of outputs) {
    if (output.type !== "BookClock" && output.tokenId === YES) hearPublished(follower, output, START_MS);
  }
};
const take = (ms: number, ...events: MarketEvent[]): DeskOutput[] => {
  const outputs = onEvents(desk, C, events, START_MS + ms);
  hear(replica, outputs);
  return outputs;
};
const tick = (ms: number, newTickMicro: number): MarketEvent => {
  const common = { kind: "tickSizeChange", tokenId: YES, conditionId, oldTickMicro: 10_000 } as const;
  return { ...common, newTickMicro: newTickMicro as never, tsEventMs: START_MS + ms };
};
const resolved = (ms: number): MarketEvent => ({
  ...{ kind: "marketResolved", conditionId, tokenIds: [YES, NO], winningTokenId: YES, winningOutcome: "Yes" },
  tsEventMs: START_MS + ms,
});
const historyOf = (): BookHistory => desk.books.get(YES)?.history ?? expect.fail("the book is tracked");
/** What is known at these times: the tick and the number of asks, or why nothing is. */
const at = (history: BookHistory, ...times: number[]): string[] =>
  times.map((ms) => {
    const answer = bookAt(history, START_MS + ms);
    return answer.kind === "book" ? `${answer.tickMicro} ${levelCount(answer.book, "SELL")}` : answer.kind;
  });
const both = (...times: number[]): string[][] => [at(historyOf(), ...times), at(replica.history, ...times)];

beforeEach(() => {
  venue = createVenue();
  desk = createDesk(7, marketOf);
  replica = createReplica({ tokenId: YES });
  for (const tokenId of [YES, NO]) track(desk, tokenId, C);
  venue.change(START_MS, bid(400_000, 10), ask(600_000, 20));
  take(0, venue.opening(YES), venue.opening(NO));
  take(100, venue.change(START_MS + 100, ask(610_000, 5)));
});

describe("a tick stamped ahead", () => {
  test("is not in the book of who joins after it, from before its time", () => {
    take(200, tick(500, 1_000));
    const late = createReplica({ tokenId: YES });
    const now = snap(desk, YES, START_MS + 210) ?? expect.fail("there is a book");
    onReplicaAnswer(late, now, askedNow(late), START_MS);
    take(300, venue.change(START_MS + 300, ask(620_000, 5)));
    expect(at(late.history, 300, 499, 500)).toEqual(["tooOld", "tooOld", "1000 2"]);
    expect(both(300, 499, 500)).toEqual([
      ["10000 2", "10000 2", "1000 3"],
      ["10000 2", "10000 2", "1000 3"],
    ]);
  });

  test("in a hole leaves the time up to it unknown, also for who follows", () => {
    hear(replica, onUnreadable(desk, C, [YES], START_MS + 110));
    take(200, tick(500, 10_000));
    take(300, venue.opening(YES));
    for (const told of both(99, 100, 499, 500)) expect(told).toEqual(["10000 1", "hole", "hole", "10000 2"]);
  });

  test.each([
    ["a connection that is lost", () => onDisconnected(desk, C, START_MS + 300)],
    ["a message that cannot be read", () => onUnreadable(desk, C, [YES], START_MS + 300)],
    ["a frame that cannot be read", () => onUnreadableFrame(desk, C, START_MS + 300)],
  ])("proves nothing of the time before it: after %s the book is known up to the watermark", (_name, lose) => {
    take(200, tick(500, 1_000));
    hear(replica, lose());
    for (const told of both(99, 100, 499)) expect(told).toEqual(["10000 1", "hole", "hole"]);
  });

  test("in a frame that cannot be read, the same tick again: the proof of the book is none from before it", () => {
    hear(replica, onUnreadableFrame(desk, C, START_MS + 110));
    take(200, tick(500, 10_000));
    take(210, venue.change(START_MS + 210, ask(620_000, 5)));
    hear(replica, onTick(desk, START_MS + 3_000));
    for (const told of both(99, 499, 500)) expect(told).toEqual(["10000 1", "hole", "10000 3"]);
  });
});

test("a quiet book that is lost stays known up to what a PONG proved, also for who follows", () => {
  hear(replica, onPong(desk, C, START_MS + 5_000, START_MS + 5_010));
  const { watermarkMs } = desk.connections.get(C) ?? expect.fail("the connection is known");
  const provenMs = watermarkMs - START_MS;
  expect(provenMs).toBeGreaterThan(100);
  hear(replica, onDisconnected(desk, C, START_MS + 5_100));
  for (const told of both(provenMs, provenMs + 1)) expect(told).toEqual(["10000 2", "hole"]);
});

test.each([
  ["a full book", (): MarketEvent => venue.afterTrade(YES, START_MS + 150)],
  ["a change", (): MarketEvent => venue.change(START_MS + 150, ask(630_000, 5))],
  ["a tick", () => tick(150, 1_000)],
])("%s that comes after a PONG proved its time changes nothing that may be decided", (_name, late) => {
  onPong(desk, C, START_MS + 5_000, START_MS + 5_010);
  const provenMs = (desk.connections.get(C)?.watermarkMs ?? 0) - START_MS;
  const before = both(150, provenMs);
  venue.change(START_MS + 140, ask(620_000, 5));
  const outputs = take(5_100, late());
  expect(both(150, provenMs)).toEqual(before);
  expect(outputs[0]).toMatchObject({ type: "BookDelta", tsEventMs: START_MS + provenMs + 1 });
});

describe("a tick that nothing else tells of", () => {
  test("that a price between the steps tells whose level is what it was: who follows has it", () => {
    const event = venue.change(START_MS + 200, ask(620_000, 5));
    const { changes } = venue.change(START_MS + 200, ask(625_000, 0));
    take(200, { ...event, changes: [...changes, ...event.changes] });
    take(300, venue.change(START_MS + 300, bid(415_000, 0)));
    for (const told of both(199, 200, 300)) expect(told).toEqual(["10000 2", "5000 3", "5000 3"]);
    expect(replica.mode).toBe("healthy");
  });

  test("that a later full book names beside levels that differ: both are told, in their order", () => {
    venue.change(START_MS + 200, ask(620_000, 5));
    const outputs = take(200, { ...venue.afterTrade(YES, START_MS + 200), tickMicro: 1_000 as never } as MarketEvent);
    expect(outputs.map((output) => ("seq" in output ? output.seq : ""))).toEqual([2, 3, ""]);
    for (const told of both(199, 200)) expect(told).toEqual(["10000 2", "1000 3"]);
    expect(replica.mode).toBe("healthy");
  });
});

describe("a closing", () => {
  test("that is told again with an earlier time is earlier, also for who follows; with a later one it is not", () => {
    for (const ms of [500, 400, 450]) take(200, resolved(ms));
    expect([historyOf().closedTsMs, replica.history.closedTsMs]).toEqual([START_MS + 400, START_MS + 400]);
  });

  test("is the last that its connection tells of the market: no book that comes after it ends the hole before it", () => {
    hear(replica, onUnreadable(desk, C, [YES], START_MS + 110));
    take(200, resolved(500));
    expect(take(210, venue.opening(YES)).map(({ type }) => type)).toEqual([]);
    for (const told of both(99, 100, 499)) expect(told).toEqual(["10000 1", "hole", "hole"]);
    expect(desk.books.get(YES)?.health).toBe("dead");
  });

  test("is not moved by a tick that is stamped ahead of it", () => {
    take(200, tick(500, 1_000));
    take(210, resolved(400));
    expect([historyOf().closedTsMs, replica.history.closedTsMs]).toEqual([START_MS + 400, START_MS + 400]);
  });
});
