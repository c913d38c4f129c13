/** What a shard's own chain tells: who is followed from where, what was read, how far. */
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import { type Address, factId, shardOf } from "@slipstream/contracts/ids";
import { ALL_SHARDS } from "@slipstream/contracts/subjects";
import { areTold, isToldAsShown } from "./complete.ts";
import type {
  CostFound,
  GapSeen,
  HeadSeen,
  LeaderFound,
  ObservedAct,
  PastRead,
  ShardCovered,
  Tips,
  WatcherView,
} from "./messages.ts";
import { followedByShard } from "./roster.ts";
import { type Backfill, type Gap, isFollowed, type LeaderState, type WatcherState } from "./state.ts";

/** The newest block, with the lowest cursor of all shards that follow somebody. */
export function headFacts(state: WatcherState, view: WatcherView, seen: HeadSeen): Fact[] {
  const known = state.progress.get(ALL_SHARDS);
  let cursor: number | null = null;
  for (const shard of followedByShard(state.leaders).keys()) {
    const own = state.progress.get(shard)?.cursor;
    if (own !== undefined) cursor = Math.min(cursor ?? own, own);
  }
  const told = cursor ?? seen.finalized;
  // It only grows: another node may show an older block, and what a reorg put in place of one is told with the next.
  const isNews = known === undefined || seen.head > known.head || (seen.head === known.head && told > known.cursor);
  return isNews ? [progressFact(state, view, { ...seen, shard: ALL_SHARDS, cursor: told })] : [];
}

/** He is followed; the first of his shard sets its cursor to the newest final block. */
export function joinFacts(state: WatcherState, view: WatcherView, found: LeaderFound): Fact[] {
  const known = state.leaders.get(found.leader);
  if (known === undefined || !known.enabled || known.joined !== null) return [];
  // Changed while the block was searched: the next search is for what he asks now.
  if (found.revision !== undefined && found.revision !== known.revision) return [];
  const shard = shardOf(found.leader);
  const facts: Fact[] = [];
  let cursor = state.progress.get(shard)?.cursor;
  if (cursor === undefined || (found.finalized > cursor && !followedByShard(state.leaders).has(shard))) {
    cursor = found.finalized;
    facts.push(progressFact(state, view, { ...found, shard, cursor }));
  }
  facts.push({
    type: "LeaderJoined",
    v: 1,
    id: factId("LeaderJoined", `${found.leader}.${known.revision}`),
    leader: found.leader,
    ...pastToRead(known, found.fromBlock, cursor),
    revision: known.revision,
    tsEventMs: found.headTsMs,
    tsInitMs: view.nowMs,
  });
  return facts;
}

/**
 * What of the past is to be read for somebody who joins. What was told before he was switched off is not told again; a
 * past that was left half read is read to its end first, and what lies before it when he asks for that again.
 */
function pastToRead(
  { earliest, backfill }: LeaderState,
  fromBlock: number,
  cursor: number,
): Pick<Backfill, "fromBlock" | "toBlock"> {
  if (fromBlock > cursor) return { fromBlock, toBlock: fromBlock - 1 };
  if (backfill !== null && fromBlock <= backfill.toBlock) {
    return { fromBlock: Math.max(fromBlock, backfill.cursor + 1), toBlock: backfill.toBlock };
  }
  return { fromBlock, toBlock: Math.min(cursor, (earliest ?? cursor + 1) - 1) };
}

/**
 * The cursor moves only when the log tells each fill of the blocks, and none that they do not show: this decision may run before those of the
 * fills' chains, then it is asked again.
 */
export function coveredFacts(state: WatcherState, view: WatcherView, covered: ShardCovered): Fact[] {
  const progress = state.progress.get(covered.shard);
  if (progress === undefined || covered.fromBlock > progress.cursor + 1 || covered.toBlock <= progress.cursor)
    return [];
  const facts = actFacts(state, view, covered.acts);
  const ended = [...state.openGaps].filter(([, gap]) => gap.shard === covered.shard && gap.toBlock <= covered.toBlock);
  const isTime = view.nowMs - progress.tsInitMs >= view.progressEveryMs;
  if (facts.length === 0 && ended.length === 0 && !isTime) return [];
  const isOf = (leader: Address): boolean => shardOf(leader) === covered.shard;
  if (!isToldAsShown(state, view.chainId, { ...covered, isOf })) return [];
  facts.push(...ended.map(([gapId, gap]) => resolved(gapId, gap, view)));
  // Last of all: whoever reads it knows that the rest is there.
  facts.push(progressFact(state, view, { ...covered, cursor: covered.toBlock }, ended.length));
  return facts;
}

export function pastFacts(state: WatcherState, view: WatcherView, past: PastRead): Fact[] {
  const backfill = state.leaders.get(past.leader)?.backfill;
  if (backfill == null || past.fromBlock > backfill.cursor + 1 || past.toBlock <= backfill.cursor) return [];
  const due = past.fills.filter(({ leader }) => isFollowed(state, leader));
  if (!areTold(state, view.chainId, due)) return [];
  const { fromBlock, toBlock } = backfill;
  const cursor = Math.min(past.toBlock, toBlock);
  return [
    ...actFacts(state, view, past.acts),
    {
      type: "BackfillProgress",
      v: 1,
      id: factId("BackfillProgress", `${past.leader}.${fromBlock}-${toBlock}.${cursor}`),
      leader: past.leader,
      fromBlock,
      toBlock,
      cursor,
      tsEventMs: view.nowMs,
      tsInitMs: view.nowMs,
    },
  ];
}

export function gapFacts(state: WatcherState, view: WatcherView, gap: GapSeen): Fact[] {
  const gapId = `${gap.shard}.${gap.fromBlock}`;
  const isKnown = [...state.openGaps.values()].some(({ shard }) => shard === gap.shard);
  if (isKnown || (state.progress.get(gap.shard)?.cursor ?? 0) >= gap.toBlock) return [];
  const { fromBlock, toBlock, reason } = gap;
  const times = { tsEventMs: view.nowMs, tsInitMs: view.nowMs };
  return [
    {
      type: "GapDetected",
      v: 1,
      id: factId("GapDetected", gapId),
      gapId,
      scope: gap.shard,
      fromBlock,
      toBlock,
      reason,
      ...times,
    },
  ];
}

/** The gaps of a shard that follows nobody are over. */
export function voidFacts(state: WatcherState, view: WatcherView, shard: string): Fact[] {
  if (followedByShard(state.leaders).has(shard)) return [];
  return [...state.openGaps].filter(([, gap]) => gap.shard === shard).map(([gapId, gap]) => resolved(gapId, gap, view));
}

const resolved = (gapId: string, { shard, fromBlock, toBlock }: Gap, view: WatcherView): FactOf<"GapResolved"> => ({
  type: "GapResolved",
  v: 1,
  id: factId("GapResolved", gapId),
  gapId,
  scope: shard,
  fromBlock,
  toBlock,
  tsEventMs: view.nowMs,
  tsInitMs: view.nowMs,
});

export function costFacts(state: WatcherState, view: WatcherView, { leaderFillId, cost }: CostFound): Fact[] {
  const fill = state.fills.byId.get(leaderFillId);
  if (fill === undefined || fill.costed || fill.status !== "ON_CHAIN") return [];
  const { leader, tokenId, txHash, blockNumber, blockHash, logIndex } = fill;
  if (blockNumber === null || blockHash === null || logIndex === null) return [];
  return [
    {
      type: "LeaderFillCosted",
      v: 1,
      id: factId("LeaderFillCosted", leaderFillId),
      leaderFillId,
      leader,
      tokenId,
      txHash,
      blockNumber,
      blockHash,
      logIndex,
      ...cost,
      tsInitMs: view.nowMs,
    },
  ];
}

function actFacts(state: WatcherState, view: WatcherView, acts: readonly ObservedAct[]): Fact[] {
  const facts: FactOf<"LeaderAct">[] = [];
  for (const act of acts) {
    const id = factId("LeaderAct", `${act.txHash}.${act.logIndex}.${act.leader}.${act.tokenId}.${act.direction}`);
    if (state.acts.has(id) || !isFollowed(state, act.leader)) continue;
    facts.push({ ...act, type: "LeaderAct", v: 1, id, tsInitMs: view.nowMs });
  }
  return facts;
}

function progressFact(
  state: WatcherState,
  view: WatcherView,
  at: Tips & { readonly shard: string; readonly cursor: number },
  ended = 0,
): FactOf<"ChainProgress"> {
  const { shard, cursor, head, headHash, headTsMs, finalized, finalizedHash } = at;
  const openGaps = [...state.openGaps.values()].filter((gap) => shard === ALL_SHARDS || gap.shard === shard).length;
  return {
    type: "ChainProgress",
    v: 1,
    id: factId("ChainProgress", `${shard}.${head}.${headHash.slice(2, 18)}.${cursor}`),
    shard,
    head,
    headHash,
    headTsMs,
    finalized,
    finalizedHash,
    cursor,
    openGaps: openGaps - ended,
    tsEventMs: headTsMs,
    tsInitMs: view.nowMs,
  };
}
