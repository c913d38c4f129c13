import { ContractError, TransientError } from "@slipstream/contracts/errors";
import { Address, Hash, TokenId } from "@slipstream/contracts/ids";
import { MULTICALL3 } from "@slipstream/polymarket/calls";
import { type RpcReader, RpcRefusedError } from "@slipstream/polymarket/rpc";
import {
  CONDITIONAL_TOKENS,
  defaultExchanges,
  EXCHANGE_V2,
  EXCHANGE_V3,
  NEG_RISK_EXCHANGE_V2,
  POSITION_MANAGER,
  PUSD,
} from "@slipstream/polymarket/versions";
import { decodeFunctionData, encodeFunctionResult, type Hex, parseAbi } from "viem";
import { describe, expect, test } from "vitest";
import type { ReadBalances } from "../core/messages.ts";
import { readBlock } from "./blockReading.ts";
import { createChainReader } from "./chain.ts";

const owner = Address.parse(`0x${"a".repeat(40)}`);
const other = Address.parse(`0x${"b".repeat(40)}`);
const token = (n: number): TokenId => TokenId.parse(String(n));
const hashOf = (n: number, fork = 0): Hash => Hash.parse(`0x${`${fork}f${n}`.padStart(64, "0")}`);
const pair = (n: number, ledger = CONDITIONAL_TOKENS, of = owner) => ({ owner: of, tokenId: token(n), ledger });
const request = (change: Partial<ReadBalances> = {}): ReadBalances => ({
  type: "ReadBalances",
  pairs: [pair(1)],
  purses: [],
  complete: [],
  verify: null,
  source: "chain",
  afterReorg: false,
  ...change,
});

const abi = parseAbi([
  "function aggregate3((address target,bool allowFailure,bytes callData)[] calls) payable returns ((bool success,bytes returnData)[] results)",
  "function balanceOfBatch(address[] owners,uint256[] ids) view returns (uint256[])",
  "function balanceOf(address owner,uint256 id) view returns (uint256)",
  "function balanceOf(address owner) view returns (uint256)",
  "function allowance(address owner,address spender) view returns (uint256)",
  "function isApprovedForAll(address owner,address operator) view returns (bool)",
]);

type World = { head: number; fork: number; readonly refusing: Set<string>; reorgAfterRead: boolean };

/** A node that answers the last digit of a token as its balance, 77 pUSD, and approvals of the standard exchange. */
function node(failures: (Error | null)[] = [], change: Partial<World> = {}) {
  const world: World = { head: 100, fork: 0, refusing: new Set(), reorgAfterRead: false, ...change };
  const calls: string[] = [];
  const contract = (to: string, data: Hex): Hex | null => {
    const { functionName, args } = decodeFunctionData({ abi, data });
    calls.push(`  ${functionName} ${args.length} of ${to}`);
    if (world.refusing.has(to)) return null;
    switch (functionName) {
      case "balanceOfBatch":
        return encodeFunctionResult({ abi, functionName, result: args[1].map((id) => id % 10n) });
      case "balanceOf": {
        const result = args.length === 1 ? 77n : args[1] % 10n;
        return `0x${result.toString(16).padStart(64, "0")}`;
      }
      case "allowance":
        return encodeFunctionResult({ abi, functionName, result: 5n });
      case "isApprovedForAll":
        return encodeFunctionResult({ abi, functionName, result: args[1].toLowerCase() === EXCHANGE_V2 });
      default:
        throw new Error("nested");
    }
  };
  const rpc: RpcReader = {
    call: async (method, params = []) => {
      const failure = failures.shift() ?? null;
      if (failure !== null) throw failure;
      if (method === "eth_getBlockByNumber") {
        const [which] = params;
        const number = which === "latest" ? world.head : Number(which);
        calls.push(`block ${which}`);
        if (number > world.head) return null;
        return { number: `0x${number.toString(16)}`, hash: hashOf(number, world.fork), timestamp: "0x5" };
      }
      const [{ to, data }, at] = params as [{ to: string; data: Hex }, string];
      if (world.reorgAfterRead) world.fork += 1;
      world.reorgAfterRead = false;
      calls.push(`call ${to === MULTICALL3 ? "many" : "one"} at ${at}`);
      if (to !== MULTICALL3) {
        const answer = contract(to, data);
        if (answer === null) throw new RpcRefusedError(method, { code: 3, message: "execution reverted" });
        return answer;
      }
      const [many] = decodeFunctionData({ abi, data }).args as readonly [readonly { target: string; callData: Hex }[]];
      const result = many.map(({ target, callData }) => {
        const answer = contract(target.toLowerCase(), callData);
        return { success: answer !== null, returnData: answer ?? "0x" } as const;
      });
      return encodeFunctionResult({ abi, functionName: "aggregate3", result });
    },
  };
  return { rpc, calls, world };
}

function readerOf(nodes: readonly { readonly rpc: RpcReader }[], multiCall = true) {
  const failed: string[] = [];
  const unread: (string | null)[] = [];
  const heads: string[] = [];
  const reader = createChainReader({
    providers: () => nodes.map(({ rpc }, i) => ({ name: `node${i}`, rpc })),
    exchanges: defaultExchanges,
    multiCall,
    steadyMs: () => 42,
    pause: async () => undefined,
    random: () => 0,
    onHead: (name, head) => heads.push(`${name} ${head}`),
    onUnread: (text) => unread.push(text),
    onFailure: (error) => failed.push(error.message),
  });
  return { reader, failed, unread, heads };
}
const gone = new TransientError("RPC_UNREACHABLE", "no answer");
const block = { blockNumber: 100, blockHash: hashOf(100), tsMs: 5_000 };

describe("reading balances", () => {
  test("balances of one contract are one call, at a named block that is looked at again", async () => {
    const { rpc, calls } = node();
    const { reader, heads } = readerOf([{ rpc }]);
    expect(await reader.perform(request({ pairs: [pair(11), pair(12)], complete: [owner] }))).toEqual({
      type: "BalancesRead",
      block,
      source: "chain",
      afterReorg: false,
      readings: [
        { ...pair(11), sharesMicro: 1n },
        { ...pair(12), sharesMicro: 2n },
      ],
      purses: [],
      complete: [owner],
    });
    expect(calls).toEqual([
      "block latest",
      "call one at 0x64",
      `  balanceOfBatch 2 of ${CONDITIONAL_TOKENS}`,
      "block 0x64",
    ]);
    expect(heads).toEqual(["node0 100"]);
    expect(reader.lastReadMs()).toBe(42);
  });

  test("contracts that differ, money, allowances and approvals are one call of Multicall3", async () => {
    const { rpc, calls } = node();
    const { reader } = readerOf([{ rpc }]);
    const pairs = [pair(11), pair(13, POSITION_MANAGER), pair(12, CONDITIONAL_TOKENS, other)];
    const message = await reader.perform(request({ pairs, purses: [owner, other] }));
    const approved = (operator: string, ledger = CONDITIONAL_TOKENS) => ({
      ledger,
      operator,
      approved: operator === EXCHANGE_V2,
    });
    const today = [EXCHANGE_V2, NEG_RISK_EXCHANGE_V2];
    expect(message).toMatchObject({
      readings: [{ sharesMicro: 1n }, { tokenId: token(12), sharesMicro: 2n }, { tokenId: token(13), sharesMicro: 3n }],
      purses: [
        {
          owner,
          collateralMicro: 77n,
          allowances: {
            collateral: [...today, EXCHANGE_V3].map((spender) => ({ spender, amountMicro: 5n })),
            tokens: [...today.map((operator) => approved(operator)), approved(EXCHANGE_V3, POSITION_MANAGER)],
          },
        },
        { owner: other, allowances: { tokens: today.map((operator) => approved(operator)) } },
      ],
    });
    expect(calls.filter((call) => call.startsWith("call"))).toEqual(["call many at 0x64"]);
    expect(calls.filter((call) => call.includes(PUSD))).toHaveLength(2 + 3 + 2);
  });

  test("more than 500 balances are several calls", async () => {
    const { rpc, calls } = node();
    const { reader } = readerOf([{ rpc }]);
    const pairs = Array.from({ length: 1_001 }, (_, n) => pair(n));
    const message = await reader.read(request({ pairs }));
    expect(message?.type === "BalancesRead" && message.readings.map(({ sharesMicro }) => Number(sharesMicro))).toEqual(
      pairs.map((_, n) => n % 10),
    );
    expect(calls.filter((call) => call.startsWith("call"))).toHaveLength(3);
  });

  test("one call for each when many in one are not allowed", async () => {
    const { rpc, calls } = node();
    const { reader } = readerOf([{ rpc }], false);
    expect(await reader.perform(request({ pairs: [pair(1), pair(2)], purses: [owner] }))).toMatchObject({
      readings: [{ sharesMicro: 1n }, { sharesMicro: 2n }],
      purses: [{ collateralMicro: 77n }],
    });
    expect(calls.filter((call) => call === "call one at 0x64")).toHaveLength(2 + 1 + 4);
  });

  test("a contract that refuses is left out and told, the others count, and nothing is complete without it", async () => {
    const { rpc, world } = node([], { refusing: new Set([POSITION_MANAGER]) });
    const { reader, unread } = readerOf([{ rpc }]);
    const pairs = [pair(11), pair(13, POSITION_MANAGER), pair(12, CONDITIONAL_TOKENS, other)];
    const wanted = request({ pairs, complete: [owner, other] });
    expect(await reader.perform(wanted)).toMatchObject({
      readings: [{ tokenId: token(11) }, { tokenId: token(12) }],
      complete: [other],
    });
    expect(unread).toEqual([`the contract ${POSITION_MANAGER} refuses to be read (1 reads)`]);
    world.refusing.clear();
    expect(await reader.perform(wanted)).toMatchObject({ complete: [owner, other] });
    expect(unread.at(-1)).toBeNull();
  });

  test("money without its allowances is no reading of the purse", async () => {
    const { rpc } = node([], { refusing: new Set([PUSD]) });
    const { reader } = readerOf([{ rpc }]);
    expect(await reader.perform(request({ purses: [owner] }))).toMatchObject({ readings: [{}], purses: [] });
  });

  test("a snapshot whose block is gone is told instead of balances", async () => {
    const { rpc } = node();
    const tip = { blockNumber: 99, blockHash: hashOf(1) };
    expect(await readerOf([{ rpc }]).reader.perform(request({ verify: tip }))).toEqual({ type: "TipGone", tip });
  });

  test("a chain that changes while it is read is read again", async () => {
    const { rpc } = node([], { reorgAfterRead: true });
    const message = await readerOf([{ rpc }]).reader.perform(request());
    expect(message).toMatchObject({ block: { blockHash: hashOf(100, 1) } });
  });
});

describe("nodes that fail", () => {
  test("a node behind the last reading answers nothing; another one is asked", async () => {
    const verify = { blockNumber: 101, blockHash: hashOf(101) };
    const { reader, failed } = readerOf([node()]);
    expect(await reader.perform(request({ verify }))).toEqual({ type: "NodesSilent" });
    expect(failed).toEqual(["the node is behind the last reading"]);
    expect(reader.lastReadMs()).toBeNull();
    const ahead = readerOf([node(), node([], { head: 101 })]);
    expect(await ahead.reader.perform(request({ verify }))).toMatchObject({ block: { blockNumber: 101 } });
    expect(ahead.heads).toEqual(["node1 101"]);
  });

  test("two failures are passed over, the third is the end", async () => {
    expect(await readerOf([node([gone, gone])]).reader.perform(request())).toMatchObject({ type: "BalancesRead" });
    const down = readerOf([node([gone, gone, gone])]);
    expect(await down.reader.perform(request())).toEqual({ type: "NodesSilent" });
    expect(down.failed).toEqual(["no answer"]);
  });

  test("every node is asked before it is said that none answers", async () => {
    const dead = () => node(Array.from({ length: 9 }, () => gone));
    expect(await readerOf([dead(), dead(), dead(), dead(), node()]).reader.perform(request())).toMatchObject({
      type: "BalancesRead",
    });
    const silent = [dead(), dead(), dead(), dead()];
    expect(await readerOf(silent).reader.perform(request())).toEqual({ type: "NodesSilent" });
  });

  test("nonsense is not asked again at the same node", async () => {
    const nonsense = new ContractError("RPC_UNREADABLE", "nonsense");
    const { reader, failed } = readerOf([node([nonsense])]);
    expect(await reader.perform(request())).toEqual({ type: "NodesSilent" });
    expect(failed).toEqual(["nonsense"]);
    expect(await readerOf([node([nonsense]), node()]).reader.perform(request())).toMatchObject({
      type: "BalancesRead",
    });
  });
});

describe("several who ask", () => {
  test("what is asked during a reading is read together, and told the mailbox once", async () => {
    const { rpc, calls } = node();
    const { reader } = readerOf([{ rpc }]);
    const of = (n: number) => request({ pairs: [pair(n)] });
    const answers = await Promise.all([of(1), of(2), of(3), of(3)].map(reader.perform));
    expect(answers.map((answer) => (answer?.type === "BalancesRead" ? answer.readings.length : null))).toEqual([
      3,
      null,
      null,
      null,
    ]);
    expect(calls.filter((call) => call === "block latest")).toHaveLength(1);
    expect(reader.busy()).toBe(false);
  });

  test("who only wants to know takes nothing from the mailbox, nor the look at the last snapshot", async () => {
    const { rpc } = node();
    const { reader } = readerOf([{ rpc }]);
    const tip = { blockNumber: 99, blockHash: hashOf(1) };
    const [known, mailed, looked] = await Promise.all([
      reader.read(request()),
      reader.perform(request({ verify: tip })),
      reader.read(request()),
    ]);
    expect(mailed).toEqual({ type: "TipGone", tip });
    expect([known, looked]).toEqual([mailed, mailed]);
  });
});

test("a node that answers another block than was asked for has not lost the one that was read", async () => {
  const { rpc } = node();
  const confused: RpcReader = {
    call: (method, params = []) =>
      method === "eth_getBlockByNumber" ? rpc.call(method, ["latest", false]) : rpc.call(method, params),
  };
  const verify = { blockNumber: 90, blockHash: hashOf(90) };
  const options = { multiCall: false, exchanges: defaultExchanges, onUnread: () => undefined };
  await expect(readBlock(confused, options, request({ verify }))).rejects.toMatchObject({ code: "RPC_UNREADABLE" });
});
