/**
 * What inventory knows, folded from the log alone: per account its purse, positions, open orders and own fills.
 *
 * A fill of ours counts from the moment the executor says so (pending) until a balance of the chain, or of the paper
 * ledger, includes it (absorbed). Absorbed fills are remembered for some blocks, because a reorg may take them back
 * and because an exact settlement may correct a guess.
 */
import type { FactOf } from "@slipstream/contracts/facts";
import type { AccountId, ClientOrderId, ConditionId, TokenId, TradeId } from "@slipstream/contracts/ids";
import {
  type PriceMicro,
  type SharesMicro,
  type Side,
  type UsdcMicro,
  ZERO_SHARES,
  ZERO_USDC,
} from "@slipstream/contracts/money";
import type { AccountPolicy } from "@slipstream/contracts/policy";

/** One execution or settlement of ours that no balance is known to include for good. */
export type OwnFill = {
  /** `settlement`: the market paid; side SELL, its payout stands for the proceeds. It never ages. */
  readonly kind: "fill" | "settlement";
  readonly tradeId: TradeId;
  readonly side: Side;
  readonly sizeMicro: SharesMicro;
  /** BUY: what left the purse, fee included. SELL: 0, proceeds count only when the balance shows them. */
  readonly spentMicro: UsdcMicro;
  /** Before the fee. */
  readonly usdcMicro: UsdcMicro;
  readonly feeMicro: UsdcMicro;
  /** SELL: the cost that left the position with it. */
  readonly costRemovedMicro: UsdcMicro;
  readonly tsInitMs: number;
  /** Shares that the confirmed balance already includes. */
  absorbedMicro: SharesMicro;
  /** Block of the balance that last absorbed some of it; 0 while nothing is absorbed. */
  absorbedBlock: number;
  /** Block in which it is known to have settled; null until told. */
  settledBlock: number | null;
  /** Past its time: no longer held, still exposure. */
  aged: boolean;
};

export type Position = {
  readonly tokenId: TokenId;
  conditionId: ConditionId | null;
  /** The market's minimum order size, as our last granted intent names it; null: there was none. */
  minimumMicro: SharesMicro | null;
  confirmedMicro: SharesMicro;
  confirmedBlock: number;
  /** In log order, oldest first. */
  readonly fills: OwnFill[];
  /** Bought minus sold by our own fills, reversed ones taken back. */
  tradedMicro: SharesMicro;
  /** Cost of what our own fills still hold. */
  costMicro: UsdcMicro;
  realizedPnlMicro: UsdcMicro;
  feesMicro: UsdcMicro;
  /** Settlements booked: the number of the next one. */
  settlements: number;
  /** Since when balance and own fills disagree; null while they agree. */
  differsSinceMs: number | null;
  /** A difference that was published and is not resolved yet. */
  discrepancyMicro: SharesMicro | null;
};

/** What must be known of an intent until it is answered and, once granted, what stays set aside. */
export type Order = {
  readonly orderId: ClientOrderId;
  readonly tokenId: TokenId;
  readonly conditionId: ConditionId;
  readonly side: Side;
  readonly limitPriceMicro: PriceMicro;
  readonly askedMicro: SharesMicro;
  readonly maxFeeMicro: UsdcMicro;
  /** The market's minimum order size. */
  readonly minimumMicro: SharesMicro;
  readonly seq: number;
  readonly tsEventMs: number;
  readonly phase: "asked" | "granted";
  /** Granted and not yet filled; 0 while asked. */
  readonly leavesMicro: SharesMicro;
  /** Part of the maximum fee that fills have not used up. */
  readonly feeLeftMicro: UsdcMicro;
};

export type Account = {
  readonly account: AccountId;
  /** null: never configured, or unreadable. Deleted is switched off: what it holds stays, and may be sold. */
  policy: AccountPolicy | null;
  policyRevision: number;
  policyTsMs: number;
  /** What a paper purse was credited with; null: not yet, or a wallet's account. */
  fundingMicro: UsdcMicro | null;
  /** Last known balance of the purse; null: never read. */
  collateralMicro: UsdcMicro | null;
  collateralBlock: number;
  /** By how much the purse was last said to be off our own books; 0: never. */
  purseOffMicro: UsdcMicro;
  /** Some of its balances are the venue's index's, because no node answers. */
  degraded: boolean;
  readonly positions: Map<TokenId, Position>;
  readonly orders: Map<ClientOrderId, Order>;
  /** Orders that ended, so that none is answered twice. The newest CLOSED_ORDERS_MAX. */
  readonly closedOrders: Set<ClientOrderId>;
  /** Fills that were counted, so that none counts twice. The newest SEEN_TRADES_MAX. */
  readonly seenTrades: Set<TradeId>;
  /** Tokens whose published position is older than the state: the sequence of the last change. */
  readonly unpublished: Map<TokenId, { readonly seq: number; readonly tsEventMs: number }>;
  /** Tokens of resolved markets of which something is to be settled. */
  readonly settling: Set<TokenId>;
};

/** What a share of a token is worth for ever: `payoutNumerators[outcomeIndex] / payoutDenominator` USDC. */
export type TokenPayout = Pick<
  FactOf<"ConditionResolved">,
  "conditionId" | "payoutNumerators" | "payoutDenominator" | "blockNumber" | "source" | "tsEventMs" | "tsInitMs"
> & { readonly outcomeIndex: number };

export type InventoryState = {
  readonly accounts: Map<AccountId, Account>;
  /** The newest PAYOUTS_MAX; whoever still holds a token beyond them is told its payout again. */
  readonly payouts: Map<TokenId, TokenPayout>;
};

/** An order lives minutes and fills once; repeats of older ones would need a log that is days out of order. */
export const CLOSED_ORDERS_MAX = 4_096;
export const SEEN_TRADES_MAX = 8_192;

/** More tokens than balance-sync remembers to have told of. */
export const PAYOUTS_MAX = 16_384;

export const initialState = (): InventoryState => ({ accounts: new Map(), payouts: new Map() });

export function accountOf(state: InventoryState, id: AccountId): Account {
  const known = state.accounts.get(id);
  if (known !== undefined) return known;
  const account: Account = {
    account: id,
    policy: null,
    policyRevision: 0,
    policyTsMs: 0,
    fundingMicro: null,
    collateralMicro: null,
    collateralBlock: 0,
    purseOffMicro: ZERO_USDC,
    degraded: false,
    positions: new Map(),
    orders: new Map(),
    closedOrders: new Set(),
    seenTrades: new Set(),
    unpublished: new Map(),
    settling: new Set(),
  };
  state.accounts.set(id, account);
  return account;
}

export function positionOf(account: Account, tokenId: TokenId): Position {
  const known = account.positions.get(tokenId);
  if (known !== undefined) return known;
  const position = emptyPosition(tokenId);
  account.positions.set(tokenId, position);
  return position;
}

/** What is held of a token that nothing is known of: nothing. */
export const emptyPosition = (tokenId: TokenId): Position => ({
  tokenId,
  conditionId: null,
  minimumMicro: null,
  confirmedMicro: ZERO_SHARES,
  confirmedBlock: 0,
  fills: [],
  tradedMicro: ZERO_SHARES,
  costMicro: ZERO_USDC,
  realizedPnlMicro: ZERO_USDC,
  feesMicro: ZERO_USDC,
  settlements: 0,
  differsSinceMs: null,
  discrepancyMicro: null,
});

/** Adds to a memory of bounded size; the oldest entry makes room. */
export function remember<T>(memory: Set<T>, item: T, max: number): void {
  memory.add(item);
  if (memory.size <= max) return;
  for (const oldest of memory) {
    memory.delete(oldest);
    return;
  }
}
