/** JSON-RPC over one WebSocket to anvil: requests keep their order, which nonces rely on. */
import { TransientError } from "@slipstream/contracts/errors";
import WebSocket from "ws";

export type RpcError = { readonly code: number; readonly message: string; readonly data?: unknown };

/** The node answered, and the answer is an error. */
export class RpcRefusal extends Error {
  readonly error: RpcError;
  constructor(method: string, error: RpcError) {
    super(`${method}: ${error.message}`);
    this.name = "RpcRefusal";
    this.error = error;
  }
}

export type RpcClient = {
  /** @throws RpcRefusal when the node answers with an error, TransientError when the connection is gone. */
  call(method: string, params?: readonly unknown[]): Promise<unknown>;
  close(): void;
};

type Waiting = {
  readonly method: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
};
type Reply = { readonly id?: number; readonly result?: unknown; readonly error?: RpcError };

/** Blocks, receipts and logs of one request. */
const ANSWER_BYTES_MAX = 100 * 1024 * 1024;

/**
 * @param answerBytesMax - a longer answer ends the connection, which its error says.
 * @throws TransientError when nothing listens at `url`.
 */
export async function connectRpc(url: string, answerBytesMax = ANSWER_BYTES_MAX): Promise<RpcClient> {
  const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: answerBytesMax });
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  const fail = (reason: string) => {
    for (const { reject } of waiting.values()) reject(new TransientError("RPC_UNREACHABLE", reason));
    waiting.clear();
  };
  socket.on("message", (data) => {
    const reply = JSON.parse(String(data)) as Reply;
    const entry = reply.id === undefined ? undefined : waiting.get(reply.id);
    if (reply.id === undefined || entry === undefined) return;
    waiting.delete(reply.id);
    if (reply.error === undefined) entry.resolve(reply.result);
    else entry.reject(new RpcRefusal(entry.method, reply.error));
  });
  socket.on("error", (error: Error & { readonly code?: string }) => {
    if (error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH")
      fail(`an answer of the chain node is longer than the ${answerBytesMax} bytes that are taken`);
  });
  socket.on("close", () => fail("the chain node closed the connection"));
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.on("error", (cause) => reject(new TransientError("RPC_UNREACHABLE", `no chain node at ${url}`, { cause })));
  });
  return {
    call: (method, params = []) =>
      new Promise((resolve, reject) => {
        if (socket.readyState !== WebSocket.OPEN) {
          reject(new TransientError("RPC_UNREACHABLE", "the connection to the chain node is closed"));
          return;
        }
        const id = ++lastId;
        waiting.set(id, { method, resolve, reject });
        socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
      }),
    close: () => {
      fail("the connection to the chain node was closed");
      socket.terminate();
    },
  };
}
