/**
 * A leader who splits money into YES and NO and sells NO has bought YES, at one minus his price. Such a sale is copied as
 * that purchase.
 *
 * Rules
 * 1. One attempt is one order. An account that has something of the sold token for him (a lot, an open order, something
 *    saved up) follows the sale as an exit, which comes to the same: whoever holds as many of both tokens holds neither
 *    side. Else what of it came from a split is an entry.
 * 2. What came from splits leaves a holding first: a merge undoes a split, and who sells right after one sells what it
 *    gave him. Tokens that were bought, sent to him or converted are no split. Only a pair of both tokens is one: when he
 *    sells the second as well, he leaves what selling the first had bought.
 * 3. Acts are told when they are final, after the sale was seen. A sale of which no split is known and that nothing else
 *    explains waits until all acts up to its block are told, but not longer than an entry may be late; then it is nothing of
 *    ours, or, when what he held is not known, unknown. Copied is what is known to come from splits when it is decided.
 *
 * Conversions of NO into YES tokens are not copied this way: with them he leaves one market for several.
 */
import { type LeaderFillId, shardOf, type TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import {
  add,
  MICRO_NUMBER,
  minAmount,
  negate,
  priceMicro,
  type SharesMicro,
  subtract,
  subtractToZero,
  ZERO_SHARES,
} from "@slipstream/contracts/money";
import type { Deciding } from "./attempt.ts";
import { hasStake } from "./bucket.ts";
import { type Holding, holdingBefore, isBefore, type Movement, movementsOrAway } from "./holdings.ts";
import { type ExecutorState, holdingKey, type KnownFill } from "./state.ts";

type Origin = {
  /** What of the sale came from splits. */
  readonly splitMicro: SharesMicro;
  /** What is known of him before the sale is enough to have sold it. */
  readonly explained: boolean;
};

/** Where what a leader sold came from, as far as his fills and acts before the sale tell. */
export function originOf(holding: Holding | undefined, sale: KnownFill): Origin {
  const { sharesMicro: soldMicro } = sale;
  const { split, other } = leftBefore(holding?.movements ?? [], sale);
  return { splitMicro: minAmount(split, soldMicro), explained: add(split, other) >= soldMicro };
}

/**
 * What of his splits still lies in both tokens before a sale: who has sold one of them sells with the other what he then
 * had bought. A split and a merge move both alike, so the acts on the sold token stand for the other's, told or not.
 */
function pairsBefore(sold: Holding | undefined, other: Holding | undefined, sale: KnownFill): SharesMicro {
  const ofBoth = (movement: Movement): boolean => movement.split === true || movement.merge === true;
  const acts = (sold?.movements ?? []).filter(ofBoth);
  const own = other === undefined ? [] : movementsOrAway(other).filter((movement) => !ofBoth(movement));
  return leftBefore(
    [...acts, ...own].sort((a, b) => (isBefore(a, b) ? -1 : 1)),
    sale,
  ).split;
}

/** @param movements - of one token, in chain order. What came from splits leaves first. */
function leftBefore(
  movements: readonly Movement[],
  { blockNumber, logIndex }: Pick<KnownFill, "blockNumber" | "logIndex">,
): { readonly split: SharesMicro; readonly other: SharesMicro } {
  let split = ZERO_SHARES;
  let other = ZERO_SHARES;
  if (blockNumber === null || logIndex === null) return { split, other };
  for (const movement of movements) {
    if (!isBefore(movement, { blockNumber, logIndex })) continue;
    const { deltaMicro } = movement;
    if (deltaMicro >= 0n) {
      if (movement.split === true) split = add(split, deltaMicro);
      else other = add(other, deltaMicro);
      continue;
    }
    const out = negate(deltaMicro);
    const ofSplit = minAmount(split, out);
    split = subtract(split, ofSplit);
    other = subtractToZero(other, subtract(out, ofSplit));
  }
  return { split, other };
}

/**
 * `exit`: a sale like any other. `entry`: decide `fill`, what the sale amounts to. `wait`: what he sold may yet be told.
 * `unknown`: it was not told in time. `market`: which token is the other one is not known yet.
 */
export type SaleMeaning =
  | { readonly kind: "exit" | "wait" | "unknown" | "market" }
  | { readonly kind: "entry"; readonly fill: KnownFill };

/** Says what a leader's sale is for an account. */
export function meaningOf(deciding: Pick<Deciding, "state" | "view" | "fill" | "policy">): SaleMeaning {
  const { state, view, fill, policy } = deciding;
  const { leader, tokenId } = fill;
  if (fill.act !== null || hasStake(state, { account: policy.account, tokenId, leader }, view.nowMs))
    return { kind: "exit" };
  const isCopied = policy.enabled && state.leaders.get(leader) === true && fill.status === "ON_CHAIN";
  if (!isCopied || fill.historical || fill.disputed) return { kind: "exit" };
  const holding = state.holdings.get(holdingKey(leader, tokenId));
  const { splitMicro, explained } = originOf(holding, fill);
  if (splitMicro > 0n) {
    const market = view.market(tokenId);
    if (market === null) return { kind: "market" };
    const other = state.holdings.get(holdingKey(leader, otherToken(market, tokenId)));
    const boughtMicro = minAmount(splitMicro, pairsBefore(holding, other, fill));
    if (boughtMicro > 0n) return { kind: "entry", fill: purchaseOf(fill, market, boughtMicro) };
  }
  if (explained) return { kind: "exit" };
  const { blockNumber, logIndex, sharesMicro: soldMicro } = fill;
  const isTold = blockNumber !== null && (state.actsUpTo.get(shardOf(leader)) ?? -1) >= blockNumber;
  if (!isTold && view.nowMs - fill.tsSignalMs <= policy.signalAgeMsMax) return { kind: "wait" };
  const isHeld =
    blockNumber !== null && logIndex !== null && holdingBefore(holding, { blockNumber, logIndex, soldMicro }) !== null;
  return { kind: isHeld ? "exit" : "unknown" };
}

const otherToken = ({ tokens: [first, second] }: MarketDefinition, tokenId: TokenId): TokenId =>
  first.tokenId === tokenId ? second.tokenId : first.tokenId;

/** The purchase that a sale of one token of so many pairs amounts to. It keeps the id: it is the same attempt. */
const purchaseOf = (sale: KnownFill, market: MarketDefinition, boughtMicro: SharesMicro): KnownFill => ({
  ...asCopied(sale, otherToken(market, sale.tokenId)),
  sharesMicro: boughtMicro,
});

/** The signal as an order on `tokenId` copied it: the leader's fill itself, or the purchase that his sale amounted to. */
export function asCopied(fill: KnownFill, tokenId: TokenId): KnownFill {
  if (fill.tokenId === tokenId) return fill;
  const price = fill.priceMicro === null ? null : priceMicro(MICRO_NUMBER - fill.priceMicro);
  return { ...fill, tokenId, side: "BUY", priceMicro: price, derived: "splitSale" };
}

/** Keeps `openSales`: sales that an account has still to decide. */
export function noteSale(state: ExecutorState, leaderFillId: LeaderFillId): void {
  const fill = state.fills.get(leaderFillId);
  if (fill?.side === "SELL" && fill.act === null && fill.undecided.size > 0) state.openSales.add(leaderFillId);
  else state.openSales.delete(leaderFillId);
}
