/**
 * All balances of one reading, from one node, at one block.
 *
 * 1. The block is named with its hash, and looked at again afterwards: if the chain changed in between, nothing counts.
 * 2. What one contract does not answer is left out and told; the others' answers count.
 */
import { ContractError, TransientError } from "@slipstream/contracts/errors";
import { type Address, Hash } from "@slipstream/contracts/ids";
import { sharesMicro, type UsdcMicro, usdcMicro } from "@slipstream/contracts/money";
import {
  type ContractCall,
  decodeAggregate3,
  decodeUint,
  decodeUintArray,
  encodeAggregate3,
  encodeAllowance,
  encodeBalanceOf,
  encodeBalanceOfBatch,
  encodeErc20BalanceOf,
  encodeIsApprovedForAll,
  MULTICALL3,
} from "@slipstream/polymarket/calls";
import type { RpcReader } from "@slipstream/polymarket/rpc";
import { rpcFaultOf } from "@slipstream/polymarket/rpcFaults";
import { type ExchangeRow, type ExchangeTable, PUSD } from "@slipstream/polymarket/versions";
import { z } from "zod";
import type { BalancesRead, Pair, PurseReading, ReadBalances, Reading } from "../core/messages.ts";
import type { BlockRef } from "../core/state.ts";

export type Block = BlockRef & { readonly tsMs: number };

export type BlockReadingOptions = {
  /** Many reads in one call: `balanceOfBatch`, and Multicall3 where contracts differ. */
  readonly multiCall: boolean;
  readonly exchanges: ExchangeTable;
  /** After each reading: the contracts that did not answer, in words; null when all did. */
  readonly onUnread: (text: string | null) => void;
};

/** Balances in one call; other reads of the same call count as one each. */
const BATCH = 500;

/** One read, what to do with its answer, and whose it is. */
export type Read = ContractCall & {
  readonly weight: number;
  readonly owners: readonly Address[];
  /** @throws ContractError for an answer that cannot be understood. */
  readonly take: (answer: string) => void;
};

/**
 * Reads at the newest block of the node.
 * @throws TransientError when the node is behind `verify`, or the chain changed meanwhile; ContractError when nothing
 *   could be understood.
 */
export async function readBlock(
  rpc: RpcReader,
  options: BlockReadingOptions,
  request: ReadBalances,
): Promise<BalancesRead | { readonly type: "TipGone"; readonly tip: BlockRef }> {
  const block = await blockOf(rpc, "latest");
  if (block === null) throw new ContractError("RPC_UNREADABLE", "the node has no newest block");
  const { verify } = request;
  if (verify !== null) {
    const there = verify.blockNumber === block.blockNumber ? block : await blockOf(rpc, hex(verify.blockNumber));
    // A node that has not come so far cannot say whether the block is gone; its balances would be old ones.
    if (there === null) throw new TransientError("RPC_UNREACHABLE", "the node is behind the last reading");
    if (there.blockHash !== verify.blockHash) return { type: "TipGone", tip: verify };
  }
  const readings: Reading[] = [];
  const purses = request.purses.map((owner) => openPurse(owner, request.pairs, options.exchanges));
  const reads = [...balanceReads(request.pairs, options, readings), ...purses.flatMap(({ reads }) => reads)];
  const unread = await performReads(rpc, reads, { block, multiCall: options.multiCall });
  const [first] = unread;
  if (reads.length > 0)
    options.onUnread(first === undefined ? null : `${first.error.message} (${unread.length} reads)`);
  if (first !== undefined && unread.length === reads.length) throw first.error;
  const after = reads.length === 0 ? block : await blockOf(rpc, hex(block.blockNumber));
  if (after?.blockHash !== block.blockHash) {
    throw new TransientError("RPC_UNREACHABLE", "the chain changed while balances were read");
  }
  const missed = new Set(unread.flatMap(({ read }) => read.owners));
  return {
    type: "BalancesRead",
    block,
    source: request.source,
    readings,
    purses: purses.flatMap(({ close }) => close() ?? []),
    complete: [...new Set(request.complete)].filter((address) => !missed.has(address)),
    afterReorg: request.afterReorg,
  };
}

function balanceReads(pairs: readonly Pair[], { multiCall }: BlockReadingOptions, into: Reading[]): Read[] {
  const byLedger = Map.groupBy(pairs, ({ ledger }) => ledger);
  return [...byLedger].flatMap(([to, own]): Read[] => {
    if (!multiCall) {
      return own.map((pair) => ({
        to,
        data: encodeBalanceOf(pair.owner, pair.tokenId),
        weight: 1,
        owners: [pair.owner],
        take: (answer) => into.push({ ...pair, sharesMicro: sharesMicro(decodeUint(answer)) }),
      }));
    }
    return chunksOf(own, BATCH).map((chunk) => ({
      to,
      data: encodeBalanceOfBatch(chunk),
      weight: chunk.length,
      owners: chunk.map(({ owner }) => owner),
      take: (answer) => {
        const values = decodeUintArray(answer, chunk.length);
        chunk.forEach((pair, i) => {
          into.push({ ...pair, sharesMicro: sharesMicro(values[i] ?? 0n) });
        });
      },
    }));
  });
}

/** Money of a wallet of ours and what it allows; counts only when all of it was read. */
function openPurse(owner: Address, pairs: readonly Pair[], exchanges: ExchangeTable) {
  const ledgers = new Set(pairs.filter((pair) => pair.owner === owner).map(({ ledger }) => ledger));
  const rows = exchanges.rows.filter((row) => isAllowed(row, ledgers));
  let collateralMicro: UsdcMicro | null = null;
  const collateral: PurseReading["allowances"]["collateral"] = [];
  const tokens: PurseReading["allowances"]["tokens"] = [];
  const read = (to: Address, data: string, take: (value: bigint) => void): Read => ({
    to,
    data,
    weight: 1,
    owners: [owner],
    take: (answer) => take(decodeUint(answer)),
  });
  const reads = [
    read(PUSD, encodeErc20BalanceOf(owner), (value) => {
      collateralMicro = usdcMicro(value);
    }),
    ...rows.flatMap(({ address, ledger }) => [
      read(PUSD, encodeAllowance(owner, address), (value) => {
        collateral.push({ spender: address, amountMicro: usdcMicro(value) });
      }),
      read(ledger.address, encodeIsApprovedForAll(owner, address), (value) => {
        tokens.push({ ledger: ledger.address, operator: address, approved: value !== 0n });
      }),
    ]),
  ];
  const close = (): PurseReading | null =>
    collateralMicro === null || collateral.length < rows.length || tokens.length < rows.length
      ? null
      : { owner, collateralMicro, allowances: { collateral, tokens } };
  return { reads, close };
}

/** The exchanges of today; the one of the newer protocol only for whoever holds its tokens. */
const isAllowed = ({ generation, ledger }: ExchangeRow, ledgers: ReadonlySet<Address>): boolean =>
  generation === "V2" || (generation === "V3" && ledgers.has(ledger.address));

export type Unread = { readonly read: Read; readonly error: Error };

/** Performs the reads at a block and hands out their answers. @returns the reads that have none. */
export async function performReads(
  rpc: RpcReader,
  reads: readonly Read[],
  { block, multiCall }: { readonly block: Block; readonly multiCall: boolean },
): Promise<Unread[]> {
  const call = async ({ to, data }: ContractCall): Promise<string> => {
    const answer = await rpc.call("eth_call", [{ to, data }, hex(block.blockNumber)]);
    if (typeof answer !== "string") throw new ContractError("RPC_UNREADABLE", "eth_call: the answer is no text");
    return answer;
  };
  const unread: Unread[] = [];
  for (const group of multiCall ? groupsOf(reads) : reads.map((read) => [read])) {
    const [only] = group;
    const answers =
      group.length === 1 && only !== undefined
        ? [await call(only).catch(nullIfReverted)]
        : decodeAggregate3(await call({ to: MULTICALL3, data: encodeAggregate3(group) }), group.length);
    group.forEach((read, i) => {
      const error = taken(read, answers[i] ?? null);
      if (error !== null) unread.push({ read, error });
    });
  }
  return unread;
}

function nullIfReverted(error: unknown): null {
  if (rpcFaultOf(error).kind === "reverted") return null;
  throw error;
}

/** @returns why the answer is none; null when it was taken. */
function taken({ to, take }: Read, answer: string | null): Error | null {
  if (answer === null) return new ContractError("RPC_UNREADABLE", `the contract ${to} refuses to be read`);
  try {
    take(answer);
    return null;
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    return new ContractError("RPC_UNREADABLE", `the contract ${to}: ${error.message}`, { cause: error });
  }
}

/** As few calls as the bound of balances allows, in the order given. */
function groupsOf(reads: readonly Read[]): Read[][] {
  const groups: Read[][] = [];
  let weight = BATCH;
  for (const read of reads) {
    weight += read.weight;
    if (weight > BATCH) {
      groups.push([]);
      weight = read.weight;
    }
    groups.at(-1)?.push(read);
  }
  return groups;
}

function chunksOf<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
}

const Quantity = z
  .string()
  .regex(/^0x[0-9a-f]+$/)
  .transform(Number)
  .pipe(z.int());
const RpcBlock = z.object({ number: Quantity, hash: Hash, timestamp: Quantity });

/** null: the node has no such block. */
export async function blockOf(rpc: RpcReader, which: string): Promise<Block | null> {
  const answer = await rpc.call("eth_getBlockByNumber", [which, false]);
  if (answer === null) return null;
  const block = RpcBlock.safeParse(answer);
  if (!block.success) {
    throw new ContractError("RPC_UNREADABLE", `eth_getBlockByNumber: ${z.prettifyError(block.error)}`);
  }
  const { number } = block.data;
  // Another block than was asked for would have the asked one taken for gone.
  if (which.startsWith("0x") && number !== Number(which))
    throw new ContractError(
      "RPC_UNREADABLE",
      `eth_getBlockByNumber of ${Number(which)}: the answer is block ${number}`,
    );
  return { blockNumber: number, blockHash: block.data.hash, tsMs: block.data.timestamp * 1_000 };
}

export const hex = (value: number): string => `0x${value.toString(16)}`;
