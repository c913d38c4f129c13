import { type Address, shardOf } from "@slipstream/contracts/ids";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { brief, config } from "../core/world.testing.ts";
import { type Buy, testChain, testNode, testWatcher } from "./chain.testing.ts";

const leader = `0x${"11".repeat(20)}` as Address;
const other = `0x${"22".repeat(20)}` as Address;
const buy = (tx: number, of: Address = leader, shares = 1_000_000): Buy => ({ leader: of, tx, shares });
const follows = (from: object = { kind: "block", block: 0 }, of: Address = leader, revision = 1) => ({
  ...config({ leader: of, enabled: true, follow: from }, revision),
  key: `leaders.${of}`,
});

function rig(options: { blocks: number; finality?: number; follow?: object }) {
  const chain = testChain(options.finality ?? 4);
  while (chain.head().number < options.blocks) chain.mine();
  const [one, two] = [testNode("one", chain), testNode("two", chain)];
  const watcher = testWatcher([one.node, two.node]);
  watcher.record(follows(options.follow ?? { kind: "now" }) as never);
  const caughtUp = async (): Promise<void> => {
    for (let n = 0; n < 200 && (await watcher.cycle()) !== false; n++);
  };
  const living = (): string[] =>
    [...watcher.state().fills.byId.values()]
      .filter(({ status }) => status === "ON_CHAIN")
      .map(({ blockHash, logIndex }) => `${blockHash}:${logIndex}`)
      .sort();
  const onChain = (): string[] =>
    chain.blocks.flatMap(({ logs }) => logs.map((log) => `${log.blockHash}:${Number(log.logIndex)}`)).sort();
  return { chain, one: one.ails, two: two.ails, watcher, caughtUp, living, onChain };
}

test("a leader is followed from the next block on, a fill in it is told at the head and once", async () => {
  const { chain, watcher, caughtUp } = rig({ blocks: 20 });
  await caughtUp();
  chain.mine([buy(1)]);
  await caughtUp();
  for (let n = 0; n < 6; n++) {
    chain.mine();
    await caughtUp();
  }
  const told = brief(watcher.facts).filter((text) => !text.startsWith("all") && !text.startsWith("shard"));
  expect(told).toEqual(["ConfigChanged", "joined 21-20", "fill 0/0 @21"]);
  expect(watcher.state().progress.get(shardOf(leader))?.cursor).toBe(chain.finalized().number);
});

test("the past is read in pieces behind the rest, historical, each fill once", async () => {
  const { chain, one, watcher, caughtUp, living, onChain } = rig({ blocks: 0, follow: { kind: "block", block: 3 } });
  for (let n = 1; n <= 60; n++) chain.mine(n % 10 === 0 ? [buy(n)] : []);
  one.rangeMax = 7;
  await caughtUp();
  expect(living()).toEqual(onChain());
  const past = watcher.facts.filter((fact) => fact.type === "BackfillProgress");
  expect(past.at(-1)).toMatchObject({ fromBlock: 3, cursor: 56 });
  expect(past.length).toBeGreaterThan(2);
  expect(watcher.state().leaders.get(leader)?.backfill).toBeNull();
  const fills = watcher.facts.filter((fact) => fact.type === "LeaderFill");
  expect(fills.map(({ blockNumber, historical }) => [blockNumber, historical])).toEqual(
    expect.arrayContaining([
      [10, true],
      [50, true],
      [60, false],
    ]),
  );
});

test("the first block of a number of days is found by halving", async () => {
  const { chain, watcher, caughtUp } = rig({ blocks: 90, follow: { kind: "days", days: 1 } });
  await caughtUp();
  // The whole chain of the test is younger than a day.
  expect(brief(watcher.facts)).toContain(`joined 0-${chain.finalized().number}`);
});

describe("a node that is not to be believed", () => {
  test("leaves out a fill at the head: the bloom raises the doubt, the other node proves it, nothing is missed", async () => {
    const { chain, one, watcher, caughtUp, living, onChain } = rig({ blocks: 20 });
    await caughtUp();
    one.omits = true;
    chain.mine([buy(1)]);
    expect(await watcher.cycle()).toMatch(/one: logs of block 21 are in doubt \(lying\)/);
    expect(watcher.lied).toEqual(["one left out 1 logs of block 21"]);
    await caughtUp();
    expect(living()).toEqual(onChain());
  });

  test("leaves out a fill that was told: it is not taken for gone", async () => {
    const { chain, one, watcher, caughtUp, living, onChain } = rig({ blocks: 20 });
    await caughtUp();
    chain.mine([buy(1)]);
    await caughtUp();
    watcher.record(follows({ kind: "now" }, other, 2) as never);
    one.omits = true;
    for (let n = 0; n < 8; n++) {
      chain.mine();
      await watcher.cycle();
    }
    one.omits = false;
    await caughtUp();
    expect(living()).toEqual(onChain());
    expect(watcher.facts.some(({ type }) => type === "LeaderFillReverted")).toBe(false);
  });

  test("is behind: what it does not have yet is not gone, and no older head is news", async () => {
    const { chain, one, watcher, caughtUp, living, onChain } = rig({ blocks: 20 });
    await caughtUp();
    chain.mine([buy(1)]);
    await caughtUp();
    one.behind = 2;
    await watcher.cycle();
    expect(watcher.facts.some(({ type }) => type === "LeaderFillReverted")).toBe(false);
    expect(watcher.state().progress.get("all")?.head).toBe(21);
    expect(living()).toEqual(onChain());
  });

  test("does not answer: the next one is asked, and the cursor stands", async () => {
    const { chain, one, two, watcher, caughtUp, living, onChain } = rig({ blocks: 20 });
    await caughtUp();
    one.failing = 1;
    two.failing = 1;
    chain.mine([buy(1)]);
    expect([await watcher.cycle(), await watcher.cycle()]).toEqual(["one does not answer", "two does not answer"]);
    await caughtUp();
    expect(living()).toEqual(onChain());
  });
});

test("a reorg: what returns elsewhere is the same fill, what does not is retracted", async () => {
  const { chain, watcher, caughtUp, living, onChain } = rig({ blocks: 20 });
  await caughtUp();
  chain.mine([buy(1), buy(2)]);
  chain.mine();
  await caughtUp();
  chain.fork(2, [[], [buy(1)], []]);
  await caughtUp();
  expect(living()).toEqual(onChain());
  for (let n = 0; n < 6; n++) {
    chain.mine();
    await caughtUp();
  }
  const told = brief(watcher.facts).filter((text) => /fill|revert|retract/.test(text));
  expect(told.slice(0, 2)).toEqual(["fill 0/0 @21", "fill 0/0 @21"]);
  expect(told.slice(2).sort()).toEqual(["fill 0/1 @22", "retracted REORGED_OUT", "reverted @21", "reverted @21"]);
});

test("a leader who joins while blocks are read is read in them too", async () => {
  const { chain, watcher, caughtUp, living, onChain } = rig({ blocks: 20 });
  await caughtUp();
  chain.mine([buy(1), buy(2, other)]);
  watcher.during.observe = () => {
    watcher.during.observe = () => undefined;
    watcher.record(follows({ kind: "block", block: 18 }, other, 2) as never);
  };
  await caughtUp();
  chain.mine();
  await caughtUp();
  expect(living()).toEqual(onChain());
});

test("a long absence is a gap, told at its begin and its end", async () => {
  const { chain, watcher, caughtUp } = rig({ blocks: 20 });
  await caughtUp();
  for (let n = 0; n < 80; n++) chain.mine(n === 30 ? [buy(1)] : []);
  await caughtUp();
  const gaps = watcher.facts.filter(({ type }) => type === "GapDetected" || type === "GapResolved");
  expect(gaps).toMatchObject([
    { type: "GapDetected", fromBlock: 17, toBlock: 96 },
    { type: "GapResolved", fromBlock: 17, toBlock: 96 },
  ]);
});

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("mine" as const), buys: fc.nat(2) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("fork" as const),
      depth: fc.integer({ min: 1, max: 4 }),
      keeps: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("cycle" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("fail" as const), which: fc.nat(1), calls: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("omit" as const), which: fc.nat(1), on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("lag" as const), which: fc.nat(1), behind: fc.nat(3) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("range" as const), which: fc.nat(1), max: fc.integer({ min: 1, max: 9 }) }),
  },
);

test("whatever the chain and its nodes do: in the end the log tells exactly what is on the chain", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { chain, one, two, watcher, caughtUp, living, onChain } = rig({
        blocks: 10,
        finality: 5,
        follow: { kind: "block", block: 0 },
      });
      const nodes = [one, two];
      await caughtUp();
      let tx = 0;
      for (const now of steps) {
        if (now.do === "mine") chain.mine(Array.from({ length: now.buys }, () => buy(tx++)));
        else if (now.do === "cycle") await watcher.cycle();
        else if (now.do === "fork") {
          const depth = Math.min(now.depth, chain.head().number - chain.finalized().number);
          // Each transaction of the old branch returns one block later, or not at all.
          const old = chain.blocks.slice(chain.blocks.length - depth).map(({ logs }) => logs.map(chain.buyOf));
          chain.fork(depth, [[], ...(now.keeps ? old : old.map(() => []))].slice(0, depth + 1));
        } else {
          const node = nodes[now.which] ?? one;
          if (now.do === "fail") node.failing = now.calls;
          if (now.do === "omit") node.omits = now.on;
          if (now.do === "lag") node.behind = now.behind;
          if (now.do === "range") node.rangeMax = now.max;
          // One of the two tells the truth.
          if (one.omits && two.omits) two.omits = false;
        }
      }
      for (const node of nodes) Object.assign(node, { failing: 0, omits: false, behind: 0 });
      for (let n = 0; n < 8; n++) {
        chain.mine();
        await caughtUp();
      }
      expect(living()).toEqual(onChain());
      expect(watcher.state().fills.open.size).toBe(0);
      expect(new Set(watcher.facts.map(({ id }) => id)).size).toBe(watcher.facts.length);
      expect(watcher.state().progress.get(shardOf(leader))?.cursor).toBe(chain.finalized().number);
    }),
    { numRuns: Number(process.env["FC_RUNS"] ?? 150) },
  );
});
