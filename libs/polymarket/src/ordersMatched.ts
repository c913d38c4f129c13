/**
 * OrdersMatched closes the logs of one match and repeats the active order: a boundary and a cross-check of the role,
 * never a fill of its own (counting it would count the same shares again).
 */
import type { Address, Hash } from "@slipstream/contracts/ids";
import { ORDERS_MATCHED_V1, ORDERS_MATCHED_V2 } from "./topics.ts";
import type { ExchangeTable } from "./versions.ts";
import { isWordTopic, type LogRefusal, type RawLog, refuseLog, topicAddress, WORD } from "./words.ts";

export type OrdersMatched = {
  readonly kind: "ordersMatched";
  readonly exchange: Address;
  /** Hash of the active order. */
  readonly takerOrderHash: Hash;
  /** Owner of the active order. */
  readonly takerOrderMaker: Address;
};

/** Both layouts carry four words: assets and amounts (V1), side, token and amounts (V2 and V3). */
const LENGTH = 2 + 4 * WORD;

/** Decodes one raw OrdersMatched log of an exchange of the table. */
export function decodeOrdersMatched(log: RawLog, table: ExchangeTable): OrdersMatched | LogRefusal {
  const row = table.byAddress.get(log.address.toLowerCase());
  if (row === undefined) return refuseLog("ADDRESS_UNKNOWN", log.address);
  const [topic0, orderHash, makerTopic] = log.topics;
  if (topic0 !== (row.generation === "V1" ? ORDERS_MATCHED_V1 : ORDERS_MATCHED_V2)) {
    return refuseLog("EVENT_UNKNOWN", `${topic0 ?? "no topic"} on a ${row.generation} exchange`);
  }
  if (log.topics.length !== 3 || orderHash === undefined || makerTopic === undefined) {
    return refuseLog("TOPIC_COUNT_WRONG", `${log.topics.length} topics, 3 expected`);
  }
  if (log.data.length !== LENGTH)
    return refuseLog("DATA_LENGTH_WRONG", `${log.data.length} characters, ${LENGTH} expected`);
  const maker = topicAddress(makerTopic);
  if (maker === null || !isWordTopic(orderHash)) return refuseLog("TOPIC_MALFORMED", log.topics.join(" "));
  return {
    kind: "ordersMatched",
    exchange: row.address,
    takerOrderHash: orderHash as Hash,
    takerOrderMaker: maker as Address,
  };
}
