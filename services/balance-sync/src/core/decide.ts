/** What balance-sync reads and publishes. */
import { type Decision, type FactMessage, nothing } from "@slipstream/actor/core";
import type { Address } from "@slipstream/contracts/ids";
import { type ChainSubject, subjects } from "@slipstream/contracts/subjects";
import type { BalanceSyncMessage, BalanceSyncRequest, BalanceSyncView, Pair } from "./messages.ts";
import { isDue, settlementFacts } from "./purse.ts";
import { duePairs, pairsAbove, walletFacts } from "./snapshots.ts";
import type { BalanceSyncState, Purse } from "./state.ts";

type Incoming = BalanceSyncMessage | FactMessage;

/** Where decisions are made that publish nothing. No holder has this name. */
const READS: ChainSubject = "evt.balance.v1._reads";

/** One chain per holder; readings that concern several wallets are decided once for each. */
export function route(state: BalanceSyncState, _view: BalanceSyncView, message: Incoming): readonly ChainSubject[] {
  switch (message.type) {
    case "Poll":
    case "TipGone":
    case "TransferSeen":
      return [READS];
    case "BalancesRead": {
      const wallets = new Set(message.readings.map(({ owner }) => owner));
      return [...[...wallets].map(subjects.balance), ...duePurses(state, message.block.blockNumber)];
    }
    case "Fact": {
      const { fact } = message.recorded;
      if (fact.type === "ChainProgress") return duePurses(state, state.head.blockNumber);
      if (fact.type === "LeaderFill" || fact.type === "LeaderFillReverted" || fact.type === "LeaderAct") return [READS];
      return [];
    }
  }
}

export function decide(
  state: BalanceSyncState,
  view: BalanceSyncView,
  message: Incoming,
  chain: ChainSubject,
): Decision<BalanceSyncRequest> {
  switch (message.type) {
    case "Poll":
      return read(state, duePairs(state, view.nowMs));
    case "TipGone": {
      // Whoever asked late: the newest snapshot is another one by now.
      if (state.tip?.blockHash !== message.tip.blockHash) return nothing;
      const pairs = pairsAbove(state, Math.min(state.finalized + 1, message.tip.blockNumber));
      return {
        facts: [],
        requests: [{ type: "ReadBalances", pairs, verify: null, source: "chain", afterReorg: true }],
      };
    }
    case "TransferSeen":
      return read(state, pairsOf(state, message.address, message.tokenIds), "transfer");
    case "BalancesRead": {
      const purse = purseOf(state, chain);
      if (purse !== undefined) return settleAt(purse, message.block, view.nowMs);
      const owner = message.readings.find((reading) => subjects.balance(reading.owner) === chain)?.owner;
      if (owner === undefined) return nothing;
      return { facts: walletFacts(state.wallets.get(owner), owner, message, view.nowMs), requests: [] };
    }
    case "Fact": {
      const { fact } = message.recorded;
      const purse = purseOf(state, chain);
      if (purse !== undefined) return settleAt(purse, state.head, view.nowMs);
      // History is read by the next poll: a long backfill must not become as many calls.
      if (!("leader" in fact) || (fact.type === "LeaderFill" && fact.historical)) return nothing;
      return "tokenId" in fact ? read(state, pairsOf(state, fact.leader, [fact.tokenId])) : nothing;
    }
  }
}

/** After a restart: whatever differs from the last published is news, and fills may have waited for a block. */
export const owed = (): BalanceSyncMessage[] => [{ type: "Poll" }];

const read = (
  state: BalanceSyncState,
  pairs: readonly Pair[],
  source: "chain" | "transfer" = "chain",
): Decision<BalanceSyncRequest> => ({
  facts: [],
  requests: [{ type: "ReadBalances", pairs, verify: state.tip, source, afterReorg: false }],
});

const settleAt = (
  purse: Purse,
  block: { readonly blockNumber: number; readonly tsMs: number },
  nowMs: number,
): Decision<never> =>
  isDue(purse, block.blockNumber) ? { facts: settlementFacts(purse, block, nowMs), requests: [] } : nothing;

const duePurses = (state: BalanceSyncState, blockNumber: number): ChainSubject[] =>
  [...state.purses.values()]
    .filter((purse) => isDue(purse, blockNumber))
    .map(({ account }) => subjects.balance(account));

const purseOf = (state: BalanceSyncState, chain: ChainSubject): Purse | undefined =>
  [...state.purses.values()].find(({ account }) => subjects.balance(account) === chain);

function pairsOf(state: BalanceSyncState, owner: Address, tokenIds: readonly Pair["tokenId"][]): Pair[] {
  const wallet = state.wallets.get(owner);
  return tokenIds.map((tokenId) => ({ owner, tokenId, exchange: wallet?.tokens.get(tokenId)?.exchange ?? null }));
}
