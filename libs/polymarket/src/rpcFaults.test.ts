import { ContractError, TransientError } from "@slipstream/contracts/errors";
import { expect, test } from "vitest";
import { RpcRefusedError, RpcTimeoutError, RpcTooLargeError } from "./rpc.ts";
import { rpcFaultOf } from "./rpcFaults.ts";

const faultOf = (code: number, message: string) => rpcFaultOf(new RpcRefusedError("eth_getLogs", { code, message }));

const alchemyFree =
  "Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block range. Based on your parameters, this block range should work: [0xad10d9, 0xad10e2]. Upgrade to PAYG for expanded block range.";
const alchemySize =
  "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range and no limit on the response size, or you can request any block range with a cap of 10K logs in the response. Based on your parameters and the response size limit, this block range should work: [0xc5dc00, 0xc614a7]";

test.each([
  [-32600, alchemyFree, "blocks", 10, 10],
  [-32602, alchemySize, "answer", 2_000, 0x38a8],
  [-32614, "eth_getLogs is limited to a 10,000 range", "blocks", 10_000, null],
  [-32614, "eth_getLogs is limited to a 10,000 blocks range", "blocks", 10_000, null],
  [-32000, "eth_getLogs is limited to 0 - 50 blocks range", "blocks", 50, null],
  [-32701, "exceed maximum block range: 50000", "blocks", 50_000, null],
  [-32602, "query exceeds max block range 100000", "blocks", 100_000, null],
  [-32602, "query block range exceeds server limit, narrow your filter: 5000", "blocks", 5_000, null],
  [-32047, "Invalid eth_getLogs request. 'fromBlock'-'toBlock' range too large. Max range: 800", "blocks", 800, null],
  [-32000, "eth_getLogs range is too large, max is 1k blocks", "blocks", 1_000, null],
  [-32000, "block range too wide, max is 10,000 blocks", "blocks", 10_000, null],
  [-32000, "too wide blocks range, the limit is 100", "blocks", 100, null],
  [-32000, "requested too many blocks from 0 to 16777216, maximum is set to 2048", "blocks", 2_048, null],
  [-32000, "range 49999 exceeds limit of 10000", "blocks", 10_000, null],
  [35, "ranges over 10000 blocks are not supported on free plan", "blocks", 10_000, null],
  [-32005, "block range too large: 11 blocks, at most 10", "blocks", 10, null],
  [-32600, "block range is too wide", "blocks", null, null],
  [-32000, "Log response size exceeded. Maximum allowed number of requested blocks is 1000", "answer", 1_000, null],
  [-32005, "query returned more than 10000 results", "answer", null, null],
  [-32005, "query returned more than 10000 results. Try with this block range [0x10, 0x1f].", "answer", null, 16],
  [-32602, "query exceeds max results 20000, retry with the range 24383075-24383096", "answer", null, 22],
  [-32000, "logs matched by query exceeds limit of 10000", "answer", null, null],
  [-32005, "limit exceeded", "answer", null, null],
  [-32602, "invalid params", "answer", null, null],
] as const)("%i %s: too large", (code, message, tooLarge, statedBlocks, proposedBlocks) => {
  expect(faultOf(code, message)).toEqual({ kind: "tooLarge", hint: { tooLarge, statedBlocks, proposedBlocks } });
});

test.each([
  [-32005, "rate limit exceeded", "busy"],
  [-32005, "daily request count exceeded, request rate limited", "busy"],
  [-32007, "50/second request limit reached - reduce calls per second or upgrade", "busy"],
  [429, "Your app has exceeded its compute units per second capacity", "busy"],
  [-32602, "block range extends beyond current head block", "behind"],
  [-32000, "invalid block range params", "behind"],
  [-32000, "header not found", "behind"],
  [-32000, "unknown block", "behind"],
  [-32002, "request timed out", "timeout"],
  [-32005, "query timeout exceeded", "timeout"],
  [-32602, "exceed max addresses or topics per search position", "other"],
  [3, "execution reverted: no", "reverted"],
  [-32000, "execution reverted", "reverted"],
  [-32601, "the method eth_getBlockReceipts does not exist/is not available", "unsupported"],
  [-32602, "Archive requests require a personal token", "unsupported"],
  [-32000, "missing trie node 00aa (path )", "unsupported"],
  [-32603, "internal error", "refused"],
  [-32000, "maximum [from, to] blocks distance: 1000", "refused"],
  [-32001, "Unable to complete request at this time.", "refused"],
] as const)("%i %s: %s", (code, message, kind) => {
  expect(faultOf(code, message)).toEqual({ kind });
});

test("errors that are not the node's words", () => {
  expect(rpcFaultOf(new RpcTimeoutError("late"))).toEqual({ kind: "timeout" });
  expect(rpcFaultOf(new RpcTooLargeError("large"))).toMatchObject({ kind: "tooLarge" });
  expect(rpcFaultOf(new TransientError("RPC_UNREACHABLE", "gone"))).toEqual({ kind: "other" });
  expect(rpcFaultOf(new ContractError("RPC_UNREADABLE", "block range"))).toEqual({ kind: "other" });
  expect(rpcFaultOf("block range")).toEqual({ kind: "other" });
});

test("words of a node that are told are short and move no cursor", () => {
  const { message } = new RpcRefusedError("eth_call", { code: 1, message: `\u001b[2J${"x".repeat(5_000_000)}` });
  expect(message).toMatch(/^eth_call: [^\p{Cc}]{0,1100}$/u);
});
