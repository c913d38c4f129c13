/**
 * Small JSON-RPC clients: HTTP for reads, WebSocket for subscriptions. They do not reconnect and do not retry; whoever
 * uses them knows what may be repeated.
 */
import { ContractError, TransientError } from "@slipstream/contracts/errors";
import WebSocket from "ws";

/** The node answered no. `rpcCode` and the text are the node's; most limits of providers come this way. */
export class RpcRefusedError extends TransientError {
  readonly rpcCode: number;
  constructor(method: string, error: { readonly code: number; readonly message: string }) {
    super("RPC_REFUSED", `${method}: ${error.message} (${error.code})`);
    this.rpcCode = error.code;
  }
}

export type RpcReader = {
  /**
   * @returns the `result` as the node gave it, unchecked.
   * @throws RpcRefusedError when the node refuses, TransientError RPC_UNREACHABLE when it does not answer in time,
   *   ContractError RPC_UNREADABLE when the answer is not JSON-RPC.
   */
  call(method: string, params?: readonly unknown[]): Promise<unknown>;
};

type Reply = {
  id?: unknown;
  result?: unknown;
  error?: { code: number; message: string };
  method?: string;
  params?: unknown;
};

/** @param url - http or https. */
export function httpRpc(url: string, options: { readonly timeoutMs: number }): RpcReader {
  let id = 0;
  return {
    call: async (method, params = []) => {
      id += 1;
      let text: string;
      try {
        const response = await fetch(url, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ jsonrpc: "2.0", id, method, params }),
          signal: AbortSignal.timeout(options.timeoutMs),
        });
        text = await response.text();
        if (!response.ok && !text.includes('"error"')) throw new Error(`status ${response.status}`);
      } catch (cause) {
        throw new TransientError("RPC_UNREACHABLE", `${method}: the node at ${hostOf(url)} did not answer`, { cause });
      }
      return resultOf(method, parseReply(method, text));
    },
  };
}

/** Only the host: a path or a query may hold an API key. */
const hostOf = (url: string): string => new URL(url).host;

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
  if (reply.error !== undefined && reply.error !== null) throw new RpcRefusedError(method, reply.error);
  if (!("result" in reply)) throw new ContractError("RPC_UNREADABLE", `${method}: the answer has no result`);
  return reply.result;
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
      reason = "the node sent what is not JSON-RPC";
      socket.terminate();
      return;
    }
    if (typeof reply.id === "number") {
      waiting.get(reply.id)?.(reply);
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
        () => settle(new TransientError("RPC_UNREACHABLE", `${method}: no answer in time`)),
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
