/** What balance-sync reads and publishes. */
import { type Decision, type FactMessage, nothing } from "@slipstream/actor/core";
import type { Address, TokenId } from "@slipstream/contracts/ids";
import { type ChainSubject, subjects } from "@slipstream/contracts/subjects";
import type {
  BalanceSyncMessage,
  BalanceSyncRequest,
  BalanceSyncView,
  BalancesRead,
  Pair,
  ReadBalances,
} from "./messages.ts";
import { isDue, settlementFacts } from "./purse.ts";
import { QUESTIONS_MAX, resolutionChains, resolutionFacts, resolutionsToAsk } from "./resolutions.ts";
import { indexFacts, walletFacts } from "./snapshots.ts";
import type { BalanceSyncState, Purse } from "./state.ts";
import { isPublished, ownWallet, pairsOf, tokensOf, type Wanted, wantedAbove, wantedByPoll } from "./tokens.ts";

type Incoming = BalanceSyncMessage | FactMessage;

/** Where decisions are made that publish nothing. No holder has this name. */
const READS: ChainSubject = "evt.balance.v1._reads";

/** One chain per holder; readings that concern several wallets are decided once for each. */
export function route(state: BalanceSyncState, view: BalanceSyncView, message: Incoming): readonly ChainSubject[] {
  switch (message.type) {
    case "Poll":
    case "Compare":
    case "TipGone":
    case "NodesSilent":
    case "TokensListed":
    case "TransferSeen":
    case "CheckResolutions":
      return [READS];
    case "ResolutionsRead":
      return resolutionChains(state, message);
    case "IndexRead":
      return isPublished(view, message.address) ? [subjects.balance(message.address)] : [];
    case "BalancesRead": {
      const wallets = ownersOf(message).filter((address) => isPublished(view, address));
      return [...wallets.map(subjects.balance), ...duePurses(state, message.block.blockNumber)];
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
      return read(state, wantedByPoll(state, view));
    case "Compare":
      return ask(
        view.own.map((own): BalanceSyncRequest => {
          const tokens = tokensOf(state, state.wallets.get(own.address), own);
          const pairs = pairsOf(state, view, own.address, tokens);
          return { type: "CompareWallet", address: own.address, pairs };
        }),
      );
    case "CheckResolutions": {
      const { questions } = resolutionsToAsk(state, view, message.all);
      const readings: BalanceSyncRequest[] = [];
      for (let from = 0; from < questions.length; from += QUESTIONS_MAX) {
        const some = questions.slice(from, from + QUESTIONS_MAX);
        readings.push({ type: "ReadResolutions", questions: some, verify: state.final });
      }
      return ask(readings);
    }
    case "ResolutionsRead":
      return { facts: resolutionFacts(state, message, { chain, nowMs: view.nowMs }), requests: [] };
    case "NodesSilent":
      if (view.phase === "observe") return nothing;
      return ask(view.own.map(({ address }): BalanceSyncRequest => ({ type: "ReadIndex", address })));
    case "TipGone": {
      // Whoever asked late: the newest snapshot is another one by now.
      if (state.tip?.blockHash !== message.tip.blockHash) return nothing;
      const wanted = wantedAbove(state, view, Math.min(state.finalized + 1, message.tip.blockNumber));
      return ask([{ type: "ReadBalances", ...wanted, verify: null, source: "chain", afterReorg: true }]);
    }
    case "TokensListed":
      return readTokens(state, view, message.address, pairsOf(state, view, message.address, message.tokenIds));
    case "TransferSeen": {
      const { address, ledger, tokenIds } = message;
      const pairs = [...new Set(tokenIds)].map((tokenId: TokenId) => ({ owner: address, tokenId, ledger }));
      return readTokens(state, view, address, pairs, "transfer");
    }
    case "BalancesRead": {
      const purse = purseOf(state, chain);
      if (purse !== undefined) return settleAt(purse, message.block, view.nowMs);
      const address = ownersOf(message).find((owner) => subjects.balance(owner) === chain);
      if (address === undefined) return nothing;
      return { facts: walletFacts({ state, view, address }, message), requests: [] };
    }
    case "IndexRead":
      return { facts: indexFacts({ state, view, address: message.address }, message), requests: [] };
    case "Fact": {
      const { fact } = message.recorded;
      const purse = purseOf(state, chain);
      if (purse !== undefined) return settleAt(purse, state.head, view.nowMs);
      // History is read by the next poll: a long backfill must not become as many calls.
      if (!("leader" in fact) || (fact.type === "LeaderFill" && fact.historical)) return nothing;
      if (!("tokenId" in fact)) return nothing;
      return readTokens(state, view, fact.leader, pairsOf(state, view, fact.leader, [fact.tokenId]));
    }
  }
}

/**
 * After a restart: whatever differs from the last published is news, fills may have waited for a block, and markets may
 * have been resolved meanwhile.
 */
export const owed = (): BalanceSyncMessage[] => [{ type: "Poll" }, { type: "CheckResolutions", all: true }];

const ask = (requests: readonly BalanceSyncRequest[]): Decision<BalanceSyncRequest> => ({ facts: [], requests });

const read = (
  state: BalanceSyncState,
  wanted: Wanted,
  source: ReadBalances["source"] = "chain",
): Decision<BalanceSyncRequest> =>
  ask([{ type: "ReadBalances", ...wanted, verify: state.tip, source, afterReorg: false }]);

/** Reads some tokens of a wallet at once; of ours the money too, which moves with them. */
function readTokens(
  state: BalanceSyncState,
  view: BalanceSyncView,
  address: Address,
  pairs: readonly Pair[],
  source: ReadBalances["source"] = "chain",
): Decision<BalanceSyncRequest> {
  if (pairs.length === 0 || !isPublished(view, address)) return nothing;
  const purses = ownWallet(view, address) === null ? [] : [address];
  return read(state, { pairs, purses, complete: [] }, source);
}

const ownersOf = ({ readings, purses }: BalancesRead): Address[] => [
  ...new Set([...readings, ...purses].map(({ owner }) => owner)),
];

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
