/** Holdings as the venue's index (the Data API) tells them: the last resort, and a second opinion. */
import { ContractError, TransientError } from "@slipstream/contracts/errors";
import type { Address, TokenId } from "@slipstream/contracts/ids";
import { sharesMicro } from "@slipstream/contracts/money";
import type { DataApi } from "@slipstream/polymarket/dataApi";
import type { Holding } from "../core/compare.ts";

export type IndexReader = {
  /** All that the index lists and that can be read, dust included; null: it does not answer, or says what cannot be understood. */
  holdings(address: Address): Promise<Holding[] | null>;
  /** Why the last reading failed, or what of it could not be read; null when it was whole. */
  failure(): string | null;
};

/** @param api - retries by itself, within bounds. */
export function createIndexReader(api: Pick<DataApi, "positions">, onFailure: (error: Error) => void): IndexReader {
  let failure: string | null = null;
  return {
    failure: () => failure,
    holdings: async (address) => {
      try {
        const { rows, unreadable } = await api.positions(address);
        const [why] = unreadable;
        const flaw = why === undefined ? null : `${unreadable.length} rows of /positions cannot be read: ${why}`;
        if (flaw !== null && failure === null) onFailure(new ContractError("VENUE_UNREADABLE", flaw));
        failure = flaw;
        const found = new Map<TokenId, Holding>();
        for (const { asset, size, proxyWallet } of rows) {
          if (proxyWallet === address) found.set(asset, { tokenId: asset, sharesMicro: sharesMicro(BigInt(size)) });
        }
        return [...found.values()];
      } catch (error) {
        if (!(error instanceof TransientError || error instanceof ContractError)) throw error;
        if (failure === null) onFailure(error);
        failure = error.message;
        return null;
      }
    },
  };
}
