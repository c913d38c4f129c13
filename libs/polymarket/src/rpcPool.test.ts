import { ContractError, InvariantError, TransientError } from "@slipstream/contracts/errors";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { healthPolicy } from "./providerHealth.ts";
import { RpcRefusedError } from "./rpc.ts";
import { createRpcPool, httpProviders, type ProviderChange } from "./rpcPool.ts";

const gone = new TransientError("RPC_UNREACHABLE", "gone");
const refusal = (code: number, message: string) => new RpcRefusedError("eth_call", { code, message });

/** Nodes a, b, c… at head 1,000 that answer with their name after so many ms, or fail as told. */
function rig(count: number, policy: Partial<typeof healthPolicy> = {}) {
  let nowMs = 1_000_000;
  const nodes = Array.from({ length: count }, (_, index) => ({
    name: String.fromCharCode(97 + index),
    head: 1_000,
    tookMs: 50,
    failure: null as Error | null,
    asked: [] as string[],
  }));
  const providers = nodes.map((node) => ({
    name: node.name,
    rpc: {
      call: async (method: string): Promise<unknown> => {
        node.asked.push(method);
        nowMs += node.tookMs;
        if (node.failure !== null) throw node.failure;
        return method === "eth_blockNumber" ? `0x${node.head.toString(16)}` : node.name;
      },
    },
  }));
  const changes: ProviderChange[] = [];
  const pool = createRpcPool({ providers, steadyMs: () => nowMs, policy, onChange: (change) => changes.push(change) });
  const moves = (): string[] => changes.splice(0).map(({ provider, from, to }) => `${provider}: ${from} ${to}`);
  const states = (): string =>
    pool
      .status()
      .map(({ name, state }) => `${name} ${state}`)
      .join(", ");
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  /** Time goes on, block by block; who stands still is told. */
  const blocks = async (blockCount: number, standing: readonly string[] = []): Promise<void> => {
    for (let block = 0; block < blockCount; block++) {
      nowMs += 2_000;
      for (const node of nodes) node.tookMs = 0;
      for (const node of nodes) if (!standing.includes(node.name)) node.head += 1;
      const used = pool.pick();
      pool.sawHead(used.name, Number(await used.rpc.call("eth_blockNumber")));
      await pool.probe();
    }
  };
  const node = (name: string) => {
    const found = nodes.find((each) => each.name === name);
    if (found === undefined) throw new Error(`no node ${name}`);
    return found;
  };
  return { pool, node, nodes, changes, moves, states, pass, blocks };
}

test("a pool without a node cannot be", () => {
  expect(() => createRpcPool({ providers: [], steadyMs: () => 0 })).toThrow(InvariantError);
});

test("nodes are named by host, two of one host are told apart", () => {
  const urls = ["https://me:KEY@a.example/v2/KEY", "https://b.example:8545?key=KEY", "https://a.example/OTHER"];
  expect(httpProviders(urls, { timeoutMs: 1 }).map(({ name }) => name)).toEqual([
    "a.example",
    "b.example:8545",
    "a.example#2",
  ]);
});

describe("which one is picked", () => {
  test("the first, as long as nothing is known", () => {
    expect(rig(3).pool.pick().name).toBe("a");
  });
  test("one that answers much sooner, but not for some milliseconds", async () => {
    const { pool, node } = rig(2);
    node("b").tookMs = 40;
    await pool.pick().rpc.call("eth_call");
    await pool.others("a")[0]?.rpc.call("eth_call");
    expect(pool.pick().name).toBe("a");
    node("b").tookMs = 5;
    for (let time = 0; time < 20; time++) await pool.others("a")[0]?.rpc.call("eth_call");
    expect(pool.pick().name).toBe("b");
    // Back only when it is as clearly better.
    node("b").tookMs = 55;
    for (let time = 0; time < 40; time++) await pool.pick().rpc.call("eth_call");
    expect(pool.pick().name).toBe("b");
  });
  test("another one after a single failure, and it is forgiven in time", async () => {
    const { pool, node, pass, moves } = rig(2);
    node("a").failure = gone;
    await expect(pool.pick().rpc.call("eth_getLogs")).rejects.toBe(gone);
    expect(pool.pick().name).toBe("b");
    pass(10 * 60_000);
    node("a").failure = null;
    expect(pool.status().map(({ failuresInRow }) => failuresInRow)).toEqual([1, 0]);
    expect(moves()).toEqual([]);
  });
  test("refusals of too long a range or by a contract say nothing against a node", async () => {
    const { pool, node } = rig(2);
    for (const failure of [refusal(-32005, "block range too large"), refusal(3, "execution reverted")]) {
      node("a").failure = failure;
      for (let time = 0; time < 5; time++) await expect(pool.pick().rpc.call("eth_getLogs")).rejects.toBe(failure);
    }
    expect(pool.pick().name).toBe("a");
  });
});

describe("failing", () => {
  test("after some failures in a row it rests, longer each time, and a probe finds it well again", async () => {
    const { pool, node, states, moves, pass } = rig(2);
    node("a").failure = gone;
    for (let time = 0; time < 3; time++) pool.failed("a", gone);
    expect([states(), moves()]).toEqual(["a FAILING, b HEALTHY", ["a: HEALTHY FAILING"]]);
    await pool.probe();
    expect(node("a").asked).toEqual([]);
    pass(healthPolicy.restFirstMs);
    await pool.probe();
    expect(node("a").asked).toEqual(["eth_blockNumber"]);
    pass(healthPolicy.restFirstMs);
    await pool.probe();
    expect(node("a").asked).toHaveLength(1);
    node("a").failure = null;
    pass(healthPolicy.restFirstMs);
    await pool.probe();
    expect([states(), moves()]).toEqual(["a HEALTHY, b HEALTHY", ["a: FAILING HEALTHY"]]);
  });
});

describe("lagging", () => {
  test("a node that stands still is left once it is behind for long enough, and taken back when it has caught up", async () => {
    const { pool, node, states, moves, blocks, changes } = rig(2);
    await blocks(2);
    expect(pool.pick().name).toBe("a");
    await blocks(8, ["a"]);
    expect(states()).toBe("a HEALTHY, b HEALTHY");
    await blocks(10, ["a"]);
    expect(pool.pick().name).toBe("b");
    expect(changes).toMatchObject([
      { provider: "a", to: "LAGGING", detail: expect.stringMatching(/^its head is 1002/) },
    ]);
    moves();
    await blocks(30, ["a"]);
    expect([states(), moves()]).toEqual(["a LAGGING, b HEALTHY", []]);
    node("a").head = node("b").head;
    await blocks(30);
    expect([states(), moves()]).toEqual(["a HEALTHY, b HEALTHY", ["a: LAGGING HEALTHY"]]);
  });
  test("a few blocks behind, or many for a moment, is usual", async () => {
    const { pool, pass, moves, states } = rig(2);
    pool.sawHead("a", 1_000);
    pool.sawHead("b", 1_000 - healthPolicy.lagBlocksMax);
    pass(healthPolicy.lagMs + 1);
    pool.sawHead("b", 1_000 - healthPolicy.lagBlocksMax);
    pool.sawHead("b", 1_000 - healthPolicy.lagBlocksMax - 1);
    pass(healthPolicy.lagMs - 1);
    pool.sawHead("b", 1_000 - healthPolicy.lagBlocksMax - 1);
    expect([moves(), states()]).toEqual([[], "a HEALTHY, b HEALTHY"]);
    pass(1);
    pool.sawHead("b", 1_000 - healthPolicy.lagBlocksMax - 1);
    expect(moves()).toEqual(["b: HEALTHY LAGGING"]);
  });
  test("a head that goes back further than a reorg is left at once, and for a while", async () => {
    const { pool, pass, moves, changes } = rig(2);
    pool.sawHead("b", 1_000);
    pool.sawHead("a", 1_000);
    pool.sawHead("a", 1_000 - healthPolicy.reorgBlocksMax);
    expect(changes).toEqual([]);
    pool.sawHead("a", 1_000 - 2 * healthPolicy.reorgBlocksMax - 1);
    expect(changes).toEqual([
      { provider: "a", from: "HEALTHY", to: "LAGGING", detail: "its head is 871 after 936, the best is 1000" },
    ]);
    expect(pool.pick().name).toBe("b");
    moves();
    pool.sawHead("a", 1_001);
    expect(moves()).toEqual([]);
    pass(healthPolicy.lagHoldMs);
    pool.sawHead("a", 1_002);
    expect(moves()).toEqual(["a: LAGGING HEALTHY"]);
  });
  test("when the chain itself goes back, nobody stays behind a head that is gone", async () => {
    const { pool, nodes, pass, states } = rig(2);
    await pool.probe();
    for (const node of nodes) node.head = 10;
    for (let time = 0; time < 10; time++) {
      pass(healthPolicy.lagHoldMs / 4);
      await pool.probe();
    }
    expect(states()).toBe("a HEALTHY, b HEALTHY");
  });
  test("the head of a liar and one of long ago are no measure", () => {
    const { pool, pass, states } = rig(3);
    pool.sawHead("b", 9_000_000);
    pool.sawHead("c", 2_000);
    pass(50_001);
    for (let time = 0; time < 3; time++) pool.lied("b", "no such block");
    pass(10_000);
    pool.sawHead("a", 1_000);
    pass(healthPolicy.lagMs);
    pool.sawHead("a", 1_005);
    expect(states()).toBe("a HEALTHY, b QUARANTINED, c HEALTHY");
    expect(pool.status().map(({ lagBlocks }) => lagBlocks)[0]).toBe(0);
  });
});

describe("lying", () => {
  test("each lie keeps it away for longer, up to the most, and in time the past is forgotten", () => {
    const { pool, pass, states, moves } = rig(2);
    const away = (): number => {
      pool.lied("a", "left out 2 logs of block 7");
      expect(pool.pick().name).toBe("b");
      for (let ms = 0; ; ms += 30_000, pass(30_000)) {
        pool.pick();
        if (!states().includes("QUARANTINED")) return ms;
      }
    };
    expect([away(), away(), away()]).toEqual([60_000, 120_000, 240_000]);
    for (let time = 0; time < 5; time++) away();
    expect(away()).toBe(healthPolicy.quarantineMsMax);
    pass(healthPolicy.liesForgottenMs);
    expect(away()).toBe(60_000);
    expect(moves().slice(0, 3)).toEqual(["a: HEALTHY QUARANTINED", "a: QUARANTINED HEALTHY", "a: HEALTHY QUARANTINED"]);
  });
});

describe("when all are bad, the least bad", () => {
  const bad = {
    lagging: (pool: ReturnType<typeof rig>["pool"], name: string) => {
      pool.sawHead(name, 1_000);
      pool.sawHead(name, 1);
    },
    failing: (pool: ReturnType<typeof rig>["pool"], name: string) => {
      for (let time = 0; time < 3; time++) pool.failed(name, gone);
    },
    lying: (pool: ReturnType<typeof rig>["pool"], name: string) => pool.lied(name, "left out a log"),
  };
  test.each([
    ["late but true before lying", ["lying", "lagging"], 0, "b"],
    ["late but true before failing", ["failing", "lagging"], 0, "b"],
    ["lying but checked before one that has just failed", ["failing", "lying"], 0, "b"],
    ["one that had its rest before a liar", ["lying", "failing"], 5_000, "b"],
    ["the only one, whatever it did", ["lying"], 0, "a"],
  ] as const)("%s", (_name, faults, waitMs, expected) => {
    const { pool, pass } = rig(faults.length);
    for (const [index, fault] of faults.entries()) bad[fault](pool, String.fromCharCode(97 + index));
    pass(waitMs);
    expect(pool.pick().name).toBe(expected);
  });
});

describe("a single read over all", () => {
  test("goes from one to the next, each once, and remembers who failed", async () => {
    const { pool, node } = rig(3);
    node("a").failure = gone;
    node("b").failure = new ContractError("RPC_UNREADABLE", "no JSON");
    expect(await pool.call("eth_call", [])).toBe("c");
    expect(await pool.call("eth_call", [])).toBe("c");
    expect([node("a").asked.length, node("b").asked.length, node("c").asked.length]).toEqual([1, 1, 2]);
  });
  test("what a contract refuses is not asked again elsewhere", async () => {
    const { pool, node } = rig(2);
    node("a").failure = refusal(3, "execution reverted");
    await expect(pool.call("eth_call")).rejects.toBe(node("a").failure);
    expect(node("b").asked).toEqual([]);
  });
  test("what one node does not offer, another may", async () => {
    const { pool, node, states } = rig(2);
    node("a").failure = refusal(-32601, "the method eth_getBlockReceipts is not available");
    expect(await pool.call("eth_getBlockReceipts", ["0x1"])).toBe("b");
    expect(states()).toBe("a HEALTHY, b HEALTHY");
  });
  test("when none answers, the error names each and shows no key", async () => {
    const { pool, node } = rig(2);
    node("a").failure = new TransientError("RPC_UNREACHABLE", "https://a.example/v2/KEY refused");
    node("b").failure = gone;
    await expect(pool.call("eth_call")).rejects.toMatchObject({
      code: "RPC_UNREACHABLE",
      message: "eth_call: no node answered: a: https://a.example/… refused; b: gone",
    });
  });
  test("the only one's error comes through as it is", async () => {
    const { pool, node } = rig(1);
    node("a").failure = new ContractError("RPC_UNREADABLE", "no JSON");
    await expect(pool.call("eth_call")).rejects.toBe(node("a").failure);
  });
});

test("whatever happens there is a pick, and never a bad one beside a healthy one", () => {
  const event = fc.record({
    name: fc.constantFrom("a", "b", "c", "stranger"),
    kind: fc.constantFrom("failed", "succeeded", "lied", "head"),
    head: fc.integer({ min: 0, max: 2_000 }),
    passMs: fc.constantFrom(0, 10, 5_000, 60_000),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 80 }), (events) => {
      const { pool, pass } = rig(3);
      for (const { name, kind, head, passMs } of events) {
        pass(passMs);
        if (kind === "failed") pool.failed(name, gone);
        else if (kind === "succeeded") pool.succeeded(name, 40);
        else if (kind === "lied") pool.lied(name, "left out a log");
        else pool.sawHead(name, head);
        const picked = pool.pick().name;
        const status = pool.status();
        const state = status.find((each) => each.name === picked)?.state;
        expect(state === "HEALTHY" || status.every((each) => each.state !== "HEALTHY")).toBe(true);
        expect(
          pool
            .others(picked)
            .map((other) => other.name)
            .toSorted(),
        ).toEqual(["a", "b", "c"].filter((each) => each !== picked));
      }
    }),
    { numRuns: Number(process.env["FC_RUNS"] ?? 200) },
  );
});

test.each([null, "", [], false, "0x", {}])(
  "a probe that is answered %j tells no head: the node is not at block 0",
  async (answer) => {
    let nowMs = 1_000_000;
    let given: unknown = "0x3e8";
    const pool = createRpcPool({ providers: [{ name: "a", rpc: { call: async () => given } }], steadyMs: () => nowMs });
    await pool.probe();
    nowMs += 10_000;
    given = answer;
    await pool.probe();
    expect(pool.status()).toMatchObject([{ head: 1_000, state: "HEALTHY" }]);
  },
);
