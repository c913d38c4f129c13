/**
 * Small JSON-RPC clients: HTTP for reads, WebSocket for subscriptions. They do not reconnect and do not retry; whoever
 * uses them knows what may be repeated.
 */
import { ContractError, TransientError } from "@slipstream/contracts/errors";
import { plainText } from "@slipstream/contracts/text";
import { withoutPaths } from "@slipstream/contracts/urls";
import WebSocket from "ws";
import { ANSWER_BYTES_MAX, boundedText } from "./boundedText.ts";

/** Of what a node says beside its code; the longest explanations are some 300 characters. */
const WORDS_MAX = 1_000;

/** The node answered no. `rpcCode` and the text are the node's; most limits of providers come this way. */
export class RpcRefusedError extends TransientError {
  readonly rpcCode: number;
  constructor(method: string, error: { readonly code: number; readonly message: string }) {
    super("RPC_REFUSED", withoutPaths(`${method}: ${plainText(error.message, WORDS_MAX)} (${error.code})`));
    this.rpcCode = error.code;
  }
}

/** The node was reached, or may have been, and did not answer in time: less may be asked of it at once. */
export class RpcTimeoutError extends TransientError {
  constructor(text: string, options?: ErrorOptions) {
    super("RPC_UNREACHABLE", text, options);
  }
}

/** The answer is larger than we take, or than the provider gives. */
export class RpcTooLargeError extends TransientError {
  constructor(text: string) {
    super("RPC_REFUSED", text);
  }
}

export type RpcReader = {
  /**
   * @returns the `result` as the node gave it, unchecked.
   * @throws RpcRefusedError when the node refuses, RpcTimeoutError when it does not answer in time, RpcTooLargeError when
   *   its answer is too large, TransientError RPC_UNREACHABLE when it cannot be reached, ContractError RPC_UNREADABLE when
   *   the answer is not JSON-RPC.
   */
  call(method: string, params?: readonly unknown[]): Promise<unknown>;
};

type Reply = {
  id?: unknown;
  result?: unknown;
  error?: unknown;
  method?: string;
  params?: unknown;
};

const PAYLOAD_TOO_LARGE = 413;
const TOO_MANY_REQUESTS = 429;

export type HttpRpcOptions = { readonly timeoutMs: number; readonly answerBytesMax?: number };

/** @param url - http or https. */
export function httpRpc(url: string, options: HttpRpcOptions): RpcReader {
  let id = 0;
  return {
    call: async (method, params = []) => {
      id += 1;
      const request = JSON.stringify({ jsonrpc: "2.0", id, method, params });
      const { status, text } = await post(url, options, method, request);
      // Some providers put their refusal into an answer with status 400 or 429.
      if ((status >= 200 && status <= 299) || text.includes('"error"'))
        return resultOf(method, parseReply(method, text));
      const where = `${method}: the node at ${hostOf(url)} answered with status ${status}`;
      if (status === PAYLOAD_TOO_LARGE) throw new RpcTooLargeError(where);
      if (status === TOO_MANY_REQUESTS)
        throw new RpcRefusedError(method, { code: status, message: "too many requests" });
      throw new TransientError("RPC_UNREACHABLE", where);
    },
  };
}

async function post(
  url: string,
  { timeoutMs, answerBytesMax = ANSWER_BYTES_MAX }: HttpRpcOptions,
  method: string,
  body: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const where = `${method}: the node at ${hostOf(url)}`;
  try {
    const headers = { "content-type": "application/json" };
    const response = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(timeoutMs) });
    const text = await boundedText(response, answerBytesMax);
    if (text === null) throw new RpcTooLargeError(`${where} answered with more than ${answerBytesMax} bytes`);
    return { status: response.status, text };
  } catch (cause) {
    if (cause instanceof RpcTooLargeError) throw cause;
    if (cause instanceof Error && cause.name === "TimeoutError") {
      throw new RpcTimeoutError(`${where} did not answer within ${timeoutMs} ms`, { cause });
    }
    throw new TransientError("RPC_UNREACHABLE", `${where} did not answer`, { cause });
  }
}

/** Only the host: a path, a query or a user may hold a key. */
export const hostOf = (url: string): string => new URL(url).host;

function parseReply(method: string, text: string): Reply {
  try {
    const reply: unknown = JSON.parse(text);
    if (reply !== null && typeof reply === "object" && !Array.isArray(reply)) return reply as Reply;
  } catch (cause) {
    throw new ContractError("RPC_UNREADABLE", `${method}: the answer is not JSON`, { cause });
  }
  throw new ContractError("RPC_UNREADABLE", `${method}: the answer is not a JSON-RPC object`);
}

function resultOf(method: string, reply: Reply): unknown {
  if (reply.error !== undefined && reply.error !== null) throw new RpcRefusedError(method, refusalOf(reply.error));
  if (!("result" in reply)) throw new ContractError("RPC_UNREADABLE", `${method}: the answer has no result`);
  return reply.result;
}

/** Gateways before nodes send a text or an object without a code as often as what the specification says. */
function refusalOf(error: unknown): { readonly code: number; readonly message: string } {
  const { code, message } = (typeof error === "object" ? error : { message: error }) as Record<string, unknown>;
  return {
    code: typeof code === "number" ? code : 0,
    message: typeof message === "string" ? message : JSON.stringify(error),
  };
}

export type RpcSocket = RpcReader & {
  /**
   * Subscribes by `eth_subscribe`; notifications go to `onNotice` until the socket ends or `unsubscribe` is called.
   * @param params - `["newHeads"]` or `["logs", filter]`.
   */
  subscribe(params: readonly unknown[], onNotice: (result: unknown) => void): Promise<{ unsubscribe(): Promise<void> }>;
  /** Resolves once, when the socket is gone, with why. */
  readonly closed: Promise<string>;
  close(): void;
};

/** @throws TransientError RPC_UNREACHABLE when the socket does not open within the timeout. */
export async function connectRpcSocket(url: string, options: { readonly timeoutMs: number }): Promise<RpcSocket> {
  const socket = new WebSocket(url, { handshakeTimeout: options.timeoutMs, maxPayload: 64 * 1024 * 1024 });
  const waiting = new Map<number, (reply: Reply | Error) => void>();
  const notices = new Map<string, (result: unknown) => void>();
  /** Notices of a subscription may come before our code has seen its id. */
  const early = new Map<string, unknown[]>();
  let lastId = 0;
  let reason = "closed by the node";
  const closed = new Promise<string>((resolve) => {
    socket.once("close", () => {
      for (const settle of waiting.values()) settle(new TransientError("RPC_UNREACHABLE", reason));
      waiting.clear();
      resolve(reason);
    });
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.on("error", (cause) => {
      reason = cause.message;
      reject(new TransientError("RPC_UNREACHABLE", `the node at ${hostOf(url)} did not answer`, { cause }));
    });
  });
  socket.on("message", (data) => {
    let reply: Reply;
    try {
      reply = parseReply("notice", String(data));
    } catch {
      // A greeting or a gateway's remark: what was asked is answered or runs into its time-out all the same.
      return;
    }
    if (typeof reply.id === "number") {
      waiting.get(reply.id)?.(reply);
      return;
    }
    if (reply.error !== undefined && reply.error !== null) {
      // A no that does not say to what: the node could not read one of our requests, and which one is not known.
      for (const settle of [...waiting.values()]) settle(reply);
      return;
    }
    const notice = reply.params as { subscription?: string; result?: unknown } | undefined;
    if (reply.method !== "eth_subscription" || notice?.subscription === undefined) return;
    const deliver = notices.get(notice.subscription);
    if (deliver !== undefined) deliver(notice.result);
    else early.set(notice.subscription, [...(early.get(notice.subscription) ?? []), notice.result]);
  });

  const call = (method: string, params: readonly unknown[] = []): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (socket.readyState !== WebSocket.OPEN) {
        reject(new TransientError("RPC_UNREACHABLE", `${method}: the socket is closed`));
        return;
      }
      lastId += 1;
      const id = lastId;
      const timer = setTimeout(
        () => settle(new RpcTimeoutError(`${method}: the node at ${hostOf(url)} did not answer in time`)),
        options.timeoutMs,
      );
      const settle = (reply: Reply | Error): void => {
        clearTimeout(timer);
        waiting.delete(id);
        if (reply instanceof Error) return reject(reply);
        try {
          resolve(resultOf(method, reply));
        } catch (error) {
          reject(error);
        }
      };
      waiting.set(id, settle);
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });

  return {
    call,
    closed,
    close: () => {
      reason = "closed by us";
      socket.terminate();
    },
    subscribe: async (params, onNotice) => {
      const id = await call("eth_subscribe", params);
      if (typeof id !== "string")
        throw new ContractError("RPC_UNREADABLE", "eth_subscribe: the answer is no subscription id");
      notices.set(id, onNotice);
      for (const result of early.get(id) ?? []) onNotice(result);
      early.delete(id);
      return {
        unsubscribe: async () => {
          notices.delete(id);
          await call("eth_unsubscribe", [id]);
        },
      };
    },
  };
}
