/** Says in one line each where two tellings of the same orders differ. */
import type { Fill, Order, OrderResult } from "./types.ts";

const fillText = (fill: Fill): string => {
  const { n, liquiditySide, sizeMicro, priceMicro, atMs, usdcMicro, feeMicro } = fill;
  return `${n}:${liquiditySide} ${sizeMicro}@${priceMicro} at ${atMs} (${usdcMicro}+${feeMicro})`;
};
const endText = (end: OrderResult["end"]): string => (end === null ? "open" : `${end.kind} at ${end.atMs}`);
/** Everything a result says, as a text: two results are the same when their texts are. */
const resultText = ({ fills, end }: OrderResult): string => [...fills.map(fillText), endText(end)].join(", ");

const orderText = (order: Order): string => {
  const { orderId, account, tokenId, side, sizeMicro, limitMicro, timeInForce, placeAtMs, ttlMs, cancelAtMs } = order;
  const token = tokenId.length > 8 ? `…${tokenId.slice(-4)}` : tokenId;
  const cancel = cancelAtMs === undefined ? "" : ` cancel ${cancelAtMs}`;
  const what = `${timeInForce} ${side} ${token} ${sizeMicro}@${limitMicro}`;
  return `${orderId} (${account}) ${what} T ${placeAtMs} ttl ${ttlMs}${cancel}`;
};

/** What of a result has happened by a venue time, when nothing after it is known yet. */
export const resultUntil = ({ end, ...result }: OrderResult, ms: number): OrderResult => ({
  ...result,
  fills: result.fills.filter(({ atMs }) => atMs <= ms),
  end: end !== null && end.atMs > ms ? null : end,
});

/** Returns a line for each order of which the engine does not say what the reference says. */
export function differences(
  orders: readonly Order[],
  engine: readonly OrderResult[],
  reference: readonly OrderResult[],
): string[] {
  const byId = new Map(engine.map((result) => [result.orderId, result]));
  const lines: string[] = [];
  for (const [n, order] of orders.entries()) {
    const [is, should] = [byId.get(order.orderId), reference[n]].map((result) =>
      result === undefined ? "nothing" : resultText(result),
    );
    if (is !== should) lines.push(`${orderText(order)}: engine [${is}], reference [${should}]`);
  }
  return lines;
}
