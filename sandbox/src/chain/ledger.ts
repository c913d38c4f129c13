/**
 * The one writer of the chain. Everything that changes it (a transaction, a block, a reorg) runs one at a time, so a
 * reorg never races with a block and a nonce is never given twice.
 *
 * Invariants
 * 1. Every transaction entered through here, so each can be sent again after a reorg, byte for byte.
 * 2. A reorg leaves no nonce gap: a dropped transaction of a known key is replaced by an empty one with the same nonce.
 * 3. Transactions that were waiting before a reorg wait again after it, in the same order.
 * 4. Blocks that another program had the node mine are taken back, and shown to nobody (`foreignWrites.ts`).
 */
import { ContractError, InvariantError } from "@slipstream/contracts/errors";
import type { Address } from "@slipstream/contracts/ids";
import { Hash } from "@slipstream/contracts/ids";
import { privateKeyToAccount } from "viem/accounts";
import { z } from "zod";
import { CHAIN_ID } from "./addresses.ts";
import { STATE_HISTORY_BLOCKS } from "./anvil.ts";
import { asMined, type ChainBlock, readBlock, type SentTx } from "./blocks.ts";
import { asHex } from "./ctfIds.ts";
import { takeBackForeign } from "./foreignWrites.ts";
import { type RpcClient, RpcRefusal } from "./rpcClient.ts";
import type { Call } from "./transactions.ts";
import type { ChainEvent, ReorgReport } from "./types.ts";

const POOL_MAX = 10_000;
/** Another program that keeps mining is quicker than we are. */
const FOREIGN_TRIES = 5;
const FEE_PER_GAS = 1_000_000_000n;
const GAS_EMPTY = 21_000n;

export type ChainLedger = {
  /** Recent blocks, oldest first; at least as many as a reorg may remove. Never empty. */
  blocks(): readonly ChainBlock[];
  head(): ChainBlock;
  /** Resolves at once, except while a reorg or another node is made: then when it is over. For readers of the node. */
  steady(): Promise<void>;
  /** Signs with the key of `from`. @throws InvariantError for an unknown key, RpcRefusal when the node refuses. */
  send(from: Address, call: Call): Promise<Hash>;
  /** @throws RpcRefusal when the node refuses. */
  submitRaw(raw: string): Promise<Hash>;
  mine(): Promise<ChainBlock>;
  /**
   * Another node takes over while nothing is written and nobody reads; `takeOver` resolves when `rpc` asks the new one. It
   * gets the transactions that wait. What it started with is never touched by a reorg.
   */
  handOver(takeOver: () => Promise<void>): Promise<void>;
  /** @see ChainFaults.reorg */
  reorg(depth: number, drop: readonly Hash[]): Promise<ReorgReport>;
  /** Called after each change, in order. @returns a function that ends it. */
  onChange(listener: (event: ChainEvent) => void): () => void;
};

export type LedgerOptions = {
  readonly rpc: RpcClient;
  readonly keys: ReadonlyMap<Address, `0x${string}`>;
  readonly nowMs: () => number;
  readonly finalityDepth: number;
};

const Quantity = z.string().startsWith("0x");
const TxOrigin = z.object({ from: z.string().toLowerCase(), nonce: Quantity });

export async function openLedger({ rpc, keys, nowMs, finalityDepth }: LedgerOptions): Promise<ChainLedger> {
  const sent = new Map<Hash, SentTx>();
  const waiting = new Set<Hash>();
  const listeners = new Set<(event: ChainEvent) => void>();
  const exclusive = oneAtATime();
  const readHead = (how: { readonly ownOnly: boolean }): Promise<ChainBlock> => readBlockAt("latest", how);
  async function readBlockAt(number: string, { ownOnly }: { readonly ownOnly: boolean }): Promise<ChainBlock> {
    const answer = await rpc.call("eth_getBlockByNumber", [number, false]);
    const { hash } = z.object({ hash: Hash }).parse(answer);
    return readBlock(answer, await rpc.call("eth_getLogs", [{ blockHash: hash }]), ownOnly ? sent : null);
  }

  /** The chain as it is being written, and as it was last announced: a reorg is seen as a whole or not at all. */
  let blocks: ChainBlock[] = [await readHead({ ownOnly: false })];
  let announced: readonly ChainBlock[] = blocks;
  let reorgs = 0;
  let changing: Promise<unknown> = Promise.resolve();
  /** The node holds the states after this block. */
  let floor = 0;

  const head = (): ChainBlock => {
    const last = blocks.at(-1);
    if (last === undefined) throw new InvariantError("the sandbox chain has no blocks");
    return last;
  };
  const announce = (event: ChainEvent) => {
    announced = [...blocks];
    for (const listener of [...listeners]) listener(event);
  };

  async function submit(raw: string): Promise<Hash> {
    if (waiting.size >= POOL_MAX)
      throw new RpcRefusal("eth_sendRawTransaction", { code: -32000, message: "txpool is full" });
    const hash = Hash.parse(await rpc.call("eth_sendRawTransaction", [raw]));
    sent.set(hash, { hash, raw: asHex(raw) });
    waiting.add(hash);
    return hash;
  }

  async function sign(from: Address, nonce: number, call: Call): Promise<`0x${string}`> {
    const key = keys.get(from);
    if (key === undefined) throw new InvariantError(`the sandbox holds no key of ${from}`);
    return privateKeyToAccount(key).signTransaction({
      type: "eip1559",
      chainId: CHAIN_ID,
      nonce,
      to: asHex(call.to),
      data: call.data,
      gas: call.gas,
      maxFeePerGas: FEE_PER_GAS,
      maxPriorityFeePerGas: 0n,
    });
  }

  const waitingTxs = (): SentTx[] => [...waiting].flatMap((hash) => sent.get(hash) ?? []);
  const dropPool = async (): Promise<void> => void (await rpc.call("anvil_dropAllTransactions"));
  /** Sends again what was waiting, in its order. */
  async function refillPool(): Promise<void> {
    const pool = waitingTxs();
    waiting.clear();
    for (const tx of pool) await resubmit(tx.raw);
  }

  /** @param wantedS - whole seconds; a block is never older than its parent. */
  async function mineAt(wantedS: number): Promise<ChainBlock> {
    let block: ChainBlock | null = null;
    for (let tries = 0; block?.parentHash !== head().hash; tries++) {
      if (tries === FOREIGN_TRIES) throw new ContractError("RPC_REFUSED", "another program writes to the chain node");
      const { taken, kept } = await takeBackForeign(rpc, head(), dropPool);
      for (const number of kept) await adopt(number);
      if (taken + kept.length > 0) await refillPool();
      await rpc.call("evm_mine", [{ timestamp: Math.max(wantedS, head().timestampMs / 1_000) }]);
      block = await readHead({ ownOnly: true });
    }
    take(block);
    return block;
  }

  function take(block: ChainBlock): void {
    blocks.push(block);
    for (const hash of block.txHashes) waiting.delete(hash);
    while (blocks.length > STATE_HISTORY_BLOCKS) {
      for (const tx of blocks.shift()?.txs ?? []) sent.delete(tx.hash);
    }
  }

  /** A block of another program that stays is a block like ours. */
  async function adopt(number: number): Promise<void> {
    const block = await readBlockAt(`0x${number.toString(16)}`, { ownOnly: true });
    take(block);
    announce({ type: "BlockMined", block: asMined(block) });
  }

  async function mineNow(): Promise<ChainBlock> {
    const block = await mineAt(Math.floor(nowMs() / 1_000));
    announce({ type: "BlockMined", block: asMined(block) });
    return block;
  }

  /** An empty transaction with the nonce of `dropped`, or null for a sender whose key is not ours. */
  async function replacementOf(dropped: Hash): Promise<`0x${string}` | null> {
    const origin = TxOrigin.parse(await rpc.call("eth_getTransactionByHash", [dropped]));
    const from = origin.from as Address;
    if (!keys.has(from)) return null;
    return sign(from, Number(origin.nonce), { to: from, data: "0x", gas: GAS_EMPTY });
  }

  async function resubmit(raw: string): Promise<void> {
    try {
      await submit(raw);
    } catch (error) {
      // A refused transaction is simply not on the new chain; the report tells.
      if (!(error instanceof RpcRefusal)) throw error;
    }
  }

  async function reorganise(depth: number, drop: readonly Hash[]): Promise<ReorgReport> {
    const removed = blocks.slice(-depth);
    checkReorg({ depth, finalityDepth, known: blocks.length - 1, drop, removed });
    const replacements = new Map<Hash, `0x${string}` | null>();
    for (const hash of drop) replacements.set(hash, await replacementOf(hash));
    const pool = waitingTxs();
    await dropPool();
    waiting.clear();
    await rpc.call("anvil_rollback", [depth]);
    blocks = blocks.slice(0, -depth);
    // Another producer: a block that is empty before and after must still get another hash.
    reorgs += 1;
    await rpc.call("anvil_setCoinbase", [coinbaseOf(reorgs)]);
    const added = [await mineAt((removed[0]?.timestampMs ?? 0) / 1_000)];
    for (const [index, orphan] of removed.entries()) {
      for (const tx of orphan.txs) {
        const raw = replacements.has(tx.hash) ? (replacements.get(tx.hash) ?? null) : tx.raw;
        if (raw !== null) await resubmit(raw);
      }
      const next = removed[index + 1];
      added.push(await mineAt(Math.floor((next?.timestampMs ?? nowMs()) / 1_000)));
    }
    const back = new Set(added.flatMap((block) => block.txHashes));
    const dropped = removed.flatMap((block) => block.txHashes).filter((hash) => !back.has(hash));
    for (const hash of dropped) {
      waiting.delete(hash);
      sent.delete(hash);
      await rpc.call("anvil_dropTransaction", [hash]);
    }
    for (const tx of pool) await resubmit(tx.raw);
    return { removed: removed.map(asMined), added: added.map(asMined), dropped };
  }

  return {
    blocks: () => announced,
    head: () => announced.at(-1) ?? head(),
    steady: async () => {
      await changing;
    },
    send: (from, call) =>
      exclusive(async () => {
        const nonce = Number(Quantity.parse(await rpc.call("eth_getTransactionCount", [from, "pending"])));
        return submit(await sign(from, nonce, call));
      }),
    submitRaw: (raw) => exclusive(() => submit(raw)),
    mine: () => exclusive(mineNow),
    handOver: (takeOver) =>
      exclusive(async () => {
        const work = takeOver();
        changing = work.catch(() => undefined);
        await work;
        floor = head().number;
        await rpc.call("anvil_setCoinbase", [coinbaseOf(reorgs)]);
        for (const tx of [...waiting].flatMap((hash) => sent.get(hash) ?? [])) await resubmit(tx.raw);
      }),
    reorg: (depth, drop) =>
      exclusive(async () => {
        // A new node cannot go back before its beginning.
        while (floor > 0 && head().number - floor < Math.min(depth, finalityDepth)) await mineNow();
        const work = reorganise(depth, drop);
        changing = work.catch(() => undefined);
        const report = await work;
        announce({ type: "ChainReorganised", report });
        return report;
      }),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const coinbaseOf = (reorgs: number): `0x${string}` => `0x${reorgs.toString(16).padStart(40, "0")}`;

function checkReorg(wish: {
  readonly depth: number;
  readonly finalityDepth: number;
  readonly known: number;
  readonly drop: readonly Hash[];
  readonly removed: readonly ChainBlock[];
}): void {
  const { depth, finalityDepth, known } = wish;
  if (!Number.isInteger(depth) || depth < 1 || depth > Math.min(finalityDepth, known)) {
    const reach = Math.min(finalityDepth, known);
    throw new ContractError(
      "CONFIG_INVALID",
      `a reorg of depth ${depth} is not possible: 1 to ${reach} blocks are not final`,
    );
  }
  const orphaned = new Set(wish.removed.flatMap((block) => block.txHashes));
  const stranger = wish.drop.find((hash) => !orphaned.has(hash));
  if (stranger !== undefined) {
    throw new ContractError(
      "CONFIG_INVALID",
      `${stranger} is not in the last ${depth} blocks, so it cannot be dropped`,
    );
  }
}

/** Returns a function that runs tasks in the order they came, never two at once. */
function oneAtATime(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const result = last.then(task);
    last = result.catch(() => undefined);
    return result;
  };
}
