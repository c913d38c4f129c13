/** What inventory takes from outside the log. It ends up in facts only: ages and differences that became too large. */
import type { AccountId } from "@slipstream/contracts/ids";
import type { SharesMicro } from "@slipstream/contracts/money";

export type InventoryView = {
  /** Unix ms of the world's clock. */
  readonly nowMs: number;
  /** A fill the chain did not show for this long is no longer counted as held. */
  readonly pendingFillTtlMs: number;
  /** Differences above one of these, for `durationMs`, are published. */
  readonly discrepancy: {
    readonly tokenSharesMicro: SharesMicro;
    readonly marketSharesMicro: SharesMicro;
    readonly durationMs: number;
  };
};

export type InventoryMessage =
  /** A timer: ages and differences are looked at again. */
  | { readonly type: "Tick" }
  /** After recovery: answer and publish what is open. */
  | { readonly type: "Owed"; readonly account: AccountId };
