/**
 * Answers JSON-RPC requests as a provider would: most by the node, final blocks from the history, blocks and logs only as
 * far as the view shows them.
 */
import { z } from "zod";
import type { History, StoredBlock } from "./history.ts";
import type { ChainLedger } from "./ledger.ts";
import { LogFilter } from "./logFilter.ts";
import type { ChainNodeProcess } from "./node.ts";
import { type FrontSwitches, type RpcView, refusal, toQuantity } from "./rpcView.ts";

export type AnswerRequest = (method: string, params: readonly unknown[]) => Promise<unknown>;

export type AnswerOptions = {
  readonly node: Pick<ChainNodeProcess, "rpc" | "at">;
  readonly history: History | null;
  readonly ledger: Pick<ChainLedger, "submitRaw" | "steady" | "blocks">;
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
export function createAnswers({ node, history, ledger, view, switches }: AnswerOptions): AnswerRequest {
  const past = history === null ? null : pastAnswers(history);
  const ask: AnswerRequest = (method, params) => node.rpc.call(method, params);
  /** What names a block or transaction by its hash: the past first, as the node forgets. */
  const byHash: AnswerRequest = async (method, params) => past?.byHash(method, params) ?? ask(method, params);

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
      const block = ifShown(await byHash("eth_getBlockByHash", [parameter, false]));
      return block === null ? null : byHash(method, [parameter]);
    }
    if (number === null) throw refusal(-32602, "a block number or tag is needed");
    const shown = parameter === "earliest" ? (past?.span()?.oldest ?? number) : number;
    if (view.isAhead(shown)) return null;
    return past?.holds(shown) === true ? past.at(method, shown, rest) : ask(method, [toQuantity(shown), ...rest]);
  };

  const read = (method: string, params: readonly unknown[], at: number): Promise<unknown> => {
    const parameter = params[at];
    // The pool decides the next nonce, not the last block.
    if (method === "eth_getTransactionCount" && parameter === "pending") return ask(method, params);
    const number = view.blockNumber(parameter);
    if (number === null) return node.at(numberOf(ledger, parameter)).call(method, params);
    if (view.isAhead(number)) throw refusal(-32000, "header not found");
    return node.at(number).call(method, params.toSpliced(at, 1, toQuantity(number)));
  };

  const getLogs = async (filter: unknown): Promise<unknown> => {
    const range = Range.safeParse(filter);
    if (!range.success || !LogFilter.safeParse(filter).success) throw refusal(-32602, "invalid log filter");
    if (range.data.blockHash !== undefined) {
      const block = ifShown(await byHash("eth_getBlockByHash", [range.data.blockHash, false]));
      if (block === null) throw refusal(-32000, "unknown block");
      return switches.hiddenLogs ? [] : (past?.logsOf(range.data.blockHash, filter) ?? ask("eth_getLogs", [filter]));
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
    return logsIn(range.data, LogFilter.parse(filter), from, Math.min(to, view.head()));
  };

  const logsIn = async (wish: object, filter: LogFilter, from: number, to: number): Promise<unknown> => {
    const span = past?.span() ?? null;
    if (span !== null && from < span.oldest) {
      throw refusal(-32000, `pruned history unavailable: this node holds blocks from ${span.oldest} on`);
    }
    const stored = span === null || from > span.newest ? [] : await past?.logs(filter, from, Math.min(to, span.newest));
    const next = Math.max(from, (span?.newest ?? -1) + 1);
    if (next > to) return stored;
    const bounds = { fromBlock: toQuantity(next), toBlock: toQuantity(to) };
    const recent = z.array(z.unknown()).parse(await ask("eth_getLogs", [{ ...wish, ...bounds }]));
    return [...(stored ?? []), ...recent];
  };

  return async (method, params) => {
    await ledger.steady();
    const at = blockParameterAt[method];
    if (at !== undefined) return read(method, params, at);
    if (passedOn.has(method)) return ask(method, params);
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
        return ifShown(await byHash(method, params));
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

/** Number of the block of `{ blockHash }`; of one that is not recent nobody has the state. */
function numberOf(ledger: Pick<ChainLedger, "blocks">, parameter: unknown): number {
  const named = z.looseObject({ blockHash: z.string() }).safeParse(parameter);
  if (!named.success) return Number.POSITIVE_INFINITY;
  return ledger.blocks().find(({ hash }) => hash === named.data.blockHash)?.number ?? Number.POSITIVE_INFINITY;
}

const hashesOnly = ({ block }: StoredBlock) => ({ ...block, transactions: block.transactions.map(({ hash }) => hash) });

/** The answers for blocks of the history, each as the node gave it when it still had the block; undefined: not there. */
function pastAnswers(history: History) {
  const shownAs = (method: string, stored: StoredBlock, [isFull]: readonly unknown[]): unknown => {
    if (method === "eth_getBlockReceipts") return stored.receipts;
    if (method === "eth_getBlockTransactionCountByNumber") return toQuantity(stored.block.transactions.length);
    return isFull === true ? stored.block : hashesOnly(stored);
  };
  const holds = (number: number): boolean => {
    const span = history.span();
    return span !== null && number <= span.newest;
  };
  return {
    span: history.span,
    logs: history.logs,
    /** True for blocks that are the history's to answer for, those before its beginning too. */
    holds,
    at: (method: string, number: number, rest: readonly unknown[]): unknown => {
      const stored = history.at(number);
      return stored === null ? null : shownAs(method, stored, rest);
    },
    byHash: (method: string, [wish, ...rest]: readonly unknown[]): unknown => {
      if (!isHash(wish)) return undefined;
      const hash = wish.toLowerCase();
      if (method === "eth_getBlockByHash" || method === "eth_getBlockReceipts") {
        const found = history.byHash(hash);
        return found === null ? undefined : shownAs(method, found.stored, rest);
      }
      const stored = history.ofTransaction(hash);
      if (method === "eth_getTransactionReceipt") return stored?.receipts.find((one) => one.transactionHash === hash);
      return stored?.block.transactions.find((one) => one.hash === hash);
    },
    logsOf: (hash: string, filter: unknown): Promise<unknown> | undefined => {
      const number = isHash(hash) ? history.byHash(hash)?.number : undefined;
      return number === undefined ? undefined : history.logs(LogFilter.parse(filter), number, number);
    },
  };
}

const isHash = (value: unknown): value is string => typeof value === "string" && /^0x[0-9a-f]{64}$/i.test(value);
