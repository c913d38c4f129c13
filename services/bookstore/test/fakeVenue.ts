/** Market channel and /books of a venue that knows the truth, over real sockets, with the faults a test asks for. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { decimalText } from "@slipstream/book/hash";
import type { TokenId } from "@slipstream/contracts/ids";
import type { PriceChangeEvent } from "@slipstream/polymarket/marketChannel";
import { type WebSocket, WebSocketServer } from "ws";
import type { FullBook, LevelChange } from "../src/core/tokenBook.ts";
import { createVenue, ghostOf, NO, type Venue, YES } from "../src/core/venue.testing.ts";

export type FakeVenue = {
  readonly httpUrl: string;
  readonly wsUrl: string;
  readonly truth: Venue;
  /** Changes the book now and tells everybody who subscribed. */
  change(...changes: readonly LevelChange[]): void;
  /** The next changes reach nobody. */
  lose(count: number): void;
  /** Sends a frame as it is to everybody. */
  say(frame: string | Buffer): void;
  /** Ends all connections in good order. */
  closeSockets(code: number, reason: string): void;
  dropSockets(): void;
  /** Connections stay open, and nothing is sent nor answered. */
  freeze(on: boolean): void;
  /** True: REST takes requests and answers none, until it is false again. */
  stallRest(on: boolean): void;
  /** REST says 0.01 to 0.99 of every token, with an old time and the hash of such a book. */
  haunt(on: boolean): void;
  /** The venue has no book of these tokens any more, on the stream and in REST. */
  settle(...tokens: readonly TokenId[]): void;
  /** The stream's opening books lack these tokens; REST has them. */
  forget(...tokens: readonly TokenId[]): void;
  /** Bodies of /books, all subscriptions, all unsubscriptions, connections so far and now. */
  readonly counts: { books: number; subscriptions: string[]; unsubscriptions: string[]; connections: number };
  connections(): number;
  stop(): Promise<void>;
};

export async function startFakeVenue(): Promise<FakeVenue> {
  const truth = createVenue();
  const sockets = new Map<WebSocket, Set<string>>();
  const counts: FakeVenue["counts"] = { books: 0, subscriptions: [], unsubscriptions: [], connections: 0 };
  const settled = new Set<string>();
  const forgotten = new Set<string>();
  let toLose = 0;
  let frozen = false;
  let haunted = false;
  let whenRest: (() => void)[] | null = null;
  const known = (ids: readonly string[]): TokenId[] =>
    [YES, NO, ...plainTokens].filter((token) => ids.includes(token) && !settled.has(token));

  const http = createServer(async (request, response) => {
    const asked = JSON.parse(await text(request)) as { token_id: string }[];
    counts.books += 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    if (whenRest === null) resolve();
    else whenRest.push(resolve);
    await promise;
    response.writeHead(200, { "content-type": "application/json" });
    response.end(
      JSON.stringify(known(asked.map((each) => each.token_id)).map((token) => restText(truth, token, haunted))),
    );
  });
  const server = new WebSocketServer({ server: http });
  server.on("connection", (socket) => {
    const own = new Set<string>();
    sockets.set(socket, own);
    counts.connections += 1;
    socket.on("close", () => sockets.delete(socket));
    socket.on("message", (data) => {
      if (frozen) return;
      if (String(data) === "PING") return socket.send("PONG");
      const { operation, assets_ids: ids } = JSON.parse(String(data)) as { operation?: string; assets_ids: string[] };
      if (operation === "unsubscribe") {
        for (const id of ids) own.delete(id);
        counts.unsubscriptions.push(...ids);
        return;
      }
      for (const id of ids) own.add(id);
      counts.subscriptions.push(...ids);
      const books = known(ids.filter((id) => !forgotten.has(id))).map((token) => ({
        event_type: "book",
        ...openingText(truth, token),
      }));
      socket.send(books.length === 0 ? "[]\n" : JSON.stringify(books));
    });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(http.address() as AddressInfo).port}`;
  return {
    httpUrl: `http://${host}`,
    wsUrl: `ws://${host}/ws/market`,
    truth,
    counts,
    change: (...changes) => {
      const event = truth.change(Date.now(), ...changes);
      toLose -= 1;
      if (toLose >= 0 || frozen) return;
      for (const [socket, own] of sockets) if (own.has(YES) || own.has(NO)) socket.send(changeText(event));
    },
    lose: (count) => {
      toLose = count;
    },
    say: (frame) => {
      for (const socket of sockets.keys()) socket.send(frame, { binary: false });
    },
    closeSockets: (code, reason) => {
      for (const socket of sockets.keys()) socket.close(code, reason);
    },
    freeze: (on) => {
      frozen = on;
    },
    stallRest: (on) => {
      for (const go of whenRest ?? []) go();
      whenRest = on ? [] : null;
    },
    haunt: (on) => {
      haunted = on;
    },
    settle: (...tokens) => {
      for (const token of tokens) settled.add(token);
    },
    forget: (...tokens) => {
      for (const token of tokens) forgotten.add(token);
    },
    connections: () => sockets.size,
    dropSockets: () => {
      for (const socket of sockets.keys()) socket.terminate();
    },
    stop: async () => {
      for (const socket of sockets.keys()) socket.terminate();
      server.close();
      http.closeAllConnections();
      await new Promise<void>((resolve) => http.close(() => resolve()));
    },
  };
}

/** Tokens of a market each, whose books have not changed for long. */
export const plainTokens = Array.from({ length: 8 }, (_, n) => String(901 + n) as TokenId);
export const plainBook: FullBook = {
  conditionId: `0x${"cd".repeat(32)}` as FullBook["conditionId"],
  tsEventMs: 1_700_000_000_000,
  hash: "",
  bids: [400_000, 1_000_000],
  asks: [600_000, 1_000_000],
  tickMicro: 10_000,
  lastTradePrice: null,
};

/** Worst first, as the venue sends them. */
function levelTexts(flat: readonly number[]): { price: string; size: string }[] {
  const levels: { price: string; size: string }[] = [];
  for (let at = 0; at < flat.length; at += 2) {
    levels.unshift({ price: decimalText(flat[at] ?? 0), size: decimalText(flat[at + 1] ?? 0) });
  }
  return levels;
}

const bookText = (tokenId: TokenId, { conditionId, tsEventMs, hash, bids, asks }: FullBook) => ({
  market: conditionId,
  asset_id: tokenId,
  timestamp: String(tsEventMs),
  hash,
  bids: levelTexts(bids),
  asks: levelTexts(asks),
  tick_size: "0.01",
  last_trade_price: "0.500",
});
const openingText = (truth: Venue, tokenId: TokenId) =>
  bookText(tokenId, plainTokens.includes(tokenId) ? plainBook : truth.opening(tokenId));
const restText = (truth: Venue, tokenId: TokenId, isGhost: boolean) => ({
  ...bookText(
    tokenId,
    isGhost ? ghostOf(tokenId, plainBook.tsEventMs) : plainTokens.includes(tokenId) ? plainBook : truth.rest(tokenId),
  ),
  min_order_size: "5",
  neg_risk: false,
});

const changeText = ({ conditionId, tsEventMs, changes }: PriceChangeEvent): string =>
  JSON.stringify({
    event_type: "price_change",
    market: conditionId,
    timestamp: String(tsEventMs),
    price_changes: changes.map(({ tokenId, side, priceMicro, sizeMicro, hash }) => ({
      asset_id: tokenId,
      price: decimalText(priceMicro),
      size: decimalText(sizeMicro),
      side,
      hash,
      best_bid: "",
      best_ask: "",
    })),
  });
