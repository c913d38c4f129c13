/**
 * JSON-RPC over HTTP and WebSocket on one port, with subscriptions: the transport alone. Who answers, and what the
 * subscribers are told, is its owner's business.
 *
 * Invariant: a subscription starts when its id has been sent, so no notification comes before the reply.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { WebSocket, WebSocketServer } from "ws";
import { z } from "zod";
import { guarded, whyRefused } from "../venue/callers.ts";
import type { OnUpgrade } from "../venue/http.ts";
import { LogFilter } from "./logFilter.ts";
import { RpcRefusal } from "./rpcClient.ts";
import type { AnswerRequest } from "./rpcMethods.ts";
import { refusal } from "./rpcView.ts";

/** A subscriber that reads too slowly is cut, as providers do. */
const BACKLOG_BYTES_MAX = 16 * 1024 * 1024;
const SUBSCRIPTIONS_MAX = 1_000;
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;

export type Subscription = { readonly type: "newHeads" } | { readonly type: "logs"; readonly filter: LogFilter };
type Subscriptions = Map<string, Subscription>;

export type RpcServerOptions = {
  readonly answer: AnswerRequest;
  /** True: every request fails with 503 and sockets are refused. */
  readonly isOut: () => boolean;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
};

export type RpcServer = {
  readonly httpUrl: string;
  readonly wsUrl: string;
  /** Sends each subscriber what `news` has for it, in order. */
  tell(news: (subscription: Subscription) => readonly unknown[]): void;
  dropSockets(): void;
  stop(): Promise<void>;
};

const Request = z.looseObject({
  id: z.union([z.string(), z.number(), z.null()]).default(null),
  method: z.string(),
  params: z.array(z.unknown()).default([]),
});

export async function startRpcServer({ answer, isOut, host, port }: RpcServerOptions): Promise<RpcServer> {
  const sockets = new Map<WebSocket, Subscriptions>();
  let subscriptions = 0;
  const dropSockets = () => {
    for (const socket of sockets.keys()) socket.terminate();
  };

  const http = createServer((request, response) => {
    void serveHttp({ request, response, answer, isOut, host });
  });
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MESSAGE_BYTES_MAX });
  const onUpgrade: OnUpgrade = (request, stream, head) => {
    if (isOut()) stream.end("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n");
    else server.handleUpgrade(request, stream, head, (socket) => serveSocket(socket));
  };
  http.on("upgrade", guarded(onUpgrade, host));

  function serveSocket(socket: WebSocket): void {
    const own: Subscriptions = new Map();
    sockets.set(socket, own);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.terminate());
    socket.on("message", (data) => {
      const started: [string, Subscription][] = [];
      const answerSocket: AnswerRequest = async (method, params) => {
        if (method === "eth_unsubscribe") return own.delete(String(params[0]));
        if (method !== "eth_subscribe") return answer(method, params);
        if (own.size >= SUBSCRIPTIONS_MAX) throw refusal(-32005, "too many subscriptions");
        subscriptions += 1;
        const id = `0x${subscriptions.toString(16).padStart(32, "0")}`;
        started.push([id, readSubscription(params)]);
        return id;
      };
      void respond(String(data), answerSocket).then((reply) => {
        if (socket.readyState !== WebSocket.OPEN) return;
        socket.send(reply);
        for (const [id, subscription] of started) own.set(id, subscription);
      });
    });
  }

  http.listen(port, host);
  await once(http, "listening");
  const address = http.address();
  const boundPort = address === null || typeof address === "string" ? port : address.port;
  const shownHost = host === "0.0.0.0" ? "127.0.0.1" : host;
  return {
    httpUrl: `http://${shownHost}:${boundPort}`,
    wsUrl: `ws://${shownHost}:${boundPort}`,
    tell: (news) => {
      for (const [socket, own] of sockets) {
        for (const [id, subscription] of own) for (const result of news(subscription)) notify(socket, id, result);
      }
    },
    dropSockets,
    stop: async () => {
      dropSockets();
      if (!http.listening) return;
      const closed = once(http, "close");
      http.close();
      http.closeAllConnections();
      await closed;
    },
  };
}

function readSubscription([type, filter]: readonly unknown[]): Subscription {
  if (type === "newHeads") return { type };
  if (type !== "logs") throw refusal(-32601, `no "${String(type)}" subscription in eth namespace`);
  const parsed = LogFilter.safeParse(filter ?? {});
  if (!parsed.success) throw refusal(-32602, "invalid log filter");
  return { type, filter: parsed.data };
}

function notify(socket: WebSocket, subscription: string, result: unknown): void {
  if (socket.readyState !== WebSocket.OPEN) return;
  if (socket.bufferedAmount > BACKLOG_BYTES_MAX) {
    socket.terminate();
    return;
  }
  socket.send(JSON.stringify({ jsonrpc: "2.0", method: "eth_subscription", params: { subscription, result } }));
}

async function serveHttp(exchange: {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly answer: AnswerRequest;
  readonly isOut: () => boolean;
  readonly host: string;
}): Promise<void> {
  const { request, response, answer, isOut, host } = exchange;
  const end = (status: number, body: string, type = "text/plain") => {
    response.writeHead(status, { "content-type": type });
    response.end(body);
  };
  try {
    const refusal = whyRefused(request, host);
    if (refusal !== null) return end(403, refusal);
    const body = await text(request);
    if (isOut()) return end(503, "service unavailable");
    if (request.method !== "POST") return end(request.url === "/health" ? 200 : 405, "");
    const reply = await respond(body, answer);
    // An outage that began meanwhile swallows the answer too.
    if (isOut()) return end(503, "service unavailable");
    end(200, reply, "application/json");
  } catch {
    // The caller went away while it was sending.
    response.destroy();
  }
}

/** Answers one message, single or batch, always with a JSON-RPC reply. */
async function respond(message: string, answer: AnswerRequest): Promise<string> {
  let body: unknown;
  try {
    body = JSON.parse(message);
  } catch {
    return JSON.stringify({ jsonrpc: "2.0", id: null, error: { code: -32700, message: "parse error" } });
  }
  const replies = Array.isArray(body)
    ? await Promise.all(body.map((request) => respondOne(request, answer)))
    : await respondOne(body, answer);
  return JSON.stringify(replies);
}

async function respondOne(body: unknown, answer: AnswerRequest): Promise<unknown> {
  const request = Request.safeParse(body);
  if (!request.success) return { jsonrpc: "2.0", id: null, error: { code: -32600, message: "invalid request" } };
  const { id, method, params } = request.data;
  try {
    return { jsonrpc: "2.0", id, result: (await answer(method, params)) ?? null };
  } catch (error) {
    const shown = error instanceof RpcRefusal ? error.error : { code: -32603, message: "internal error" };
    return { jsonrpc: "2.0", id, error: shown };
  }
}
