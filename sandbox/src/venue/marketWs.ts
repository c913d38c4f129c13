/**
 * The market channel of the venue, with the ways in which it fails.
 * @see docs/venue.md, Market channel
 */
import { timerMs } from "@slipstream/actor/clock";
import type { TokenId } from "@slipstream/contracts/ids";
import { readJson } from "@slipstream/contracts/readJson";
import { type WebSocket, WebSocketServer } from "ws";
import { z } from "zod";
import { openingBook } from "./books.ts";
import type { Feed } from "./feed.ts";
import type { OnUpgrade } from "./http.ts";

export const MARKET_WS_PATH = "/ws/market";
/** A reader that is this far behind is cut off, as the venue does. */
const BACKLOG_BYTES_MAX = 8 * 1024 * 1024;
const SLOW_CONSUMER = 1013;
const TOKENS_MAX = 10_000;
/** The venue's repeats come up to 120 ms after the first. */
const REPEAT_AFTER_MS = 100;

/** What is about to be sent to one connection. */
export type Sending = {
  /** Connections count from 1. */
  readonly socket: number;
  readonly kind: "opening" | "change" | "book" | "tick" | "print" | "market" | "pong";
  readonly text: string;
  /** Those of the message that this connection asked for; none for a PONG and for a new market. */
  readonly tokens: readonly TokenId[];
};
/**
 * What is sent in its place, and how much later: nothing when it is lost, twice when it is repeated. It waits behind what
 * is delayed, unless it overtakes.
 */
export type Delivery = (
  sending: Sending,
) => readonly { readonly text: string; readonly afterMs: number; readonly overtakes?: boolean }[];

const Request = z.object({
  type: z.literal("market").optional(),
  operation: z.enum(["subscribe", "unsubscribe"]).optional(),
  /** Text that is no token's id finds no book. */
  assets_ids: z
    .array(z.string())
    .max(TOKENS_MAX)
    .transform((ids) => ids as TokenId[]),
  initial_dump: z.boolean().default(true),
  /** Of the connection: messages about markets themselves come only with it. */
  custom_feature_enabled: z.boolean().optional(),
});

export type MarketChannel = {
  readonly onUpgrade: OnUpgrade;
  /** Cuts connections, all or those chosen, without a closing handshake. */
  dropSockets(which?: (socket: number) => boolean): void;
  /** The next `count` price_change frames reach nobody. */
  loseDelta(count: number): void;
  /** The next `count` price_change frames are sent again a moment later, as the venue does. */
  doubleDelta(count: number): void;
  /** Everything is sent so much later, in its order; PONG too, which waits behind the data. */
  delay(ms: number): void;
  /** True: connections stay open and nothing is sent, not even PONG. */
  silence(on: boolean): void;
  /** Ends connections, all or those chosen, in good order, as for slow readers (1013) or settled markets (1000). */
  closeSockets(code: number, reason: string, which?: (socket: number) => boolean): void;
  /** Sends a text to every connection, whatever it is. */
  say(text: string): void;
  sockets(): number;
  /** Open connections, oldest first. */
  numbers(): number[];
  stop(): void;
};

type Line = { readonly number: number; readonly own: Set<TokenId>; hearsOfMarkets: boolean };

const NORMAL_CLOSE = 1000;
const ALL_RESOLVED = "all subscribed assets resolved";

/** @param delivery - decides what becomes of each message to each connection; absent: it is sent. */
export function createMarketChannel(feed: Feed, delivery: Delivery = deliver): MarketChannel {
  const acceptor = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 4 * 1024 * 1024 });
  const wanted = new Map<WebSocket, Line>();
  let connections = 0;
  let toLose = 0;
  let toDouble = 0;
  let silent = false;
  let delayMs = 0;
  const timers = new Set<NodeJS.Timeout>();

  const queue: { readonly dueMs: number; readonly call: () => void }[] = [];
  let pump: NodeJS.Timeout | null = null;
  const flush = (): void => {
    pump = null;
    for (let head = queue[0]; head !== undefined; head = queue[0]) {
      const leftMs = head.dueMs - performance.now();
      if (leftMs > 0) {
        pump = setTimeout(flush, timerMs(Math.ceil(leftMs)));
        return;
      }
      queue.shift();
      head.call();
    }
  };
  /** Calls at once, or when the delay is over; never before what was put off earlier. */
  const inOrder = (call: () => void): void => {
    if (delayMs === 0 && queue.length === 0) return call();
    queue.push({ dueMs: performance.now() + delayMs, call });
    if (pump === null) flush();
  };
  const later = (ms: number, call: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      call();
    }, timerMs(ms));
    timers.add(timer);
  };

  const send = (socket: WebSocket, text: string): void => inOrder(() => sendNow(socket, text));
  const sendNow = (socket: WebSocket, text: string): void => {
    if (silent || socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > BACKLOG_BYTES_MAX)
      return socket.close(SLOW_CONSUMER, "slow consumer: send buffer full");
    socket.send(text);
  };
  const pass = (socket: WebSocket, sending: Sending): void => {
    for (const { text, afterMs, overtakes = false } of delivery(sending)) {
      const act = (): void => (overtakes ? sendNow(socket, text) : send(socket, text));
      if (afterMs === 0) act();
      else later(afterMs, act);
    }
  };
  const tell = (kind: Sending["kind"], text: string, tokens: readonly TokenId[]): void => {
    for (const [socket, { number, own }] of wanted) {
      const asked = tokens.filter((token) => own.has(token));
      if (asked.length > 0) pass(socket, { socket: number, kind, text, tokens: asked });
    }
  };
  feed.listen({
    onChanges: (frames, tokens) => {
      for (const frame of frames) {
        if (toLose > 0) toLose -= 1;
        else tell("change", frame, tokens);
        if (toDouble === 0) continue;
        toDouble -= 1;
        later(REPEAT_AFTER_MS, () => tell("change", frame, tokens));
      }
    },
    onPrint: (frame, tokenId) => tell("print", frame, [tokenId]),
    onBook: (frame, tokenId) => tell("book", frame, [tokenId]),
    onTick: (frame, tokenId) => tell("tick", frame, [tokenId]),
    onMarket: (frame, tokens, kind) => {
      for (const [socket, { number, own, hearsOfMarkets }] of wanted) {
        const asked = kind === "new" ? [] : tokens.filter((token) => own.has(token));
        const isMeant = kind === "new" || asked.length > 0;
        if (isMeant && hearsOfMarkets) pass(socket, { socket: number, kind: "market", text: frame, tokens: asked });
        if (asked.length === 0 || [...own].some((token) => feed.booksOf(token) !== null)) continue;
        inOrder(() => socket.close(NORMAL_CLOSE, ALL_RESOLVED));
      }
    },
  });

  const onMessage = (socket: WebSocket, line: Line, text: string): void => {
    const { number, own } = line;
    if (text === "PING") return pass(socket, { socket: number, kind: "pong", text: "PONG", tokens: [] });
    const request = readRequest(text);
    if (request === null) return;
    if (request.operation === "unsubscribe") {
      for (const token of request.assets_ids) own.delete(token);
      return;
    }
    line.hearsOfMarkets = request.custom_feature_enabled ?? line.hearsOfMarkets;
    for (const token of request.assets_ids) own.add(token);
    if (!request.initial_dump) return;
    const tokens: TokenId[] = [];
    const books = request.assets_ids.flatMap((token) => {
      const known = feed.booksOf(token);
      if (known === null) return [];
      tokens.push(token);
      return [openingBook(known, token)];
    });
    const frame = books.length === 0 ? "[]\n" : JSON.stringify(books);
    pass(socket, { socket: number, kind: "opening", text: frame, tokens });
  };

  const onUpgrade: OnUpgrade = (request, stream, head) => {
    acceptor.handleUpgrade(request, stream, head, (socket) => {
      connections += 1;
      const line: Line = { number: connections, own: new Set(), hearsOfMarkets: false };
      wanted.set(socket, line);
      socket.on("message", (data) => onMessage(socket, line, String(data)));
      socket.on("close", () => wanted.delete(socket));
      socket.on("error", () => socket.terminate());
    });
  };

  const chosen = (which?: (socket: number) => boolean): WebSocket[] =>
    [...wanted].flatMap(([socket, { number }]) => (which === undefined || which(number) ? [socket] : []));
  const dropSockets = (which?: (socket: number) => boolean): void => {
    for (const socket of chosen(which)) socket.terminate();
  };
  return {
    onUpgrade,
    dropSockets,
    loseDelta: (count) => {
      toLose += count;
    },
    doubleDelta: (count) => {
      toDouble += count;
    },
    delay: (ms) => {
      delayMs = ms;
    },
    silence: (on) => {
      silent = on;
    },
    closeSockets: (code, reason, which) => {
      for (const socket of chosen(which)) socket.close(code, reason);
    },
    say: (text) => {
      for (const socket of wanted.keys()) send(socket, text);
    },
    sockets: () => wanted.size,
    numbers: () => [...wanted.values()].map(({ number }) => number),
    stop: () => {
      for (const timer of timers) clearTimeout(timer);
      if (pump !== null) clearTimeout(pump);
      dropSockets();
      acceptor.close();
    },
  };
}

const deliver: Delivery = ({ text }) => [{ text, afterMs: 0 }];

/** The venue answers nothing to what it cannot read. */
const readRequest = (text: string) => readJson(Request, text);
