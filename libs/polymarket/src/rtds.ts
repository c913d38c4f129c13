/**
 * The venue's live feed of everybody's trades (RTDS): unofficial, not numbered, nothing replayed, rows lost and doubled
 * now and then. For speed only.
 *
 * States: closed → connecting → open → waiting (random back-off) → connecting …; closed for good by `close`.
 * 1. Every trade of the platform is asked for: filters by wallet are accepted and then deliver nothing.
 * 2. A connection without any frame for 15 s is dead. One that answers pings but shows no trade for 60 s has gone deaf,
 *    as was seen after some 20 minutes. Both are opened anew.
 * @see docs/venue.md, RTDS
 */
import WebSocket from "ws";
import { z } from "zod";
import { backoffMs, RECONNECT } from "./backoff.ts";
import { parseExactJson } from "./exactJson.ts";
import { readTradeRow, type TradeRow } from "./tradeRow.ts";
import type { WireClock } from "./wireClock.ts";

const RTDS_SUBSCRIBE = { action: "subscribe", subscriptions: [{ topic: "activity", type: "trades" }] } as const;
const PING_EVERY_MS = 5_000;
const CHECK_EVERY_MS = 1_000;
const SILENT_MS_MAX = 15_000;
const DEAF_MS_MAX = 60_000;
const HANDSHAKE_MS_MAX = 10_000;

const Frame = z.object({ topic: z.literal("activity"), type: z.literal("trades"), payload: z.unknown() });

export type RtdsMessage =
  | { readonly kind: "trade"; readonly trade: TradeRow }
  | { readonly kind: "unreadable"; readonly why: string }
  /** Empty frames, PONG, acknowledgements, other topics. */
  | { readonly kind: "other" };

export function readRtdsMessage(text: string): RtdsMessage {
  if (!text.startsWith("{")) return { kind: "other" };
  let message: unknown;
  try {
    message = parseExactJson(text);
  } catch {
    return { kind: "unreadable", why: "no JSON" };
  }
  const frame = Frame.safeParse(message);
  if (!frame.success) return { kind: "other" };
  const trade = readTradeRow(frame.data.payload);
  return "unreadable" in trade ? { kind: "unreadable", why: trade.unreadable } : { kind: "trade", trade };
}

export type RtdsSocket = {
  open(): void;
  /** Connected, and not silent for longer than is allowed. */
  isOpen(): boolean;
  close(): void;
};

export type RtdsHandlers = {
  readonly onTrade: (trade: TradeRow, recvMs: number) => void;
  readonly onUnreadable: (why: string) => void;
  readonly onDown: (reason: string) => void;
};

type Link = {
  readonly socket: WebSocket;
  openedMs: number;
  heardMs: number;
  tradeMs: number;
  pingedMs: number;
  gone: string;
};

export function createRtdsSocket(options: {
  readonly url: string;
  readonly clock: WireClock;
  /** In [0, 1): spreads reconnects. */
  readonly random: () => number;
  readonly handlers: RtdsHandlers;
  readonly silentMsMax?: number;
  readonly deafMsMax?: number;
}): RtdsSocket {
  const { clock, handlers, silentMsMax = SILENT_MS_MAX, deafMsMax = DEAF_MS_MAX } = options;
  let link: Link | null = null;
  let timer: { cancel(): void } | null = null;
  let failures = 0;
  let closed = false;

  const giveUp = (current: Link, why: string): void => {
    current.gone = why;
    current.socket.terminate();
  };
  const check = (current: Link): void => {
    if (link !== current) return;
    timer = clock.after(CHECK_EVERY_MS, () => check(current));
    const now = clock.nowMs();
    if (now - current.heardMs > silentMsMax) return giveUp(current, `nothing was heard for ${silentMsMax} ms`);
    if (now - current.tradeMs > deafMsMax) return giveUp(current, `no trade was heard for ${deafMsMax} ms`);
    if (now - current.pingedMs < PING_EVERY_MS) return;
    current.pingedMs = now;
    current.socket.send("PING");
  };
  const onText = (current: Link, text: string): void => {
    const recvMs = clock.nowMs();
    current.heardMs = recvMs;
    const message = readRtdsMessage(text);
    if (message.kind === "unreadable") handlers.onUnreadable(message.why);
    if (message.kind !== "trade") return;
    current.tradeMs = recvMs;
    failures = 0;
    handlers.onTrade(message.trade, recvMs);
  };
  const onGone = (current: Link, code: number): void => {
    if (link !== current) return;
    link = null;
    timer?.cancel();
    timer = null;
    if (closed) return;
    timer = clock.after(backoffMs(RECONNECT, failures, options.random()), connect);
    failures += 1;
    handlers.onDown(current.gone === "" ? `the connection was closed with ${code}` : current.gone);
  };

  const connect = (): void => {
    if (closed || link !== null) return;
    timer?.cancel();
    const socket = new WebSocket(options.url, { perMessageDeflate: false, handshakeTimeout: HANDSHAKE_MS_MAX });
    const current: Link = { socket, openedMs: 0, heardMs: 0, tradeMs: 0, pingedMs: 0, gone: "" };
    link = current;
    socket.on("open", () => {
      const now = clock.nowMs();
      Object.assign(current, { openedMs: now, heardMs: now, tradeMs: now, pingedMs: now });
      socket.send(JSON.stringify(RTDS_SUBSCRIBE));
      check(current);
    });
    socket.on("message", (data) => onText(current, data.toString()));
    socket.on("error", (error) => {
      current.gone ||= error.message;
    });
    socket.on("close", (code) => onGone(current, code));
  };
  return {
    open: connect,
    isOpen: () => link !== null && link.openedMs > 0,
    close: () => {
      closed = true;
      timer?.cancel();
      link?.socket.terminate();
    },
  };
}
