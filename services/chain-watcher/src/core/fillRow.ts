/** A fill of a followed wallet as sources beside the chain tell it: what, but not where in a block. */
import type { Address, ConditionId, Hash, TokenId } from "@slipstream/contracts/ids";
import type { PriceMicro, SharesMicro, Side, UsdcMicro } from "@slipstream/contracts/money";

export type RowSource = "data_api" | "rtds";

export type FillRow = {
  readonly source: RowSource;
  readonly leader: Address;
  readonly txHash: Hash;
  readonly tokenId: TokenId;
  readonly conditionId: ConditionId | null;
  readonly side: Side;
  /** 1e-6 share. */
  readonly sharesMicro: SharesMicro;
  /** 1e-6 USDC per share, to the nearest micro; an average for an active order. Null: not told. */
  readonly priceMicro: PriceMicro | null;
  /** 1e-6 USDC: what the shares cost, without the fee. Null: not told. */
  readonly usdcMicro: UsdcMicro | null;
  /** False: shares or USDC are the nearest micro (half up) of what was told, the chain's may differ by a few. */
  readonly exact: boolean;
  /** The shares alone: by them a row is matched to the chain. */
  readonly exactShares: boolean;
  /** Time of the block, whole seconds. */
  readonly tsEventMs: number;
  /** The row as JSON. */
  readonly raw: string;
};

/**
 * Rows of one leader in one transaction.
 *
 * `countable: true`: all rows come from one answer that listed them side by side, so n rows with the same content vouch
 * for ordinals 0 to n-1 of it. `false`: a row may have been sent twice, so however many came, each content is vouched for
 * once: ordinal 0. Counts of several batches are never added; the largest one holds.
 */
export type FillBatch = {
  readonly source: RowSource;
  readonly leader: Address;
  readonly txHash: Hash;
  readonly countable: boolean;
  readonly rows: readonly FillRow[];
  /** When we had them. */
  readonly tsSeenMs: number;
};
