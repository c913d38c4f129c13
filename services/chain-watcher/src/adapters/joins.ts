/** Leaders who are configured and not yet followed: from which block on they are. */
import { shardOf } from "@slipstream/contracts/ids";
import type { FollowFrom } from "@slipstream/contracts/policy";
import type { Tips } from "../core/messages.ts";
import { followedByShard, waitingOf } from "../core/roster.ts";
import type { Node, ReadingOptions } from "./readingTypes.ts";

const DAY_MS = 86_400_000;

/**
 * Posts who may be followed from now on. The search for a beginning may fail where a node has no old blocks: that keeps
 * nobody else waiting.
 * @returns the first failure; null: none.
 */
export async function postJoins(
  { state, owns, post, nowMs }: ReadingOptions,
  node: Node,
  tips: Tips,
): Promise<{ readonly error: unknown } | null> {
  /** By days: searched once for all. */
  const searched = new Map<number, Promise<number>>();
  const firstBlock = (follow: FollowFrom): number | Promise<number> => {
    // "now" is the block after the newest: what had happened when he was added is not his follower's business.
    if (follow.kind === "now") return tips.head + 1;
    if (follow.kind === "block") return follow.block;
    const { days } = follow;
    const found = searched.get(days) ?? blockAt(node, nowMs() - days * DAY_MS, tips.finalized);
    searched.set(days, found);
    return found;
  };
  let failure: { readonly error: unknown } | null = null;
  for (const leader of [...waitingOf(state().leaders)]) {
    const known = state().leaders.get(leader);
    if (known === undefined || !owns(shardOf(leader))) continue;
    const { follow, revision } = known;
    try {
      post({ type: "LeaderFound", leader, revision, fromBlock: await firstBlock(follow), ...tips });
    } catch (error) {
      failure ??= { error };
    }
  }
  return failure;
}

/** The first block at or after a time, by halving; at most `last`. */
export async function blockAt(node: Pick<Node, "reader">, tsMs: number, last: number): Promise<number> {
  let low = 0;
  let high = last;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const { tsMs: at } = await node.reader.header(middle);
    if (at < tsMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Gaps of shards in which nobody is followed any more: nobody would read them to their end. */
export function postVoidGaps({ state, owns, post }: ReadingOptions): void {
  const active = followedByShard(state().leaders);
  for (const { shard } of [...state().openGaps.values()]) {
    if (owns(shard) && !active.has(shard)) post({ type: "GapVoid", shard });
  }
}
