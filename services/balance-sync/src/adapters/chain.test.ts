import { ContractError, TransientError } from "@slipstream/contracts/errors";
import { Address, Hash, TokenId } from "@slipstream/contracts/ids";
import type { RpcReader } from "@slipstream/polymarket/rpc";
import { CONDITIONAL_TOKENS, EXCHANGE_V3, POSITION_MANAGER } from "@slipstream/polymarket/versions";
import { describe, expect, test } from "vitest";
import type { BalanceSyncRequest } from "../core/messages.ts";
import { createChainReader } from "./chain.ts";

const owner = Address.parse(`0x${"a".repeat(40)}`);
const token = (n: number): TokenId => TokenId.parse(String(n));
const hashOf = (n: number): Hash => Hash.parse(`0x${String(n).padStart(64, "0")}`);
const word = (value: number | bigint): string => value.toString(16).padStart(64, "0");
const request = (change: Partial<BalanceSyncRequest> = {}): BalanceSyncRequest => ({
  type: "ReadBalances",
  pairs: [{ owner, tokenId: token(1), exchange: null }],
  verify: null,
  source: "chain",
  afterReorg: false,
  ...change,
});

/** A node at block 100 that answers the last digit of a token as its balance, and fails as told. */
function node(failures: readonly Error[] = [], head = 100) {
  const calls: string[] = [];
  const left = [...failures];
  const rpc: RpcReader = {
    call: async (method, params = []) => {
      const failure = left.shift();
      if (failure !== undefined) throw failure;
      if (method === "eth_getBlockByNumber") {
        const [which] = params;
        const number = which === "latest" ? head : Number(which);
        calls.push(`block ${which}`);
        return number > head ? null : { number: `0x${number.toString(16)}`, hash: hashOf(number), timestamp: "0x5" };
      }
      const [{ to, data }, at] = params as [{ to: string; data: string }, string];
      calls.push(`call ${to} ${data.slice(0, 10)} at ${at}`);
      if (data.startsWith("0x00fdd58e")) return `0x${word(BigInt(`0x${data.slice(-64)}`) % 10n)}`;
      const count = (data.length - 10) / 64 - 4;
      const tokens = Array.from({ length: count / 2 }, (_, i) =>
        data.slice(data.length - (count / 2 - i) * 64).slice(0, 64),
      );
      return `0x${word(32)}${word(tokens.length)}${tokens.map((id) => word(BigInt(`0x${id}`) % 10n)).join("")}`;
    },
  };
  const failed: string[] = [];
  const reader = createChainReader({
    rpc,
    multiCall: true,
    steadyMs: () => 42,
    pause: async () => undefined,
    random: () => 0,
    onFailure: (error) => failed.push(error.message),
  });
  return { rpc, reader, calls, failed };
}
const gone = new TransientError("RPC_UNREACHABLE", "no answer");

describe("reading balances", () => {
  test("all balances are of one named block, each token from the contract that keeps it", async () => {
    const { reader, calls } = node();
    const pairs = [
      { owner, tokenId: token(11), exchange: null },
      { owner, tokenId: token(13), exchange: EXCHANGE_V3 },
      { owner, tokenId: token(12), exchange: null },
    ];
    expect(await reader.perform(request({ pairs }))).toEqual({
      type: "BalancesRead",
      block: { blockNumber: 100, blockHash: hashOf(100), tsMs: 5_000 },
      source: "chain",
      afterReorg: false,
      readings: [
        { owner, tokenId: token(11), sharesMicro: 1n },
        { owner, tokenId: token(12), sharesMicro: 2n },
        { owner, tokenId: token(13), sharesMicro: 3n },
      ],
    });
    expect(calls).toEqual([
      "block latest",
      `call ${CONDITIONAL_TOKENS} 0x4e1273f4 at 0x64`,
      `call ${POSITION_MANAGER} 0x4e1273f4 at 0x64`,
    ]);
    expect(reader.lastReadMs()).toBe(42);
  });

  test("one call for each when many in one are not allowed", async () => {
    const { rpc, calls } = node();
    const reader = createChainReader({
      rpc,
      multiCall: false,
      steadyMs: () => 0,
      pause: async () => undefined,
      random: () => 0,
      onFailure: () => undefined,
    });
    const pairs = [1, 2].map((n) => ({ owner, tokenId: token(n), exchange: null }));
    expect(await reader.perform(request({ pairs }))).toMatchObject({
      readings: [{ sharesMicro: 1n }, { sharesMicro: 2n }],
    });
    expect(calls.filter((call) => call.includes("0x00fdd58e"))).toHaveLength(2);
  });

  test("a snapshot whose block is gone is told instead of balances", async () => {
    const { reader } = node();
    const tip = { blockNumber: 99, blockHash: hashOf(1) };
    expect(await reader.perform(request({ verify: tip }))).toEqual({ type: "TipGone", tip });
  });

  test("a node behind the last reading answers nothing", async () => {
    const { reader, failed } = node();
    expect(await reader.perform(request({ verify: { blockNumber: 101, blockHash: hashOf(101) } }))).toBeNull();
    expect(failed).toEqual(["the node is behind the last reading"]);
    expect(reader.lastReadMs()).toBeNull();
  });

  test("two failures are passed over, the third is the end", async () => {
    expect(await node([gone, gone]).reader.perform(request())).toMatchObject({ type: "BalancesRead" });
    const down = node([gone, gone, gone]);
    expect(await down.reader.perform(request())).toBeNull();
    expect(down.failed).toEqual(["no answer"]);
  });

  test("what cannot be understood is not asked again at once", async () => {
    const { reader, failed } = node([new ContractError("RPC_UNREADABLE", "nonsense"), gone]);
    expect(await reader.perform(request())).toBeNull();
    expect(failed).toEqual(["nonsense"]);
  });

  test("what is asked during a reading is read together, and told once", async () => {
    const { reader, calls } = node();
    const of = (n: number) => request({ pairs: [{ owner, tokenId: token(n), exchange: null }] });
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
});
