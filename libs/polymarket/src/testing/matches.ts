/** Logs of whole transactions, as the exchanges write them: matches, fees charged, refunds. Made by code, for tests. */
import type { Side } from "@slipstream/contracts/money";
import type { TxLog } from "../acts.ts";
import { defaultExchanges } from "../versions.ts";
import type { RawLog } from "../words.ts";
import { fixedHex, logOfV1, logOfV2, rawLog } from "./logs.ts";

export type TestOrder = {
  /** Small number; the order hash follows from it. */
  readonly n: number;
  readonly maker: string;
  readonly side: Side;
  readonly token: bigint;
  readonly shares: bigint;
  readonly usdc: bigint;
  /** In the unit of the generation. */
  readonly fee?: bigint;
};
export type TestRefund = { readonly order: TestOrder; readonly amount: bigint; readonly named: boolean };
export type TestMatch = {
  readonly exchange: string;
  readonly active: TestOrder;
  readonly resting: readonly TestOrder[];
  readonly refunds?: readonly TestRefund[];
};

export const testHash = (n: number): string => fixedHex(n.toString(16), 32);
const testModule = fixedHex("fee", 20);
const generationOf = (exchange: string) => defaultExchanges.byAddress.get(exchange)?.generation;

/** The order's own OrderFilled; `usdc` is what the log shall say. */
export function filledLog(exchange: string, order: TestOrder, taker: string): RawLog {
  const { n, maker, token, shares, usdc, fee = 0n } = order;
  const buys = order.side === "BUY";
  const [given, received] = buys ? [usdc, shares] : [shares, usdc];
  const common = { orderHash: testHash(n), maker, taker, given, received, fee };
  return generationOf(exchange) === "V1"
    ? logOfV1(exchange, { ...common, makerAsset: buys ? 0n : token, takerAsset: buys ? token : 0n })
    : logOfV2(exchange, { ...common, side: buys ? 0 : 1, tokenId: token });
}

export function matchedLog(exchange: string, active: TestOrder): RawLog {
  const { n, maker, token, shares, usdc } = active;
  const buys = active.side === "BUY";
  const [makerAmountFilled, takerAmountFilled] = buys ? [usdc, shares] : [shares, usdc];
  const head = { takerOrderHash: testHash(n), takerOrderMaker: maker, makerAmountFilled, takerAmountFilled };
  return generationOf(exchange) === "V1"
    ? rawLog(exchange, "ORDERS_MATCHED_V1", {
        ...head,
        makerAssetId: buys ? 0n : token,
        takerAssetId: buys ? token : 0n,
      })
    : rawLog(exchange, "ORDERS_MATCHED_V2", { ...head, side: buys ? 0 : 1, tokenId: token });
}

export function refundLog({ order, amount, named }: TestRefund, module = testModule): RawLog {
  const id = order.side === "BUY" ? order.token : 0n;
  const { maker: to, fee = 0n } = order;
  const kept = fee > amount ? fee - amount : 0n;
  return named
    ? rawLog(module, "FEE_REFUNDED", { orderHash: testHash(order.n), to, id, refund: amount, feeCharged: kept })
    : rawLog(module, "FEE_REFUNDED_UNNAMED", { token: module, to, id, amount });
}

function orderLogs(exchange: string, order: TestOrder, taker: string): RawLog[] {
  const { fee = 0n } = order;
  const charged =
    fee > 0n && generationOf(exchange) === "V1"
      ? [
          rawLog(exchange, "FEE_CHARGED_V1", {
            receiver: testModule,
            tokenId: order.side === "BUY" ? order.token : 0n,
            amount: fee,
          }),
        ]
      : [];
  return [...charged, filledLog(exchange, order, taker)];
}

/** All logs of a match, in order, its refunds after it. */
export const matchLogs = ({ exchange, active, resting, refunds = [] }: TestMatch): RawLog[] => [
  ...resting.flatMap((order) => orderLogs(exchange, order, active.maker)),
  ...orderLogs(exchange, active, exchange),
  matchedLog(exchange, active),
  ...refunds.map((refund) => refundLog(refund)),
];

/** Numbered as in a block that held other transactions before. */
export const numbered = (logs: readonly RawLog[]): TxLog[] => logs.map((log, at) => ({ ...log, logIndex: 700 + at }));
