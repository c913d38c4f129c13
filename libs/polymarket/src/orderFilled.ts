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
import { amountWord, isZeroWord, lastDigit, loadData, tokenOfWord } from "./logWords.ts";
import { ORDER_FILLED_V1, ORDER_FILLED_V2 } from "./topics.ts";
import type { ExchangeRow, ExchangeTable, Generation } from "./versions.ts";
import { isPaddedAddress, type LogRefusal, type RawLog, refuseLog, WORD } from "./words.ts";

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
const [GIVEN, RECEIVED, FEE] = [2, 3, 4];
/** Characters of a topic, and where the address in it begins. */
const TOPIC = 2 + WORD;
const ADDRESS_AT = 26;

/**
 * Decodes one raw OrderFilled log of an exchange of the table.
 * The digits of the three ids in the topics are not checked one by one (it would double the cost): `maker` counts only
 * where it equals a known wallet, and the schema of the published fact checks all of them.
 * @returns amounts in 1e-6 units; a refusal when the log is not exactly one of the known layouts.
 */
export function decodeOrderFilled(log: RawLog, table: ExchangeTable): OrderFilled | LogRefusal {
  const row = rowOf(table, log.address);
  if (row === undefined) return refuseLog("ADDRESS_UNKNOWN", log.address);
  const { topics, data } = log;
  // By index: destructuring goes through an iterator, which costs a tenth of the whole decoding.
  const topic0 = topics[0];
  const orderHash = topics[1];
  const makerTopic = topics[2];
  const takerTopic = topics[3];
  const isV1 = row.generation === "V1";
  if (topic0 !== (isV1 ? ORDER_FILLED_V1 : ORDER_FILLED_V2)) {
    return refuseLog("EVENT_UNKNOWN", `${topic0 ?? "no topic"} on a ${row.generation} exchange`);
  }
  if (topics.length !== 4 || orderHash === undefined || makerTopic === undefined || takerTopic === undefined) {
    return refuseLog("TOPIC_COUNT_WRONG", `${topics.length} topics, 4 expected`);
  }
  if (!isPaddedAddress(makerTopic) || !isPaddedAddress(takerTopic) || orderHash.length !== TOPIC) {
    return refuseLog("TOPIC_MALFORMED", topics.join(" "));
  }
  const length = isV1 ? V1_LENGTH : V2_LENGTH;
  if (data.length !== length) {
    return refuseLog("DATA_LENGTH_WRONG", `${data.length} characters, ${length} expected`);
  }
  if (!loadData(data)) return refuseLog("DATA_MALFORMED", "the data does not begin with 0x");
  const side = isV1 ? sideOfV1() : sideOfV2();
  if (side === null) {
    return isV1
      ? refuseLog("ASSETS_AMBIGUOUS", "exactly one of the two assets must be the collateral (0)")
      : refuseLog("SIDE_UNKNOWN", data.slice(2, 2 + WORD));
  }
  const buys = side === "BUY";
  const tokenId = tokenOfWord(data, isV1 && !buys ? 0 : 1);
  const given = amountWord(data, GIVEN);
  const received = amountWord(data, RECEIVED);
  const fee = amountWord(data, FEE);
  if (given === null || received === null || fee === null || tokenId === null) {
    return refuseLog("DATA_MALFORMED", "a word of the data is not hexadecimal");
  }
  const feeInShares = buys && isV1;
  const isActive = namesAddress(takerTopic, row.address);
  return {
    kind: "orderFilled",
    exchange: row.address,
    generation: row.generation,
    orderHash: orderHash as Hash,
    maker: `0x${makerTopic.slice(ADDRESS_AT)}` as Address,
    taker: isActive ? row.address : (`0x${takerTopic.slice(ADDRESS_AT)}` as Address),
    role: isActive ? "TAKER" : "MAKER",
    side,
    tokenId,
    sharesMicro: sharesMicro(buys ? received : given),
    usdcMicro: usdcMicro(buys ? given : received),
    feeMicro: feeInShares ? sharesMicro(fee) : usdcMicro(fee),
    feeUnit: feeInShares ? "SHARES" : "USDC",
  };
}

/** A map would hash the address of every log; the exchanges are few, those of today stand last. */
function rowOf({ rows, byAddress }: ExchangeTable, address: string): ExchangeRow | undefined {
  for (let i = rows.length - 1; i >= 0; i--) if (rows[i]?.address === address) return rows[i];
  return byAddress.get(address.toLowerCase());
}

/** Word 0 is the side. */
function sideOfV2(): Side | null {
  const digit = lastDigit(0);
  return digit === 0 ? "BUY" : digit === 1 ? "SELL" : null;
}

/** Words 0 and 1 are what the order gives and gets: 0 is the collateral. */
function sideOfV1(): Side | null {
  const paysCollateral = isZeroWord(0);
  return paysCollateral === isZeroWord(1) ? null : paysCollateral ? "BUY" : "SELL";
}

/** The last digit is looked at first: it settles fifteen of sixteen cases. */
const namesAddress = (topic: string, address: Address): boolean =>
  topic.charCodeAt(topic.length - 1) === address.charCodeAt(address.length - 1) && topic.endsWith(address.slice(2));

/**
 * Returns the average price of a fill, for display and guards; null for a fill of no shares or above 1 USDC a share
 * (an active V1 BUY logs what it offered, unused money included).
 */
export function fillPrice(fill: Pick<OrderFilled, "sharesMicro" | "usdcMicro">): PriceMicro | null {
  if (fill.sharesMicro <= 0n || fill.usdcMicro > (fill.sharesMicro as bigint)) return null;
  return averagePrice(fill.usdcMicro, fill.sharesMicro);
}
