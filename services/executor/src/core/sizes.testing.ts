/** A leader who moves both tokens of a market, and a copy of whom everything fills at once. */

import type { FactOf } from "@slipstream/contracts/facts";
import { factId, type TokenId } from "@slipstream/contracts/ids";
import { sharesMicro } from "@slipstream/contracts/money";
import fc from "fast-check";
import { sumOf } from "./bucket.ts";
import {
  balance,
  hash,
  leader,
  leaderFill,
  loss,
  market,
  paper,
  policyFact,
  price,
  quote,
  shares,
  tokenId,
  usdc,
} from "./facts.testing.ts";
import { isMayBeAtVenue, leavesOf } from "./orders.ts";
import { lotKey, openOrders, unfollowedOf } from "./state.ts";
import { leaderAct, tick } from "./stories.testing.ts";
import { goodStory, type Story } from "./story.testing.ts";

const no = "8" as TokenId;
export const tokens = [tokenId, no] as const;
type Moved = "buy" | "sell" | "merge" | "transferIn" | "transferOut" | "convert";
export type Move = {
  readonly do: Moved;
  readonly token: 0 | 1;
  /** What comes in, in 1e-6 share. */
  readonly micro: number;
  /** What goes out, of what he has. */
  readonly part: number;
  /** So many moves later an exit is told. */
  readonly late: number;
};
export type Told = FactOf<"LeaderFill" | "LeaderAct">;

/** In 1e-6 share. */
const purchase = fc.oneof(
  fc.integer({ min: 1, max: 500 }).map((n) => n * 1_000_000),
  fc.integer({ min: 1, max: 300_000_000 }),
);
const did = fc.constantFrom<Moved>("buy", "buy", "sell", "merge", "transferIn", "transferOut", "convert");

export const move: fc.Arbitrary<Move> = fc.record({
  ...{ do: did, token: fc.constantFrom<0 | 1>(0, 0, 1), micro: purchase },
  ...{ part: fc.constantFrom(1, 0.5, 0.25, 0.9, 0.1, 0.3333), late: fc.constantFrom(0, 0, 0, 1, 2, 4, 7) },
});

export class Sizes {
  private readonly story: Story;
  private readonly held = new Map<TokenId, bigint>();
  private n = 0;

  /** @param of - in whole shares: the market's minimum, and what he held before. `isRead`: his balances are known. */
  constructor(of: { readonly minimum: number; readonly before: number; readonly isRead: boolean }) {
    this.story = goodStory({}, "grants");
    const { view } = this.story;
    view.market = { ...market, minOrderSizeMicro: shares(of.minimum) };
    view.quote = { ...quote, bestBidMicro: price(0.5) };
    view.otherQuote = view.quote;
    const huge = usdc(1e9);
    const caps = { orderUsdcMicro: huge, tokenUsdcMicro: huge, grossUsdcMicro: huge, openPositionsMax: 10 };
    this.story.tell(policyFact({ caps, dustMicro: shares(0) }, 2));
    for (const one of tokens) this.held.set(one, BigInt(of.before) * 1_000_000n);
    if (of.isRead) this.read(99);
  }

  private read(block: number): void {
    const balances = tokens.map((of) => ({ tokenId: of, sharesMicro: sharesMicro(this.held.get(of) ?? 0n) }));
    this.story.tell(balance(block, 0, { balances }));
  }

  /** What he did, as facts; empty: he has nothing to do it with. */
  facts(move: Move): Told[] {
    const isOut = ["sell", "merge", "transferOut", "convert"].includes(move.do);
    const both = move.do === "merge";
    const of = move.do === "convert" ? no : tokens[move.token];
    const moved = both ? tokens : [of];
    const has = (one: TokenId): bigint => this.held.get(one) ?? 0n;
    const most = moved.map(has).reduce((a, b) => (a < b ? a : b));
    const amount = isOut ? (most * BigInt(Math.round(move.part * 10_000))) / 10_000n : BigInt(move.micro);
    if (amount === 0n) return [];
    this.n += 1;
    for (const one of moved) this.held.set(one, has(one) + (isOut ? -amount : amount));
    const { nowMs } = this.story.view;
    const times = { tsEventMs: nowMs, tsInitMs: nowMs };
    const blockNumber = 100 + this.n;
    const place = { blockNumber, blockHash: hash(blockNumber), logIndex: 3, txHash: hash(9_000 + this.n) };
    if (move.do === "buy" || move.do === "sell") {
      const side = move.do === "buy" ? ("BUY" as const) : ("SELL" as const);
      return [
        leaderFill(this.n, {
          ...times,
          ...place,
          tsSeenMs: nowMs,
          side,
          tokenId: of,
          sharesMicro: sharesMicro(amount),
          usdcMicro: usdc(1),
          orderHash: place.txHash,
        }),
      ];
    }
    const act = move.do;
    return moved.map((one) => {
      const fact = { ...leaderAct(this.n, act, 1), ...times, ...place, tokenId: one, sharesMicro: sharesMicro(amount) };
      return { ...fact, id: factId("LeaderAct", `${fact.txHash}.${one}`) };
    });
  }

  tell(told: readonly Told[]): void {
    for (const fact of told) {
      this.story.tell(fact);
      this.fill();
    }
    for (let round = 0; round < 3; round++) {
      tick(this.story, 50);
      this.fill();
    }
  }

  /** A reorg takes a fill back. @returns its return. */
  revert(fact: FactOf<"LeaderFill">): FactOf<"LeaderFill"> {
    this.story.tell({ ...loss("LeaderFillReverted", fact), tokenId: fact.tokenId });
    this.tell([]);
    const occurrence = fact.occurrence + 1;
    return { ...fact, occurrence, id: factId("LeaderFill", fact.leaderFillId, occurrence) };
  }

  private fill(): void {
    for (const order of [...openOrders(this.story.state())].filter(isMayBeAtVenue)) {
      const { orderId, tokenId: of, trades } = order;
      const sizeMicro = leavesOf(order);
      const fill = { kind: "fill" as const, orderId, tokenId: of, atMs: this.story.view.nowMs, n: trades.size };
      const money = { priceMicro: price(0.5), usdcMicro: usdc(Number(sizeMicro) / 2e6), sizeMicro };
      this.story.say({
        type: "VenueReport",
        orderId,
        events: [{ ...fill, ...money, feeMicro: usdc(0), liquiditySide: "taker" }],
      });
    }
  }

  /** Held and saved up, without what waits to be sold. */
  have(of: TokenId): bigint {
    const state = this.story.state();
    const ref = { account: paper, tokenId: of, leader };
    const lot = state.lots.get(lotKey(ref))?.sizeMicro ?? 0n;
    const waiting = unfollowedOf(state, ref).reduce((a, { remainingMicro }) => a + (remainingMicro ?? 0n), 0n);
    return lot + sumOf(state.buckets.get(lotKey(ref)) ?? []) - waiting;
  }
}
