/**
 * One connection to the market channel. It keeps the wanted tokens subscribed over reconnects and reports what it
 * sees; it does not parse, and its callbacks must not wait: a slow reader is cut off by the venue.
 *
 * States: idle (nothing wanted yet, or before `open`) → connecting → open → waiting (random back-off) → connecting …;
 * closed for good by `close`.
 * 1. The first message of a connection names all wanted tokens; the venue answers with their books. Nothing is replayed.
 * 2. A quiet connection is pinged after 1.5 s, any connection every 10 s; one that stays silent is given up: a half-open
 *    socket says nothing else.
 * 3. Pings are answered in order: a PONG belongs to the oldest ping that has none.
 * 4. A frame beyond the bound, or one that breaks the protocol, is refused before it is read: the connection ends there
 *    and begins anew.
 * @see docs/venue.md, Market channel
 */
import type { TokenId } from "@slipstream/contracts/ids";
import WebSocket from "ws";
import { backoffMs, RECONNECT } from "./backoff.ts";
import type { WireClock } from "./wireClock.ts";

export const PING_EVERY_MS = 10_000;
export const QUIET_PING_MS = 1_500;
/** The venue's own client gives up after this time without PONG. */
export const SILENCE_MS_MAX = 30_000;
/** Opening books of 200 tokens at 40 KB each, far more than any seen; reading more at once would hold the loop. */
export const FRAME_BYTES_MAX = 8 * 1024 * 1024;
/** Above some 500 tokens opening books were seen missing; others use 200. */
export const TOKENS_PER_CONNECTION = 200;
const CHECK_EVERY_MS = 250;
/** A connection that lived this long was a good one: the next back-off starts from the beginning. */
const STABLE_MS = 10_000;

export type MarketSocketHandlers = {
  /** Any text but PONG. */
  readonly onFrame: (text: string, recvMs: number) => void;
  readonly onOpen: (tokens: readonly TokenId[]) => void;
  /** From now on nothing is known of the tokens of this connection. */
  readonly onClose: (why: {
    readonly code: number;
    readonly reason: string;
    readonly retryInMs: number | null;
  }) => void;
  /** Any frame proves all tokens of the connection. */
  readonly onProofOfLife: (recvMs: number) => void;
  /** Everything that the venue had sent before it read the ping has arrived. */
  readonly onPong?: (pong: { readonly pingSentMs: number; readonly recvMs: number }) => void;
  readonly onError?: (error: Error) => void;
};

export type MarketSocket = {
  readonly open: () => void;
  readonly subscribe: (tokens: readonly TokenId[]) => void;
  readonly unsubscribe: (tokens: readonly TokenId[]) => void;
  /** Wanted tokens, subscribed as soon as the connection is open. */
  readonly tokens: () => readonly TokenId[];
  readonly isOpen: () => boolean;
  readonly close: () => void;
};

type Link = { socket: WebSocket; openedMs: number; heardMs: number; pingedMs: number; pings: number[]; named: boolean };

export function createMarketSocket(options: {
  readonly url: string;
  readonly clock: WireClock;
  /** In [0, 1): spreads reconnects. */
  readonly random: () => number;
  readonly handlers: MarketSocketHandlers;
  /** Nothing heard for so long, not even PONG: given up. */
  readonly silenceMsMax?: number;
  readonly frameBytesMax?: number;
}): MarketSocket {
  const { clock, handlers, silenceMsMax = SILENCE_MS_MAX, frameBytesMax = FRAME_BYTES_MAX } = options;
  const wanted = new Set<TokenId>();
  let link: Link | null = null;
  let timer: { cancel(): void } | null = null;
  let failures = 0;
  let closed = false;
  const isOpen = (): boolean => link !== null && link.socket.readyState === WebSocket.OPEN;
  const send = (message: unknown): void => {
    if (link !== null && isOpen()) link.socket.send(JSON.stringify(message));
  };

  const nameTokens = (tokens: readonly TokenId[]): void => {
    if (link === null || !isOpen() || tokens.length === 0) return;
    const head = link.named ? { operation: "subscribe" } : { type: "market" };
    link.named = true;
    send({ ...head, assets_ids: tokens, custom_feature_enabled: true });
  };

  const check = (current: Link): void => {
    if (link !== current || !isOpen()) return;
    timer = clock.after(CHECK_EVERY_MS, () => check(current));
    const now = clock.nowMs();
    if (now - current.heardMs >= silenceMsMax) {
      current.socket.terminate();
      return;
    }
    const quiet = now - current.heardMs >= QUIET_PING_MS && now - current.pingedMs >= QUIET_PING_MS;
    if (!quiet && now - current.pingedMs < PING_EVERY_MS) return;
    current.pingedMs = now;
    current.pings.push(now);
    current.socket.send("PING");
  };

  const onText = (current: Link, text: string): void => {
    const recvMs = clock.nowMs();
    current.heardMs = recvMs;
    handlers.onProofOfLife(recvMs);
    if (text !== "PONG") {
      handlers.onFrame(text, recvMs);
      return;
    }
    const pingSentMs = current.pings.shift();
    if (pingSentMs !== undefined) handlers.onPong?.({ pingSentMs, recvMs });
  };

  const onGone = (current: Link, code: number, reason: string): void => {
    if (link !== current) return;
    link = null;
    timer?.cancel();
    timer = null;
    failures = current.openedMs > 0 && clock.nowMs() - current.openedMs >= STABLE_MS ? 0 : failures + 1;
    const retryInMs = closed ? null : backoffMs(RECONNECT, Math.max(0, failures - 1), options.random());
    if (retryInMs !== null) timer = clock.after(retryInMs, connect);
    handlers.onClose({ code, reason, retryInMs });
  };

  const connect = (): void => {
    if (closed || link !== null) return;
    const socket = new WebSocket(options.url, {
      perMessageDeflate: false,
      handshakeTimeout: silenceMsMax / 3,
      maxPayload: frameBytesMax,
    });
    const current: Link = { socket, openedMs: 0, heardMs: 0, pingedMs: 0, pings: [], named: false };
    link = current;
    socket.on("open", () => {
      const now = clock.nowMs();
      current.openedMs = now;
      current.heardMs = now;
      current.pingedMs = now;
      const tokens = [...wanted];
      nameTokens(tokens);
      check(current);
      handlers.onOpen(tokens);
    });
    socket.on("message", (data) => onText(current, data.toString()));
    socket.on("error", (error) => {
      handlers.onError?.(error);
      // A refused frame: the closing handshake would wait for a peer that is still sending it.
      if (socket.readyState !== WebSocket.CONNECTING) socket.terminate();
    });
    socket.on("close", (code, reason) => onGone(current, code, reason.toString()));
  };

  return {
    open: connect,
    subscribe: (tokens) => {
      const fresh = tokens.filter((token) => !wanted.has(token));
      for (const token of fresh) wanted.add(token);
      nameTokens(fresh);
    },
    unsubscribe: (tokens) => {
      const known = tokens.filter((token) => wanted.delete(token));
      if (known.length > 0) send({ operation: "unsubscribe", assets_ids: known });
    },
    tokens: () => [...wanted],
    isOpen,
    close: () => {
      closed = true;
      timer?.cancel();
      link?.socket.terminate();
    },
  };
}
