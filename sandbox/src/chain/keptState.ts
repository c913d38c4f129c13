/** A chain that goes on where it stopped: where its state and its past are kept, and whose they are. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { ContractError } from "@slipstream/contracts/errors";
import { z } from "zod";
import { isNoRoom } from "../whenRoom.ts";
import { type History, openHistory, type StoredBlock } from "./history.ts";
import type { ChainLedger } from "./ledger.ts";
import type { ChainNodeProcess } from "./node.ts";
import { NODE_BLOCKS, pruneState, writeState } from "./nodeState.ts";
import { toQuantity } from "./rpcView.ts";
import type { SandboxChainOptions } from "./types.ts";

/** A chain that is killed goes back this far, which its readers see as a deep reorg. */
const BLOCKS_BETWEEN = 30;
/** The node is replaced by a small one after so many blocks: an hour of blocks of a second. */
export const NODE_LIFE_BLOCKS = 3_600;
/** Blocks wait when so many are not in the history yet: the node forgets them soon. */
const UNSTORED_MAX = NODE_BLOCKS / 2;
const RETRY_MS = 1_000;

export type KeptState = {
  /** The state a node starts from: the newest, made small; null: an earlier run left none. */
  readonly state: string | null;
  /** Where it is written, at the end and every few blocks. */
  readonly file: string;
  /** Where it lies made small for a node that takes over. */
  readonly smallFile: string;
  readonly history: History;
};

/**
 * Finds or begins what is kept in `options.dir`.
 * @throws ContractError when another seed or other wallets made what lies there: their genesis was another.
 */
export async function openKeptState(options: SandboxChainOptions): Promise<KeptState> {
  const { dir, seed, wallets, historyBlocks } = options;
  mkdirSync(dir, { recursive: true });
  const genesis = JSON.stringify([seed, ...wallets.map(({ name, pusdMicro }) => [name, pusdMicro.toString()])]);
  const world = createHash("sha256").update(genesis).digest("hex");
  const inDir = (name: string): string => join(dir, name);
  const [file, worldFile, smallFile] = [inDir("chain-state.json"), inDir("chain-world.txt"), inDir("chain-start.json")];
  const isPresent = existsSync(file);
  if (isPresent && (!existsSync(worldFile) || readFileSync(worldFile, "utf8") !== world)) {
    throw new ContractError(
      "CONFIG_INVALID",
      `${dir} holds a sandbox chain of another seed or other wallets: empty the folder or choose another`,
    );
  }
  writeFileSync(worldFile, world);
  if (isPresent) await pruneState(file, smallFile);
  const history = openHistory(inDir("chain-history.sqlite"), historyBlocks);
  if (!isPresent) history.cutAbove(-1);
  return { state: isPresent ? smallFile : null, file, smallFile, history };
}

export type Keeping = {
  readonly node: ChainNodeProcess;
  readonly ledger: ChainLedger;
  readonly kept: KeptState;
  readonly finalityDepth: number;
  /** Blocks after which the node is replaced. */
  readonly nodeLifeBlocks: number;
  /** Told at each try that fails; it is tried again. */
  readonly onUnkept: (error: Error) => void;
};

export type Kept = {
  /** Resolves when another block may be made: what the node is about to forget has been stored. */
  roomForBlock(): Promise<void>;
  stop(): Promise<void>;
};

const Block = z.custom<StoredBlock["block"]>((value) => value !== null && typeof value === "object");
const Receipts = z.custom<StoredBlock["receipts"]>(Array.isArray);

/** Stores final blocks in the history, writes the state every few blocks and in `stop`, and has the node replaced in time. */
export async function startKeeping(options: Keeping): Promise<Kept> {
  const { node, ledger, kept, finalityDepth, onUnkept } = options;
  const { history } = kept;
  const first = ledger.head().number;
  history.cutAbove(first);
  let [written, born] = [first, first];

  const storeFinal = async (): Promise<void> => {
    const upTo = ledger.head().number - finalityDepth;
    // Without a history of before, what the node still holds is its beginning.
    const from = Math.max((history.span()?.newest ?? -1) + 1, first - NODE_BLOCKS + 1, 0);
    for (let number = from; number <= upTo; number++) {
      const block = Block.parse(await node.rpc.call("eth_getBlockByNumber", [toQuantity(number), true]));
      const receipts = Receipts.parse(await node.rpc.call("eth_getBlockReceipts", [toQuantity(number)]));
      history.add(number, { block, receipts });
    }
  };
  const write = async (): Promise<void> => {
    await ledger.steady();
    await storeFinal();
    const { number } = ledger.head();
    await writeState(node.wsUrl(), kept.file);
    written = number;
  };
  const replace = (): Promise<void> =>
    ledger.handOver(async () => {
      const head = ledger.head().number;
      await storeFinal();
      await writeState(node.wsUrl(), kept.file);
      await pruneState(kept.file, kept.smallFile);
      await node.replace(kept.smallFile, head);
      [written, born] = [head, head];
    });
  const step = async (): Promise<void> => {
    await ledger.steady();
    await storeFinal();
    const head = ledger.head().number;
    await node.retire(head);
    if (head - born >= options.nodeLifeBlocks) await replace();
    else if (head - written >= BLOCKS_BETWEEN) await write();
  };

  let work: Promise<void> = storeFinal();
  await work;
  let isWaiting = false;
  const keep = (): void => {
    if (isWaiting) return;
    isWaiting = true;
    work = work.then(async () => {
      isWaiting = false;
      await step().catch(onUnkept);
    });
  };
  const unstored = (): number => ledger.head().number - finalityDepth - (history.span()?.newest ?? -1);
  const stopListening = ledger.onChange(keep);
  let stopped = false;
  return {
    roomForBlock: async () => {
      while (!stopped && unstored() > UNSTORED_MAX) {
        keep();
        await work;
        if (unstored() > UNSTORED_MAX) await pause(RETRY_MS);
      }
    },
    stop: async () => {
      stopped = true;
      stopListening();
      await work;
      try {
        await write();
      } catch (error) {
        // The next start begins where it was last written.
        if (!isNoRoom(error)) throw error;
        onUnkept(error);
      } finally {
        history.close();
      }
    },
  };
}
