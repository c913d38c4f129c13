/** The desk against a venue that knows the truth, with a consumer's replica behind it. */
import { flatLevels } from "@slipstream/book/ladder";
import { naiveBook } from "@slipstream/book/naive.testing";
import {
  createReplica,
  onReplicaAnswer,
  onReplicaMessage,
  onReplicaTimer,
  type ReplicaEffect,
} from "@slipstream/book/replica";
import type { MarketEvent } from "@slipstream/polymarket/marketChannel";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  createDesk,
  type Desk,
  type DeskOutput,
  onAskedAgain,
  onDisconnected,
  onEvents,
  onTick,
  onUnreadable,
  track,
} from "./desk.ts";
import { snap, snapAt, tokensToAskAgain } from "./deskAnswers.ts";
import { onRestBook } from "./deskRest.ts";
import type { LevelChange } from "./tokenBook.ts";
import { ask, bid, createVenue, marketOf, NO, START_MS, type Venue, YES } from "./venue.testing.ts";

const C = "7-0";
const numRuns = Number(process.env["FC_RUNS"] ?? 100);

/** Few prices, apart for bids and asks, sometimes finer than the market's tick. */
const change: fc.Arbitrary<LevelChange> = fc
  .tuple(
    fc.boolean(),
    fc.integer({ min: 1, max: 8 }),
    fc.integer({ min: 0, max: 4 }),
    fc.constantFrom(0, 0, 0, 0, 1_000),
  )
  .map(([buys, step, shares, off]) =>
    buys ? bid(step * 10_000 + off, shares) : ask(900_000 + step * 10_000 + off, shares),
  );
const onTickChange: fc.Arbitrary<LevelChange> = change.map((made) => ({
  ...made,
  priceMicro: Math.floor(made.priceMicro / 10_000) * 10_000,
}));

function start(): { venue: Venue; desk: Desk; outputs: DeskOutput[] } {
  const venue = createVenue();
  const desk = createDesk(7, marketOf);
  for (const tokenId of [YES, NO]) track(desk, tokenId, C);
  venue.change(START_MS, bid(50_000, 10), ask(950_000, 20));
  const outputs = onEvents(desk, C, [venue.opening(YES), venue.opening(NO)], START_MS + 40);
  return { venue, desk, outputs };
}

const doubted = (outputs: readonly DeskOutput[]): boolean =>
  outputs.some((output) => output.type === "BookStatus" && output.health !== "healthy");

test("an untouched stream is never doubted, and each moment of it is answered exactly", () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 900 }), fc.array(change, { minLength: 1, maxLength: 3 })), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(steps, (list) => {
      const { venue, desk } = start();
      const naive = naiveBook([bid(50_000, 10), ask(950_000, 20)]);
      const truth = [{ tsMs: START_MS, book: naive.copy() }];
      let tsMs = START_MS;
      for (const [afterMs, changes] of list) {
        tsMs += afterMs;
        const outputs = onEvents(desk, C, [venue.change(tsMs, ...changes)], tsMs + 40);
        expect(doubted([...outputs, ...onTick(desk, tsMs + 45)])).toBe(false);
        for (const each of changes) naive.set(each);
        truth.push({ tsMs, book: naive.copy() });
      }
      for (const { tsMs: at, book } of truth.filter((moment) => moment.tsMs > tsMs - 60_000).slice(0, -1)) {
        const answer = snapAt(desk, YES, at, tsMs);
        const levels = "refused" in answer ? answer.refused : { bids: answer.bids, asks: answer.asks };
        expect(levels).toEqual({ bids: book.flat("BUY"), asks: book.flat("SELL") });
      }
    }),
    { numRuns },
  );
});

test("a dropped frame is detected, unless later ones repair what it did", () => {
  let detected = 0;
  const steps = fc.array(fc.array(onTickChange, { minLength: 1, maxLength: 2 }), { minLength: 8, maxLength: 20 });
  fc.assert(
    fc.property(steps, fc.nat(), (list, pick) => {
      const { venue, desk } = start();
      const dropped = pick % (list.length - 4);
      const outputs: DeskOutput[] = [];
      let tsMs = START_MS;
      let wasEqual = true;
      list.forEach((changes, index) => {
        tsMs += 1_100;
        const event = venue.change(tsMs, ...changes);
        if (index !== dropped) outputs.push(...onEvents(desk, C, [event], tsMs + 40));
        const { bids, asks } = venue.levels(YES);
        const own = snap(desk, YES, tsMs);
        // Equal at each later burst's end: then there is nothing that could be seen.
        if (index > dropped && index < list.length - 1) {
          wasEqual &&= JSON.stringify([own?.bids, own?.asks]) === JSON.stringify([bids, asks]);
        }
      });
      expect(doubted(outputs)).toBe(!wasEqual);
      if (!wasEqual) detected += 1;
    }),
    { numRuns: Math.max(numRuns, 300) },
  );
  expect(detected).toBeGreaterThan(100);
});

type Step =
  | { readonly kind: "frame"; readonly changes: readonly LevelChange[]; readonly lost: boolean }
  | { readonly kind: "fault"; readonly fault: "disconnect" | "unreadable" }
  | { readonly kind: "rest" }
  | { readonly kind: "repeat" };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("frame" as const),
      changes: fc.array(change, { minLength: 1, maxLength: 3 }),
      lost: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("fault" as const),
      fault: fc.constantFrom("disconnect" as const, "unreadable" as const),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: "rest" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "repeat" as const }) },
);

test("a replica that loses messages and asks for snapshots equals the desk whenever it calls itself healthy", () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 5, maxLength: 50 }),
      fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
      (list, losses) => {
        const { venue, desk, outputs: first } = start();
        const replica = createReplica({ tokenId: YES });
        let nowMs = START_MS + 50;
        let deliveries = 0;
        const answer = (effects: readonly ReplicaEffect[]): void => {
          const asked = effects.at(-1)?.asked;
          const snapshot = asked === undefined ? null : snap(desk, YES, nowMs);
          if (asked !== undefined && snapshot !== null) onReplicaAnswer(replica, snapshot, asked, nowMs);
        };
        /** A lost message shows with the next one that arrives, or by the timer. */
        const deliver = (outputs: readonly DeskOutput[], mayLose: boolean): void => {
          for (const output of outputs) {
            if (output.type === "BookClock" || output.tokenId !== YES) continue;
            deliveries += 1;
            const isLost = mayLose && (losses[deliveries % losses.length] ?? false);
            if (!isLost) answer(onReplicaMessage(replica, output, nowMs));
          }
        };
        const compare = (): void => {
          const own = snap(desk, YES, nowMs);
          if (own === null || replica.mode !== "healthy") return;
          if (replica.epoch !== own.epoch || replica.seq !== own.seq) return;
          const { book } = replica.history;
          expect(book === null ? null : flatLevels(book, "BUY")).toEqual(own.bids);
          expect(book === null ? null : flatLevels(book, "SELL")).toEqual(own.asks);
          expect(replica.health).toBe(own.health);
        };
        deliver(first, false);
        answer(onReplicaTimer(replica, nowMs));
        let lastFrame: MarketEvent[] = [];
        for (const made of list) {
          nowMs += 350;
          if (made.kind === "frame") {
            lastFrame = [venue.change(nowMs, ...made.changes)];
            deliver(onEvents(desk, C, lastFrame, nowMs), made.lost);
          } else if (made.kind === "repeat") deliver(onEvents(desk, C, lastFrame, nowMs), false);
          else if (made.kind === "rest") deliver(onRestBook(desk, YES, venue.rest(YES), nowMs), false);
          else if (made.fault === "unreadable") deliver(onUnreadable(desk, C, [YES], nowMs), false);
          else {
            deliver(onDisconnected(desk, C, nowMs), false);
            deliver(onEvents(desk, C, [venue.opening(YES), venue.opening(NO)], nowMs + 10), false);
          }
          compare();
        }
        // At rest: one more change shows whatever was missed, and a REST book ends an open resync.
        nowMs += 3_000;
        deliver(onRestBook(desk, YES, venue.rest(YES), nowMs), false);
        if (tokensToAskAgain(desk).includes(YES)) {
          deliver(onAskedAgain(desk, YES, nowMs), false);
          deliver(onEvents(desk, C, [venue.opening(YES)], nowMs + 1), false);
        }
        deliver(onEvents(desk, C, [venue.change(nowMs + 5, bid(20_000, 99))], nowMs + 5), false);
        nowMs += 3_000;
        answer(onReplicaTimer(replica, nowMs));
        expect([replica.mode, replica.epoch, replica.seq]).toEqual([
          "healthy",
          desk.books.get(YES)?.epoch,
          desk.books.get(YES)?.seq,
        ]);
        compare();
        expect(snap(desk, YES, nowMs)?.bids).toEqual(venue.levels(YES).bids);
      },
    ),
    { numRuns: Math.max(numRuns, 200) },
  );
});
