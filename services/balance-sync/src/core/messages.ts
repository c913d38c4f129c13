/** What balance-sync is told from outside the log, and what it asks for. */
import type { Address, TokenId } from "@slipstream/contracts/ids";
import type { SharesMicro } from "@slipstream/contracts/money";
import type { BlockRef } from "./state.ts";

/** One balance to read: of this wallet, this token, kept where this exchange keeps its tokens. */
export type Pair = { readonly owner: Address; readonly tokenId: TokenId; readonly exchange: Address | null };
export type Reading = { readonly owner: Address; readonly tokenId: TokenId; readonly sharesMicro: SharesMicro };

export type BalanceSyncMessage =
  /** A timer: read what may have moved. */
  | { readonly type: "Poll" }
  /** Absolute balances, all of one block. Without readings it only says that this block exists. */
  | {
      readonly type: "BalancesRead";
      readonly block: BlockRef & { readonly tsMs: number };
      readonly source: "chain" | "transfer";
      readonly readings: readonly Reading[];
      /** The block of an earlier snapshot is gone: these hold although nothing changed or their block is lower. */
      readonly afterReorg: boolean;
    }
  /** The block of the newest snapshot is no longer on the chain. */
  | { readonly type: "TipGone"; readonly tip: BlockRef }
  /** A log of the chain moved these tokens from or to a wallet. */
  | { readonly type: "TransferSeen"; readonly address: Address; readonly tokenIds: readonly TokenId[] };

/**
 * Read these balances at the newest block. `verify` (when given) must still be on the chain, else the answer is
 * `TipGone`; a node that is behind it answers nothing.
 */
export type BalanceSyncRequest = {
  readonly type: "ReadBalances";
  readonly pairs: readonly Pair[];
  readonly verify: BlockRef | null;
  readonly source: "chain" | "transfer";
  readonly afterReorg: boolean;
};

export type BalanceSyncView = {
  /** Unix ms of the world's clock. */
  readonly nowMs: number;
};
