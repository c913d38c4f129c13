/** Losses that nothing on the stream or on the bus tells by itself. */
import { askedNow, createReplica, onReplicaAnswer, onReplicaMessage } from "@slipstream/book/replica";
import type { BookUpdate } from "@slipstream/contracts/book";
import type { TokenId } from "@slipstream/contracts/ids";
import { beforeEach, expect, test } from "vitest";
import { createDesk, type Desk, type DeskOutput, onEvents, onPong, onTick, tellAgain, track } from "./desk.ts";
import { snap, snapAt } from "./deskAnswers.ts";
import { onRestBook } from "./deskRest.ts";
import { ask, bid, createVenue, marketOf, NO, START_MS, type Venue, YES } from "./venue.testing.ts";

const C = "7-0";
let venue: Venue;
let desk: Desk;

const reasons = (outputs: readonly DeskOutput[]): string[] =>
  outputs.flatMap((output) => (output.type === "BookStatus" ? [`${output.health}: ${output.reason}`] : []));
const updatesOf = (tokenId: TokenId, outputs: readonly DeskOutput[]): BookUpdate[] =>
  outputs.flatMap((output) =>
    output.type !== "BookClock" && output.type !== "TradePrint" && output.tokenId === tokenId ? [output] : [],
  );

beforeEach(() => {
  venue = createVenue();
  desk = createDesk(7, marketOf);
  for (const tokenId of [YES, NO]) track(desk, tokenId, C);
  venue.change(START_MS, bid(400_000, 10), ask(600_000, 20));
  onEvents(desk, C, [venue.opening(YES), venue.opening(NO)], START_MS + 40);
});

test("a market that is silent on the stream and busy at the venue is found by REST and what the connection proves", () => {
  venue.change(START_MS + 1_000, bid(410_000, 5));
  expect(onRestBook(desk, YES, venue.rest(YES), START_MS + 1_100, "audit")).toEqual([]);
  // It changes on and on: REST's newest change is never old.
  venue.change(START_MS + 1_900, bid(420_000, 5));
  onPong(desk, C, START_MS + 2_400, START_MS + 2_410);
  expect(reasons(onTick(desk, START_MS + 2_420))).toEqual([]);
  onPong(desk, C, START_MS + 3_000, START_MS + 3_010);
  expect(reasons(onTick(desk, START_MS + 3_020))).toEqual(["resyncing: stream behind REST"]);
});

test("a change that REST had first and the stream told then is nothing", () => {
  const late = venue.change(START_MS + 1_000, bid(410_000, 5));
  expect(onRestBook(desk, YES, venue.rest(YES), START_MS + 1_100, "audit")).toEqual([]);
  onEvents(desk, C, [late], START_MS + 1_600);
  onPong(desk, C, START_MS + 9_000, START_MS + 9_010);
  expect(reasons(onTick(desk, START_MS + 9_020))).toEqual([]);
});

test("a print that overtakes changes proves nothing of them, and past books are exact all the same", () => {
  const first = venue.change(START_MS + 100, bid(410_000, 5));
  const late = venue.change(START_MS + 300, ask(590_000, 5));
  onEvents(desk, C, [first], START_MS + 140);
  const print = venue.trade(YES, START_MS + 500, { side: "BUY", priceMicro: 590_000, sizeMicro: 1 });
  const clocks = onEvents(desk, C, [print], START_MS + 540).filter(({ type }) => type === "BookClock");
  expect(clocks).toEqual([]);
  onEvents(desk, C, [late], START_MS + 900);
  onPong(desk, C, START_MS + 3_000, START_MS + 3_010);
  expect(snapAt(desk, YES, START_MS + 299, START_MS + 3_010)).toMatchObject({ asks: [600_000, 20_000_000] });
  expect(snapAt(desk, YES, START_MS + 300, START_MS + 3_010)).toMatchObject({
    asks: [590_000, 5_000_000, 600_000, 20_000_000],
  });
});

test.each([
  [0, "healthy"],
  [1, "gap"],
  [2, "gap"],
] as const)("after %i updates were lost on a bus that was away, the next word leaves a consumer %s", (lost, mode) => {
  const replica = createReplica({ tokenId: YES });
  const hear = (outputs: readonly DeskOutput[]): void => {
    for (const update of updatesOf(YES, outputs)) onReplicaMessage(replica, update, START_MS);
  };
  const book = snap(desk, YES, START_MS) ?? expect.fail("no book");
  onReplicaAnswer(replica, book, askedNow(replica), START_MS);
  for (let n = 1; n <= lost; n += 1) {
    onEvents(desk, C, [venue.change(START_MS + n * 10, bid(410_000, n))], START_MS + n * 10);
  }
  hear(tellAgain(desk, START_MS + 500));
  expect(replica.mode).toBe(mode);
});
