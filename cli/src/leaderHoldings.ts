/** What leaders' wallets hold by the newest readings. */
import type { FactOf } from "@slipstream/contracts/facts";
import { unlistedIsZero } from "@slipstream/contracts/facts/balance";
import { sharesMicro } from "@slipstream/contracts/money";
import type { Overview } from "./overview.ts";

export function applyBalances(
  { leaderHoldings }: Pick<Overview, "leaderHoldings">,
  fact: FactOf<"BalanceSnapshot">,
): void {
  if (fact.holder.kind !== "wallet" || fact.account !== undefined) return;
  const { address } = fact.holder;
  const { blockNumber } = fact;
  const read = new Map(fact.balances.map(({ tokenId, sharesMicro: held }) => [`${address}|${tokenId}`, held]));
  const unlisted = unlistedIsZero(fact) ? [...leaderHoldings.keys()].filter((key) => key.startsWith(address)) : [];
  for (const key of new Set([...read.keys(), ...unlisted])) {
    // Readings of two nodes may come in another order than that of their blocks.
    if (!fact.afterReorg && blockNumber < (leaderHoldings.get(key)?.blockNumber ?? 0)) continue;
    leaderHoldings.set(key, { blockNumber, sharesMicro: read.get(key) ?? sharesMicro(0n) });
  }
}
