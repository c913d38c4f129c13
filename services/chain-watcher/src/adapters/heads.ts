/** Whether a node's newest block can be the chain's: what is told of it is told for good, and what is lower counts as old. */
import { TransientError } from "@slipstream/contracts/errors";
import type { Node, Nodes } from "./readingTypes.ts";
import type { Header } from "./wire.ts";

/** Blocks that come between two looks, or differ between two nodes; also the deepest reorg, some times over. */
const USUAL_BLOCKS = 256;
/** A node whose newest block is older than this stands still, or the chain does: it cannot say that another is too high. */
const STILL_MS = 60_000;
/** No chain that is followed makes blocks quicker, the sandbox included. */
const BLOCK_MS_MIN = 20;

export type Known = { readonly number: number; readonly tsMs: number };

/**
 * A head that is far above what was known is held against the heads of other nodes that are up to date; while there is none,
 * against what the time since allows.
 * @param known - the highest head so far; null: none.
 * @throws TransientError when it cannot be.
 */
export async function checkHead(
  nodes: Pick<Nodes, "others">,
  { node, head }: { readonly node: Node; readonly head: Header },
  known: Known | null,
  nowMs: number,
): Promise<void> {
  if (known !== null && head.number <= known.number + USUAL_BLOCKS) return;
  const answers = await Promise.allSettled(nodes.others(node).map(({ reader }) => reader.head()));
  const others = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  if (others.some(({ number }) => number >= head.number - USUAL_BLOCKS)) return;
  const refuse = (why: string): TransientError =>
    new TransientError("RPC_REFUSED", `${node.name} says that block ${head.number} is the newest, ${why}`);
  const upToDate = others.filter(({ tsMs }) => nowMs - tsMs <= STILL_MS).map(({ number }) => number);
  if (upToDate.length > 0) throw refuse(`others are at ${Math.max(...upToDate)}`);
  if (known === null) return;
  const possible = known.number + USUAL_BLOCKS + Math.max(0, nowMs - known.tsMs) / BLOCK_MS_MIN;
  if (head.number > possible) throw refuse(`a moment ago it was ${known.number}`);
}
