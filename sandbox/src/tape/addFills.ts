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
import { marketOfGamma } from "@slipstream/polymarket/gamma";
import { ORDER_FILLED_V2 } from "@slipstream/polymarket/topics";
import { EXCHANGE_V2, NEG_RISK_EXCHANGE_V2 } from "@slipstream/polymarket/versions";
import { z } from "zod";
import { type TapeRecord, whyNoTime } from "./format.ts";
import { readLines } from "./lines.ts";

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
  /** Not every node states it. */
  readonly blockTimestamp?: string;
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
  t: z
    .union([
      z
        .string()
        .regex(/^\d{1,15}$/, "whole milliseconds")
        .transform(Number),
      z.int(),
    ])
    .pipe(z.int().positive()),
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
    const wrong = whyNoTime(t);
    if (wrong !== null) throw new ContractError("TAPE_INVALID", `${file}, line ${line}: ${wrong}`);
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

/** Between fills the chain goes on at this pace, as Polygon's does. */
const BLOCK_MS = 2_000;
/** Number of the first block: above every real deployment block, so that nothing treats it as too early. */
const FIRST_BLOCK = 90_000_000;
/** Who stood on the other side of a maker's fill. */
const COUNTERPARTY = `0x${"c0".repeat(20)}`;

const word = (value: bigint): string => value.toString(16).padStart(64, "0");
const topicOf = (address: string): string => `0x${address.slice(2).padStart(64, "0")}`;
const hashOf = (text: string): Hash => `0x${createHash("sha256").update(text).digest("hex")}` as Hash;
const hex = (value: number): string => `0x${value.toString(16)}`;

/** Encodes one fill exactly as exchange V2 logs it. */
function encodeFill(
  fill: AddedFill,
  at: { readonly block: TapeHead; readonly logIndex: number; readonly txHash: string; readonly exchange: Address },
): TapeLog {
  const usdc = notional(fill.priceMicro, fill.sizeMicro, "floor");
  const buys = fill.side === "BUY";
  const given = buys ? usdc : fill.sizeMicro;
  const received = buys ? fill.sizeMicro : usdc;
  const words = [buys ? 0n : 1n, BigInt(fill.tokenId), given, received, 0n, 0n, 0n];
  return {
    address: at.exchange,
    topics: [
      ORDER_FILLED_V2,
      hashOf(`order|${at.txHash}|${at.logIndex}`),
      topicOf(fill.leader),
      topicOf(fill.role === "TAKER" ? at.exchange : COUNTERPARTY),
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
 * Adds the fills to a tape: a chain whose blocks come every BLOCK_MS and at each fill's own time, and the logs of the
 * fills, received at the block time (a header speaks in whole seconds: the second it falls in). Same input, same output.
 * @throws ContractError TAPE_INVALID when the tape has chain records already.
 */
export function addFills(tape: readonly TapeRecord[], fills: readonly AddedFill[]): TapeRecord[] {
  if (tape.some(({ ch }) => ch === "chain.log" || ch === "chain.head")) {
    throw new ContractError("TAPE_INVALID", "the tape has a chain already: add all fills to the market tape at once");
  }
  const negRisk = negRiskTokens(tape);
  const byTime = new Map<number, AddedFill[]>();
  for (const fill of fills) byTime.set(fill.t, [...(byTime.get(fill.t) ?? []), fill]);
  const added: TapeRecord[] = [];
  let parentHash = hashOf("block|before the tape");
  blockTimes(tape, [...byTime.keys()]).forEach((t, index) => {
    const hash = hashOf(`block|${index}|${t}|${parentHash}`);
    const block: TapeHead = {
      number: hex(FIRST_BLOCK + index),
      hash,
      parentHash,
      timestamp: hex(Math.floor(t / 1_000)),
    };
    parentHash = hash;
    added.push({ t, ch: "chain.head", d: block });
    (byTime.get(t) ?? []).forEach((fill, logIndex) => {
      const txHash = hashOf(`tx|${block.hash}|${logIndex}`);
      const exchange = negRisk.has(fill.tokenId) ? NEG_RISK_EXCHANGE_V2 : EXCHANGE_V2;
      added.push({ t, ch: "chain.log", d: encodeFill(fill, { block, logIndex, txHash, exchange }) });
    });
  });
  return merge(tape, added);
}

/** Tokens that settle on the neg-risk exchange, as market records of the tape say; of others it is not known. */
function negRiskTokens(tape: readonly TapeRecord[]): ReadonlySet<TokenId> {
  return new Set([...tokensOfRecords(tape)].flatMap(([tokenId, negRisk]) => (negRisk ? [tokenId] : [])));
}

/** Whether each token of the tape's market records is one of neg-risk. */
function tokensOfRecords(tape: readonly TapeRecord[]): ReadonlyMap<TokenId, boolean> {
  const tokens = new Map<TokenId, boolean>();
  for (const { t, ch, d } of tape) {
    if (ch !== "gamma.market") continue;
    const market = marketOfGamma(d, t);
    if ("kind" in market) continue;
    for (const { tokenId } of market.tokens) tokens.set(tokenId, market.negRisk);
  }
  return tokens;
}

/** Tokens of fills that no market record of the tape names: their fills are put on the standard exchange. */
export function assumedStandard(tape: readonly TapeRecord[], fills: readonly AddedFill[]): TokenId[] {
  const known = tokensOfRecords(tape);
  return [...new Set(fills.map(({ tokenId }) => tokenId))].filter((tokenId) => !known.has(tokenId));
}

function blockTimes(tape: readonly TapeRecord[], fillTimes: readonly number[]): number[] {
  const ends = [...fillTimes, ...[tape[0], tape.at(-1)].flatMap((record) => (record === undefined ? [] : [record.t]))];
  const first = Math.min(...ends);
  const last = Math.max(...ends);
  const times = new Set(fillTimes);
  for (let t = first; t <= last; t += BLOCK_MS) times.add(t);
  return [...times].sort((a, b) => a - b);
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
