/** Nodes that tell how markets were resolved: at final blocks, alike, and only what can be true. */
import { TransientError } from "@slipstream/contracts/errors";
import { type ConditionId, Hash } from "@slipstream/contracts/ids";
import { MULTICALL3 } from "@slipstream/polymarket/calls";
import { outcomeTokens } from "@slipstream/polymarket/ctfIds";
import { type RpcReader, RpcRefusedError } from "@slipstream/polymarket/rpc";
import { decodeFunctionData, encodeFunctionResult, type Hex, parseAbi } from "viem";
import { describe, expect, test } from "vitest";
import type { ReadResolutions, ResolutionQuestion } from "../core/messages.ts";
import { createResolutionReader } from "./resolutions.ts";

const conditionId = `0x${"c".repeat(64)}` as ConditionId;
const question: ResolutionQuestion = { conditionId, negRisk: true, tokenIds: outcomeTokens(conditionId, true) };
const hashOf = (block: number, fork = 0): Hash => Hash.parse(`0x${`${fork}f${block}`.padStart(64, "0")}`);
const request = (change: Partial<ReadResolutions> = {}): ReadResolutions => ({
  type: "ReadResolutions",
  questions: [question],
  verify: null,
  ...change,
});
const abi = parseAbi([
  "function aggregate3((address target,bool allowFailure,bytes callData)[] calls) payable returns ((bool success,bytes returnData)[] results)",
  "function getOutcomeSlotCount(bytes32 conditionId) view returns (uint256)",
  "function payoutDenominator(bytes32 conditionId) view returns (uint256)",
  "function payoutNumerators(bytes32 conditionId,uint256 slot) view returns (uint256)",
]);

type World = {
  final: number;
  fork: number;
  up: boolean;
  slots: bigint;
  payouts: readonly bigint[];
  denominator: bigint | null;
  /** The oracle reports in this block. */
  resolvedIn: number;
  forksWhileRead: boolean;
};

/** A node with one condition. */
function node(change: Partial<World> = {}) {
  const world: World = {
    ...{ final: 100, fork: 0, up: true, slots: 2n, payouts: [1n, 3n], denominator: null, resolvedIn: 90 },
    forksWhileRead: false,
    ...change,
  };
  const asked: string[] = [];
  const contract = (data: Hex, block: number): bigint | null => {
    const { functionName, args } = decodeFunctionData({ abi, data });
    const isResolved = block >= world.resolvedIn;
    if (functionName === "getOutcomeSlotCount") return world.slots;
    const sum = world.payouts.reduce((total, payout) => total + payout, 0n);
    if (functionName === "payoutDenominator") return isResolved ? (world.denominator ?? sum) : 0n;
    const slot = Number(args[1]);
    // Beyond its slots the contract has no answer.
    if (BigInt(slot) >= world.slots) return null;
    return isResolved ? (world.payouts[slot] ?? 0n) : 0n;
  };
  const word = (value: bigint): Hex => `0x${value.toString(16).padStart(64, "0")}`;
  const rpc: RpcReader = {
    call: async (method, params = []) => {
      if (!world.up) throw new TransientError("RPC_UNREACHABLE", "away");
      if (method === "eth_getBlockByNumber") {
        const number = params[0] === "finalized" ? world.final : Number(params[0]);
        asked.push(`block ${params[0]}`);
        return { number: `0x${number.toString(16)}`, hash: hashOf(number, world.fork), timestamp: "0x5" };
      }
      const [{ to, data }, at] = params as [{ to: string; data: Hex }, string];
      asked.push(`call at ${at}`);
      if (world.forksWhileRead) world.fork += 1;
      if (to !== MULTICALL3) {
        const answer = contract(data, Number(at));
        if (answer === null) throw new RpcRefusedError(method, { code: 3, message: "execution reverted" });
        return word(answer);
      }
      const [many] = decodeFunctionData({ abi, data }).args as readonly [readonly { callData: Hex }[]];
      const result = many.map(({ callData }) => {
        const answer = contract(callData, Number(at));
        return { success: answer !== null, returnData: answer === null ? "0x" : word(answer) } as const;
      });
      return encodeFunctionResult({ abi, functionName: "aggregate3", result });
    },
  };
  return { rpc, asked, world };
}

function readerOf(nodes: readonly { readonly rpc: RpcReader }[], multiCall = true) {
  const told: string[] = [];
  const reader = createResolutionReader({
    providers: () => nodes.map(({ rpc }, i) => ({ name: `node${i}`, rpc })),
    multiCall,
    onProblem: (text) => told.push(text),
  });
  return { ...reader, told, open: () => reader.problems(new Set([conditionId])) };
}
const resolved = {
  type: "ResolutionsRead",
  block: { blockNumber: 100, blockHash: hashOf(100), tsMs: 5_000 },
  resolutions: [{ conditionId, tokenIds: question.tokenIds, payoutNumerators: [1n, 3n], payoutDenominator: 4n }],
};

describe("what is told", () => {
  test.each([true, false])("the vector at a final block, with many calls in one: %s", async (multiCall) => {
    const one = node();
    const reader = readerOf([one], multiCall);
    expect(await reader.read(request())).toEqual(resolved);
    expect(new Set(one.asked.filter((call) => call.startsWith("call")))).toEqual(new Set(["call at 0x64"]));
    expect([reader.told, reader.open()]).toEqual([[], []]);
  });

  test("two nodes that say the same", async () => {
    // The second is ahead: it is asked about the block of the first.
    expect(await readerOf([node(), node({ final: 120 })]).read(request())).toEqual(resolved);
  });

  test("one node, when no other answers", async () => {
    const nodes = [node(), node({ up: false }), node({ final: 99 })];
    expect(await readerOf(nodes).read(request())).toEqual(resolved);
  });

  test("the second node, when the first is away, and the first when it is back", async () => {
    const nodes = [node({ up: false }), node()] as const;
    const reader = readerOf(nodes);
    expect(await reader.read(request())).toEqual(resolved);
    nodes[0].world.up = true;
    expect(await reader.read(request())).toEqual(resolved);
    expect(reader.told).toEqual([]);
  });

  test("what is asked while another reading runs, in its turn and once", async () => {
    const reader = readerOf([node()]);
    const closed = { ...question, conditionId: `0x${"d".repeat(64)}` as ConditionId };
    const running = reader.read(request({ questions: [closed] }));
    const answers = await Promise.all([running, reader.read(request()), reader.read(request())]);
    expect(answers.slice(1)).toEqual([resolved, null]);
    expect(await reader.read(request())).toEqual(resolved);
  });
});

describe("what is not told", () => {
  test("a report in a block that is not final yet", async () => {
    const one = node({ resolvedIn: 101 });
    const reader = readerOf([one]);
    expect(await reader.read(request())).toBeNull();
    expect(reader.open()).toEqual([]);
    one.world.final = 101;
    expect((await reader.read(request()))?.block.blockNumber).toBe(101);
  });

  test.each([
    { name: "an unknown condition", world: { slots: 0n }, text: "the ledger does not know it" },
    {
      name: "three outcomes",
      world: { slots: 3n, payouts: [1n, 1n, 1n] },
      text: "it has 3 outcomes, its market 2 tokens",
    },
    { name: "payouts beyond the whole", world: { denominator: 3n }, text: "payouts of 1 + 3 are not 3" },
    { name: "payouts below the whole", world: { denominator: 5n }, text: "payouts of 1 + 3 are not 5" },
  ])("$name", async ({ world, text }) => {
    const reader = readerOf([node(world)]);
    expect(await reader.read(request())).toBeNull();
    await reader.read(request());
    expect(reader.told).toEqual([`condition ${conditionId}: ${text}`]);
    expect(reader.open()).toEqual(reader.told);
    expect(reader.problems(new Set())).toEqual([]);
  });

  test.each([
    { name: "the other way round", tokenIds: outcomeTokens(conditionId, true).toReversed(), negRisk: true },
    { name: "of the other collateral", tokenIds: outcomeTokens(conditionId, true), negRisk: false },
  ])("tokens $name", async ({ name: _name, ...wrong }) => {
    const reader = readerOf([node()]);
    expect(await reader.read(request({ questions: [{ ...question, ...wrong }] }))).toBeNull();
    expect(reader.told[0]).toContain("not those of its outcomes");
  });

  test("what two nodes tell differently, until they agree", async () => {
    const nodes = [node(), node({ payouts: [3n, 1n] })] as const;
    const reader = readerOf(nodes);
    expect(await reader.read(request())).toBeNull();
    expect(reader.told[0]).toContain("node0 and node1 disagree");
    nodes[1].world.payouts = [1n, 3n];
    expect(await reader.read(request())).toEqual(resolved);
    expect(reader.open()).toEqual([]);
  });

  test.each([
    { name: "two nodes with different final blocks", nodes: [node(), node({ fork: 1 }), node()], verify: null },
    {
      name: "a node of another chain than the watcher's",
      nodes: [node()],
      verify: { blockNumber: 80, blockHash: hashOf(80, 7) },
    },
    { name: "a node behind the log", nodes: [node()], verify: { blockNumber: 101, blockHash: hashOf(101) } },
    { name: "a final block that changes under the reading", nodes: [node({ forksWhileRead: true })], verify: null },
    { name: "nodes that are away", nodes: [node({ up: false })], verify: null },
  ])("$name", async ({ nodes, verify }) => {
    const reader = readerOf(nodes);
    expect(await reader.read(request({ verify }))).toBeNull();
    expect(reader.told).toHaveLength(1);
    expect(reader.open()).toEqual(reader.told);
  });
});
