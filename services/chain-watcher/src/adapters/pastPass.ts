/**
 * The past of leaders, behind everything else: a short while in each cycle, for all leaders that stand at the same block.
 * A piece is told completely before the next one is, and few are read ahead, so the memory it takes does not depend on how
 * long the past is.
 */
import { type Address, shardOf } from "@slipstream/contracts/ids";
import type { LeaderState, WatcherState } from "../core/state.ts";
import { type FinalBlocks, notInTheLog } from "./finalBlocks.ts";
import { createFinalReads } from "./finalReads.ts";
import type { Cycle, ReadingOptions } from "./readingTypes.ts";

const LEADERS_AT_ONCE = 200;
/** Newer blocks are looked for at least this often. */
const PAST_MS = 250;

/** @returns whether something of somebody's past is left. */
export function createPastPass(options: ReadingOptions): (cycle: Cycle) => Promise<boolean> {
  const { state, owns, post, settled, steadyMs } = options;
  const reads = createFinalReads(options);

  const tell = async (leaders: ReadonlySet<Address>, read: FinalBlocks): Promise<void> => {
    const { fromBlock, toBlock, fills } = read.blocks;
    const messages = [...leaders].map((leader) => ({
      type: "PastRead" as const,
      leader,
      fromBlock,
      toBlock,
      fills: fills.filter((fill) => fill.leader === leader),
      acts: read.acts.filter((act) => act.leader === leader),
    }));
    for (const message of messages) post(message);
    await settled();
    for (const { leaderFillId, cost } of await read.costs()) post({ type: "CostFound", leaderFillId, cost });
    // Now that the fills are in the log, the same message moves the progress.
    for (const message of messages) post(message);
    await settled();
    const isLeft = ([leader, { enabled, backfill }]: [Address, LeaderState]): boolean =>
      leaders.has(leader) && enabled && backfill?.cursor === fromBlock - 1 && owns(shardOf(leader));
    if ([...state().leaders].some(isLeft)) throw notInTheLog(read.blocks);
  };
  return async (cycle) => {
    const startMs = steadyMs();
    const goesOn = (): boolean => !cycle.isStopped() && steadyMs() - startMs < PAST_MS;
    const group = nextGroup(state(), owns);
    if (group === null) return false;
    for await (const read of reads.read(cycle, group, goesOn)) {
      options.onRange?.();
      await tell(group.leaders, read);
    }
    return nextGroup(state(), owns) !== null;
  };
}

type Group = { readonly leaders: Set<Address>; readonly fromBlock: number; readonly toBlock: number };

/** The leaders with the shortest way to go, so that somebody is done soon. */
function nextGroup(state: WatcherState, owns: (shard: string) => boolean): Group | null {
  const groups = new Map<string, Group>();
  for (const [leader, { enabled, backfill }] of state.leaders) {
    if (!enabled || backfill === null || !owns(shardOf(leader))) continue;
    const fromBlock = backfill.cursor + 1;
    const key = `${fromBlock}-${backfill.toBlock}`;
    const group = groups.get(key) ?? { leaders: new Set<Address>(), fromBlock, toBlock: backfill.toBlock };
    if (group.leaders.size < LEADERS_AT_ONCE) group.leaders.add(leader);
    groups.set(key, group);
  }
  const length = ({ fromBlock, toBlock }: Group): number => toBlock - fromBlock;
  return [...groups.values()].sort((a, b) => length(a) - length(b))[0] ?? null;
}
