/**
 * What chain-watcher knows, folded from the log: of all leaders, whichever replica reads them.
 *
 * Invariants
 * 1. A fill is identified by its content; `occurrence` counts how often it was told, from 0.
 * 2. A fill stays known until the cursor of its leader has passed its block by `RETAIN_BLOCKS` and the newest block is
 *    younger by `RETAIN_MS`, so that a return is a new occurrence of the same fill, and neither blocks that are read again
 *    nor rows that are told again tell it twice.
 * 3. A shard's cursor never passes a block whose logs were not read completely; it follows finality.
 */
import type { FactOf, Recorded } from "@slipstream/contracts/facts";
import { type Address, type FactId, shardOf } from "@slipstream/contracts/ids";
import { configOf, type FollowFrom, whenRemovedOf } from "@slipstream/contracts/policy";
import { ALL_SHARDS } from "@slipstream/contracts/subjects";
import { emptyFills, type FillBook, type KnownFill, putFill, removeFill } from "./fillBook.ts";
import { contentOf } from "./identity.ts";
import { followedIn, isRead, putLeader } from "./roster.ts";

/** Blocks below the cursor for which fills stay known: far beyond any re-read and any reorg seen. */
export const RETAIN_BLOCKS = 512;
/** And so long: where blocks come quickly, rows of other sources come late counted in blocks. */
export const RETAIN_MS = 15 * 60_000;

export type Progress = Pick<
  FactOf<"ChainProgress">,
  "head" | "headHash" | "headTsMs" | "finalized" | "finalizedHash" | "cursor" | "tsInitMs"
>;

export type Backfill = { readonly fromBlock: number; readonly toBlock: number; readonly cursor: number };

export type LeaderState = {
  /** He is followed. */
  readonly enabled: boolean;
  /**
   * He was removed and is read on, because what was bought after him is followed until it is gone. Nobody joins for this:
   * who is not read when he is removed has nothing that was bought after him.
   */
  readonly leaving: boolean;
  readonly follow: FollowFrom;
  readonly revision: number;
  /** Null until the log says from where on he is followed. */
  readonly joined: { readonly toldFrom: number; readonly tsMs: number } | null;
  /** Null when nothing of his past is left to be read. */
  readonly backfill: Backfill | null;
  /** First block that was ever read for him: what lies behind it is not told a second time. */
  readonly earliest: number | null;
};

export type Gap = { readonly shard: string; readonly fromBlock: number; readonly toBlock: number };

export type WatcherState = {
  /** Changed by `putLeader` alone. */
  leaders: Map<Address, LeaderState>;
  fills: FillBook;
  /** Acts that may be read again. */
  acts: Map<FactId, { readonly leader: Address; readonly blockNumber: number }>;
  /** By shard, and the newest block under `ALL_SHARDS`. */
  progress: Map<string, Progress>;
  openGaps: Map<string, Gap>;
};

export const initialState = (): WatcherState => ({
  leaders: new Map(),
  fills: emptyFills(),
  acts: new Map(),
  progress: new Map(),
  openGaps: new Map(),
});

/** Leaders whose fills are told now. */
export const followed = (state: WatcherState, isOurs: (shard: string) => boolean = () => true): ReadonlySet<Address> =>
  followedIn(state.leaders, isOurs);

export const isFollowed = (state: WatcherState, leader: Address): boolean => {
  const known = state.leaders.get(leader);
  return known !== undefined && isRead(known);
};

export function evolve(state: WatcherState, { fact }: Recorded): WatcherState {
  switch (fact.type) {
    case "ConfigChanged":
      applyConfig(state, fact);
      break;
    case "LeaderJoined":
      applyJoined(state, fact);
      break;
    case "BackfillProgress":
      applyBackfill(state, fact);
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
    case "LeaderFillSighted":
      change(state, fact, (fill) => ({ ...fill, sources: new Set([...fill.sources, fact.source]) }));
      break;
    case "LeaderFillCosted":
      change(state, fact, (fill) => ({ ...fill, costed: true }));
      break;
    case "LeaderAct":
      state.acts.set(fact.id, { leader: fact.leader, blockNumber: fact.blockNumber });
      break;
    case "ChainProgress":
      applyProgress(state, fact);
      break;
    case "GapDetected":
      state.openGaps.set(fact.gapId, { shard: fact.scope, fromBlock: fact.fromBlock, toBlock: fact.toBlock });
      break;
    case "GapResolved":
      state.openGaps.delete(fact.gapId);
      break;
    default:
      break;
  }
  return state;
}

const sameStart = (a: FollowFrom, b: FollowFrom): boolean => JSON.stringify(a) === JSON.stringify(b);

function applyConfig(state: WatcherState, fact: FactOf<"ConfigChanged">): void {
  const said = configOf(fact);
  if (said.kind !== "leaders") return;
  const { leader, config } = said;
  const known = state.leaders.get(leader);
  // A past that is half read stays so: what is missing of it is known when he comes back.
  const rest = { joined: null, backfill: known?.backfill ?? null, earliest: known?.earliest ?? null };
  if (config === null) {
    if (known !== undefined) putLeader(state.leaders, leader, removedFrom(known, true));
    return;
  }
  const { enabled, follow = { kind: "now" } as const } = config;
  if (!enabled && known !== undefined) {
    const isReadOn = whenRemovedOf(config) === "follow";
    putLeader(state.leaders, leader, { ...removedFrom(known, isReadOn), revision: fact.revision });
    return;
  }
  // Who is read on all the time misses nothing when he is followed from now on again.
  const goesOn = known !== undefined && isRead(known) && (sameStart(known.follow, follow) || isBack(known, follow));
  const kept = goesOn ? { joined: known.joined, backfill: known.backfill, earliest: known.earliest } : rest;
  putLeader(state.leaders, leader, { ...kept, enabled, leaving: false, follow, revision: fact.revision });
}

const isBack = ({ leaving }: LeaderState, follow: FollowFrom): boolean => leaving && follow.kind === "now";

/** A past that is half read stays so: nothing of it is followed any more. */
function removedFrom(known: LeaderState, isReadOn: boolean): LeaderState {
  const leaving = isReadOn && isRead(known);
  return { ...known, enabled: false, leaving, joined: leaving ? known.joined : null };
}

function applyJoined(state: WatcherState, fact: FactOf<"LeaderJoined">): void {
  const known = state.leaders.get(fact.leader);
  if (known === undefined) return;
  const { fromBlock, toBlock, tsEventMs } = fact;
  const hasPast = toBlock >= fromBlock;
  putLeader(state.leaders, fact.leader, {
    ...known,
    joined: { toldFrom: hasPast ? 0 : fromBlock, tsMs: tsEventMs },
    backfill: hasPast ? { fromBlock, toBlock, cursor: fromBlock - 1 } : null,
    earliest: Math.min(fromBlock, known.earliest ?? fromBlock),
  });
}

function applyBackfill(state: WatcherState, fact: FactOf<"BackfillProgress">): void {
  const known = state.leaders.get(fact.leader);
  if (known?.backfill == null || fact.cursor <= known.backfill.cursor) return;
  const { fromBlock, toBlock, cursor } = fact;
  putLeader(state.leaders, fact.leader, {
    ...known,
    backfill: cursor >= toBlock ? null : { fromBlock, toBlock, cursor },
  });
}

function applyFill(state: WatcherState, fact: FactOf<"LeaderFill">): void {
  const known = state.fills.byId.get(fact.leaderFillId);
  if (known !== undefined && known.occurrence >= fact.occurrence) return;
  putFill(state.fills, fact.leaderFillId, {
    status: fact.blockNumber === null ? "SEEN" : "ON_CHAIN",
    occurrence: fact.occurrence,
    content: contentOf(fact),
    leader: fact.leader,
    tokenId: fact.tokenId,
    conditionId: fact.conditionId,
    side: fact.side,
    txHash: fact.txHash,
    keptAt: fact.blockNumber,
    blockNumber: fact.blockNumber,
    blockHash: fact.blockHash,
    logIndex: fact.logIndex,
    tsEventMs: fact.tsEventMs,
    firstSeenMs: known?.firstSeenMs ?? fact.tsSeenMs,
    sources: new Set([...(known?.sources ?? []), fact.source]),
    costed: known?.costed ?? false,
  });
}

type FillRef = Pick<FactOf<"LeaderFillSighted">, "leaderFillId">;

function change(state: WatcherState, { leaderFillId }: FillRef, to: (fill: KnownFill) => KnownFill): void {
  const known = state.fills.byId.get(leaderFillId);
  if (known !== undefined) putFill(state.fills, leaderFillId, to(known));
}

function setStatus(
  state: WatcherState,
  fact: FactOf<"LeaderFillReverted"> | FactOf<"LeaderFillRetracted">,
  status: KnownFill["status"],
): void {
  const cursor = state.progress.get(shardOf(fact.leader))?.cursor ?? 0;
  change(state, fact, (known) =>
    known.occurrence === fact.occurrence ? { ...known, status, keptAt: known.blockNumber ?? cursor } : known,
  );
}

function applyProgress(state: WatcherState, fact: FactOf<"ChainProgress">): void {
  const { head, headHash, headTsMs, finalized, finalizedHash, cursor, tsInitMs, shard } = fact;
  state.progress.set(shard, { head, headHash, headTsMs, finalized, finalizedHash, cursor, tsInitMs });
  if (shard !== ALL_SHARDS) forget(state, { shard, below: cursor - RETAIN_BLOCKS, beforeMs: headTsMs - RETAIN_MS });
}

/** Forgets what of a shard is below a block and before a time, but nothing of a past that is still being read. */
function forget(
  state: WatcherState,
  { shard, below, beforeMs }: { readonly shard: string; readonly below: number; readonly beforeMs: number },
): void {
  const isOver = (leader: Address, blockNumber: number): boolean => {
    if (shardOf(leader) !== shard) return false;
    const backfill = state.leaders.get(leader)?.backfill;
    return backfill == null || blockNumber <= backfill.cursor || blockNumber > backfill.toBlock;
  };
  for (const [block, ids] of state.fills.byBlock) {
    if (block >= below) continue;
    for (const id of ids) {
      const fill = state.fills.byId.get(id);
      if (fill !== undefined && fill.tsEventMs < beforeMs && isOver(fill.leader, block)) removeFill(state.fills, id);
    }
  }
  for (const [id, { leader, blockNumber }] of state.acts) {
    if (blockNumber < below && isOver(leader, blockNumber)) state.acts.delete(id);
  }
}
