/**
 * A venue that knows the truth, a stream with stamps that are none and with messages of strangers, and a REST that lies: a
 * book that is called healthy is the venue's, as of the frames that came, at every look.
 */
import type { TokenId } from "@slipstream/contracts/ids";
import { createMarketParser, type PriceChangeEvent } from "@slipstream/polymarket/marketChannel";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  createDesk,
  type Desk,
  type DeskOutput,
  onAskedAgain,
  onDisconnected,
  onEvents,
  onPong,
  onTick,
  track,
} from "./desk.ts";
import { doubtedTokens, snap, tokensToAskAgain, tokensWithoutBook } from "./deskAnswers.ts";
import { onNoRestBook, onRestBook } from "./deskRest.ts";
import { onRefused } from "./refusals.ts";
import type { FullBook, LevelChange } from "./tokenBook.ts";
import {
  ask,
  bid,
  conditionId,
  createVenue,
  ghostOf,
  marketOf,
  NO,
  START_MS,
  type Venue,
  YES,
} from "./venue.testing.ts";

const C = "7-0";
const DAY_MS = 86_400_000;
const TOKENS = [YES, NO] as const;
const numRuns = Number(process.env["FC_RUNS"] ?? 300);

const foreign = `0x${"77".repeat(32)}`;
const strangers: readonly unknown[] = [
  "INVALID OPERATION",
  { error: "invalid" },
  null,
  { event_type: "new_market", market: 5, assets_ids: null, timestamp: "x" },
  { event_type: "market_resolved", market: foreign, assets_ids: ["5"], winning_asset_id: 1 },
  { event_type: "last_trade_price", market: conditionId, asset_id: YES, timestamp: "1", price: "x" },
  { event_type: "price_change", market: foreign, timestamp: "9999999999999", price_changes: [{ asset_id: "5" }] },
  {
    ...{ event_type: "price_change", market: foreign, timestamp: String(START_MS + DAY_MS) },
    price_changes: [{ asset_id: "5", price: "0.5", size: "1", side: "BUY", hash: "aa", best_bid: "", best_ask: "" }],
  },
];

const change: fc.Arbitrary<LevelChange> = fc
  .tuple(fc.boolean(), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 4 }))
  .map(([buys, step, shares]) => (buys ? bid(step * 10_000, shares) : ask(900_000 + step * 10_000, shares)));
const which = fc.constantFrom(0 as const, 1 as const);

type Step = { readonly dtMs: number } & (
  | {
      readonly kind: "change";
      readonly levels: readonly LevelChange[];
      /** What its stamp is off by; "spoiled": only the stamp, its hash is of the right one. */
      readonly offMs: number;
      readonly isSpoiled: boolean;
      readonly fate: "whole" | "unreadable" | "nameless" | "twice";
    }
  /** The venue's clock from now on. */
  | { readonly kind: "clock"; readonly offMs: number }
  | { readonly kind: "stranger"; readonly n: number }
  | { readonly kind: "repeat" | "afterTrade" | "bestPrices" | "pong" | "disconnect" | "tick"; readonly token: 0 | 1 }
  | {
      readonly kind: "rest";
      readonly token: 0 | 1;
      readonly says: "truth" | "older" | "ghost" | "spoiled" | "nothing";
      readonly agoMs: number;
    }
  | { readonly kind: "again"; readonly token: 0 | 1; readonly missed: readonly LevelChange[] }
);

const dtMs = fc.constantFrom(1, 20, 120, 300, 700, 1_100, 2_100);
const levels = fc.array(change, { minLength: 1, maxLength: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({
      kind: fc.constant("change" as const),
      dtMs,
      levels,
      offMs: fc.constantFrom(0, 0, 0, 0, 0, -50, -700, 30_000, -30_000, DAY_MS, -DAY_MS),
      isSpoiled: fc.boolean(),
      fate: fc.constantFrom("whole", "whole", "whole", "whole", "twice", "unreadable", "nameless"),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("clock" as const),
      dtMs,
      offMs: fc.constantFrom(0, -3_000, -20_000, 900),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("stranger" as const), dtMs, n: fc.nat(strangers.length - 1) }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constantFrom("repeat", "afterTrade", "bestPrices", "pong", "tick", "tick", "disconnect"),
      dtMs,
      token: which,
    }),
  },
  {
    weight: 14,
    arbitrary: fc.record({
      kind: fc.constant("rest" as const),
      dtMs,
      token: which,
      says: fc.constantFrom("truth", "truth", "older", "ghost", "ghost", "spoiled", "nothing"),
      agoMs: fc.constantFrom(DAY_MS, 20_000, 1_000, 0, -500, -DAY_MS),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("again" as const),
      dtMs,
      token: which,
      missed: fc.array(change, { maxLength: 2 }),
    }),
  },
);

class World {
  readonly venue: Venue = createVenue({ tickMicro: 10_000 });
  readonly desk: Desk = createDesk(7, marketOf);
  nowMs = START_MS;
  clockMs = 0;
  last: PriceChangeEvent | null = null;
  lastMs = 0;
  readonly older = new Map<TokenId, FullBook>();
  healthy = 0;
  looks = 0;

  constructor() {
    for (const tokenId of TOKENS) track(this.desk, tokenId, C);
    this.venue.change(START_MS, bid(50_000, 10), ask(950_000, 20));
    this.nowMs = START_MS + 40;
    this.opens(...TOKENS);
  }

  hear(_outputs: readonly DeskOutput[]): void {
    for (const tokenId of TOKENS) {
      const book = snap(this.desk, tokenId, this.nowMs);
      this.looks += 1;
      if (book?.health !== "healthy") continue;
      this.healthy += 1;
      expect({ bids: book.bids, asks: book.asks }, tokenId).toEqual(this.venue.levels(tokenId));
    }
  }

  send(...events: Parameters<typeof onEvents>[2]): void {
    this.hear(onEvents(this.desk, C, events, this.nowMs));
  }

  changed({ levels: changes, offMs, isSpoiled, fate }: Step & { kind: "change" }): void {
    for (const tokenId of TOKENS) this.older.set(tokenId, this.venue.rest(tokenId));
    const rightMs = this.nowMs - 40 + this.clockMs;
    const made = this.venue.change(isSpoiled ? rightMs : rightMs + offMs, ...changes);
    const event = { ...made, tsEventMs: rightMs + offMs };
    if (fate === "whole" || fate === "twice") this.send(event);
    else {
      const concerns = fate === "unreadable" ? "named" : "anyBook";
      const refusal = { concerns, tokenIds: fate === "unreadable" ? TOKENS : [], conditionId: null } as const;
      this.hear(onRefused(this.desk, C, refusal, this.nowMs));
    }
    if (fate === "twice") this.send(event);
    this.last = event;
    this.lastMs = this.nowMs;
  }

  rest({ token, says, agoMs }: Step & { kind: "rest" }): void {
    const tokenId = TOKENS[token];
    const health = this.desk.books.get(tokenId)?.health;
    const why = health === "healthy" ? "audit" : health === "suspect" ? "refresh" : "seed";
    if (says === "nothing") return this.hear(onNoRestBook(this.desk, tokenId, this.nowMs));
    const truth = this.venue.rest(tokenId);
    const book = {
      truth,
      older: this.older.get(tokenId) ?? truth,
      ghost: ghostOf(tokenId, this.nowMs - agoMs),
      spoiled: { ...truth, bids: [20_000, 1_000_000] },
    }[says];
    this.hear(onRestBook(this.desk, tokenId, book, this.nowMs, why));
    this.hear(onRestBook(this.desk, tokenId, book, this.nowMs + 1, "refresh"));
  }

  /** Subscribes a token again; what happens between is not sent for it. */
  again(tokenId: TokenId, missed: readonly LevelChange[]): void {
    this.hear(onAskedAgain(this.desk, tokenId, this.nowMs));
    if (missed.length > 0) {
      const event = this.venue.change(this.nowMs - 40 + this.clockMs, ...missed);
      this.send({ ...event, changes: event.changes.filter((entry) => entry.tokenId !== tokenId) });
    }
    this.nowMs += 200;
    this.opens(tokenId);
  }

  /** Within a second of it, nobody can tell a change that is inside an opening book from one after it that is stamped before. */
  opens(...tokens: readonly TokenId[]): void {
    this.send(...tokens.map(this.venue.opening));
    this.nowMs += 1_000;
  }

  take(one: Step): void {
    this.nowMs += one.dtMs;
    switch (one.kind) {
      case "change":
        return this.changed(one);
      case "clock":
        this.clockMs = one.offMs;
        return;
      case "stranger": {
        const frame = strangers[one.n];
        const { events, refused } = createMarketParser().parse(
          typeof frame === "string" ? frame : JSON.stringify(frame),
        );
        this.send(...events);
        for (const refusal of refused) this.hear(onRefused(this.desk, C, refusal, this.nowMs));
        return;
      }
      case "repeat":
        // Repeats come within 120 ms (reference §6.3).
        return this.last === null || this.nowMs - this.lastMs > 500 ? undefined : this.send(this.last);
      case "afterTrade": {
        const isAwaited = this.desk.connections.get(C)?.opening.has(TOKENS[one.token]) === true;
        this.send(this.venue.afterTrade(TOKENS[one.token], this.nowMs - 40 + this.clockMs));
        if (isAwaited) this.nowMs += 1_000;
        return;
      }
      case "bestPrices": {
        const tokenId = TOKENS[one.token];
        const { bids, asks } = this.venue.levels(tokenId);
        const best = { bestBidMicro: (bids[0] ?? 0) as never, bestAskMicro: (asks[0] ?? 0) as never };
        return this.send({ kind: "bestPrices", tokenId, conditionId, tsEventMs: this.nowMs - 40, ...best });
      }
      case "pong":
        return this.hear(onPong(this.desk, C, this.nowMs - 50, this.nowMs));
      case "tick":
        return this.hear(onTick(this.desk, this.nowMs));
      case "disconnect":
        this.hear(onDisconnected(this.desk, C, this.nowMs));
        return this.opens(...TOKENS);
      case "rest":
        return this.rest(one);
      case "again":
        if (tokensToAskAgain(this.desk).includes(TOKENS[one.token])) this.again(TOKENS[one.token], one.missed);
    }
  }
}

test("a book that is called healthy is the venue's at every look", () => {
  let healthy = 0;
  let looks = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 60, size: "max" }), (steps) => {
      const world = new World();
      for (const one of steps) world.take(one);
      healthy += world.healthy;
      looks += world.looks;
      // At rest every book is whole again.
      const right = { offMs: 0, isSpoiled: false, fate: "whole" } as const;
      world.take({ kind: "change", dtMs: 1_000, levels: [bid(10_000, 9)], ...right });
      for (let n = 0; n < 4; n += 1) {
        world.take({ kind: "tick", dtMs: 2_500, token: 0 });
        for (const tokenId of tokensWithoutBook(world.desk)) world.again(tokenId, []);
        for (const tokenId of doubtedTokens(world.desk)) world.again(tokenId, []);
      }
      expect(TOKENS.map((tokenId) => snap(world.desk, tokenId, 0)?.health)).toEqual(["healthy", "healthy"]);
    }),
    { numRuns },
  );
  // Books that are never called healthy would be right as well.
  expect(healthy / looks).toBeGreaterThan(0.3);
});
