/**
 * The market channel of the venue, with the ways in which it fails.
 * @see docs/venue.md, Market channel
 */
import type { TokenId } from "@slipstream/contracts/ids";
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

const Request = z.object({
  type: z.literal("market").optional(),
  operation: z.enum(["subscribe", "unsubscribe"]).optional(),
  assets_ids: z.array(z.string()).max(TOKENS_MAX),
  initial_dump: z.boolean().default(true),
});

export type MarketChannel = {
  readonly onUpgrade: OnUpgrade;
  /** Cuts every connection without a closing handshake. */
  dropSockets(): void;
  /** The next `count` price_change frames reach nobody. */
  loseDelta(count: number): void;
  /** The next `count` price_change frames are sent again a moment later, as the venue does. */
  doubleDelta(count: number): void;
  /** Everything is sent so much later, in its order; PONG too, which waits behind the data. */
  delay(ms: number): void;
  /** True: connections stay open and nothing is sent, not even PONG. */
  silence(on: boolean): void;
  /** Ends every connection in good order, as for slow readers (1013) or settled markets (1000). */
  closeSockets(code: number, reason: string): void;
  /** Sends a text to every connection, whatever it is. */
  say(text: string): void;
  sockets(): number;
  stop(): void;
};

export function createMarketChannel(feed: Feed): MarketChannel {
  const acceptor = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 4 * 1024 * 1024 });
  const wanted = new Map<WebSocket, Set<string>>();
  let toLose = 0;
  let toDouble = 0;
  let silent = false;
  let delayMs = 0;
  let lastDueMs = 0;
  const timers = new Set<NodeJS.Timeout>();

  /** Calls at once, or when the delay is over; never before what was put off earlier. */
  const later = (extraMs: number, call: () => void): void => {
    const nowMs = performance.now();
    const dueMs = Math.max(lastDueMs, nowMs + delayMs) + extraMs;
    if (extraMs === 0) lastDueMs = dueMs;
    if (dueMs <= nowMs) return call();
    const timer = setTimeout(() => {
      timers.delete(timer);
      call();
    }, dueMs - nowMs);
    timers.add(timer);
  };

  const send = (socket: WebSocket, text: string): void => later(0, () => sendNow(socket, text));
  const sendNow = (socket: WebSocket, text: string): void => {
    if (silent || socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > BACKLOG_BYTES_MAX)
      return socket.close(SLOW_CONSUMER, "slow consumer: send buffer full");
    socket.send(text);
  };
  const tell = (frame: string, tokens: readonly TokenId[]): void => {
    for (const [socket, own] of wanted) if (tokens.some((token) => own.has(token))) send(socket, frame);
  };
  feed.listen({
    onChanges: (frames, tokens) => {
      for (const frame of frames) {
        if (toLose > 0) toLose -= 1;
        else tell(frame, tokens);
        if (toDouble === 0) continue;
        toDouble -= 1;
        later(REPEAT_AFTER_MS, () => tell(frame, tokens));
      }
    },
    onPrint: (frame, tokenId) => tell(frame, [tokenId]),
  });

  const onMessage = (socket: WebSocket, own: Set<string>, text: string): void => {
    if (text === "PING") return send(socket, "PONG");
    const request = readRequest(text);
    if (request === null) return;
    if (request.operation === "unsubscribe") {
      for (const token of request.assets_ids) own.delete(token);
      return;
    }
    for (const token of request.assets_ids) own.add(token);
    if (!request.initial_dump) return;
    const books = request.assets_ids.flatMap((token) => {
      const known = feed.booksOf(token);
      return known === null ? [] : [openingBook(known, token)];
    });
    send(socket, books.length === 0 ? "[]\n" : JSON.stringify(books));
  };

  const onUpgrade: OnUpgrade = (request, stream, head) => {
    acceptor.handleUpgrade(request, stream, head, (socket) => {
      const own = new Set<string>();
      wanted.set(socket, own);
      socket.on("message", (data) => onMessage(socket, own, String(data)));
      socket.on("close", () => wanted.delete(socket));
      socket.on("error", () => socket.terminate());
    });
  };

  const dropSockets = (): void => {
    for (const socket of wanted.keys()) socket.terminate();
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
    closeSockets: (code, reason) => {
      for (const socket of wanted.keys()) socket.close(code, reason);
    },
    say: (text) => {
      for (const socket of wanted.keys()) send(socket, text);
    },
    sockets: () => wanted.size,
    stop: () => {
      for (const timer of timers) clearTimeout(timer);
      dropSockets();
      acceptor.close();
    },
  };
}

/** The venue answers nothing to what it cannot read. */
function readRequest(text: string): z.infer<typeof Request> | null {
  try {
    return Request.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
