/**
 * The chain of a tape as far as it has been played: blocks, logs and balances, and the answers of a node about them.
 * Receives records, gives no notifications: the player tells subscribers. No I/O.
 */
import { Address, type ConditionId, type Hash, type TokenId } from "@slipstream/contracts/ids";
import { addressToWord, uintArray, uintWord } from "@slipstream/polymarket/abi";
import { CHAIN_ID, CONDITIONAL_TOKENS } from "@slipstream/polymarket/versions";
import { addressWord, bigintWord, WORD } from "@slipstream/polymarket/words";
import { z } from "zod";
import type { NodeLog } from "../chain/blocks.ts";
import { LogFilter, matchesFilter } from "../chain/logFilter.ts";
import type { AnswerRequest } from "../chain/rpcMethods.ts";
import { refusal, toQuantity } from "../chain/rpcView.ts";
import type { TapeHead, TapeLog } from "./addFills.ts";
import type { TapeBalances } from "./balances.ts";
import type { Resolution } from "./endings.ts";

/** `finalized` is this many blocks behind the head, some seconds as on Polygon. */
const FINALITY_DEPTH = 4;
/** Selectors of the reads that a tape can answer. */
const BALANCE_OF = "0x00fdd58e";
const BALANCE_OF_BATCH = "0x4e1273f4";
const PAYOUT_DENOMINATOR = "0xdd34de67";
const PAYOUT_NUMERATORS = "0x0504c814";
/** Markets of the venue are binary. */
const OUTCOMES = 2n;

type Block = { readonly head: TapeHead; readonly logs: NodeLog[] };

export type TapeChain = {
  /** A head of a number that is known already replaces that block and all after it. */
  applyHead(head: TapeHead): void;
  /** Returns the log as subscribers are told it. */
  applyLog(log: TapeLog): NodeLog;
  headNumber(): number;
  readonly answer: AnswerRequest;
};

const Range = z.looseObject({ fromBlock: z.unknown(), toBlock: z.unknown(), blockHash: z.string().optional() });
const CallParams = z.tuple([z.looseObject({ to: z.string().toLowerCase(), data: z.string() })]).rest(z.unknown());
const BlockObject = z.object({ blockHash: z.string().optional(), blockNumber: z.string().optional() });

/** Of the whole tape: what holds at a block does not depend on how far it was played. */
export type TapeState = {
  readonly balances: TapeBalances;
  readonly resolutions: ReadonlyMap<ConditionId, Resolution>;
};

export function createTapeChain({ balances, resolutions }: TapeState): TapeChain {
  const blocks = new Map<number, Block>();
  const byHash = new Map<string, number>();
  let head = -1;

  const show = (block: TapeHead): Block => {
    const number = Number(block.number);
    for (let n = number; n <= head; n++) {
      const gone = blocks.get(n);
      if (gone !== undefined) byHash.delete(gone.head.hash);
      blocks.delete(n);
    }
    const shown = { head: block, logs: [] };
    blocks.set(number, shown);
    byHash.set(block.hash, number);
    head = number;
    return shown;
  };
  const applyHead = (block: TapeHead): void => {
    const number = byHash.get(block.hash);
    // A log may have announced the block before its own head came, and knows less of it.
    if (number === undefined) show(block);
    else blocks.set(number, { head: block, logs: blocks.get(number)?.logs ?? [] });
  };
  const applyLog = (log: TapeLog): NodeLog => {
    const shown = { ...log, topics: [...log.topics] } as unknown as NodeLog;
    const number = byHash.get(log.blockHash);
    if (log.removed) {
      const logs = number === undefined ? undefined : blocks.get(number)?.logs;
      const at = logs?.findIndex((one) => one["logIndex"] === log.logIndex) ?? -1;
      if (at >= 0) logs?.splice(at, 1);
      return shown;
    }
    const known = number === undefined ? undefined : blocks.get(number);
    (known ?? show(headOf(log, blocks.get(head)?.head))).logs.push(shown);
    return shown;
  };

  const numberOf = (parameter: unknown): number => {
    if (parameter === undefined || parameter === "latest" || parameter === "pending") return head;
    if (parameter === "finalized" || parameter === "safe") return Math.max(firstNumber(), head - FINALITY_DEPTH);
    if (parameter === "earliest") return firstNumber();
    if (typeof parameter === "string" && /^0x[0-9a-f]{1,13}$/i.test(parameter)) return Number(parameter);
    const named = BlockObject.safeParse(parameter);
    if (named.success && named.data.blockNumber !== undefined) return Number(named.data.blockNumber);
    const number = named.success ? byHash.get(named.data.blockHash ?? "") : undefined;
    if (number === undefined) throw refusal(-32000, "header not found");
    return number;
  };
  const firstNumber = (): number => blocks.keys().next().value ?? 0;
  const blockAt = (number: number | undefined): unknown => {
    const block = number === undefined ? undefined : blocks.get(number);
    if (block === undefined) return null;
    const transactions = [...new Set(block.logs.map((log) => log["transactionHash"]))];
    return { ...block.head, transactions, uncles: [] };
  };
  const getLogs = (given: unknown): readonly NodeLog[] => {
    const range = Range.safeParse(given);
    const filter = LogFilter.safeParse(given);
    if (!range.success || !filter.success) throw refusal(-32602, "invalid log filter");
    const { blockHash, fromBlock, toBlock } = range.data;
    const from = blockHash === undefined ? numberOf(fromBlock) : numberOf({ blockHash });
    const to = blockHash === undefined ? Math.min(numberOf(toBlock), head) : from;
    const found: NodeLog[] = [];
    for (let n = Math.max(from, firstNumber()); n <= to; n++)
      for (const log of blocks.get(n)?.logs ?? []) if (matchesFilter(filter.data, log)) found.push(log);
    return found;
  };
  const call = (params: readonly unknown[]): string => {
    const parsed = CallParams.safeParse(params);
    if (!parsed.success) throw refusal(-32602, "invalid call");
    const [{ to, data }, at] = parsed.data;
    const block = numberOf(at);
    if (block > head) throw refusal(-32000, "header not found");
    const held =
      to === CONDITIONAL_TOKENS
        ? (payoutAnswer(data, block, resolutions) ?? balanceAnswer(data, block, balances))
        : null;
    if (held === null) throw refusal(-32000, "a tape answers balances and payouts only");
    return held;
  };

  const answer: AnswerRequest = async (method, params) => {
    switch (method) {
      case "eth_chainId":
        return toQuantity(CHAIN_ID);
      case "net_version":
        return String(CHAIN_ID);
      case "eth_syncing":
        return false;
      case "eth_blockNumber":
        return toQuantity(Math.max(0, head));
      case "eth_getBlockByNumber":
        return blockAt(numberOf(params[0]));
      case "eth_getBlockByHash":
        return blockAt(byHash.get(String(params[0])));
      case "eth_getLogs":
        return getLogs(params[0]);
      case "eth_call":
        return call(params);
      default:
        throw refusal(-32601, `the method ${method} does not exist/is not available`);
    }
  };
  return { applyHead, applyLog, headNumber: () => head, answer };
}

/** The little that a log says of its block, until the head itself is on the tape. */
const headOf = (log: TapeLog, before: TapeHead | undefined): TapeHead => ({
  number: log.blockNumber,
  hash: log.blockHash,
  parentHash: before?.hash ?? `0x${"0".repeat(64)}`,
  timestamp: log.blockTimestamp ?? before?.timestamp ?? "0x0",
});

/** Answers payoutDenominator (0: not resolved) and payoutNumerators of the ConditionalTokens; else null. */
function payoutAnswer(data: string, block: number, resolutions: TapeState["resolutions"]): string | null {
  const selector = data.slice(0, 10);
  if (selector !== PAYOUT_DENOMINATOR && selector !== PAYOUT_NUMERATORS) return null;
  const known = resolutions.get(`0x${data.slice(10, 10 + WORD).toLowerCase()}` as ConditionId);
  const resolution = known !== undefined && known.blockNumber <= block ? known : null;
  if (selector === PAYOUT_DENOMINATOR) return `0x${uintWord(resolution?.payoutDenominator ?? 0n)}`;
  const index = bigintWord(data, 10 + WORD);
  if (index === null) throw refusal(-32602, "malformed arguments");
  if (index >= OUTCOMES) throw refusal(3, "execution reverted");
  return `0x${uintWord(resolution?.payoutNumerators[Number(index)] ?? 0n)}`;
}

/** Answers balanceOf and balanceOfBatch of the ConditionalTokens; else null. */
function balanceAnswer(data: string, block: number, balances: TapeBalances): string | null {
  const selector = data.slice(0, 10);
  const arguments_ = data.slice(10);
  const balance = (owner: string | null, id: bigint | null): bigint => {
    const address = Address.safeParse(owner);
    if (!address.success || id === null) throw refusal(-32602, "malformed arguments");
    return balances.at(address.data, id.toString() as TokenId, block);
  };
  if (selector === BALANCE_OF) return `0x${uintWord(balance(addressWord(arguments_, 0), bigintWord(arguments_, 64)))}`;
  if (selector !== BALANCE_OF_BATCH) return null;
  const owners = uintArray(arguments_, 0, 0);
  const ids = uintArray(arguments_, 0, 64);
  if (owners === null || ids === null || owners.length !== ids.length) throw refusal(-32602, "malformed arguments");
  const held = owners.map((owner, i) => balance(`0x${addressToWord(toHex(owner)).slice(24)}`, ids[i] ?? null));
  return `0x${[32n, BigInt(held.length), ...held].map(uintWord).join("")}`;
}

const toHex = (value: bigint): string => `0x${value.toString(16)}`;

/** Blocks of the regular pace that lead to the first one of a tape, so that its chain lives before it is played. */
export function blocksBefore(first: TapeHead, times: readonly number[], hashOf: (text: string) => Hash): TapeHead[] {
  const firstNumberOfTape = Number(first.number);
  let parentHash = hashOf(`before|${first.parentHash}`);
  return times.map((t, index) => {
    const left = times.length - index;
    const hash = left === 1 ? (first.parentHash as Hash) : hashOf(`before|${first.parentHash}|${left}`);
    const head = {
      number: toQuantity(firstNumberOfTape - left),
      hash,
      parentHash,
      timestamp: toQuantity(Math.floor(t / 1_000)),
    };
    parentHash = hash;
    return head;
  });
}
