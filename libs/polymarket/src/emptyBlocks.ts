/**
 * Nodes that leave logs out: a block without a log of ours is doubted when the bloom of its header says otherwise, and
 * the doubt is settled by other ways to the same logs.
 *
 * 1. The bloom alone never convicts: its false positives are usual. Only a log of the block does, and one that the
 *    bloom excludes is no log of the block.
 * 2. Without another node the receipts of the block settle it: they are complete when they account for each bit of the
 *    header's bloom.
 */
import { z } from "zod";
import { type Bloom, bloomOf, isWithin, mayContain, saturation } from "./bloom.ts";
import { type LogFilter, type LogOfBlock, matches, narrowed } from "./logFilter.ts";
import type { RpcReader } from "./rpc.ts";

export type BloomHeader = { readonly hash: string; readonly logsBloom: Bloom };
export type NamedRpc = { readonly name: string; readonly rpc: RpcReader };

/** Beyond it a bloom says maybe to everything: at a half, to one in eight strangers. */
const SATURATION_MAX = 0.5;

/**
 * Returns the filters that the node answered with no log of the block though its bloom may hold one, narrowed to what
 * it may hold; none: nothing to doubt.
 * @param logs - all that the node gave for the block.
 * @param saturationMax - 0 to 1; fuller blooms raise no doubt.
 */
export function suspectEmpty(
  header: BloomHeader,
  filters: readonly LogFilter[],
  logs: readonly LogOfBlock[],
  saturationMax = SATURATION_MAX,
): LogFilter[] {
  if (saturation(header.logsBloom) > saturationMax) return [];
  const unanswered = filters.filter(
    (filter) => !logs.some((log) => log.blockHash === header.hash && matches(filter, log)),
  );
  return unanswered.map((filter) => narrowed(filter, header.logsBloom)).filter((filter) => filter !== null);
}

/** A log as a node gave it, with all its fields. */
const NodeLog = z.looseObject({ address: z.string(), topics: z.array(z.string()), blockHash: z.string() });
export type NodeLog = z.infer<typeof NodeLog>;
const NodeLogs = z.array(NodeLog);
const Receipts = z.array(z.object({ logs: NodeLogs }));

export type EmptyVerdict =
  /** The bloom's false positive: nothing was left out. */
  | { readonly kind: "empty"; readonly by: string }
  /** There are logs; the doubted node does not have the block, or could not be asked again. */
  | { readonly kind: "logs"; readonly by: string; readonly logs: readonly NodeLog[] }
  /** There are logs, and the doubted node left them out of a block that it has. */
  | { readonly kind: "lying"; readonly by: string; readonly logs: readonly NodeLog[] }
  /** Nobody could tell; the block is to be read again. */
  | { readonly kind: "unknown"; readonly problems: readonly string[] };

type Answer =
  | { readonly kind: "logs"; readonly logs: readonly NodeLog[] }
  | { readonly kind: "problem"; readonly problem: string };

/** Other nodes asked at most, the best first. */
const WITNESSES_MAX = 3;

/**
 * Finds out whether a node left out logs of a block. Errors of nodes are part of the verdict, and never thrown.
 * @param filters - of `suspectEmpty`, for the header as the doubted node gave it.
 * @param witnesses - other nodes, the best first; may be none.
 */
export async function verifyEmpty(request: {
  readonly header: BloomHeader;
  readonly filters: readonly LogFilter[];
  readonly doubted: NamedRpc;
  readonly witnesses: readonly NamedRpc[];
}): Promise<EmptyVerdict> {
  const { header, filters, doubted, witnesses } = request;
  const problems: string[] = [];
  for (const witness of witnesses.slice(0, WITNESSES_MAX)) {
    const answer = await logsByHash(witness, header, filters);
    if (answer.kind === "problem") problems.push(answer.problem);
    else if (answer.logs.length === 0) return { kind: "empty", by: witness.name };
    else {
      // What the bloom allows, with the right hash: the doubted one either has the block and lied, or lacks it.
      const again = await logsByHash(doubted, header, filters);
      return { kind: again.kind === "logs" ? "lying" : "logs", by: witness.name, logs: answer.logs };
    }
  }
  for (const way of [logsByHash, logsByReceipts]) {
    const answer = await way(doubted, header, filters);
    if (answer.kind === "problem") problems.push(answer.problem);
    else if (answer.logs.length > 0) return { kind: "lying", by: doubted.name, logs: answer.logs };
    // By hash it only repeats itself; complete receipts are proof.
    else if (way === logsByReceipts) return { kind: "empty", by: doubted.name };
  }
  return { kind: "unknown", problems };
}

async function logsByHash(node: NamedRpc, header: BloomHeader, filters: readonly LogFilter[]): Promise<Answer> {
  return answerOf(node, async () => {
    const logs: NodeLog[] = [];
    for (const filter of filters) {
      const given = NodeLogs.parse(await node.rpc.call("eth_getLogs", [{ ...filter, blockHash: header.hash }]));
      const stranger = given.find((log) => !isOfBlock(log, header) || !matches(filter, log));
      if (stranger !== undefined) return `gave a log that is not of block ${header.hash}, or was not asked for`;
      logs.push(...given);
    }
    return logs;
  });
}

async function logsByReceipts(node: NamedRpc, header: BloomHeader, filters: readonly LogFilter[]): Promise<Answer> {
  return answerOf(node, async () => {
    const receipts = Receipts.parse(await node.rpc.call("eth_getBlockReceipts", [header.hash]));
    const logs = receipts.flatMap((receipt) => receipt.logs);
    if (logs.some((log) => log.blockHash !== header.hash)) return `gave receipts of another block than ${header.hash}`;
    // Logs of the chain's own messages from Ethereum are not in the bloom, so the receipts may hold more than it.
    if (!isWithin(header.logsBloom, bloomOf(logs)))
      return `gave receipts of ${header.hash} that do not explain its bloom`;
    return logs.filter((log) => isOfBlock(log, header) && filters.some((filter) => matches(filter, log)));
  });
}

const isOfBlock = (log: NodeLog, header: BloomHeader): boolean =>
  log.blockHash === header.hash && mayContain(header.logsBloom, [log.address, ...log.topics]);

/** A text answered by `ask` is the problem. */
async function answerOf(node: NamedRpc, ask: () => Promise<readonly NodeLog[] | string>): Promise<Answer> {
  try {
    const logs = await ask();
    return typeof logs === "string" ? { kind: "problem", problem: `${node.name} ${logs}` } : { kind: "logs", logs };
  } catch (error) {
    const why =
      error instanceof z.ZodError ? "no list of logs" : error instanceof Error ? error.message : String(error);
    return { kind: "problem", problem: `${node.name}: ${why}` };
  }
}
