/** What a node's socket may say besides answers. */
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { connectRpcSocket, type RpcSocket } from "../src/rpc.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A node that says these texts to each request; `ID` stands for the request's id. */
async function nodeSaying(...texts: string[]): Promise<RpcSocket> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await new Promise((resolve) => server.once("listening", resolve));
  server.on("connection", (socket) => {
    socket.on("message", (data) => {
      const { id } = JSON.parse(String(data)) as { id: number };
      for (const text of texts) socket.send(text.replace("ID", String(id)));
    });
  });
  const { port } = server.address() as AddressInfo;
  const socket = await connectRpcSocket(`ws://127.0.0.1:${port}`, { timeoutMs: 60_000 });
  ends.push(
    () => socket.close(),
    () => server.close(),
  );
  return socket;
}

test("stray text ends nothing: the answer behind it is heard", async () => {
  const socket = await nodeSaying("welcome", "", "[1]", "null", '{"jsonrpc":"2.0","id":ID,"result":"0x1"}');
  await expect(socket.call("eth_blockNumber")).resolves.toBe("0x1");
  await expect(socket.call("eth_blockNumber")).resolves.toBe("0x1");
});

test("a no whose id is null is a no at once, with the node's words", async () => {
  const socket = await nodeSaying('{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batch limit"}}');
  await expect(socket.call("eth_getLogs")).rejects.toMatchObject({ code: "RPC_REFUSED", message: /batch limit/ });
});
