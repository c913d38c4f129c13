/**
 * The wanted tokens, spread over as many connections of the market channel as they need. Adding or dropping tokens
 * touches no other; both tokens of a market share a connection where there is room, since each frame names both.
 */
import type { TokenId } from "@slipstream/contracts/ids";
import { createMarketParser, type MarketCounts, type ParsedFrame } from "@slipstream/polymarket/marketChannel";
import { createMarketSocket, type MarketSocket } from "@slipstream/polymarket/marketSocket";
import type { WireClock } from "@slipstream/polymarket/wireClock";

export type MarketFeedHandlers = {
  /** A token is about to be subscribed: its opening book follows on this connection. */
  readonly onTracked: (tokenId: TokenId, connection: string) => void;
  /** A token leaves its connection and comes back at once: its opening book follows. */
  readonly onAgain: (tokenId: TokenId) => void;
  readonly onFrame: (connection: string, frame: ParsedFrame, recvMs: number) => void;
  readonly onPong: (connection: string, pingSentMs: number, recvMs: number) => void;
  readonly onDown: (connection: string, reason: string, code: number) => void;
};

export type FeedLink = {
  readonly name: string;
  readonly tokens: number;
  /** Time of the last opening while it is open, else null. */
  readonly openSinceMs: number | null;
  /** Last proof of life; when it was made, before the first. */
  readonly aliveMs: number;
};

export type MarketFeed = {
  /** Subscribes exactly these tokens from now on. */
  want(tokens: readonly TokenId[]): void;
  /** Asks for a token's opening book again. */
  again(tokenId: TokenId): void;
  linkOf(tokenId: TokenId): FeedLink | null;
  links(): FeedLink[];
  /** Of all connections there have been. */
  counts(): FeedCounts;
  stop(): void;
};

export type FeedCounts = {
  readonly frames: number;
  readonly empty: number;
  readonly refused: number;
  /** Frames refused before they were read, with their connection. */
  readonly broken: number;
  /** By event type: what is not used, and what is not known. */
  readonly ignored: ReadonlyMap<string, number>;
};

export type MarketFeedOptions = {
  readonly url: string;
  readonly clock: WireClock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly tokensPerConnection: number;
  /** A connection that says nothing for so long is given up. */
  readonly silenceMsMax: number;
  /** First part of the connections' names, which no other process uses. */
  readonly name: string;
  readonly siblingOf: (tokenId: TokenId) => TokenId | null;
  readonly handlers: MarketFeedHandlers;
  /** Runs what is done with one frame, from its text on. */
  readonly measure: (run: () => void) => void;
};

type Totals = Pick<MarketCounts, "frames" | "empty" | "refused" | "ignored"> & { broken: number };
type Line = {
  readonly name: string;
  readonly socket: MarketSocket;
  readonly counts: MarketCounts;
  readonly tokens: Set<TokenId>;
  openSinceMs: number | null;
  aliveMs: number;
};

export function createMarketFeed(options: MarketFeedOptions): MarketFeed {
  const { tokensPerConnection, name, siblingOf, handlers } = options;
  const lines = new Map<string, Line>();
  const lineOf = new Map<TokenId, Line>();
  /** Of connections that are closed for good; broken ones of all. */
  const past: Totals = { frames: 0, empty: 0, refused: 0, ignored: new Map(), broken: 0 };
  let made = 0;

  /** `coming`: tokens that are placed at the same time; a sibling among them should find room beside this one. */
  const roomFor = (tokenId: TokenId, coming: ReadonlySet<TokenId>): Line => {
    const sibling = siblingOf(tokenId);
    const beside = sibling === null ? undefined : lineOf.get(sibling);
    const needed = sibling !== null && beside === undefined && coming.has(sibling) ? 2 : 1;
    const hasRoom = (line: Line | undefined): line is Line =>
      line !== undefined && line.tokens.size + needed <= tokensPerConnection;
    const found = hasRoom(beside) ? beside : [...lines.values()].find(hasRoom);
    if (found !== undefined) return found;
    const line = openLine(options, `${name}-${made++}`, past);
    lines.set(line.name, line);
    return line;
  };

  const drop = (tokens: readonly TokenId[]): void => {
    for (const tokenId of tokens) {
      const line = lineOf.get(tokenId);
      lineOf.delete(tokenId);
      if (line === undefined) continue;
      line.tokens.delete(tokenId);
      line.socket.unsubscribe([tokenId]);
      // The venue closes a connection without tokens; we do it first.
      if (line.tokens.size > 0) continue;
      line.socket.close();
      lines.delete(line.name);
      addCounts(past, line.counts);
    }
  };

  const add = (tokens: readonly TokenId[]): void => {
    const fresh = new Map<Line, TokenId[]>();
    const coming = new Set(tokens);
    for (const tokenId of tokens) {
      const line = roomFor(tokenId, coming);
      line.tokens.add(tokenId);
      lineOf.set(tokenId, line);
      handlers.onTracked(tokenId, line.name);
      fresh.set(line, [...(fresh.get(line) ?? []), tokenId]);
    }
    for (const [line, own] of fresh) {
      line.socket.subscribe(own);
      line.socket.open();
    }
  };

  return {
    want: (tokens) => {
      const wanted = new Set(tokens);
      drop([...lineOf.keys()].filter((tokenId) => !wanted.has(tokenId)));
      add(tokens.filter((tokenId) => !lineOf.has(tokenId)));
    },
    again: (tokenId) => {
      const line = lineOf.get(tokenId);
      if (line === undefined || !line.socket.isOpen()) return;
      handlers.onAgain(tokenId);
      line.socket.unsubscribe([tokenId]);
      line.socket.subscribe([tokenId]);
    },
    linkOf: (tokenId) => {
      const line = lineOf.get(tokenId);
      return line === undefined ? null : linkOf(line);
    },
    links: () => [...lines.values()].map(linkOf),
    counts: () => {
      const totals = { ...past, ignored: new Map(past.ignored) };
      for (const { counts } of lines.values()) addCounts(totals, counts);
      return totals;
    },
    stop: () => {
      for (const { socket, tokens } of lines.values()) {
        tokens.clear();
        socket.close();
      }
      lines.clear();
      lineOf.clear();
    },
  };
}

const linkOf = ({ name, tokens, openSinceMs, aliveMs }: Line): FeedLink => ({
  name,
  tokens: tokens.size,
  openSinceMs,
  aliveMs,
});

function addCounts(totals: Totals, { frames, empty, refused, ignored }: MarketCounts): void {
  totals.frames += frames;
  totals.empty += empty;
  totals.refused += refused;
  for (const [type, count] of ignored) totals.ignored.set(type, (totals.ignored.get(type) ?? 0) + count);
}

function openLine(options: MarketFeedOptions, name: string, totals: Totals): Line {
  const { url, clock, random, handlers, measure, silenceMsMax } = options;
  const parser = createMarketParser();
  let problem = "";
  const socket = createMarketSocket({
    url,
    clock,
    random,
    silenceMsMax,
    handlers: {
      onFrame: (text, recvMs) => measure(() => handlers.onFrame(name, parser.parse(text), recvMs)),
      onOpen: () => {
        line.openSinceMs = clock.nowMs();
      },
      onProofOfLife: (recvMs) => {
        line.aliveMs = recvMs;
      },
      onPong: ({ pingSentMs, recvMs }) => handlers.onPong(name, pingSentMs, recvMs),
      onError: (error) => {
        problem = error.message;
        // Errors of frames; those of connections have other codes.
        if ("code" in error && String(error.code).startsWith("WS_ERR")) totals.broken += 1;
      },
      onClose: ({ code, reason }) => {
        line.openSinceMs = null;
        // Closed by us: nobody waits for its books.
        if (line.tokens.size > 0)
          handlers.onDown(name, [problem, reason, `code ${code}`].filter(Boolean).join(", "), code);
        problem = "";
      },
    },
  });
  const { counts } = parser;
  const line: Line = { name, socket, counts, tokens: new Set(), openSinceMs: null, aliveMs: clock.nowMs() };
  return line;
}
