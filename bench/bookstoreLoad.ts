/**
 * A venue that only streams: the market channel's real frames with right hashes, made before and sent on time.
 * Opening books and REST are right between two runs: a reader that needs one meanwhile has failed.
 */
import { createHash } from "node:crypto";
import { type WebSocket, WebSocketServer } from "ws";
import type { ConditionId, TokenId } from "../libs/contracts/src/ids.ts";
import type { MarketDefinition } from "../libs/contracts/src/market.ts";
import { priceMicro, type Side, sharesMicro } from "../libs/contracts/src/money.ts";
import { applyBurst, createMarketBooks, type MarketBooks, openingBook, restBook } from "../sandbox/src/venue/books.ts";
import type { LevelChange } from "../sandbox/src/venue/engine.ts";
import { type HttpServer, ok, startHttp } from "../sandbox/src/venue/http.ts";
import type { VenueMarket } from "../sandbox/src/venue/market.ts";

export type Load = {
  readonly wsUrl: string;
  readonly httpUrl: string;
  readonly tokenIds: readonly TokenId[];
  readonly definitions: readonly MarketDefinition[];
  /** Tokens that somebody subscribed. */
  subscribed(): number;
  /** Sends `perSecond` frames of each market for so long. @returns when each frame was sent, by `keyOf`. */
  run(options: { readonly perSecond: number; readonly seconds: number }): Promise<ReadonlyMap<string, number>>;
  /** Connections that lack a frame, because their reader is behind by more than the venue bears. */
  cut(): number;
  stop(): Promise<void>;
};

export const keyOf = (tokenId: string, tsEventMs: number): string => `${tokenId} ${tsEventMs}`;

const HOST = "127.0.0.1";
const LEVELS = 60;
const TICK = 10_000;
const MIDDLE = 500_000;
/** Frames are made before the first is sent: more than that takes. */
const AHEAD_MS = 500;
const FRAME_MAKING_MS = 0.2;
const BACKLOG_BYTES_MAX = 8 * 1024 * 1024;

type Planned = { readonly dueMs: number; readonly market: number; readonly text: string };

export async function startLoad(markets: number): Promise<Load> {
  const nowMs = Date.now();
  const all = Array.from({ length: markets }, (_, index) => createMarketBooks(marketOf(index, nowMs), nowMs));
  for (const [index, books] of all.entries()) fill(books, index, nowMs);
  const tokenIds = all.flatMap(({ market }) => [...market.tokenIds]);
  const booksOf = new Map(all.flatMap((books) => books.market.tokenIds.map((tokenId) => [tokenId as string, books])));
  const readers = new Map<WebSocket, Set<string>>();
  const acceptor = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const http: HttpServer = await startHttp({
    host: HOST,
    port: 0,
    onUpgrade: (request, stream, head) =>
      acceptor.handleUpgrade(request, stream, head, (socket) => {
        const own = new Set<string>();
        readers.set(socket, own);
        socket.on("close", () => readers.delete(socket));
        socket.on("message", (data) => onMessage(socket, own, String(data), booksOf));
      }),
    routes: {
      "POST /books": ({ body }) =>
        ok((body as { token_id: string }[]).flatMap(({ token_id: id }) => booksNow(booksOf, id, restBook))),
    },
  });
  let cut = 0;
  let rounds = 0;
  return {
    wsUrl: `ws://${HOST}:${http.port}/ws/market`,
    httpUrl: `http://${HOST}:${http.port}`,
    tokenIds,
    definitions: all.map(({ market }) => definitionOf(market)),
    subscribed: () => [...readers.values()].reduce((sum, own) => sum + own.size, 0),
    run: async ({ perSecond, seconds }) => {
      const planned = await plan(all, rounds, perSecond, seconds);
      rounds += perSecond * seconds;
      const socketsOf = all.map(({ market }) =>
        [...readers].flatMap(([socket, own]) => (market.tokenIds.some((id) => own.has(id)) ? [socket] : [])),
      );
      const sent = new Map<string, number>();
      await send(planned, (frame) => {
        const atMs = performance.now();
        for (const tokenId of all[frame.market]?.market.tokenIds ?? []) sent.set(keyOf(tokenId, frame.dueMs), atMs);
        for (const socket of socketsOf[frame.market] ?? []) {
          if (socket.bufferedAmount > BACKLOG_BYTES_MAX) cut += 1;
          else socket.send(frame.text);
        }
      });
      return sent;
    },
    cut: () => cut,
    stop: async () => {
      for (const socket of readers.keys()) socket.terminate();
      acceptor.close();
      await http.stop();
    },
  };
}

/** The book between two runs; while one is under way it is already at its end. */
function booksNow<T>(
  booksOf: ReadonlyMap<string, MarketBooks>,
  tokenId: string,
  show: (books: MarketBooks, tokenId: string) => T,
): T[] {
  const books = booksOf.get(tokenId);
  return books === undefined ? [] : [show(books, tokenId)];
}

function onMessage(socket: WebSocket, own: Set<string>, text: string, booksOf: ReadonlyMap<string, MarketBooks>): void {
  if (text === "PING") return socket.send("PONG");
  const request = JSON.parse(text) as { operation?: string; assets_ids: string[] };
  if (request.operation === "unsubscribe") return;
  for (const id of request.assets_ids) own.add(id);
  socket.send(JSON.stringify(request.assets_ids.flatMap((id) => booksNow(booksOf, id, openingBook))));
}

/** Frames of all markets in the order of their times, evenly over each second. */
/** @param from - how many rounds there have been. */
async function plan(all: readonly MarketBooks[], from: number, perSecond: number, seconds: number): Promise<Planned[]> {
  const everyMs = 1_000 / perSecond;
  const frames = perSecond * seconds;
  const startMs = Date.now() + AHEAD_MS + Math.ceil(frames * all.length * FRAME_MAKING_MS);
  const planned: Planned[] = [];
  for (let n = 0; n < frames; n += 1) {
    for (const [market, books] of all.entries()) {
      const dueMs = Math.floor(startMs + n * everyMs + (market * everyMs) / all.length);
      const [text] = applyBurst(
        books,
        { market: books.market, changes: [changeOf(market, from + n)], trades: [] },
        dueMs,
      );
      if (text === undefined) throw new Error("a change changed nothing");
      planned.push({ dueMs, market, text });
    }
    // Pings are answered meanwhile.
    await new Promise(setImmediate);
  }
  const late = Date.now() - startMs;
  if (late > 0) throw new Error(`making the frames took ${late} ms too long`);
  return planned;
}

async function send(planned: readonly Planned[], sendOne: (frame: Planned) => void): Promise<void> {
  let at = 0;
  await new Promise<void>((resolve) => {
    const step = (): void => {
      const nowMs = Date.now();
      for (let frame = planned[at]; frame !== undefined && frame.dueMs <= nowMs; frame = planned[at]) {
        sendOne(frame);
        at += 1;
      }
      if (at >= planned.length) return resolve();
      setTimeout(step, 1);
    };
    step();
  });
}

/** Another size of a level near the best prices, never the one it has. */
function changeOf(market: number, n: number): LevelChange {
  const away = 1 + ((n * 7 + market) % (LEVELS / 2));
  const side: Side = n % 2 === 0 ? "BUY" : "SELL";
  const price = side === "BUY" ? MIDDLE - away * TICK : MIDDLE + away * TICK;
  return { side, priceMicro: priceMicro(price), sizeMicro: sharesMicro(BigInt(100 + (n % 9_973)) * 10_000n) };
}

function fill(books: MarketBooks, market: number, nowMs: number): void {
  const changes = Array.from({ length: LEVELS }, (_, n): LevelChange => {
    const away = 1 + Math.floor(n / 2);
    const price = n % 2 === 0 ? MIDDLE - away * TICK : MIDDLE + away * TICK;
    const sizeMicro = sharesMicro(BigInt(500_000 + n * 7 + market) * 10_000n);
    return { side: n % 2 === 0 ? "BUY" : "SELL", priceMicro: priceMicro(price), sizeMicro };
  });
  applyBurst(books, { market: books.market, changes, trades: [] }, nowMs);
}

function marketOf(index: number, createdMs: number): VenueMarket {
  const sha = (text: string): string => createHash("sha256").update(`${index} ${text}`).digest("hex");
  return {
    ...{ id: String(index), eventId: String(index), eventTitle: "", question: "", slug: `m${index}`, eventSlug: "" },
    conditionId: `0x${sha("condition")}` as ConditionId,
    questionId: null,
    outcomes: ["Yes", "No"],
    tokenIds: [BigInt(`0x${sha("yes")}`).toString() as TokenId, BigInt(`0x${sha("no")}`).toString() as TokenId],
    ...{ tickMicro: TICK, minOrderSizeMicro: 5_000_000, negRisk: false, negRiskMarketId: null },
    ...{ fee: { rateMicro: 0, exponent: 1, takerOnly: true }, takerDelayMs: 0, createdMs },
  };
}

function definitionOf({ conditionId, slug, tokenIds, fee, createdMs }: VenueMarket): MarketDefinition {
  return {
    ...{ type: "MarketDefinition", v: 1, conditionId, question: "", slug, eventId: null, version: "v1", fee },
    tokens: [
      { tokenId: tokenIds[0], outcome: "Yes" },
      { tokenId: tokenIds[1], outcome: "No" },
    ],
    ...{
      negRisk: false,
      negRiskMarketId: null,
      tickMicro: priceMicro(TICK),
      minOrderSizeMicro: sharesMicro(5_000_000n),
    },
    ...{ takerDelayMs: 0, acceptingOrders: true, closed: false, payoutMicro: null },
    ...{ tsEventMs: createdMs, tsInitMs: createdMs },
  };
}
