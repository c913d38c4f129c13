/** A small HTTP server for JSON: exact paths and paths with one parameter at the end, nothing more. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { ContractError } from "@slipstream/contracts/errors";
import { guarded, whyRefused } from "./callers.ts";

export type Asked = {
  readonly query: URLSearchParams;
  /** The last part of the path, for routes that end in `/:id`; else empty. */
  readonly id: string;
  /** Parsed JSON; undefined for GET. */
  readonly body: unknown;
  /** Name (or address) by which the caller reached us, without the port. */
  readonly hostname: string;
  /** On which we were reached. */
  readonly port: number;
};
export type Answer = { readonly status: number; readonly body: unknown };
export type Handler = (asked: Asked) => Answer | Promise<Answer>;
/** Keys such as `GET /book` and `GET /markets/:id`. */
export type Routes = Readonly<Record<string, Handler>>;

export const ok = (body: unknown): Answer => ({ status: 200, body });
export const refused = (status: number, error: string): Answer => ({ status, body: { error } });

const BODY_BYTES_MAX = 4 * 1024 * 1024;

export type HttpServer = { readonly port: number; stop(): Promise<void> };
/** Takes over a connection that wants to be a WebSocket. */
export type OnUpgrade = (request: IncomingMessage, stream: Duplex, head: Buffer) => void;

/** Connections by path; others are refused with 404. */
export const upgradesAt =
  (paths: Readonly<Record<string, OnUpgrade>>): OnUpgrade =>
  (request, stream, head) => {
    const accept = paths[pathOf(request.url)];
    if (accept === undefined) stream.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
    else accept(request, stream, head);
  };

/** What cannot be an address is no path of ours. */
function pathOf(url = "/"): string {
  try {
    return new URL(url, "http://venue").pathname;
  } catch {
    return "";
  }
}

/** @param port - 0: any free one. @throws Error when the port is taken. */
export async function startHttp(options: {
  readonly routes: Routes;
  readonly onUpgrade: OnUpgrade;
  readonly host: string;
  readonly port: number;
}): Promise<HttpServer> {
  const server = createServer((request, response) => {
    const refusal = whyRefused(request, options.host);
    void serve(refusal === null ? options.routes : refusal, request, response);
  });
  server.on("upgrade", guarded(options.onUpgrade, options.host));
  server.listen(options.port, options.host);
  await once(server, "listening");
  const address = server.address();
  const port = address === null || typeof address === "string" ? options.port : address.port;
  return {
    port,
    stop: async () => {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** @param routes - or why none is for this caller. */
async function serve(routes: Routes | string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, body } =
    typeof routes === "string" ? refused(403, routes) : await answer(routes, request).catch(toAnswer);
  // The caller may have gone away meanwhile.
  if (response.destroyed) return;
  const text = typeof body === "string" ? body : JSON.stringify(body);
  response.writeHead(status, { "content-type": typeof body === "string" ? "text/plain" : "application/json" });
  response.end(text);
}

function toAnswer(error: unknown): Answer {
  if (error instanceof ContractError) return refused(400, error.message);
  return refused(500, error instanceof Error ? error.message : String(error));
}

async function answer(routes: Routes, request: IncomingMessage): Promise<Answer> {
  const host = request.headers.host ?? "127.0.0.1";
  const url = readUrl(request.url, host);
  const method = request.method ?? "GET";
  const cut = url.pathname.lastIndexOf("/");
  const exact = routes[`${method} ${url.pathname}`];
  const handler = exact ?? routes[`${method} ${url.pathname.slice(0, cut)}/:id`];
  if (handler === undefined) return refused(404, `no ${method} ${url.pathname} here`);
  return handler({
    query: url.searchParams,
    id: exact === undefined ? decoded(url.pathname.slice(cut + 1)) : "",
    body: method === "GET" ? undefined : await readJson(request),
    hostname: url.hostname,
    port: request.socket.localPort ?? 0,
  });
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function readUrl(path = "/", host: string): URL {
  try {
    return new URL(path, `http://${host}`);
  } catch (cause) {
    throw new ContractError("MESSAGE_MALFORMED", "that is no path", { cause });
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new ContractError("MESSAGE_MALFORMED", "the body is too long");
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch (cause) {
    throw new ContractError("MESSAGE_MALFORMED", "the body is not JSON", { cause });
  }
}
