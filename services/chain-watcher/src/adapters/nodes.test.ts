import { ContractError, TransientError } from "@slipstream/contracts/errors";
import { RpcRefusedError } from "@slipstream/polymarket/rpc";
import { createRpcPool } from "@slipstream/polymarket/rpcPool";
import { expect, test } from "vitest";
import { createNodes } from "./nodes.ts";

const header = { hash: `0x${"1".repeat(64)}`, parentHash: `0x${"2".repeat(64)}`, timestamp: "0x1" };

/** Two nodes; the first one knows no final block, and says so by an answer like any other. */
function rig() {
  const call =
    (knowsFinal: boolean) =>
    async (_method: string, params: readonly unknown[] = []) =>
      params[0] === "finalized" && !knowsFinal ? null : { ...header, number: "0x10" };
  const providers = ["a", "b"].map((name) => ({ name, rpc: { call: call(name === "b") } }));
  const pool = createRpcPool({ providers, steadyMs: () => 1_000 });
  return { pool, nodes: createNodes(pool, 100, () => 0) };
}

test("a node whose answers are of no use is left for another one, though it answers", async () => {
  const { nodes } = rig();
  const first = nodes.pick();
  const error: unknown = await first.reader.finalized().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ContractError);
  nodes.failed(first, error);
  // What else it answers well does not make up for it.
  await first.reader.head();
  expect([first.name, nodes.pick().name]).toEqual(["a", "b"]);
  await expect(nodes.pick().reader.finalized()).resolves.toMatchObject({ number: 16 });
});

test.each([
  ["what our own reader found", new TransientError("RPC_REFUSED", "the node left out log 3 of block 7"), 1],
  ["what the call itself has counted", new RpcRefusedError("eth_call", { code: -32005, message: "limit" }), 0],
  ["what is not about nodes", new TransientError("BUS_UNREACHABLE", "not in the log"), 0],
])("%s", (_name, error, failures) => {
  const { nodes, pool } = rig();
  nodes.failed(nodes.pick(), error);
  expect(pool.status()[0]?.failuresInRow).toBe(failures);
});
