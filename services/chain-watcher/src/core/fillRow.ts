/** A fill of a followed wallet as sources beside the chain tell it: what, but not where in a block. */
import type { Address, Hash } from "@slipstream/contracts/ids";
import type { TradeRow } from "@slipstream/polymarket/tradeRow";

export type RowSource = "data_api" | "rtds";

export type FillRow = Omit<TradeRow, "wallet"> & { readonly source: RowSource; readonly leader: Address };

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
