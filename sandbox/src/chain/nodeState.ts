/** The chain node's own state: fetched, made small, written to a file. */
import { createWriteStream } from "node:fs";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { z } from "zod";
import { connectRpc } from "./rpcClient.ts";

/**
 * Blocks whose transactions the node itself holds, and blocks that a kept state holds at all; older ones are the history's.
 * More than the deepest reorg and than what the history may be behind.
 */
export const NODE_BLOCKS = 64;
/**
 * Largest state that is fetched, packed and in hexadecimal digits as it comes. The world's storage alone is in it, some
 * 3 kB for each market that there ever was: enough for weeks.
 */
const STATE_BYTES_MAX = 256 * 1024 * 1024;

const Dump = z.string().startsWith("0x");
/** Calls traced and states of old blocks are most of what a node writes down, and nobody asks for them. */
const State = z.looseObject({
  best_block_number: z.int(),
  blocks: z.array(z.looseObject({ header: z.looseObject({ number: z.string() }) })),
  transactions: z.array(z.looseObject({ block_number: z.int(), info: z.looseObject({}) })),
});

/** Writes the state of the node to `file`; a reader never finds half of it. A connection of its own takes large answers. */
export async function writeState(wsUrl: string, file: string): Promise<void> {
  const rpc = await connectRpc(wsUrl, STATE_BYTES_MAX);
  try {
    const dump = Dump.parse(await rpc.call("anvil_dumpState"));
    const packed = Readable.from([Buffer.from(dump.slice(2), "hex")]);
    await pipeline(packed, createGunzip(), createWriteStream(`${file}.new`));
    await rename(`${file}.new`, file);
  } catch (error) {
    await rm(`${file}.new`, { force: true });
    throw error;
  } finally {
    rpc.close();
  }
}

/** Writes to `to` what a node needs of the state in `from`: the world, and the last blocks. */
export async function pruneState(from: string, to: string): Promise<void> {
  const state = State.parse(JSON.parse(await readFile(from, "utf8")));
  const oldest = state.best_block_number - NODE_BLOCKS + 1;
  const pruned = {
    ...state,
    blocks: state.blocks.filter(({ header }) => Number(header.number) >= oldest),
    transactions: state.transactions
      .filter((tx) => tx.block_number >= oldest)
      .map((tx) => ({ ...tx, info: { ...tx.info, traces: [] } })),
    historical_states: null,
  };
  await writeFile(to, JSON.stringify(pruned));
}
