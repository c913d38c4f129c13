/** What the node sends, checked before use. */
import { ContractError } from "@slipstream/contracts/errors";
import { Hash } from "@slipstream/contracts/ids";
import { z } from "zod";

/** A number of a block, a log or a time: facts hold what a double holds exactly. */
const Quantity = z
  .string()
  .regex(/^0x[0-9a-f]+$/i)
  .refine((text) => Number(text) <= Number.MAX_SAFE_INTEGER, "larger than any block, index or time");
/** In whole seconds; the year 5138. */
const Seconds = Quantity.refine((text) => Number(text) <= 1e11, "no time");

const HashText = z.string().regex(/^0x[0-9a-f]{64}$/);

export const WireLog = z.object({
  address: z.string(),
  topics: z.array(z.string()),
  data: z.string(),
  blockNumber: Quantity,
  blockHash: HashText,
  transactionHash: HashText,
  logIndex: Quantity,
  /** Not every provider sends it, and some send null or 0x0: see `blockMs` of the range reader. */
  blockTimestamp: Quantity.nullish().catch(null),
  removed: z
    .boolean()
    .nullish()
    .transform((value) => value ?? false),
});
export type WireLog = z.infer<typeof WireLog>;

const WireHeader = z.object({
  number: Quantity,
  hash: Hash,
  parentHash: Hash,
  timestamp: Seconds,
  logsBloom: z.string().nullish(),
});
export type Header = {
  readonly number: number;
  readonly hash: Hash;
  readonly parentHash: Hash;
  readonly tsMs: number;
  /** Null when the node sends none. */
  readonly logsBloom: string | null;
};

/** @throws ContractError RPC_UNREADABLE naming what was asked. */
export function readHeader(value: unknown, asked: string): Header {
  const parsed = WireHeader.safeParse(value);
  if (!parsed.success) throw new ContractError("RPC_UNREADABLE", `${asked}: no block header`, { cause: parsed.error });
  const { number, hash, parentHash, timestamp, logsBloom } = parsed.data;
  return { number: Number(number), hash, parentHash, tsMs: Number(timestamp) * 1_000, logsBloom: logsBloom ?? null };
}

/** @throws ContractError RPC_UNREADABLE */
export function readLogs(value: unknown): WireLog[] {
  const parsed = z.array(WireLog).safeParse(value);
  if (!parsed.success)
    throw new ContractError("RPC_UNREADABLE", "eth_getLogs: no list of logs", { cause: parsed.error });
  return parsed.data;
}

export const hex = (value: number): string => `0x${value.toString(16)}`;

const Receipt = z.object({ blockHash: Hash, logs: z.array(WireLog) });
export type Receipt = z.infer<typeof Receipt>;

/** null: the node has no such transaction. @throws ContractError RPC_UNREADABLE, also for what is of another transaction. */
export function readReceipt(value: unknown, txHash: string): Receipt | null {
  if (value === null) return null;
  const parsed = Receipt.safeParse(value);
  if (!parsed.success)
    throw new ContractError("RPC_UNREADABLE", `receipt of ${txHash}: no receipt`, { cause: parsed.error });
  const { blockHash, logs } = parsed.data;
  const isOf = (log: WireLog): boolean => log.transactionHash === txHash && log.blockHash === blockHash;
  if (logs.every(isOf)) return parsed.data;
  throw new ContractError("RPC_UNREADABLE", `receipt of ${txHash}: it has logs of another transaction`);
}
