/**
 * What became final is read for truth: all fills and other acts, from the cursor of each shard on. Shards that stand at
 * the same block are read together, one that is behind catches up first.
 *
 * Between the cursor in the log and the block that is read lies what is remembered here: when it is told completely, the
 * cursor moves; when this process ends before, the next one reads it again.
 */
import { type Address, shardOf } from "@slipstream/contracts/ids";
import { CHAIN_ID } from "@slipstream/polymarket/versions";
import { isToldAsShown } from "../core/complete.ts";
import type { ObservedAct, ObservedFill } from "../core/messages.ts";
import { followedByShard, isWithin } from "../core/roster.ts";
import { followed } from "../core/state.ts";
import { type FinalBlocks, notInTheLog } from "./finalBlocks.ts";
import { createFinalReads } from "./finalReads.ts";
import { partsOf } from "./parts.ts";
import type { Cycle, ReadingOptions } from "./readingTypes.ts";

/** Newer blocks are looked for at least this often while a long absence is read. */
const CATCH_UP_MS = 500;

type Pointer = {
  /** Everything up to here was read in this tenure. */
  readTo: number;
  /** Who was read in all of it. */
  leaders: ReadonlySet<Address>;
  /** The cursor in the log: what lies at or below it is not kept. */
  cursor: number;
  fills: ObservedFill[];
  acts: ObservedAct[];
};

/** @returns whether a shard is behind finality. */
export function createFinalPass(options: ReadingOptions): (cycle: Cycle) => Promise<boolean> {
  const { state, owns, post, settled, steadyMs, settings } = options;
  const pointers = new Map<string, Pointer>();
  const reads = createFinalReads(options);

  /** Follows what the log and the leases say. */
  const refresh = (finalized: number): void => {
    const active = [...followedByShard(state().leaders)].filter(([shard]) => owns(shard));
    const told = new Set([...state().openGaps.values()].map(({ shard }) => shard));
    const shards = new Set(active.map(([shard]) => shard));
    for (const shard of pointers.keys()) if (!shards.has(shard)) pointers.delete(shard);
    for (const [shard, leaders] of active) {
      const cursor = state().progress.get(shard)?.cursor;
      if (cursor === undefined) continue;
      const known = pointers.get(shard);
      // A cursor beyond what we read was set by somebody else; who was not read in all of it is read from the cursor on.
      if (known === undefined || known.readTo < cursor || !isWithin(leaders, known.leaders))
        pointers.set(shard, { readTo: cursor, leaders, cursor, fills: [], acts: [] });
      else if (known.cursor < cursor) {
        known.cursor = cursor;
        known.fills = known.fills.filter(({ blockNumber }) => blockNumber > cursor);
        known.acts = known.acts.filter(({ blockNumber }) => blockNumber > cursor);
      }
      if (!told.has(shard) && finalized - cursor > settings.gapBlocks) {
        post({ type: "GapSeen", shard, fromBlock: cursor + 1, toBlock: finalized, reason: "BEHIND_FINALITY" });
      }
    }
  };

  /** The shards that stand lowest, and how far they may be read together. */
  const lowest = (finalized: number): { readonly shards: Set<string>; readonly from: number; readonly to: number } => {
    const stands = [...new Set([...pointers.values()].map(({ readTo }) => readTo))].sort((a, b) => a - b);
    const [at = finalized, next = finalized] = stands;
    const shards = new Set([...pointers].filter(([, { readTo }]) => readTo === at).map(([shard]) => shard));
    return { shards, from: at + 1, to: Math.min(next, finalized) };
  };

  return async (cycle) => {
    const { tips, isStopped } = cycle;
    const startMs = steadyMs();
    refresh(tips.finalized);
    const goesOn = (): boolean => !isStopped() && steadyMs() - startMs < CATCH_UP_MS;
    while (goesOn()) {
      const { shards, from, to } = lowest(tips.finalized);
      if (shards.size === 0 || from > to) break;
      const ours = (): ReadonlySet<Address> => followed(state(), (shard) => shards.has(shard));
      const leaders = ours();
      for await (const read of reads.read(cycle, { leaders, fromBlock: from, toBlock: to }, goesOn)) {
        options.onRange?.();
        // Somebody who joined meanwhile was not read: the same blocks again, with him.
        if (!isWithin(ours(), leaders)) break;
        await tell(read, shards, cycle);
        refresh(tips.finalized);
      }
    }
    forgetUntold();
    return [...pointers.values()].some(({ readTo }) => readTo < tips.finalized);
  };

  async function tell(read: FinalBlocks, shards: ReadonlySet<string>, cycle: Cycle): Promise<void> {
    const { fromBlock, toBlock, fills, leaders } = read.blocks;
    for (const part of partsOf({ ...read.blocks, acts: [] })) {
      const finalTsMs = part.toBlock === toBlock ? read.blocks.finalTsMs : null;
      post({
        type: "BlocksRead",
        fromBlock: part.fromBlock,
        toBlock: part.toBlock,
        leaders,
        fills: part.fills,
        finalTsMs,
      });
      await settled();
    }
    const isOf = (leader: Address): boolean => leaders.has(leader) && owns(shardOf(leader));
    const due = fills.filter(({ leader }) => isOf(leader));
    if (!isToldAsShown(state(), CHAIN_ID, { fromBlock, toBlock, fills: due, isOf })) throw notInTheLog(read.blocks);
    for (const { leaderFillId, cost } of await read.costs()) post({ type: "CostFound", leaderFillId, cost });
    // Only now: whatever fails before is read again.
    for (const shard of shards) {
      const pointer = pointers.get(shard);
      // Another replica had it meanwhile.
      if (pointer === undefined || pointer.readTo !== fromBlock - 1) continue;
      pointer.fills.push(...fills.filter(({ leader }) => shardOf(leader) === shard));
      pointer.acts.push(...read.acts.filter(({ leader }) => shardOf(leader) === shard));
      pointer.readTo = toBlock;
      if (!isWithin(pointer.leaders, leaders))
        pointer.leaders = new Set([...pointer.leaders].filter((leader) => leaders.has(leader)));
    }
    tellCovered(shards, cycle);
    await settled();
  }

  /** What was told may have been taken back since, and would hold the cursor for ever: read again from the cursor on. */
  function forgetUntold(): void {
    for (const [shard, { cursor, readTo, fills }] of pointers) {
      const isOf = (leader: Address): boolean => shardOf(leader) === shard;
      const shown = { fromBlock: cursor + 1, toBlock: readTo, fills, isOf };
      if (!isToldAsShown(state(), CHAIN_ID, shown)) pointers.delete(shard);
    }
  }

  function tellCovered(shards: ReadonlySet<string>, { tips }: Cycle): void {
    for (const shard of shards) {
      const pointer = pointers.get(shard);
      const cursor = state().progress.get(shard)?.cursor;
      if (pointer === undefined || cursor === undefined) continue;
      const { readTo: toBlock, fills, acts } = pointer;
      post({
        type: "ShardCovered",
        ...tips,
        shard,
        fromBlock: cursor + 1,
        toBlock,
        fills,
        acts,
      });
    }
  }
}
