/**
 * What a resolved market owes an account. A settlement is booked like a sale at the payout; like a sale it is on its way
 * until a balance shows that the shares are gone: at once on paper, at redemption for a wallet (until then: claimable).
 *
 * 1. Settled is what balances show and no sale is about to take: confirmed − sales on their way − reserved sales −
 *    settled before. What is still being bought settles when a balance has it, under the next number.
 * 2. Shares that left a wallet shortly before we knew of the resolution, or later, were redeemed: they settle as well.
 * 3. Each settlement's payout is rounded down, as the contract does.
 */
import type { FactOf } from "@slipstream/contracts/facts";
import { factId, type TokenId, type TradeId } from "@slipstream/contracts/ids";
import {
  add,
  minAmount,
  type SharesMicro,
  scale,
  subtract,
  subtractToZero,
  usdcMicro,
  ZERO_SHARES,
  ZERO_USDC,
} from "@slipstream/contracts/money";
import { remainingOf, signed } from "./absorption.ts";
import { positionNumbers } from "./formulas.ts";
import { costOfSale } from "./pnl.ts";
import type { Account, Position, TokenPayout } from "./state.ts";

/** Shares that vanished longer ago than this before the resolution was known are a difference, not a redemption. */
const REDEEMED_BEFORE_MS = 3_600_000;

/** One 1e-6 share is worth numerator / denominator of 1e-6 USDC. */
export const payoutOf = (shares: SharesMicro, { payoutNumerators, outcomeIndex, payoutDenominator }: TokenPayout) =>
  scale(
    usdcMicro(shares),
    { numerator: payoutNumerators[outcomeIndex] ?? 0n, denominator: payoutDenominator },
    "floor",
  );

/** What is to be settled now, given that the market of the token is resolved. */
export function dueShares(account: Account, position: Position, payout: TokenPayout): SharesMicro {
  const { pendingSellsMicro, reservedSellsMicro, settledMicro, agedSellsMicro } = positionNumbers(account, position);
  const taken = add(pendingSellsMicro, agedSellsMicro, reservedSellsMicro, settledMicro);
  return add(subtractToZero(position.confirmedMicro, taken), redeemedShares(position, payout));
}

/** Shares of our books that no balance shows any more and no fill explains. */
function redeemedShares(position: Position, { tsInitMs }: TokenPayout): SharesMicro {
  const { differsSinceMs } = position;
  if (differsSinceMs === null || tsInitMs - differsSinceMs > REDEEMED_BEFORE_MS) return ZERO_SHARES;
  const onTheWay = add(ZERO_SHARES, ...position.fills.map((fill) => signed(fill.side, remainingOf(fill))));
  return subtractToZero(position.tradedMicro, add(position.confirmedMicro, onTheWay));
}

/** The settlement that is due for a token, under the position's next number. */
export function settlementFact(
  { account }: Account,
  position: Position,
  settlement: { readonly payout: TokenPayout; readonly sharesMicro: SharesMicro; readonly nowMs: number },
): FactOf<"PositionSettled"> {
  const { payout, sharesMicro, nowMs } = settlement;
  const { conditionId, outcomeIndex, payoutNumerators, payoutDenominator, blockNumber, source } = payout;
  return {
    type: "PositionSettled",
    v: 1,
    id: factId("PositionSettled", `${account}.${position.tokenId}`, position.settlements),
    tsEventMs: payout.tsEventMs,
    tsInitMs: nowMs,
    account,
    tokenId: position.tokenId,
    conditionId,
    sharesMicro,
    payoutMicro: payoutOf(sharesMicro, payout),
    costMicro: costOfSale(position, sharesMicro),
    ...{ outcomeIndex, payoutNumerators, payoutDenominator, blockNumber, source },
  };
}

/**
 * Books a settlement.
 * @param payout - undefined: long forgotten, and then nothing of it was redeemed a moment ago.
 * @returns false when it is known.
 */
export function bookSettlement(
  position: Position,
  fact: FactOf<"PositionSettled">,
  payout: TokenPayout | undefined,
): boolean {
  const n = Number(fact.id.slice(fact.id.lastIndexOf(":") + 1));
  if (n !== position.settlements) return false;
  const { sharesMicro, payoutMicro } = fact;
  const redeemed = payout === undefined ? ZERO_SHARES : redeemedShares(position, payout);
  position.settlements += 1;
  position.conditionId = fact.conditionId;
  const removed = costOfSale(position, sharesMicro);
  position.costMicro = subtractToZero(position.costMicro, removed);
  position.realizedPnlMicro = add(position.realizedPnlMicro, subtract(payoutMicro, removed));
  // What came otherwise than by our fills leaves with it and was never counted.
  position.tradedMicro = subtractToZero(position.tradedMicro, sharesMicro);
  const absorbedMicro = minAmount(redeemed, sharesMicro);
  position.fills.push({
    kind: "settlement",
    tradeId: `settled:${fact.id}` as TradeId,
    side: "SELL",
    sizeMicro: sharesMicro,
    spentMicro: ZERO_USDC,
    usdcMicro: payoutMicro,
    feeMicro: ZERO_USDC,
    costRemovedMicro: removed,
    tsInitMs: fact.tsInitMs,
    absorbedMicro,
    absorbedBlock: absorbedMicro > 0n ? position.confirmedBlock : 0,
    settledBlock: null,
    aged: false,
  });
  return true;
}

/** What each token of a resolved condition is worth. */
export function payoutsOf(fact: FactOf<"ConditionResolved">): (readonly [TokenId, TokenPayout])[] {
  const { conditionId, payoutNumerators, payoutDenominator, blockNumber, source, tsEventMs, tsInitMs } = fact;
  return fact.tokenIds.map((tokenId, outcomeIndex) => [
    tokenId,
    { conditionId, payoutNumerators, payoutDenominator, blockNumber, source, tsEventMs, tsInitMs, outcomeIndex },
  ]);
}
