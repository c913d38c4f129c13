/**
 * The live feed of everybody's trades, with the ways in which it fails. Frames as the venue's unofficial feed sends them.
 * @see docs/venue.md, RTDS
 */

import { readJson } from "@slipstream/contracts/readJson";
import { getAddress } from "viem";
import { type WebSocket, WebSocketServer } from "ws";
import { z } from "zod";
import type { OnUpgrade } from "./http.ts";
import type { SettledFill } from "./settledFills.ts";
import { type MarketsByCondition, tradeRow } from "./tradeRow.ts";

export const RTDS_WS_PATH = "/rtds";

const Request = z.object({
  action: z.enum(["subscribe", "unsubscribe"]),
  subscriptions: z.array(z.object({ topic: z.string(), type: z.string() })).max(100),
});

export type RtdsChannel = {
  readonly onUpgrade: OnUpgrade;
  /** Fills that the chain holds now, makers' and takers'. */
  tell(fills: readonly SettledFill[]): void;
  /** Cuts every connection without a closing handshake. */
  dropSockets(): void;
  /** The next `count` rows reach nobody. */
  lose(count: number): void;
  /** True: every row is sent twice. */
  double(on: boolean): void;
  /** True: connections stay open and nothing is sent, not even PONG. */
  silence(on: boolean): void;
  stop(): void;
};

export function createRtdsChannel(markets: MarketsByCondition, nowMs: () => number): RtdsChannel {
  const acceptor = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 64 * 1024 });
  /** Connections, and whether they asked for trades. */
  const sockets = new Map<WebSocket, boolean>();
  let toLose = 0;
  let doubled = false;
  let silent = false;

  const send = (socket: WebSocket, text: string): void => {
    if (!silent && socket.readyState === socket.OPEN) socket.send(text);
  };
  const onMessage = (socket: WebSocket, text: string): void => {
    if (text === "PING") return send(socket, "PONG");
    const request = readRequest(text);
    const trades = request?.subscriptions.some(
      ({ topic, type }) => topic === "activity" && (type === "trades" || type === "*"),
    );
    if (request === null || trades !== true) return;
    sockets.set(socket, request.action === "subscribe");
    if (request.action === "subscribe") send(socket, "");
  };
  const frameOf = (fill: SettledFill): string =>
    JSON.stringify({
      connection_id: "sandbox",
      topic: "activity",
      type: "trades",
      timestamp: nowMs(),
      payload: { ...tradeRow(markets, fill), proxyWallet: getAddress(fill.wallet) },
    });
  const dropSockets = (): void => {
    for (const socket of sockets.keys()) socket.terminate();
  };
  return {
    onUpgrade: (request, stream, head) =>
      acceptor.handleUpgrade(request, stream, head, (socket) => {
        sockets.set(socket, false);
        socket.on("message", (data) => onMessage(socket, String(data)));
        socket.on("close", () => sockets.delete(socket));
        socket.on("error", () => socket.terminate());
      }),
    tell: (fills) => {
      for (const fill of fills) {
        if (toLose > 0) {
          toLose -= 1;
          continue;
        }
        const frame = frameOf(fill);
        for (const [socket, isSubscribed] of sockets) {
          if (!isSubscribed) continue;
          send(socket, frame);
          if (doubled) send(socket, frame);
        }
      }
    },
    dropSockets,
    lose: (count) => {
      toLose += count;
    },
    double: (on) => {
      doubled = on;
    },
    silence: (on) => {
      silent = on;
    },
    stop: () => {
      dropSockets();
      acceptor.close();
    },
  };
}

/** The venue answers nothing to what it cannot read. */
const readRequest = (text: string) => readJson(Request, text);
