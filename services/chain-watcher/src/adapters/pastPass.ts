/**
 * The past of leaders, behind everything else: a short while in each cycle, for all leaders that stand at the same block.
 * A piece is told completely before the next one is, and few are read ahead, so the memory it takes does not depend on how
 * long the past is.
 *
 * How far everybody is comes to the log now and then, as with the cursors of shards; what lies between is remembered here,
 * and read again when this process ends before.
 */
import { type Address, shardOf } from "@slipstream/contracts/ids";
import { CHAIN_ID } from "@slipstream/polymarket/versions";
import { areTold } from "../core/complete.ts";
import type { ObservedAct, ObservedFill } from "../core/messages.ts";
import { withPastOf } from "../core/roster.ts";
import type { Backfill } from "../core/state.ts";
import { type FinalBlocks, notInTheLog } from "./finalBlocks.ts";
import { createFinalReads } from "./finalReads.ts";
import { partsOf } from "./parts.ts";
import type { Cycle, ReadingOptions } from "./readingTypes.ts";

const LEADERS_AT_ONCE = 200;
/** Newer blocks are looked for at least this often. */
const PAST_MS = 250;

type Stand = {
  /** The progress in the log. */
  cursor: number;
  /** Everything of his up to here was told. */
  readTo: number;
  /** Above the cursor. */
  fills: ObservedFill[];
  acts: ObservedAct[];
};

type Group = { readonly leaders: Set<Address>; readonly fromBlock: number; readonly toBlock: number };

/** @returns whether something of somebody's past is left. */
export function createPastPass(options: ReadingOptions): (cycle: Cycle) => Promise<boolean> {
  const { state, owns, post, settled, steadyMs, settings } = options;
  const reads = createFinalReads(options);
  const stands = new Map<Address, Stand>();
  let toldMs = Number.NEGATIVE_INFINITY;

  const backfillOf = (leader: Address): Backfill | null => {
    const known = state().leaders.get(leader);
    return known?.enabled === true && owns(shardOf(leader)) ? known.backfill : null;
  };
  const standOf = (leader: Address, { cursor }: Backfill): Stand => {
    const known = stands.get(leader);
    if (known !== undefined && known.cursor === cursor) return known;
    const isBehind = known === undefined || known.cursor > cursor || known.readTo < cursor;
    const fresh: Stand = isBehind
      ? { cursor, readTo: cursor, fills: [], acts: [] }
      : {
          cursor,
          readTo: known.readTo,
          fills: known.fills.filter(({ blockNumber }) => blockNumber > cursor),
          acts: known.acts.filter(({ blockNumber }) => blockNumber > cursor),
        };
    stands.set(leader, fresh);
    return fresh;
  };
  /** The leaders with the shortest way to go, so that somebody is done soon. */
  const nextGroup = (): Group | null => {
    for (const leader of stands.keys()) if (backfillOf(leader) === null) stands.delete(leader);
    const groups = new Map<string, Group>();
    for (const leader of withPastOf(state().leaders)) {
      const backfill = backfillOf(leader);
      if (backfill === null) continue;
      const fromBlock = standOf(leader, backfill).readTo + 1;
      const { toBlock } = backfill;
      const key = `${fromBlock}-${toBlock}`;
      const group = groups.get(key) ?? { leaders: new Set<Address>(), fromBlock, toBlock };
      if (group.leaders.size < LEADERS_AT_ONCE) group.leaders.add(leader);
      groups.set(key, group);
    }
    const length = ({ fromBlock, toBlock }: Group): number => toBlock - fromBlock;
    return [...groups.values()].sort((a, b) => length(a) - length(b))[0] ?? null;
  };

  /** Brings what was read into the log. */
  const tell = async (leaders: ReadonlySet<Address>, { blocks, acts, costs }: FinalBlocks): Promise<void> => {
    const { fromBlock, toBlock } = blocks;
    for (const part of partsOf({ ...blocks, acts })) {
      const acted = Map.groupBy(part.acts, ({ leader }) => leader);
      for (const [leader, fills] of Map.groupBy(part.fills, (fill) => fill.leader)) {
        const range = { fromBlock: part.fromBlock, toBlock: part.toBlock };
        post({ type: "PastRead", leader, ...range, fills, acts: acted.get(leader) ?? [] });
      }
      await settled();
    }
    const due = blocks.fills.filter(({ leader }) => backfillOf(leader) !== null);
    if (!areTold(state(), CHAIN_ID, due)) throw notInTheLog(blocks);
    for (const { leaderFillId, cost } of await costs()) post({ type: "CostFound", leaderFillId, cost });
    // Only now: whatever fails before is read again.
    const fills = Map.groupBy(blocks.fills, ({ leader }) => leader);
    const acted = Map.groupBy(acts, ({ leader }) => leader);
    for (const leader of leaders) {
      const stand = stands.get(leader);
      if (stand === undefined || stand.readTo !== fromBlock - 1) continue;
      stand.readTo = toBlock;
      stand.fills.push(...(fills.get(leader) ?? []));
      stand.acts.push(...(acted.get(leader) ?? []));
    }
  };
  /** Moves the progress in the log. @throws TransientError when it does not move: all is read again from there on. */
  const tellProgress = async (): Promise<void> => {
    toldMs = steadyMs();
    const ahead = [...stands.keys()].flatMap((leader): [Address, Stand][] => {
      const backfill = backfillOf(leader);
      const stand = backfill === null ? null : standOf(leader, backfill);
      return stand !== null && stand.readTo > stand.cursor ? [[leader, stand]] : [];
    });
    for (const [leader, { cursor, readTo, fills, acts }] of ahead) {
      post({ type: "PastRead", leader, fromBlock: cursor + 1, toBlock: readTo, fills, acts });
    }
    await settled();
    const stuck = ahead.filter(([leader, { cursor }]) => backfillOf(leader)?.cursor === cursor);
    for (const [leader] of stuck) stands.delete(leader);
    const [first] = stuck;
    if (first !== undefined) throw notInTheLog({ fromBlock: first[1].cursor + 1, toBlock: first[1].readTo });
  };

  return async (cycle) => {
    const startMs = steadyMs();
    const goesOn = (): boolean => !cycle.isStopped() && steadyMs() - startMs < PAST_MS;
    const group = nextGroup();
    if (group === null) return false;
    // Read to the end, and the log does not know it yet.
    if (group.fromBlock > group.toBlock) await tellProgress();
    for await (const read of reads.read(cycle, group, goesOn)) {
      options.onRange?.();
      await tell(group.leaders, read);
      if (read.blocks.toBlock >= group.toBlock || steadyMs() - toldMs >= settings.progressMs) await tellProgress();
    }
    return nextGroup() !== null;
  };
}
