/** The market channel of a tape: frames go out with the bytes they were recorded with, to whoever wants their tokens. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { TokenId } from "@slipstream/contracts/ids";
import { WebSocket, WebSocketServer } from "ws";
import { z } from "zod";
import type { TapeBooks } from "./tapeBooks.ts";

const BACKLOG_BYTES_MAX = 16 * 1024 * 1024;
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;

const Request = z.looseObject({
  type: z.string().optional(),
  operation: z.enum(["subscribe", "unsubscribe"]).optional(),
  assets_ids: z.array(z.string()).default([]),
  initial_dump: z.boolean().default(true),
});

export type PlayerSockets = {
  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void;
  /**
   * Sends a frame to the subscribers of any of its tokens.
   * @param tokenIds - null: to all, as an empty keep-alive.
   */
  send(frame: string, tokenIds: readonly TokenId[] | null): void;
  /** Cuts the subscribers of any of these tokens without a word, as a lost connection; null: all. */
  cut(tokenIds: readonly TokenId[] | null): void;
  /** Number of connections that have subscribed. */
  subscribers(): number;
  stop(): void;
};

export function createPlayerSockets(books: TapeBooks): PlayerSockets {
  const wanted = new Map<WebSocket, Set<string>>();
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MESSAGE_BYTES_MAX });

  const read = (socket: WebSocket, text: string): void => {
    if (text === "PING") return socket.send("PONG");
    const request = Request.safeParse(parsed(text));
    if (!request.success) return;
    const { operation, assets_ids: ids, initial_dump: dump } = request.data;
    const own = wanted.get(socket) ?? new Set();
    if (operation === "unsubscribe") {
      for (const id of ids) own.delete(id);
      return;
    }
    wanted.set(socket, own);
    const fresh = ids.filter((id) => !own.has(id));
    for (const id of fresh) own.add(id);
    if (!dump || (operation === "subscribe" && fresh.length === 0)) return;
    const opening = fresh.flatMap((id) => books.openingBook(id as TokenId) ?? []);
    socket.send(opening.length === 0 ? "[]\n" : JSON.stringify(opening));
  };
  return {
    upgrade: (request, stream, head) =>
      server.handleUpgrade(request, stream, head, (socket) => {
        socket.on("message", (data) => read(socket, String(data)));
        socket.on("close", () => wanted.delete(socket));
        socket.on("error", () => socket.terminate());
      }),
    send: (frame, tokenIds) => {
      for (const [socket, own] of wanted) {
        if (socket.readyState !== WebSocket.OPEN) continue;
        if (tokenIds !== null && !tokenIds.some((id) => own.has(id))) continue;
        // A reader that is too slow is cut, as the venue does.
        if (socket.bufferedAmount > BACKLOG_BYTES_MAX) socket.close(1013, "slow consumer: send buffer full");
        else socket.send(frame);
      }
    },
    cut: (tokenIds) => {
      for (const [socket, own] of wanted) {
        if (tokenIds === null || tokenIds.some((id) => own.has(id))) socket.terminate();
      }
    },
    subscribers: () => wanted.size,
    stop: () => {
      for (const socket of server.clients) socket.terminate();
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
