/**
 * OrderFilled logs of all three exchange generations, decoded by hand.
 *
 * Each order of a match emits one log with its own owner as `maker`; the active order's log has the exchange itself as
 * `taker`. So a leader is followed by `maker` alone; a log that only names him as `taker` shows another person's order
 * (in a MINT or MERGE even another token) and says nothing about his side.
 * @see docs/venue.md, Fills
 */
import type { Address, Hash, TokenId } from "@slipstream/contracts/ids";
import {
  averagePrice,
  type PriceMicro,
  type SharesMicro,
  type Side,
  sharesMicro,
  type UsdcMicro,
  usdcMicro,
} from "@slipstream/contracts/money";
import { ORDER_FILLED_V1, ORDER_FILLED_V2 } from "./topics.ts";
import type { ExchangeRow, ExchangeTable, Generation } from "./versions.ts";
import { bigintWord, isPaddedAddress, type LogRefusal, type RawLog, refuseLog, tokenWord, WORD } from "./words.ts";

export type OrderFilled = {
  readonly kind: "orderFilled";
  readonly exchange: Address;
  readonly generation: Generation;
  readonly orderHash: Hash;
  /** Owner of the order: the funder wallet, which holds money and tokens. */
  readonly maker: Address;
  readonly taker: Address;
  /** TAKER: this was the active order of the match. */
  readonly role: "MAKER" | "TAKER";
  /** Side of `maker`. */
  readonly side: Side;
  readonly tokenId: TokenId;
  readonly sharesMicro: SharesMicro;
  /** Before the fee. */
  readonly usdcMicro: UsdcMicro;
  readonly feeMicro: UsdcMicro | SharesMicro;
  /** SHARES only for a V1 BUY, whose fee was taken out of the bought tokens. */
  readonly feeUnit: "USDC" | "SHARES";
};

/** "0x" and the words: side, tokenId, makerAmountFilled, takerAmountFilled, fee, builder, metadata. */
const V2_LENGTH = 2 + 7 * WORD;
/** "0x" and the words: makerAssetId, takerAssetId, makerAmountFilled, takerAmountFilled, fee. */
const V1_LENGTH = 2 + 5 * WORD;
const word = (n: number): number => 2 + n * WORD;
const W1 = word(1);
const W2 = word(2);
const W3 = word(3);
const W4 = word(4);
const SIDE_ZEROS = `0x${"0".repeat(WORD - 1)}`;
const SIDE_AT = 1 + WORD;
/** Characters of a topic, and where the address in it begins. */
const TOPIC = 2 + WORD;
const ADDRESS_AT = 26;
const ZERO_ASSET = "0".repeat(WORD);

/**
 * Decodes one raw OrderFilled log of an exchange of the table.
 * The digits of the three ids in the topics are not checked one by one (it would double the cost): `maker` counts only
 * where it equals a known wallet, and the schema of the published fact checks all of them.
 * @returns amounts in 1e-6 units; a refusal when the log is not exactly one of the known layouts.
 */
export function decodeOrderFilled(log: RawLog, table: ExchangeTable): OrderFilled | LogRefusal {
  const row = table.byAddress.get(log.address) ?? table.byAddress.get(log.address.toLowerCase());
  if (row === undefined) return refuseLog("ADDRESS_UNKNOWN", log.address);
  const topics = log.topics;
  // By index: destructuring goes through an iterator, which costs a tenth of the whole decoding.
  const topic0 = topics[0];
  const orderHash = topics[1];
  const makerTopic = topics[2];
  const takerTopic = topics[3];
  if (topic0 !== (row.generation === "V1" ? ORDER_FILLED_V1 : ORDER_FILLED_V2)) {
    return refuseLog("EVENT_UNKNOWN", `${topic0 ?? "no topic"} on a ${row.generation} exchange`);
  }
  if (topics.length !== 4 || orderHash === undefined || makerTopic === undefined || takerTopic === undefined) {
    return refuseLog("TOPIC_COUNT_WRONG", `${topics.length} topics, 4 expected`);
  }
  if (!isPaddedAddress(makerTopic) || !isPaddedAddress(takerTopic) || orderHash.length !== TOPIC) {
    return refuseLog("TOPIC_MALFORMED", topics.join(" "));
  }
  const head: Head = {
    row,
    orderHash: orderHash as Hash,
    maker: `0x${makerTopic.slice(ADDRESS_AT)}` as Address,
    taker: `0x${takerTopic.slice(ADDRESS_AT)}` as Address,
    isActive: takerTopic.endsWith(row.address.slice(2)),
  };
  return row.generation === "V1" ? decodeV1(log.data, head) : decodeV2(log.data, head);
}

type Head = {
  readonly row: ExchangeRow;
  readonly orderHash: Hash;
  readonly maker: Address;
  readonly taker: Address;
  readonly isActive: boolean;
};

function decodeV2(data: string, head: Head): OrderFilled | LogRefusal {
  if (data.length !== V2_LENGTH) return wrongLength(data, V2_LENGTH);
  const sideDigit = data.startsWith(SIDE_ZEROS) ? data.charCodeAt(SIDE_AT) : 0;
  if (sideDigit !== 48 && sideDigit !== 49) return refuseLog("SIDE_UNKNOWN", data.slice(2, W1));
  const tokenId = tokenWord(data, W1);
  return assemble(head, { side: sideDigit === 48 ? "BUY" : "SELL", tokenId, data });
}

function decodeV1(data: string, head: Head): OrderFilled | LogRefusal {
  if (data.length !== V1_LENGTH) return wrongLength(data, V1_LENGTH);
  const paysCollateral = data.startsWith(ZERO_ASSET, 2);
  const getsCollateral = data.startsWith(ZERO_ASSET, W1);
  if (paysCollateral === getsCollateral) {
    return refuseLog("ASSETS_AMBIGUOUS", "exactly one of the two assets must be the collateral (0)");
  }
  const side = paysCollateral ? "BUY" : "SELL";
  return assemble(head, { side, tokenId: tokenWord(data, paysCollateral ? W1 : 2), data });
}

function assemble(
  head: Head,
  order: { readonly side: Side; readonly tokenId: TokenId | null; readonly data: string },
): OrderFilled | LogRefusal {
  const given = bigintWord(order.data, W2);
  const received = bigintWord(order.data, W3);
  const fee = bigintWord(order.data, W4);
  if (given === null || received === null || fee === null || order.tokenId === null) {
    return refuseLog("DATA_MALFORMED", "a word of the data is not hexadecimal");
  }
  const { row, orderHash, maker, taker, isActive } = head;
  const buys = order.side === "BUY";
  const feeInShares = buys && row.generation === "V1";
  return {
    kind: "orderFilled",
    exchange: row.address,
    generation: row.generation,
    orderHash,
    maker,
    taker,
    role: isActive ? "TAKER" : "MAKER",
    side: order.side,
    tokenId: order.tokenId,
    sharesMicro: sharesMicro(buys ? received : given),
    usdcMicro: usdcMicro(buys ? given : received),
    feeMicro: feeInShares ? sharesMicro(fee) : usdcMicro(fee),
    feeUnit: feeInShares ? "SHARES" : "USDC",
  };
}

const wrongLength = (data: string, expected: number): LogRefusal =>
  refuseLog("DATA_LENGTH_WRONG", `${data.length} characters, ${expected} expected`);

/**
 * Returns the average price of a fill, for display and guards; null for a fill of no shares or above 1 USDC a share
 * (an active V1 BUY logs what it offered, unused money included).
 */
export function fillPrice(fill: Pick<OrderFilled, "sharesMicro" | "usdcMicro">): PriceMicro | null {
  if (fill.sharesMicro <= 0n || fill.usdcMicro > (fill.sharesMicro as bigint)) return null;
  return averagePrice(fill.usdcMicro, fill.sharesMicro);
}
