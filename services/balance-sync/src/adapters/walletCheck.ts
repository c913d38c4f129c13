/** Our own wallets at the start: each must belong to its signer, or nothing starts. */
import { TransientError } from "@slipstream/contracts/errors";
import { backoffMs, READ_RETRY } from "@slipstream/polymarket/backoff";
import type { RpcReader } from "@slipstream/polymarket/rpc";
import { checkWallet, type WalletClaim } from "@slipstream/polymarket/wallets";

const TRIES = 4;

export type WalletCheckOptions = {
  readonly rpc: RpcReader;
  readonly pause: (ms: number) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
};

/** @throws ContractError WALLET_MISMATCH; TransientError when no node answers within a few tries. */
export async function checkWallets(
  wallets: readonly { readonly claim: WalletClaim }[],
  { rpc, pause, random }: WalletCheckOptions,
): Promise<void> {
  for (const { claim } of wallets) {
    for (let failures = 0; ; failures++) {
      try {
        await checkWallet(claim, rpc);
        break;
      } catch (error) {
        if (!(error instanceof TransientError) || failures + 1 >= TRIES) throw error;
        await pause(backoffMs(READ_RETRY, failures, random()));
      }
    }
  }
}
