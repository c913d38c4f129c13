/**
 * The market channel for a recording: tokens spread over connections, a market's tokens together since its frames name
 * both. Frames are passed on with their text; what a connection did not hear is told as a gap of its tokens.
 */
import type { Clock } from "@slipstream/actor/clock";
import type { TokenId } from "@slipstream/contracts/ids";
import { createMarketSocket, type MarketSocket, TOKENS_PER_CONNECTION } from "@slipstream/polymarket/marketSocket";
import type { TapeGap } from "@slipstream/sandbox/tape/recording";

export type MarketLinesOptions = {
  readonly url: string;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly tokensPerConnection?: number;
  readonly onFrame: (text: string, connection: string) => void;
  readonly onGap: (gap: TapeGap) => void;
};

export type MarketLines = {
  /** Adds tokens that belong together: of one market. */
  add(tokens: readonly TokenId[]): void;
  /** Asks for all opening books again. */
  again(): void;
  connections(): { readonly open: number; readonly all: number };
  stop(): void;
};

type Line = {
  readonly socket: MarketSocket;
  readonly tokens: TokenId[];
  /** Last sign of life. */
  aliveMs: number;
  /** Since when nothing is heard; null while connected and before the first connection. */
  lostSinceMs: number | null;
};

export function createMarketLines(options: MarketLinesOptions): MarketLines {
  const { clock, onGap, tokensPerConnection = TOKENS_PER_CONNECTION } = options;
  const lines: Line[] = [];
  const open = (): Line => {
    const name = `m${lines.length}`;
    const tell = (sinceMs: number, untilMs: number | null, detail: string): void =>
      onGap({ why: "CONNECTION_LOST", of: "clob.market.ws", tokens: [...line.tokens], sinceMs, untilMs, detail });
    let problem = "";
    const socket = createMarketSocket({
      url: options.url,
      clock,
      random: options.random,
      handlers: {
        onFrame: (text) => options.onFrame(text, name),
        onProofOfLife: (recvMs) => {
          line.aliveMs = recvMs;
        },
        onOpen: () => {
          if (line.lostSinceMs !== null) tell(line.lostSinceMs, clock.nowMs(), `${name} is connected again`);
          line.lostSinceMs = null;
          line.aliveMs = clock.nowMs();
        },
        onError: (error) => {
          problem = error.message;
        },
        onClose: ({ code, reason }) => {
          const detail = [`${name} is lost`, problem, reason, `code ${code}`].filter((text) => text !== "").join(", ");
          problem = "";
          if (line.lostSinceMs !== null || stopped) return;
          line.lostSinceMs = line.aliveMs;
          tell(line.aliveMs, null, detail);
        },
      },
    });
    const line: Line = { socket, tokens: [], aliveMs: clock.nowMs(), lostSinceMs: null };
    lines.push(line);
    return line;
  };
  let stopped = false;
  return {
    add: (tokens) => {
      const line = lines.find((one) => one.tokens.length + tokens.length <= tokensPerConnection) ?? open();
      line.tokens.push(...tokens);
      line.socket.subscribe(tokens);
      line.socket.open();
    },
    again: () => {
      for (const { socket, tokens } of lines) {
        socket.unsubscribe(tokens);
        socket.subscribe(tokens);
      }
    },
    connections: () => ({ open: lines.filter(({ socket }) => socket.isOpen()).length, all: lines.length }),
    stop: () => {
      stopped = true;
      for (const { socket } of lines) socket.close();
    },
  };
}
