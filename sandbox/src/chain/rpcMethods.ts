/** Answers JSON-RPC requests as a provider would: most by the node, blocks and logs only as far as the view shows them. */
import { z } from "zod";
import type { ChainLedger } from "./ledger.ts";
import { LogFilter } from "./logFilter.ts";
import type { RpcClient } from "./rpcClient.ts";
import { type FrontSwitches, type RpcView, refusal, toQuantity } from "./rpcView.ts";

export type AnswerRequest = (method: string, params: readonly unknown[]) => Promise<unknown>;

export type AnswerOptions = {
  readonly node: RpcClient;
  readonly ledger: Pick<ChainLedger, "submitRaw" | "steady">;
  readonly view: RpcView;
  readonly switches: FrontSwitches;
};

/** Where a read has its block parameter. */
const blockParameterAt: Readonly<Record<string, number>> = {
  eth_call: 1,
  eth_estimateGas: 1,
  eth_getBalance: 1,
  eth_getCode: 1,
  eth_getTransactionCount: 1,
  eth_getStorageAt: 2,
};

/** Passed on unchanged. What is missing here a provider does not offer either. */
const passedOn = new Set([
  "eth_chainId",
  "eth_gasPrice",
  "eth_maxPriorityFeePerGas",
  "eth_feeHistory",
  "eth_syncing",
  "net_version",
  "net_listening",
  "web3_clientVersion",
]);

const Placed = z.looseObject({ blockNumber: z.string().nullish(), number: z.string().nullish() }).nullable();
const Range = z.looseObject({
  fromBlock: z.unknown().optional(),
  toBlock: z.unknown().optional(),
  blockHash: z.string().optional(),
});

/** @returns a function that throws RpcRefusal with the provider's error. */
export function createAnswers({ node, ledger, view, switches }: AnswerOptions): AnswerRequest {
  /** Null for what lies in a block that is not shown yet. */
  const ifShown = (found: unknown): unknown => {
    const placed = Placed.safeParse(found);
    const number = placed.success ? (placed.data?.blockNumber ?? placed.data?.number) : undefined;
    return typeof number === "string" && view.isAhead(Number(number)) ? null : found;
  };

  const byNumber: AnswerRequest = async (method, [parameter, ...rest]) => {
    const number = view.blockNumber(parameter);
    // Receipts may be asked for by the hash of their block too.
    if (number === null && method === "eth_getBlockReceipts") {
      const block = ifShown(await node.call("eth_getBlockByHash", [parameter, false]));
      return block === null ? null : node.call(method, [parameter]);
    }
    if (number === null) throw refusal(-32602, "a block number or tag is needed");
    return view.isAhead(number) ? null : node.call(method, [toQuantity(number), ...rest]);
  };

  const read = (method: string, params: readonly unknown[], at: number): Promise<unknown> => {
    const parameter = params[at];
    // The pool decides the next nonce, not the last block.
    if (method === "eth_getTransactionCount" && parameter === "pending") return node.call(method, params);
    const number = view.blockNumber(parameter);
    if (number === null) return node.call(method, params);
    if (view.isAhead(number)) throw refusal(-32000, "header not found");
    return node.call(method, params.toSpliced(at, 1, toQuantity(number)));
  };

  const getLogs = async (filter: unknown): Promise<unknown> => {
    const range = Range.safeParse(filter);
    if (!range.success || !LogFilter.safeParse(filter).success) throw refusal(-32602, "invalid log filter");
    if (range.data.blockHash !== undefined) {
      const block = ifShown(await node.call("eth_getBlockByHash", [range.data.blockHash, false]));
      if (block === null) throw refusal(-32000, "unknown block");
      return switches.hiddenLogs ? [] : node.call("eth_getLogs", [filter]);
    }
    const [from, to] = [view.blockNumber(range.data.fromBlock), view.blockNumber(range.data.toBlock)];
    if (from === null || to === null || from > to) throw refusal(-32000, "invalid block range params");
    if (switches.refusedLogs > 0) {
      switches.refusedLogs -= 1;
      throw refusal(-32603, "internal error: a fault was asked for");
    }
    if (switches.maxRange !== null && to - from + 1 > switches.maxRange) {
      throw refusal(-32005, `block range too large: ${to - from + 1} blocks, at most ${switches.maxRange}`);
    }
    if (view.isAhead(from) || switches.hiddenLogs) return [];
    const bounds = { fromBlock: toQuantity(from), toBlock: toQuantity(Math.min(to, view.head())) };
    return node.call("eth_getLogs", [{ ...range.data, ...bounds }]);
  };

  return async (method, params) => {
    await ledger.steady();
    const at = blockParameterAt[method];
    if (at !== undefined) return read(method, params, at);
    if (passedOn.has(method)) return node.call(method, params);
    switch (method) {
      case "eth_blockNumber":
        return toQuantity(view.head());
      case "eth_getBlockByNumber":
      case "eth_getBlockTransactionCountByNumber":
      case "eth_getBlockReceipts":
        return byNumber(method, params);
      case "eth_getBlockByHash":
      case "eth_getTransactionReceipt":
      case "eth_getTransactionByHash":
        return ifShown(await node.call(method, params));
      case "eth_getLogs":
        return getLogs(params[0]);
      case "eth_sendRawTransaction":
        if (typeof params[0] !== "string") throw refusal(-32602, "a raw transaction is needed");
        return ledger.submitRaw(params[0]);
      default:
        throw refusal(-32601, `the method ${method} does not exist/is not available`);
    }
  };
}
