/** Leaders who are configured and not yet followed: from which block on they are. */
import { shardOf } from "@slipstream/contracts/ids";
import type { FollowFrom } from "@slipstream/contracts/policy";
import type { Tips } from "../core/messages.ts";
import type { Node, ReadingOptions } from "./readingTypes.ts";

const DAY_MS = 86_400_000;

export async function postJoins({ state, owns, post, nowMs }: ReadingOptions, node: Node, tips: Tips): Promise<void> {
  for (const [leader, { enabled, joined, follow }] of state().leaders) {
    if (!enabled || joined !== null || !owns(shardOf(leader))) continue;
    post({ type: "LeaderFound", leader, fromBlock: await firstBlock(follow, node, tips, nowMs()), ...tips });
  }
}

/** "now" is the block after the newest: what had happened when he was added is not his follower's business. */
async function firstBlock(follow: FollowFrom, node: Node, tips: Tips, nowMs: number): Promise<number> {
  switch (follow.kind) {
    case "now":
      return tips.head + 1;
    case "block":
      return follow.block;
    case "days":
      return blockAt(node, nowMs - follow.days * DAY_MS, tips.finalized);
  }
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
