/**
 * The cycle that makes sure nothing is missed, on start, on reconnect, at each new head and by timer: first the blocks
 * above finality that are new, for speed; then what became final, for truth; then a piece of somebody's past.
 *
 * 1. All of a cycle is asked of one node: tips of one and logs of another do not fit.
 * 2. A reading counts only when the chain was the same before and after it.
 * 3. A fill is told as gone only when its block is gone: a node that is behind, or one of many behind one address, leaves
 *    out logs of blocks that it names.
 */

import { TransientError } from "@slipstream/contracts/errors";
import { ALL_SHARDS } from "@slipstream/contracts/subjects";
import { followed } from "../core/state.ts";
import { createFinalPass } from "./finalPass.ts";
import { createHeadPass } from "./headPass.ts";
import { checkHead, type Known } from "./heads.ts";
import { postJoins, postVoidGaps } from "./joins.ts";
import { createPastPass } from "./pastPass.ts";
import type { Cycle, Node, ReadingOptions } from "./readingTypes.ts";

export type Reading = {
  /** Asks for a cycle; one that is running is followed by one more. */
  request(): void;
  stop(): void;
};

/** Below every block. */
const FIRST = -1;

export function createReading(options: ReadingOptions): Reading {
  const { nodes, onSuccess, onFailure } = options;
  let running = false;
  let again = false;
  let stopped = false;
  const cycle = createCycle(options, () => stopped);

  const once = async (): Promise<void> => {
    const node = nodes.pick();
    try {
      const hasMore = await cycle(node);
      onSuccess();
      if (hasMore) again = true;
    } catch (error) {
      nodes.failed(node, error);
      onFailure(error, node.name);
    }
  };
  const loop = async (): Promise<void> => {
    running = true;
    while (again && !stopped) {
      again = false;
      await once();
    }
    running = false;
  };
  return {
    request: () => {
      again = true;
      if (!running && !stopped) void loop();
    },
    stop: () => {
      stopped = true;
    },
  };
}

/** One turn: heads, then what is final, then a piece of the past. @returns whether there is more to be read at once. */
export function createCycle(options: ReadingOptions, isStopped: () => boolean): (node: Node) => Promise<boolean> {
  const { nodes, state, owns, post, headShard, nowMs } = options;
  const headPass = createHeadPass(options);
  const finalPass = createFinalPass(options);
  const pastPass = createPastPass(options);
  let lastFinal = FIRST;

  const known = (): Known | null => {
    const told = state().progress.get(ALL_SHARDS);
    return told === undefined ? null : { number: told.head, tsMs: told.headTsMs };
  };

  return async (node) => {
    const [head, finalHeader] = await Promise.all([node.reader.head(), node.reader.finalized()]);
    await checkHead(nodes, { node, head }, known(), nowMs());
    if (!nodes.sawHead(node, head.number)) return true;
    if (finalHeader.number < lastFinal) {
      throw new TransientError("RPC_REFUSED", `${node.name} is behind: block ${lastFinal} was final already`);
    }
    lastFinal = Math.max(lastFinal, Math.min(finalHeader.number, head.number));
    const tips = {
      head: head.number,
      headHash: head.hash,
      headTsMs: head.tsMs,
      finalized: Math.min(finalHeader.number, head.number),
      finalizedHash: finalHeader.hash,
    };
    if (owns(headShard)) post({ type: "HeadSeen", ...tips });
    postVoidGaps(options);
    const unjoined = await postJoins(options, node, tips);
    const leaders = followed(state(), owns);
    if (isStopped()) return false;
    const hasMore = leaders.size > 0 && (await readFor({ node, head, tips, leaders, isStopped }));
    if (unjoined !== null) throw unjoined.error;
    return hasMore;
  };

  async function readFor(at: Cycle): Promise<boolean> {
    await headPass(at);
    const isBehind = await finalPass(at);
    // What was missed may be an exit: somebody's past waits for it.
    return isBehind || (await pastPass(at));
  }
}
