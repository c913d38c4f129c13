/** The logs of one transaction as far as its matches go: fills, what closes a match, fees charged and given back. */
import type { Address, Hash, TokenId } from "@slipstream/contracts/ids";
import type { TxLog } from "./acts.ts";
import { decodeOrderFilled, type OrderFilled } from "./orderFilled.ts";
import {
  FEE_CHARGED_V1,
  FEE_REFUNDED,
  FEE_REFUNDED_UNNAMED,
  ORDER_FILLED_V1,
  ORDER_FILLED_V2,
  ORDERS_MATCHED_V1,
  ORDERS_MATCHED_V2,
} from "./topics.ts";
import type { ExchangeTable } from "./versions.ts";
import { addressWord, bigintWord, type LogRefusal, refuseLog, tokenWord, topicAddress, WORD } from "./words.ts";

export type FillStep = {
  readonly kind: "fill";
  readonly logIndex: number;
  readonly fill: OrderFilled;
  /** Which match of the transaction it belongs to: how many were closed before. */
  readonly match: number;
};
/** OrdersMatched: the last log of a match. */
export type MatchStep = {
  readonly kind: "matched";
  readonly logIndex: number;
  readonly exchange: Address;
  readonly orderHash: string;
};
/** A V1 exchange gave a fee to `receiver`. */
export type FeeStep = { readonly kind: "feeCharged"; readonly logIndex: number; readonly receiver: string };
/** A fee module gave a part of a fee back: `assetId` "0" is collateral. The earlier modules name no order. */
export type RefundStep = {
  readonly kind: "refund";
  readonly logIndex: number;
  readonly module: string;
  readonly orderHash: Hash | null;
  readonly to: string;
  readonly assetId: TokenId;
  readonly amount: bigint;
};
export type MatchLog = FillStep | MatchStep | FeeStep | RefundStep;

const atWord = (n: number): number => 2 + n * WORD;

/**
 * Reads what concerns matches, in the order of the logs; other logs are passed over.
 * @param logs - all logs of one transaction, in any order.
 * @returns a refusal when a log that would count cannot be read.
 */
export function readMatchLogs(logs: readonly TxLog[], table: ExchangeTable): readonly MatchLog[] | LogRefusal {
  const steps: MatchLog[] = [];
  let match = 0;
  for (const log of logs.toSorted((a, b) => a.logIndex - b.logIndex)) {
    const step = readStep(log, table);
    if (step === null) continue;
    if (step.kind === "refused") return step;
    if (step.kind === "matched") match += 1;
    steps.push(step.kind === "fill" ? { ...step, match } : step);
  }
  return steps;
}

function readStep(log: TxLog, table: ExchangeTable): MatchLog | LogRefusal | null {
  const [topic0, first = "", second = ""] = log.topics;
  const address = log.address.toLowerCase();
  const exchange = table.byAddress.get(address);
  const { logIndex } = log;
  switch (topic0) {
    case ORDER_FILLED_V1:
    case ORDER_FILLED_V2: {
      if (exchange === undefined) return null;
      const fill = decodeOrderFilled(log, table);
      return fill.kind === "refused" ? fill : { kind: "fill", logIndex, fill, match: 0 };
    }
    case ORDERS_MATCHED_V1:
    case ORDERS_MATCHED_V2:
      return exchange === undefined
        ? null
        : { kind: "matched", logIndex, exchange: exchange.address, orderHash: first };
    case FEE_CHARGED_V1: {
      const receiver = topicAddress(first);
      if (exchange === undefined) return null;
      return receiver === null ? malformed(first) : { kind: "feeCharged", logIndex, receiver };
    }
    case FEE_REFUNDED: {
      const refund = { orderHash: first as Hash, to: topicAddress(second), data: log.data, from: 0 };
      return refundStep(refund, { logIndex, module: address });
    }
    case FEE_REFUNDED_UNNAMED: {
      const refund = { orderHash: null, to: addressWord(log.data, atWord(1)), data: log.data, from: 2 };
      return refundStep(refund, { logIndex, module: address });
    }
    default:
      return null;
  }
}

/** Anybody may write such a log, so one that cannot be read is nobody's. */
function refundStep(
  refund: { orderHash: Hash | null; to: string | null; data: string; from: number },
  where: { readonly logIndex: number; readonly module: string },
): RefundStep | null {
  const { orderHash, to, data, from } = refund;
  const assetId = tokenWord(data, atWord(from));
  const amount = bigintWord(data, atWord(from + 1));
  if (to === null || assetId === null || amount === null) return null;
  return { kind: "refund", orderHash, to, assetId, amount, ...where };
}

const malformed = (text: string): LogRefusal => refuseLog("TOPIC_MALFORMED", text);
