/** Blocks as the node tells them, and the recent part of the chain. */
import { ContractError } from "@slipstream/contracts/errors";
import { Hash } from "@slipstream/contracts/ids";
import { z } from "zod";
import type { MinedBlock } from "./types.ts";

const Quantity = z.templateLiteral(["0x", z.string()]);
const NodeBlock = z.looseObject({
  number: Quantity,
  hash: Hash,
  parentHash: Hash,
  timestamp: Quantity,
  transactions: z.array(Hash),
});
const NodeLog = z.looseObject({
  address: z.string(),
  topics: z.array(z.string()),
  data: z.string(),
  blockNumber: Quantity,
  blockHash: z.string(),
});

/** A log exactly as JSON-RPC shows it. */
export type NodeLog = z.infer<typeof NodeLog>;

/** A transaction as it was sent. */
export type SentTx = { readonly hash: Hash; readonly raw: `0x${string}` };

/** A block with all that is needed to announce it and to put its transactions elsewhere. */
export type ChainBlock = MinedBlock & {
  /** What `newHeads` carries. */
  readonly header: Readonly<Record<string, unknown>>;
  readonly logs: readonly NodeLog[];
  readonly txs: readonly SentTx[];
};

/** Fields of a block that are not part of its header. */
const bodyFields = new Set(["transactions", "uncles", "withdrawals", "size", "totalDifficulty"]);

/**
 * @param sent - raw transactions by hash; one that we never saw was given to the node by another program, and a reorg
 * leaves it out. null: a block of an earlier run, which no reorg will touch, so its transactions are not needed.
 * @throws ContractError when the node's answer has another shape.
 */
export function readBlock(answer: unknown, logs: unknown, sent: ReadonlyMap<Hash, SentTx> | null): ChainBlock {
  const block = NodeBlock.safeParse(answer);
  const parsedLogs = z.array(NodeLog).safeParse(logs);
  if (!block.success || !parsedLogs.success) {
    throw new ContractError("RPC_UNREADABLE", "the chain node described a block in an unknown shape");
  }
  const txs = block.data.transactions.flatMap((hash) => sent?.get(hash) ?? []);
  return {
    number: Number(block.data.number),
    hash: block.data.hash,
    parentHash: block.data.parentHash,
    timestampMs: Number(block.data.timestamp) * 1_000,
    txHashes: block.data.transactions,
    header: Object.fromEntries(Object.entries(block.data).filter(([field]) => !bodyFields.has(field))),
    logs: parsedLogs.data,
    txs,
  };
}

export const asMined = ({ number, hash, parentHash, timestampMs, txHashes }: ChainBlock): MinedBlock => ({
  number,
  hash,
  parentHash,
  timestampMs,
  txHashes,
});

/**
 * Compares what subscribers have been told with what is visible now.
 * @param told - ascending; @param visible - ascending, and reaching back as far as `told` or further.
 * @returns blocks to take back, newest first, and blocks to announce, oldest first.
 */
export function chainDifference<B extends { readonly number: number; readonly hash: Hash }>(
  told: readonly B[],
  visible: readonly B[],
): { readonly removed: readonly B[]; readonly added: readonly B[] } {
  const visibleHashes = new Set(visible.map((block) => block.hash));
  const toldHashes = new Set(told.map((block) => block.hash));
  const oldest = visible[0]?.number ?? 0;
  return {
    removed: told.filter((block) => block.number >= oldest && !visibleHashes.has(block.hash)).reverse(),
    added: visible.filter((block) => block.number >= (told[0]?.number ?? 0) && !toldHashes.has(block.hash)),
  };
}
