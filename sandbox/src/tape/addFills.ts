/**
 * `slipstream tape add-fills`: puts leaders' fills on a market tape, as the OrderFilled logs of exchange V2 that a node
 * would give, with the heads of their blocks.
 */
import { createHash } from "node:crypto";
import { ContractError } from "@slipstream/contracts/errors";
import { Address, type Hash, TokenId } from "@slipstream/contracts/ids";
import {
  notional,
  type PriceMicro,
  parseMicro,
  type SharesMicro,
  type Side,
  sharesMicro,
} from "@slipstream/contracts/money";
import { ORDER_FILLED_V2 } from "@slipstream/polymarket/topics";
import { EXCHANGE_V2 } from "@slipstream/polymarket/versions";
import { z } from "zod";
import { readLines, type TapeRecord } from "./format.ts";

export type AddedFill = {
  readonly leader: Address;
  readonly tokenId: TokenId;
  readonly side: Side;
  readonly priceMicro: PriceMicro;
  readonly sizeMicro: SharesMicro;
  /** Block time, unix ms. */
  readonly t: number;
  readonly role: "MAKER" | "TAKER";
};

/** A log as JSON-RPC gives it. */
export type TapeLog = {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
  readonly blockNumber: string;
  readonly blockHash: string;
  readonly blockTimestamp: string;
  readonly transactionHash: string;
  readonly transactionIndex: string;
  readonly logIndex: string;
  readonly removed: boolean;
};
/** A block header, the fields that are read. */
export type TapeHead = {
  readonly number: string;
  readonly hash: string;
  readonly parentHash: string;
  readonly timestamp: string;
};

const decimal = z.string().transform((text, context): bigint => {
  try {
    const value = parseMicro(text);
    if (value > 0n) return value;
  } catch {
    // the message below says what is allowed
  }
  context.addIssue({ code: "custom", message: "a positive decimal string with at most six decimals" });
  return z.NEVER;
});
const FillLine = z.strictObject({
  leader: z
    .string()
    .transform((text) => text.toLowerCase())
    .pipe(Address),
  tokenId: TokenId,
  side: z.enum(["BUY", "SELL"]),
  price: decimal.refine((price) => price < 1_000_000n, "a price below 1"),
  size: decimal,
  t: z.int().positive(),
  role: z.enum(["MAKER", "TAKER"]),
});

/** @throws ContractError TAPE_INVALID naming file, line and field. */
export async function readFills(file: string): Promise<AddedFill[]> {
  const fills: AddedFill[] = [];
  for await (const { line, text } of readLines(file)) {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      throw new ContractError("TAPE_INVALID", `${file}, line ${line}: not JSON`);
    }
    const parsed = FillLine.safeParse(json);
    if (!parsed.success)
      throw new ContractError("TAPE_INVALID", `${file}, line ${line}: ${z.prettifyError(parsed.error)}`);
    const { leader, tokenId, side, price, size, t, role } = parsed.data;
    const priceMicro = Number(price) as PriceMicro;
    const sizeMicro = sharesMicro(size);
    if (notional(priceMicro, sizeMicro, "floor") !== notional(priceMicro, sizeMicro, "ceil")) {
      throw new ContractError(
        "TAPE_INVALID",
        `${file}, line ${line}: price × size is no whole micro-USDC, a log cannot say it`,
      );
    }
    fills.push({ leader, tokenId, side, priceMicro, sizeMicro, t, role });
  }
  return fills;
}

/** Blocks of a tape come this far apart; a fill's block is numbered by its time, so the same fills give the same logs. */
const BLOCK_MS = 1_000;
/** Number of the first block: above every real deployment block, so that nothing treats it as too early. */
const FIRST_BLOCK = 90_000_000;
/** Who stood on the other side of a maker's fill. */
const COUNTERPARTY = `0x${"c0".repeat(20)}`;

const word = (value: bigint): string => value.toString(16).padStart(64, "0");
const topicOf = (address: string): string => `0x${address.slice(2).padStart(64, "0")}`;
const hashOf = (text: string): Hash => `0x${createHash("sha256").update(text).digest("hex")}` as Hash;
const hex = (value: number): string => `0x${value.toString(16)}`;

/** Encodes one fill exactly as exchange V2 logs it. */
export function encodeFill(
  fill: AddedFill,
  at: { readonly block: TapeHead; readonly logIndex: number; readonly txHash: string },
): TapeLog {
  const usdc = notional(fill.priceMicro, fill.sizeMicro, "floor");
  const buys = fill.side === "BUY";
  const given = buys ? usdc : fill.sizeMicro;
  const received = buys ? fill.sizeMicro : usdc;
  const words = [buys ? 0n : 1n, BigInt(fill.tokenId), given, received, 0n, 0n, 0n];
  return {
    address: EXCHANGE_V2,
    topics: [
      ORDER_FILLED_V2,
      hashOf(`order|${at.txHash}|${at.logIndex}`),
      topicOf(fill.leader),
      topicOf(fill.role === "TAKER" ? EXCHANGE_V2 : COUNTERPARTY),
    ],
    data: `0x${words.map(word).join("")}`,
    blockNumber: at.block.number,
    blockHash: at.block.hash,
    blockTimestamp: at.block.timestamp,
    transactionHash: at.txHash,
    transactionIndex: "0x0",
    logIndex: hex(at.logIndex),
    removed: false,
  };
}

/**
 * Adds the fills to a tape: for each block time a head, then the logs of its block, received at the block time (a chain
 * speaks in whole seconds, so the header's timestamp is the second it falls in). Same input, same output.
 */
export function addFills(tape: readonly TapeRecord[], fills: readonly AddedFill[]): TapeRecord[] {
  const first = Math.min(tape[0]?.t ?? Number.POSITIVE_INFINITY, ...fills.map((fill) => fill.t));
  const ordered = fills
    .map((fill, index) => ({ fill, index }))
    .sort((a, b) => a.fill.t - b.fill.t || a.index - b.index);
  const added: TapeRecord[] = [];
  let number = 0;
  let parentHash = hashOf("block|genesis");
  let block: TapeHead | null = null;
  let blockMs = -1;
  let logIndex = 0;
  for (const { fill } of ordered) {
    if (block === null || fill.t !== blockMs) {
      number = Math.max(number + 1, FIRST_BLOCK + Math.floor((fill.t - first) / BLOCK_MS));
      const hash = hashOf(`block|${number}|${fill.t}|${parentHash}`);
      block = { number: hex(number), hash, parentHash, timestamp: hex(Math.floor(fill.t / 1_000)) };
      parentHash = hash;
      blockMs = fill.t;
      logIndex = 0;
      added.push({ t: fill.t, ch: "chain.head", d: block });
    }
    const txHash = hashOf(`tx|${block.hash}|${logIndex}`);
    added.push({ t: fill.t, ch: "chain.log", d: encodeFill(fill, { block, logIndex, txHash }) });
    logIndex += 1;
  }
  return merge(tape, added);
}

/** Merges by time; at the same millisecond what was on the tape comes first. */
function merge(tape: readonly TapeRecord[], added: readonly TapeRecord[]): TapeRecord[] {
  const merged: TapeRecord[] = [];
  let next = 0;
  for (const record of tape) {
    for (let item = added[next]; item !== undefined && item.t < record.t; item = added[++next]) merged.push(item);
    merged.push(record);
  }
  return [...merged, ...added.slice(next)];
}
