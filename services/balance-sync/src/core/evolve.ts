/** How facts change what balance-sync knows. */
import type { FactOf, FactType, Recorded } from "@slipstream/contracts/facts";
import type { TokenId } from "@slipstream/contracts/ids";
import { readConfig, whenRemovedOf } from "@slipstream/contracts/policy";
import { CONDITIONAL_TOKENS } from "@slipstream/polymarket/versions";
import { fundPurse, noteFill, notePublished, payOut, settle } from "./purse.ts";
import { noteHeld, noteResolved } from "./resolutions.ts";
import {
  ACCOUNT_TOKENS_MAX,
  type BalanceSyncState,
  type BlockRef,
  FINALS_APART,
  walletOf,
  walletTokenOf,
} from "./state.ts";

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
  "PositionChanged",
  "ConditionResolved",
  "PositionSettled",
  "ReservationGranted",
]);

export function evolve(state: BalanceSyncState, { fact }: Recorded): BalanceSyncState {
  switch (fact.type) {
    case "ConfigChanged":
      follow(state, fact);
      break;
    case "LeaderFill":
      // Known only from the chain: another source tells of the fill alone.
      if (fact.exchange !== null) walletTokenOf(walletOf(state, fact.leader), fact.tokenId).exchange = fact.exchange;
      touch(state, fact);
      break;
    case "LeaderFillReverted":
    case "LeaderAct":
      touch(state, fact);
      break;
    case "ChainProgress":
      if (fact.head > state.head.blockNumber) state.head = { blockNumber: fact.head, tsMs: fact.headTsMs };
      state.finalized = Math.max(state.finalized, fact.finalized);
      noteFinal(state, { blockNumber: fact.finalized, blockHash: fact.finalizedHash });
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
    case "PositionChanged":
      noteHeld(state, fact);
      noteAccountToken(
        state,
        fact,
        fact.confirmedMicro > 0n || fact.conservativeExposureMicro > 0n || fact.reservedSellsMicro > 0n,
      );
      break;
    case "ConditionResolved":
      noteResolved(state, fact.conditionId);
      break;
    case "PositionSettled": {
      const purse = state.purses.get(fact.account);
      if (purse !== undefined) payOut(purse, fact);
      break;
    }
    case "ReservationGranted":
      noteAccountToken(state, fact, true);
      break;
    default:
      break;
  }
  return state;
}

function noteFinal(state: BalanceSyncState, block: BlockRef): void {
  // The first block is final from the start: it tells nothing.
  if (block.blockNumber === 0) return;
  state.final ??= block;
  state.nextFinal ??= block;
  if (block.blockNumber < state.nextFinal.blockNumber + FINALS_APART) return;
  state.final = state.nextFinal;
  state.nextFinal = block;
}

/** Tokens of positions and open orders; a paper account's are in its ledger. */
function noteAccountToken(
  state: BalanceSyncState,
  { account, tokenId, tsInitMs }: FactOf<"PositionChanged" | "ReservationGranted">,
  isOpen: boolean,
): void {
  if (state.purses.has(account)) return;
  const tokens = state.accountTokens.get(account) ?? new Map<TokenId, number>();
  state.accountTokens.set(account, tokens);
  tokens.delete(tokenId);
  if (isOpen) tokens.set(tokenId, tsInitMs);
  for (const [oldest] of tokens) {
    if (tokens.size <= ACCOUNT_TOKENS_MAX) break;
    tokens.delete(oldest);
  }
}

function follow(state: BalanceSyncState, fact: FactOf<"ConfigChanged">): void {
  const read = readConfig(fact.key, fact.value);
  // What cannot be read voids nothing.
  if (!read.ok || read.config.kind !== "leaders") return;
  const wallet = walletOf(state, read.config.leader);
  const whenRemoved = whenRemovedOf(read.config.config);
  // Who is removed is read on while what was bought after him is followed until it is gone.
  wallet.followed = whenRemoved === null || (whenRemoved === "follow" && wallet.followed);
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
  for (const { tokenId, sharesMicro, ledger } of fact.balances) {
    const token = walletTokenOf(wallet, tokenId);
    if (blockNumber < token.blockNumber && !afterReorg) continue;
    // A complete snapshot repeats what did not move.
    const isMoved = token.sharesMicro !== sharesMicro;
    token.sharesMicro = sharesMicro;
    token.ledger = ledger ?? CONDITIONAL_TOKENS;
    token.blockNumber = blockNumber;
    token.blockHash = blockHash;
    token.fromIndex = fact.source === "api";
    if (isMoved) token.touchedMs = Math.max(token.touchedMs, fact.tsInitMs);
  }
  const { collateralMicro } = fact;
  if (collateralMicro !== null && (blockNumber >= (wallet.purse?.blockNumber ?? 0) || afterReorg)) {
    wallet.purse = { collateralMicro, blockNumber };
    wallet.allowances = fact.allowances ?? wallet.allowances;
  }
  wallet.degraded = fact.degraded ?? false;
  if (fact.complete && fact.part === fact.parts) wallet.completeMs = fact.tsInitMs;
  if (blockHash !== null && (afterReorg || blockNumber >= (state.tip?.blockNumber ?? 0))) {
    state.tip = { blockNumber, blockHash };
  }
}
