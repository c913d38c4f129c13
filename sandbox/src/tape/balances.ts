/**
 * What the wallets on a tape hold: the sum of their fills, on a base that is never overdrawn. Replay and the player take
 * the same answer.
 */
import type { Address, TokenId } from "@slipstream/contracts/ids";
import { type SharesMicro, sharesMicro } from "@slipstream/contracts/money";
import { decodeOrderFilled } from "@slipstream/polymarket/orderFilled";
import { defaultExchanges } from "@slipstream/polymarket/versions";
import type { TapeLog } from "./addFills.ts";
import type { TapeRecord } from "./format.ts";

export type TapeBalances = {
  /** Shares of a token after `block`; zero for wallets and tokens that are not on the tape. */
  at(wallet: Address, tokenId: TokenId, block: number): SharesMicro;
};

type Step = { readonly block: number; readonly afterMicro: bigint };

/** The base of a holding is what the wallet must have held at least before the tape for all of its sales to be possible. */
export function tapeBalances(tape: readonly TapeRecord[]): TapeBalances {
  const steps = new Map<string, Step[]>();
  const lowest = new Map<string, bigint>();
  for (const record of tape) {
    if (record.ch !== "chain.log") continue;
    const log = record.d as TapeLog;
    const fill = decodeOrderFilled(log, defaultExchanges);
    if (fill.kind !== "orderFilled") continue;
    const key = `${fill.maker}|${fill.tokenId}`;
    const list = steps.get(key) ?? [];
    const afterMicro = (list.at(-1)?.afterMicro ?? 0n) + (fill.side === "BUY" ? fill.sharesMicro : -fill.sharesMicro);
    list.push({ block: Number(log.blockNumber), afterMicro });
    steps.set(key, list);
    const low = lowest.get(key) ?? 0n;
    lowest.set(key, afterMicro < low ? afterMicro : low);
  }
  return {
    at: (wallet, tokenId, block) => {
      const key = `${wallet}|${tokenId}`;
      const last = steps.get(key)?.findLast((step) => step.block <= block);
      return sharesMicro((last?.afterMicro ?? 0n) - (lowest.get(key) ?? 0n));
    },
  };
}
