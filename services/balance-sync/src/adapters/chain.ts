/**
 * Balances from a node.
 *
 * 1. All balances of one answer are of one block, which is named with its hash.
 * 2. Nothing is guessed: what cannot be read within a few tries is not answered, and the next poll asks again.
 * 3. One reading at a time; what is asked meanwhile is read together afterwards, so a busy block costs two calls.
 */
import { ContractError, TransientError } from "@slipstream/contracts/errors";
import type { Address } from "@slipstream/contracts/ids";
import { Hash } from "@slipstream/contracts/ids";
import { sharesMicro } from "@slipstream/contracts/money";
import { backoffMs, READ_RETRY } from "@slipstream/polymarket/backoff";
import { decodeUint, decodeUintArray, encodeBalanceOf, encodeBalanceOfBatch } from "@slipstream/polymarket/calls";
import type { RpcReader } from "@slipstream/polymarket/rpc";
import { CONDITIONAL_TOKENS, defaultExchanges } from "@slipstream/polymarket/versions";
import { z } from "zod";
import type { BalanceSyncMessage, BalanceSyncRequest, Pair, Reading } from "../core/messages.ts";
import type { BlockRef } from "../core/state.ts";

export type Block = BlockRef & { readonly tsMs: number };

export type ChainReader = {
  /** Reads; null: could not be read. Requests that were read together share one answer. */
  read(request: BalanceSyncRequest): Promise<BalanceSyncMessage | null>;
  /** Reads for the mailbox: an answer that others share is given once. */
  perform(request: BalanceSyncRequest): Promise<BalanceSyncMessage | null>;
  /** True while a reading is under way. */
  busy(): boolean;
  /** Steady time of the last complete reading; null before the first. */
  lastReadMs(): number | null;
};

export type ChainReaderOptions = {
  readonly rpc: RpcReader;
  readonly multiCall: boolean;
  readonly steadyMs: () => number;
  readonly pause: (ms: number) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
  readonly onFailure: (error: Error) => void;
};

const TRIES = 3;
const BATCH = 500;

type Batch = { request: BalanceSyncRequest; readonly answer: Promise<BalanceSyncMessage | null> };

export function createChainReader(options: ChainReaderOptions): ChainReader {
  let running: Promise<unknown> = Promise.resolve();
  let inHand = 0;
  let lastReadMs: number | null = null;
  /** What waits for its turn, by kind; later requests of the kind join it. */
  const waiting = new Map<string, Batch>();

  const readNow = async (request: BalanceSyncRequest): Promise<BalanceSyncMessage | null> => {
    try {
      const answer = await withRetries(options, () => readAll(options, request));
      if (answer !== null) lastReadMs = options.steadyMs();
      return answer;
    } catch (error) {
      if (!(error instanceof TransientError || error instanceof ContractError)) throw error;
      options.onFailure(error);
      return null;
    }
  };

  const join = (request: BalanceSyncRequest): { readonly answer: Batch["answer"]; readonly first: boolean } => {
    const kind = `${request.source}.${request.afterReorg}`;
    const joined = waiting.get(kind);
    if (joined !== undefined) {
      joined.request = { ...request, pairs: [...joined.request.pairs, ...request.pairs] };
      return { answer: joined.answer, first: false };
    }
    inHand += 1;
    const answer = running.then(() => {
      const { request: whole } = waiting.get(kind) ?? { request };
      waiting.delete(kind);
      return readNow({ ...whole, pairs: distinct(whole.pairs) });
    });
    waiting.set(kind, { request, answer });
    running = answer.then(
      () => (inHand -= 1),
      () => (inHand -= 1),
    );
    return { answer, first: true };
  };

  return {
    read: (request) => join(request).answer,
    perform: async (request) => {
      const { answer, first } = join(request);
      const message = await answer;
      return first ? message : null;
    },
    busy: () => inHand > 0,
    lastReadMs: () => lastReadMs,
  };
}

async function withRetries<T>({ pause, random }: ChainReaderOptions, read: () => Promise<T>): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof TransientError) || failures + 1 >= TRIES) throw error;
      await pause(backoffMs(READ_RETRY, failures, random()));
    }
  }
}

async function readAll(
  options: ChainReaderOptions,
  { pairs, verify, source, afterReorg }: BalanceSyncRequest,
): Promise<BalanceSyncMessage | null> {
  const { rpc } = options;
  const block = await readBlock(rpc, "latest");
  if (block === null) throw new ContractError("RPC_UNREADABLE", "the node has no newest block");
  if (verify !== null) {
    const there = verify.blockNumber === block.blockNumber ? block : await readBlock(rpc, hex(verify.blockNumber));
    // A node that has not come so far cannot say whether the block is gone; its balances would be old ones.
    if (there === null) throw new TransientError("RPC_UNREACHABLE", "the node is behind the last reading");
    if (there.blockHash !== verify.blockHash) return { type: "TipGone", tip: verify };
  }
  const readings: Reading[] = [];
  for (const [ledger, own] of byLedger(pairs)) {
    for (let from = 0; from < own.length; from += BATCH) {
      readings.push(...(await readBatch(options, { ledger, pairs: own.slice(from, from + BATCH), at: block })));
    }
  }
  return { type: "BalancesRead", block, source, readings, afterReorg };
}

async function readBatch(
  { rpc, multiCall }: ChainReaderOptions,
  { ledger, pairs, at }: { readonly ledger: Address; readonly pairs: readonly Pair[]; readonly at: Block },
): Promise<Reading[]> {
  const call = async (data: string): Promise<string> => {
    const answer = await rpc.call("eth_call", [{ to: ledger, data }, hex(at.blockNumber)]);
    if (typeof answer !== "string") throw new ContractError("RPC_UNREADABLE", "eth_call: the answer is no text");
    return answer;
  };
  const values: bigint[] = [];
  if (multiCall) values.push(...decodeUintArray(await call(encodeBalanceOfBatch(pairs)), pairs.length));
  else for (const { owner, tokenId } of pairs) values.push(decodeUint(await call(encodeBalanceOf(owner, tokenId))));
  return pairs.map(({ owner, tokenId }, i) => ({ owner, tokenId, sharesMicro: sharesMicro(values[i] ?? 0n) }));
}

const Quantity = z
  .string()
  .regex(/^0x[0-9a-f]+$/)
  .transform(Number)
  .pipe(z.int());
const RpcBlock = z.object({ number: Quantity, hash: Hash, timestamp: Quantity });

/** null: the node has no such block. */
async function readBlock(rpc: RpcReader, which: string): Promise<Block | null> {
  const answer = await rpc.call("eth_getBlockByNumber", [which, false]);
  if (answer === null) return null;
  const block = RpcBlock.safeParse(answer);
  if (!block.success) {
    throw new ContractError("RPC_UNREADABLE", `eth_getBlockByNumber: ${z.prettifyError(block.error)}`);
  }
  return { blockNumber: block.data.number, blockHash: block.data.hash, tsMs: block.data.timestamp * 1_000 };
}

/** Tokens of a v2-protocol market have a contract of their own; whoever never saw a token traded asks the old one. */
function byLedger(pairs: readonly Pair[]): Map<Address, Pair[]> {
  const groups = new Map<Address, Pair[]>();
  for (const pair of pairs) {
    const row = pair.exchange === null ? undefined : defaultExchanges.byAddress.get(pair.exchange);
    const ledger = row?.ledger.address ?? CONDITIONAL_TOKENS;
    groups.set(ledger, [...(groups.get(ledger) ?? []), pair]);
  }
  return groups;
}

function distinct(pairs: readonly Pair[]): Pair[] {
  return [...new Map(pairs.map((pair) => [`${pair.owner}.${pair.tokenId}`, pair])).values()];
}

const hex = (value: number): string => `0x${value.toString(16)}`;
