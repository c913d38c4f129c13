/**
 * What an account is worth: money, and what it holds at a mark.
 *
 * 1. `realized + unrealized = equity − funding`, to the micro, for an account that only its own fills moved: realized is
 *    net of fees, unrealized is value minus cost, and a value is rounded down once per token.
 * 2. A mark says where its price comes from and how old it is. A token nobody has priced yet counts at its cost and is
 *    counted as unmarked; it is never taken for worthless, nor for sold.
 */
import type { TokenId } from "@slipstream/contracts/ids";
import type { AccountValue, Mark } from "@slipstream/contracts/live";
import {
  add,
  MICRO_NUMBER,
  notional,
  type PriceMicro,
  priceMicro,
  type SharesMicro,
  subtract,
  ZERO_SHARES,
  ZERO_USDC,
} from "@slipstream/contracts/money";
import { remainingOf, signed } from "./absorption.ts";
import { cashWhenSettled, claimable, positionNumbers } from "./formulas.ts";
import type { Account, Position } from "./state.ts";

/** Best prices of a book, as they were at `tsMs`. */
export type Quote = {
  readonly bestBidMicro: PriceMicro | null;
  readonly bestAskMicro: PriceMicro | null;
  readonly tsMs: number;
};
/** The venue shows the middle up to a spread of 10 cents; of a wider book the bid counts, as a sale would bring that. */
const SPREAD_MAX = 100_000;

/** @returns null when nobody bids: there is no price at which it could be sold. */
export function markOf({ bestBidMicro, bestAskMicro, tsMs }: Quote): Mark | null {
  if (bestBidMicro === null) return null;
  if (bestAskMicro === null || bestAskMicro - bestBidMicro > SPREAD_MAX) {
    return { priceMicro: bestBidMicro, source: "bid", tsMs };
  }
  const middle = Math.min(MICRO_NUMBER, Math.floor((bestBidMicro + bestAskMicro) / 2));
  return { priceMicro: priceMicro(middle), source: "mid", tsMs };
}

/** What inventory publishes, without its head. */
export type Valuation = Omit<AccountValue, "type" | "v" | "account" | "tsInitMs">;

/**
 * Values an account.
 * @param mark - newest mark of a token, null when there has never been one.
 * @returns null while the account's cash is not known.
 */
export function valueAccount(account: Account, mark: (tokenId: TokenId) => Mark | null): Valuation | null {
  const cashMicro = cashWhenSettled(account);
  if (cashMicro === null) return null;
  const positions: Valuation["positions"] = [];
  let realizedMicro = ZERO_USDC;
  let feesMicro = ZERO_USDC;
  let unrealizedMicro = ZERO_USDC;
  let equityMicro = cashMicro;
  let claimableMicro = ZERO_USDC;
  for (const position of account.positions.values()) {
    realizedMicro = add(realizedMicro, position.realizedPnlMicro);
    feesMicro = add(feesMicro, position.feesMicro);
    claimableMicro = add(claimableMicro, claimable(position));
    const heldMicro = sharesWhenSettled(account, position);
    const sharesMicro = heldMicro > 0n ? heldMicro : ZERO_SHARES;
    if (sharesMicro === 0n && position.costMicro === 0n) continue;
    const { tokenId, conditionId, costMicro } = position;
    const price = mark(tokenId);
    const valueMicro = price === null ? costMicro : notional(price.priceMicro, sharesMicro, "floor");
    const gain = subtract(valueMicro, costMicro);
    positions.push({ tokenId, conditionId, sharesMicro, costMicro, mark: price, valueMicro, unrealizedMicro: gain });
    unrealizedMicro = add(unrealizedMicro, gain);
    equityMicro = add(equityMicro, valueMicro);
  }
  equityMicro = add(equityMicro, claimableMicro);
  const unmarked = positions.filter((position) => position.mark === null).length;
  const { fundingMicro } = account;
  return {
    cashMicro,
    claimableMicro,
    fundingMicro,
    realizedMicro,
    feesMicro,
    unrealizedMicro,
    equityMicro,
    unmarked,
    positions,
  };
}

/** As cash is reckoned: with all our trades, also those that no balance shows for long. */
function sharesWhenSettled(account: Account, position: Position): SharesMicro {
  const aged = position.fills.filter((fill) => fill.aged).map((fill) => signed(fill.side, remainingOf(fill)));
  return add(positionNumbers(account, position).effectiveMicro, ...aged);
}
