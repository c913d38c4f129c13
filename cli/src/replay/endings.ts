/**
 * How markets end in a replay. What the chain of the tape resolves is true once its block is final; the venue's word closes
 * a market at once, and pays only where the tape's chain does not have the condition, which is said.
 */
import { STAMP_FAR_MS } from "@slipstream/bookstore/core/connection";
import type { FactOf } from "@slipstream/contracts/facts";
import { type ConditionId, factId, type Hash, type TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import type { MarketResolvedEvent } from "@slipstream/polymarket/marketChannel";
import type { TapeLog } from "@slipstream/sandbox/tape/addFills";
import { type GammaWord, type Resolution, resolutionOfLog } from "@slipstream/sandbox/tape/endings";

/** What balance-sync is told of a condition: outcome i is worth numerators[i] / denominator. */
export type PayoutRead = {
  readonly type: "PayoutRead";
  readonly conditionId: ConditionId;
  /** Of the outcomes, in the order of the numerators. */
  readonly tokenIds: readonly TokenId[];
  readonly payoutNumerators: readonly bigint[];
  readonly payoutDenominator: bigint;
  /** Null: the venue's word, which names none. */
  readonly block: { readonly blockNumber: number; readonly blockHash: Hash } | null;
  readonly source: "chain" | "gamma";
};

/** What becomes of a market's definition. `tsEventMs`: venue time from which it is so. */
export type MarketNews = Pick<MarketDefinition, "closed" | "acceptingOrders" | "payoutMicro" | "tsEventMs">;

export type EndingsOptions = {
  readonly market: (conditionId: ConditionId) => MarketDefinition | undefined;
  readonly marketOf: (tokenId: TokenId) => MarketDefinition | undefined;
  readonly resolvedOnChain: ReadonlySet<ConditionId>;
  readonly change: (conditionId: ConditionId, news: MarketNews) => void;
  readonly pay: (payout: PayoutRead) => void;
};

export type Endings = {
  onGamma(word: GammaWord): void;
  onMarketResolved(event: MarketResolvedEvent, nowMs: number): void;
  onLog(log: TapeLog): void;
  /** Every block up to this one is final. */
  onFinal(block: number, nowMs: number): void;
  /** Payouts for which the venue's word was taken, one sentence each. */
  assumed(): readonly string[];
  /** What could not be read, contradicts itself, or never became final. */
  errors(): readonly string[];
};

const MICRO = 1_000_000;
const isKnown = (market: MarketDefinition | undefined): boolean => market !== undefined;

const textOf = (payout: Pick<PayoutRead, "payoutNumerators" | "payoutDenominator">): string =>
  `${payout.payoutNumerators.join(":")} of ${payout.payoutDenominator}`;

export function createEndings({ market, marketOf, resolvedOnChain, change, pay }: EndingsOptions): Endings {
  /** Read on the chain, not yet final. */
  const pending = new Map<ConditionId, Resolution>();
  const paid = new Map<ConditionId, string>();
  const assumed: string[] = [];
  const errors: string[] = [];

  /** The contract takes one report for each condition: two that differ cannot both be of its chain. */
  const contradict = (first: Resolution | undefined, second: Resolution): void => {
    if (first === undefined || textOf(first) === textOf(second)) return;
    const { conditionId } = second;
    errors.push(`${conditionId} was resolved as ${textOf(first)} and again as ${textOf(second)}: the first holds`);
  };
  const payOnce = (read: Omit<PayoutRead, "type" | "tokenIds">): void => {
    const { conditionId, payoutNumerators, payoutDenominator } = read;
    const text = textOf({ payoutNumerators, payoutDenominator });
    const before = paid.get(conditionId);
    if (before !== undefined) {
      if (before !== text)
        errors.push(`${conditionId} was resolved as ${before} and again as ${text}: the first holds`);
      return;
    }
    paid.set(conditionId, text);
    const tokenIds = market(conditionId)?.tokens.map(({ tokenId }) => tokenId) ?? [];
    pay({ type: "PayoutRead", tokenIds, ...read });
  };
  /** Whoever says it first says when: a market does not close a second time. */
  const close = (known: MarketDefinition, atMs: number, payoutMicro = known.payoutMicro): void =>
    change(known.conditionId, {
      ...{ closed: true, acceptingOrders: false, payoutMicro: payoutMicro ?? known.payoutMicro },
      tsEventMs: known.closed ? known.tsEventMs : atMs,
    });
  /** The venue names what each outcome is worth. */
  const trust = (conditionId: ConditionId, payoutMicro: readonly [number, number], who: string): void => {
    if (resolvedOnChain.has(conditionId)) return;
    if (!paid.has(conditionId)) {
      assumed.push(`${conditionId}: paid out by the venue's word (${who}), no ConditionResolution is on the tape`);
    }
    const unit = payoutMicro.every((price) => price % MICRO === 0) ? MICRO : 1;
    const payoutNumerators = payoutMicro.map((price) => BigInt(price / unit));
    const payoutDenominator = payoutNumerators.reduce((sum, part) => sum + part, 0n);
    payOnce({ conditionId, payoutNumerators, payoutDenominator, block: null, source: "gamma" });
  };

  return {
    onGamma: ({ conditionId, closed, acceptingOrders, payoutMicro, atMs }) => {
      const known = market(conditionId);
      if (known === undefined) return;
      // A market that was closed by a resolution does not open again by an older word.
      if (!closed) {
        if (known.closed || known.acceptingOrders === acceptingOrders) return;
        change(conditionId, { closed, acceptingOrders, payoutMicro: known.payoutMicro, tsEventMs: atMs });
        return;
      }
      close(known, atMs, payoutMicro);
      if (payoutMicro !== null) trust(conditionId, payoutMicro, "Gamma's closed market");
    },
    onMarketResolved: ({ conditionId, tokenIds, winningTokenId, tsEventMs }, nowMs) => {
      const known = (conditionId === null ? undefined : market(conditionId)) ?? tokenIds.map(marketOf).find(isKnown);
      if (known === undefined) return;
      const winner = known.tokens.findIndex(({ tokenId }) => tokenId === winningTokenId);
      const prices = winner < 0 ? null : ([winner === 0 ? MICRO : 0, winner === 1 ? MICRO : 0] as const);
      const { conditionId: closedId } = known;
      close(known, tsEventMs === null || Math.abs(nowMs - tsEventMs) > STAMP_FAR_MS ? nowMs : tsEventMs);
      if (prices !== null) trust(closedId, prices, "market_resolved");
      else if (winningTokenId === null) assumed.push(`${closedId}: closed, market_resolved names no winner`);
      else errors.push(`market_resolved of ${closedId} names a winner that is none of its tokens: closed, unpaid`);
    },
    onLog: (log) => {
      const resolution = resolutionOfLog(log);
      if (resolution === null) return;
      if ("kind" in resolution) {
        errors.push(resolution.text);
        return;
      }
      const { conditionId, blockHash } = resolution;
      if (market(conditionId) === undefined) return;
      if (log.removed) {
        if (pending.get(conditionId)?.blockHash === blockHash) pending.delete(conditionId);
      } else if (pending.has(conditionId)) contradict(pending.get(conditionId), resolution);
      else pending.set(conditionId, resolution);
    },
    onFinal: (block, nowMs) => {
      for (const [conditionId, { payoutNumerators, payoutDenominator, blockNumber, blockHash, tsMs }] of pending) {
        if (blockNumber > block) continue;
        pending.delete(conditionId);
        const known = market(conditionId);
        if (known !== undefined) close(known, tsMs ?? nowMs);
        const payout = { conditionId, payoutNumerators, payoutDenominator, block: { blockNumber, blockHash } };
        payOnce({ ...payout, source: "chain" });
      }
    },
    assumed: () => assumed,
    errors: () => [
      ...errors,
      ...[...pending.keys()].map((id) => `the resolution of ${id} is on the tape, but no block makes it final: unpaid`),
    ],
  };
}

/** What balance-sync tells of a payout it has read. */
export const resolvedFact = (payout: PayoutRead, nowMs: number): FactOf<"ConditionResolved"> => ({
  type: "ConditionResolved",
  v: 1,
  id: factId("ConditionResolved", payout.conditionId),
  conditionId: payout.conditionId,
  tokenIds: [...payout.tokenIds],
  payoutNumerators: [...payout.payoutNumerators],
  payoutDenominator: payout.payoutDenominator,
  blockNumber: payout.block?.blockNumber ?? null,
  blockHash: payout.block?.blockHash ?? null,
  source: payout.source,
  tsEventMs: nowMs,
  tsInitMs: nowMs,
});
