/**
 * What chain-watcher knows, folded from the log.
 *
 * Invariants
 * 1. A fill is identified by its content; `occurrence` counts how often it was on the chain, from 0.
 * 2. A fill that is REVERTED or RETRACTED stays known until finality has passed its block by `RETAIN_BLOCKS`, so that a
 *    return is a new occurrence of the same fill.
 * 3. `progress.cursor` never passes a block whose logs were not read completely; it follows finality.
 */
import type { FactOf, Recorded } from "@slipstream/contracts/facts";
import type { Address, LeaderFillId } from "@slipstream/contracts/ids";
import { configSchemas } from "@slipstream/contracts/policy";

/** Blocks below finality for which fills stay known: far beyond any re-read and any reorg seen. */
export const RETAIN_BLOCKS = 512;

export type FillStatus = "ON_CHAIN" | "REVERTED" | "RETRACTED";

export type KnownFill = {
  readonly status: FillStatus;
  readonly occurrence: number;
  readonly content: string;
  readonly leader: Address;
  readonly tokenId: FactOf<"LeaderFill">["tokenId"];
  readonly conditionId: FactOf<"LeaderFill">["conditionId"];
  readonly blockNumber: number;
  readonly blockHash: FactOf<"LeaderFill">["blockHash"];
  readonly logIndex: number;
};

export type Progress = Pick<
  FactOf<"ChainProgress">,
  "head" | "headHash" | "headTsMs" | "finalized" | "finalizedHash" | "cursor"
>;

export type WatcherState = {
  /** Enabled leaders only. */
  leaders: Set<Address>;
  fills: Map<LeaderFillId, KnownFill>;
  progress: Progress | null;
  openGaps: Map<string, { readonly fromBlock: number; readonly toBlock: number }>;
};

export const initialState = (): WatcherState => ({
  leaders: new Set(),
  fills: new Map(),
  progress: null,
  openGaps: new Map(),
});

/** What makes two logs of one transaction the same fill but for their ordinal. */
export const contentOf = (fill: {
  readonly txHash: string;
  readonly leader: string;
  readonly tokenId: string;
  readonly side: string;
  readonly sharesMicro: bigint;
}): string => `${fill.txHash}|${fill.leader}|${fill.tokenId}|${fill.side}|${fill.sharesMicro}`;

export function evolve(state: WatcherState, { fact }: Recorded): WatcherState {
  switch (fact.type) {
    case "ConfigChanged":
      applyConfig(state, fact);
      break;
    case "LeaderFill":
      applyFill(state, fact);
      break;
    case "LeaderFillReverted":
      setStatus(state, fact, "REVERTED");
      break;
    case "LeaderFillRetracted":
      setStatus(state, fact, "RETRACTED");
      break;
    case "ChainProgress":
      applyProgress(state, fact);
      break;
    case "GapDetected":
      state.openGaps.set(fact.gapId, { fromBlock: fact.fromBlock, toBlock: fact.toBlock });
      break;
    case "GapResolved":
      state.openGaps.delete(fact.gapId);
      break;
    default:
      break;
  }
  return state;
}

function applyConfig(state: WatcherState, fact: FactOf<"ConfigChanged">): void {
  const [kind, key] = fact.key.split(".", 2);
  if (kind !== "leaders" || key === undefined) return;
  if (fact.value === null) {
    state.leaders.delete(key as Address);
    return;
  }
  const { leader, enabled } = configSchemas.leaders.parse(fact.value);
  if (enabled) state.leaders.add(leader);
  else state.leaders.delete(leader);
}

function applyFill(state: WatcherState, fact: FactOf<"LeaderFill">): void {
  const known = state.fills.get(fact.leaderFillId);
  if (known !== undefined && known.occurrence >= fact.occurrence) return;
  state.fills.set(fact.leaderFillId, {
    status: "ON_CHAIN",
    occurrence: fact.occurrence,
    content: contentOf(fact),
    leader: fact.leader,
    tokenId: fact.tokenId,
    conditionId: fact.conditionId,
    blockNumber: fact.blockNumber,
    blockHash: fact.blockHash,
    logIndex: fact.logIndex,
  });
}

function setStatus(
  state: WatcherState,
  fact: FactOf<"LeaderFillReverted"> | FactOf<"LeaderFillRetracted">,
  status: FillStatus,
): void {
  const known = state.fills.get(fact.leaderFillId);
  if (known !== undefined && known.occurrence === fact.occurrence) {
    state.fills.set(fact.leaderFillId, { ...known, status });
  }
}

function applyProgress(state: WatcherState, fact: FactOf<"ChainProgress">): void {
  const { head, headHash, headTsMs, finalized, finalizedHash, cursor } = fact;
  state.progress = { head, headHash, headTsMs, finalized, finalizedHash, cursor };
  for (const [id, fill] of state.fills) {
    if (fill.blockNumber < finalized - RETAIN_BLOCKS) state.fills.delete(id);
  }
}
