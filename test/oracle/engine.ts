/**
 * The face of the paper engine to the reference, and the only file here that knows the engine: it hands the messages to
 * the bookstore's core and the orders to the paper desk, as a replay does, and brings what they tell into the same shape.
 *
 * Books are not proved by their hashes: generated ones have none, and a gap is told where there is one.
 */
import { createDesk, onEvents, onUnreadable, track } from "@slipstream/bookstore/core/desk";
import { onRefused } from "@slipstream/bookstore/core/refusals";
import { AccountId, Address, ClientOrderId, ConditionId, TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { priceMicro, sharesMicro } from "@slipstream/contracts/money";
import type { OrderToPlace, VenueReport } from "@slipstream/executor/core/messages";
import { createPaperDesk } from "@slipstream/executor/paper/desk";
import type { PaperEvent } from "@slipstream/executor/paper/events";
import { createMarketParser } from "@slipstream/polymarket/marketChannel";
import type { EndKind, Fill, Market, Message, Order, OrderResult } from "./types.ts";

export type RunEngine = (market: Market, messages: readonly Message[], orders: readonly Order[]) => OrderResult[];

const END_KINDS: Readonly<Record<Exclude<PaperEvent["kind"], "fill" | "refused">, EndKind>> = {
  expired: "EXPIRED",
  canceled: "CANCELED",
  remainder: "FAK_REMAINDER",
  killed: "FOK_KILLED",
  blind: "BLIND",
  closed: "MARKET_CLOSED",
};
const CONDITION = ConditionId.parse(`0x${"cd".repeat(32)}`);
const LEADER = Address.parse(`0x${"a1".repeat(20)}`);
/** Beyond every end of an order. */
const LATER_MS = 10 ** 15;

/** Ids as the contracts want them; the tokens' are numbers already. */
const idOf = (name: string): ClientOrderId =>
  ClientOrderId.parse(Buffer.from(name).toString("hex").padStart(32, "0").slice(-32));

function orderOf(market: Market, order: Order): OrderToPlace {
  const [first, second] = market.tokens.map((token) => TokenId.parse(token));
  if (first === undefined || second === undefined) throw new TypeError("a market has two tokens");
  return {
    orderId: idOf(order.orderId),
    account: AccountId.parse(order.account),
    mode: "paper",
    leader: LEADER,
    tokenId: TokenId.parse(order.tokenId),
    conditionId: CONDITION,
    tokens: [first, second],
    minOrderSizeMicro: sharesMicro(order.minOrderSizeMicro),
    side: order.side,
    limitPriceMicro: priceMicro(Number(order.limitMicro)),
    sizeMicro: sharesMicro(order.sizeMicro),
    restMicro: sharesMicro(0n),
    timeInForce: order.timeInForce,
    ttlMs: order.ttlMs,
    placeAtMs: order.placeAtMs,
    fee: { rateMicro: Number(order.fee.rateMicro), exponent: order.fee.exponent, takerOnly: true },
  };
}

/** What the bookstore asks of a market's definition. */
const definitionOf = ({ tokens: [first, second], tickMicro }: Market): MarketDefinition => ({
  ...{ type: "MarketDefinition", v: 1, conditionId: CONDITION, question: "", slug: "", eventId: null, version: "v1" },
  tokens: [
    { tokenId: TokenId.parse(first), outcome: "Yes" },
    { tokenId: TokenId.parse(second), outcome: "No" },
  ],
  ...{ negRisk: false, negRiskMarketId: null, tickMicro: priceMicro(Number(tickMicro)) },
  ...{ minOrderSizeMicro: sharesMicro(0n), fee: { rateMicro: 0, exponent: 1, takerOnly: true }, takerDelayMs: 0 },
  ...{ acceptingOrders: true, closed: false, payoutMicro: null, tsEventMs: 0, tsInitMs: 0 },
});

const fillOf = (event: PaperEvent & { kind: "fill" }): Fill => ({
  n: event.n,
  atMs: event.atMs,
  priceMicro: BigInt(event.priceMicro),
  sizeMicro: event.sizeMicro,
  usdcMicro: event.usdcMicro,
  feeMicro: event.feeMicro,
  liquiditySide: event.liquiditySide,
});

function resultOf(order: Order, events: readonly PaperEvent[]): OrderResult {
  const fills = events.flatMap((event) => (event.kind === "fill" ? [fillOf(event)] : []));
  const ends = events.flatMap((event): NonNullable<OrderResult["end"]>[] => {
    if (event.kind === "fill") return [];
    return [{ kind: event.kind === "refused" ? (event.code as EndKind) : END_KINDS[event.kind], atMs: event.atMs }];
  });
  const filled = fills.reduce((sum, { sizeMicro }) => sum + sizeMicro, 0n);
  // The engine says nothing more of an order that is filled (6.13); a second end would be a fault.
  if (ends.length > 1) throw new Error(`${order.orderId} ended ${ends.length} times`);
  const last = fills.at(-1);
  const full = filled === order.sizeMicro && last !== undefined ? { kind: "FILLED" as const, atMs: last.atMs } : null;
  return { orderId: order.orderId, fills, end: ends[0] ?? full };
}

/** Runs messages and orders through the engine; at the end everything is decided. */
export const runEngine: RunEngine = (market, messages, orders) => {
  const parser = createMarketParser();
  const desk = createDesk(1, () => definitionOf(market), false);
  const tokenIds = market.tokens.map((token) => TokenId.parse(token));
  for (const [n, tokenId] of tokenIds.entries()) track(desk, tokenId, market.connections?.[n] ?? "only");
  let closedMs: number | null = null;
  let isOver = false;
  const paper = createPaperDesk({
    bookOf: (tokenId) => {
      const book = desk.books.get(tokenId);
      if (book === undefined) return null;
      const watermarkMs = isOver ? LATER_MS : (desk.connections.get(book.connection)?.watermarkMs ?? 0);
      return { history: book.history, watermarkMs };
    },
    closedMs: () => closedMs,
  });
  const told = new Map<string, PaperEvent[]>();
  const take = (reports: readonly VenueReport[]): void => {
    for (const { orderId, events } of reports) told.set(orderId, [...(told.get(orderId) ?? []), ...events]);
  };
  const advance = (): void => {
    take(paper.advance());
    paper.keepUp();
    for (const { orderId } of paper.questions()) take(paper.answer(orderId, null));
  };

  for (const order of orders) {
    paper.perform({ type: "PlaceOrder", order: orderOf(market, order) });
    const { cancelAtMs } = order;
    if (cancelAtMs === undefined) continue;
    const about = { orderId: idOf(order.orderId), tokenId: TokenId.parse(order.tokenId) };
    paper.perform({ type: "CancelOrder", ...about, atMs: cancelAtMs });
  }
  for (const message of messages) {
    if (message.kind === "definition") {
      closedMs = Math.min(closedMs ?? message.closedMs, message.closedMs);
    } else if (message.kind === "gap") {
      for (const tokenId of tokenIds) {
        const connection = desk.books.get(tokenId)?.connection;
        if (connection === undefined || message.tokens?.includes(tokenId) === false) continue;
        onUnreadable(desk, connection, [tokenId], message.atMs);
      }
    } else if (message.kind === "pong") {
      const connection = desk.connections.get(message.connection ?? "only");
      if (connection !== undefined) connection.watermarkMs = Math.max(connection.watermarkMs, message.upToMs);
    } else {
      const name = message.connection ?? "only";
      const { events, refused } = parser.parse(message.text);
      onEvents(desk, name, events, message.atMs);
      for (const refusal of refused) onRefused(desk, name, refusal, message.atMs);
    }
    advance();
  }
  isOver = true;
  advance();
  advance();
  return orders.map((order) => resultOf(order, told.get(idOf(order.orderId)) ?? []));
};
