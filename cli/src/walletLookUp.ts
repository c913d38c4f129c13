/** What the venue's index knows of a wallet that is to be followed: one that never trades is waited for in vain. */
import type { Address } from "@slipstream/contracts/ids";
import { createDataApi, type DataApi } from "@slipstream/polymarket/dataApi";
import { parseExactJson } from "@slipstream/polymarket/exactJson";
import { createHttpReader } from "@slipstream/polymarket/http";
import { deriveWallets } from "@slipstream/polymarket/wallets";

const TIMEOUT_MS = 3_000;

/** The index at an address, asked once and without waiting long: what it says is a hint. */
export const lookUpIndex = (baseUrl: string): Pick<DataApi, "fills"> =>
  createDataApi(
    createHttpReader({
      ...{ baseUrl, timeoutMs: TIMEOUT_MS, attemptsMax: 1, random: Math.random, parse: parseExactJson },
      clock: {
        nowMs: Date.now,
        after: (ms, call) => {
          const timer = setTimeout(call, ms);
          return { cancel: () => clearTimeout(timer) };
        },
      },
    }),
  );

/**
 * Returns what was found, in a sentence, where it is worth saying; null: the wallet trades.
 * Nothing is followed in place of what was named: that is for the person to say.
 */
export async function lookUpWallet(
  index: Pick<DataApi, "fills">,
  wallet: Address,
  nowMs: number,
): Promise<string | null> {
  const endSeconds = Math.floor(nowMs / 1_000);
  const trades = async (user: Address): Promise<boolean> => {
    const { fills, unreadable } = await index.fills(user, "activity", { startSeconds: 0, endSeconds, limit: 1 });
    return fills.length > 0 || unreadable.length > 0;
  };
  try {
    if (await trades(wallet)) return null;
    const { proxy, safe, deposit } = deriveWallets(wallet);
    const found: Address[] = [];
    for (const held of [proxy, safe, deposit.beacon, deposit.uups]) if (await trades(held)) found.push(held);
    if (found.length === 0)
      return `${wallet} has never traded, as far as the Data API knows: nothing is copied until it does`;
    return `${wallet} has never traded itself, but is the key of ${found.join(" and ")}, which does: follow that one`;
  } catch (error) {
    return `${wallet} could not be looked up: ${error instanceof Error ? error.message : String(error)}`;
  }
}
