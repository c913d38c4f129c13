/** Wallets as topics of a log filter. */
import type { Address } from "@slipstream/contracts/ids";
import { addressToWord } from "./abi.ts";

/** Nodes refuse more than 1,000 topics in one place by default, and providers may set less. */
const WALLETS_PER_FILTER = 200;

/** Returns the wallets as 32-byte topics, in as many lists as filters are needed. */
export function walletTopics(wallets: Iterable<Address>): string[][] {
  const topics = [...wallets].map((wallet) => `0x${addressToWord(wallet)}`);
  const lists: string[][] = [];
  for (let from = 0; from < topics.length; from += WALLETS_PER_FILTER) {
    lists.push(topics.slice(from, from + WALLETS_PER_FILTER));
  }
  return lists;
}
