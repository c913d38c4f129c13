/** How facts change what balance-sync knows. */
import type { FactOf, FactType, Recorded } from "@slipstream/contracts/facts";
import { Address } from "@slipstream/contracts/ids";
import { LeaderConfig } from "@slipstream/contracts/policy";
import { fundPurse, noteFill, notePublished, settle } from "./purse.ts";
import { type BalanceSyncState, walletOf, walletTokenOf } from "./state.ts";

export const folds: ReadonlySet<FactType> = new Set<FactType>([
  "ConfigChanged",
  "LeaderFill",
  "LeaderFillReverted",
  "LeaderAct",
  "ChainProgress",
  "BalanceSnapshot",
  "ExecutionFillSettled",
  "AccountFunded",
  "ExecutionFill",
  "ExecutionFillReversed",
]);

export function evolve(state: BalanceSyncState, { fact }: Recorded): BalanceSyncState {
  switch (fact.type) {
    case "ConfigChanged":
      follow(state, fact);
      break;
    case "LeaderFill":
      walletTokenOf(walletOf(state, fact.leader), fact.tokenId).exchange = fact.exchange;
      touch(state, fact);
      break;
    case "LeaderFillReverted":
    case "LeaderAct":
      touch(state, fact);
      break;
    case "ChainProgress":
      if (fact.head > state.head.blockNumber) state.head = { blockNumber: fact.head, tsMs: fact.headTsMs };
      state.finalized = Math.max(state.finalized, fact.finalized);
      break;
    case "BalanceSnapshot":
      published(state, fact);
      break;
    case "AccountFunded":
      fundPurse(state, fact.account, fact.collateralMicro);
      break;
    case "ExecutionFill": {
      const purse = state.purses.get(fact.account);
      if (purse !== undefined) noteFill(purse, fact);
      break;
    }
    case "ExecutionFillSettled": {
      const purse = state.purses.get(fact.account);
      if (purse !== undefined) settle(purse, fact.tradeId);
      break;
    }
    case "ExecutionFillReversed":
      // Before its block it never happened; what the ledger has settled is settled.
      state.purses.get(fact.account)?.unsettled.delete(fact.tradeId);
      break;
    default:
      break;
  }
  return state;
}

function follow(state: BalanceSyncState, fact: FactOf<"ConfigChanged">): void {
  const [kind, id] = fact.key.split(".", 2);
  const address = Address.safeParse(id);
  if (kind !== "leaders" || !address.success) return;
  const leader = LeaderConfig.safeParse(fact.value);
  walletOf(state, address.data).followed = leader.success && leader.data.enabled;
}

function touch(state: BalanceSyncState, fact: FactOf<"LeaderFill" | "LeaderFillReverted" | "LeaderAct">): void {
  const token = walletTokenOf(walletOf(state, fact.leader), fact.tokenId);
  token.touchedMs = Math.max(token.touchedMs, fact.tsInitMs);
}

function published(state: BalanceSyncState, fact: FactOf<"BalanceSnapshot">): void {
  if (fact.holder.kind === "paper") {
    const purse = state.purses.get(fact.holder.account);
    if (purse !== undefined) notePublished(purse, fact);
    return;
  }
  const { blockNumber, blockHash, afterReorg } = fact;
  const wallet = walletOf(state, fact.holder.address);
  if (wallet.lastSnapshotId !== fact.id) wallet.snapshots += 1;
  wallet.lastSnapshotId = fact.id;
  for (const { tokenId, sharesMicro } of fact.balances) {
    const token = walletTokenOf(wallet, tokenId);
    if (blockNumber < token.blockNumber && !afterReorg) continue;
    token.sharesMicro = sharesMicro;
    token.blockNumber = blockNumber;
    token.blockHash = blockHash;
    token.touchedMs = Math.max(token.touchedMs, fact.tsInitMs);
  }
  if (blockHash !== null && (afterReorg || blockNumber >= (state.tip?.blockNumber ?? 0))) {
    state.tip = { blockNumber, blockHash };
  }
}
