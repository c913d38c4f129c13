/** Nodes that differ: what one of them shows is not what happened. */
import type { Address } from "@slipstream/contracts/ids";
import { ALL_SHARDS } from "@slipstream/contracts/subjects";
import { bloomOf } from "@slipstream/polymarket/bloom";
import { defaultExchanges } from "@slipstream/polymarket/versions";
import { expect, test } from "vitest";
import { config } from "../core/world.testing.ts";
import { testChain, testNode, testWatcher } from "./chain.testing.ts";
import { createEmptyCheck } from "./emptyBlocks.ts";
import { fillFilters } from "./fillFilter.ts";

const leader = `0x${"11".repeat(20)}` as Address;
const mate = `0x${"22".repeat(20)}` as Address;

test("a node on a shorter branch takes nothing back: it is behind, or its branch must grow first", async () => {
  const chain = testChain(4);
  while (chain.head().number < 20) chain.mine();
  const one = testNode("one", chain);
  const final = chain.finalized();
  const watcher = testWatcher([{ ...one.node, reader: { ...one.node.reader, finalized: async () => final } }]);
  watcher.record({ ...config({ leader, enabled: true }), key: `leaders.${leader}` } as never);
  for (let n = 0; n < 3; n++) await watcher.cycle();
  chain.mine([]);
  chain.mine([{ leader, tx: 1, shares: 1_000_000 }]);
  await watcher.cycle();
  // Another branch for a moment, one block shorter.
  const longer = chain.blocks.slice(-2);
  chain.fork(2, [[]]);
  await watcher.cycle();
  expect(watcher.facts.filter(({ type }) => type === "LeaderFillReverted")).toEqual([]);
  chain.blocks.splice(-1, 1, ...longer);
  chain.mine();
  await watcher.cycle();
  expect(watcher.facts.filter(({ type }) => type.startsWith("LeaderFill"))).toHaveLength(1);
  // A branch that has grown as high is the chain.
  chain.fork(2, [[], [], []]);
  await watcher.cycle();
  expect(watcher.facts.filter(({ type }) => type === "LeaderFillReverted")).toHaveLength(1);
});

test.each([
  ["a short range, by the bloom of each block", 6],
  ["a long one, by what another node gives", 60],
])("a node that leaves logs out of the middle of %s, is found out before the cursor passes", async (_name, blocks) => {
  const chain = testChain(0);
  while (chain.head().number < 20) chain.mine();
  const [one, two] = [testNode("one", chain), testNode("two", chain)];
  const watcher = testWatcher([one.node, two.node]);
  watcher.record({ ...config({ leader, enabled: true }), key: `leaders.${leader}` } as never);
  for (let n = 0; n < 3; n++) await watcher.cycle();
  for (let n = 1; n <= blocks; n++) chain.mine(n === 3 ? [{ leader, tx: 1, shares: 1_000_000 }] : []);
  one.ails.omits = true;
  for (let n = 0; n < 5; n++) await watcher.cycle();
  expect(watcher.facts.filter(({ type }) => type === "LeaderFill")).toHaveLength(1);
  expect(watcher.lied).not.toEqual([]);
});

test("a block that was found empty of one leader's fills is not taken for empty of another one's", async () => {
  const chain = testChain(4);
  chain.mine([{ leader: mate, tx: 1, shares: 1_000_000 }]);
  const [one, two] = [testNode("one", chain), testNode("two", chain)];
  one.ails.omits = true;
  const nodes = {
    pick: () => one.node,
    others: () => [two.node],
    sawHead: () => true,
    failed: () => undefined,
    lied: () => undefined,
  };
  const check = createEmptyCheck(nodes, () => undefined);
  const header = chain.head();
  expect(header.logsBloom).toBe(bloomOf(header.logs));
  const filtersOf = (...leaders: Address[]) =>
    fillFilters({ exchanges: defaultExchanges, leaders: new Set(leaders), wholeAbove: 100 });
  await check.check(one.node, [header], filtersOf(leader), []);
  await expect(check.check(one.node, [header], filtersOf(leader, mate), [])).rejects.toMatchObject({
    message: expect.stringContaining("in doubt"),
  });
});

test("a final block of a time that cannot be takes nothing back: what was seen may still come", async () => {
  const chain = testChain(4);
  while (chain.head().number < 20) chain.mine();
  const { node } = testNode("one", chain);
  const header = async (number: number) => ({ ...(await node.reader.header(number)), tsMs: Date.UTC(2100, 0) });
  const watcher = testWatcher([{ ...node, reader: { ...node.reader, header } }]);
  watcher.record({ ...config({ leader, enabled: true }), key: `leaders.${leader}` } as never);
  for (let n = 0; n < 3; n++) await watcher.cycle();
  for (let n = 0; n < 3; n++) chain.mine();
  await watcher.cycle();
  const read = watcher.posted.filter((message) => message.type === "BlocksRead");
  expect(read.length).toBeGreaterThan(1);
  expect(read.map(({ finalTsMs }) => finalTsMs)).toEqual(read.map(() => null));
});

test.each([
  ["with another node", 2],
  ["alone", 1],
])(
  "a node %s that says a block as the newest which cannot be: the true ones after it are told all the same",
  async (_name, count) => {
    const chain = testChain(4);
    while (chain.head().number < 20) chain.mine();
    const far = { ...chain.head(), number: 1_000_000_000_000 };
    let lies = 0;
    const [one, two] = [testNode("one", chain).node, testNode("two", chain).node];
    const lying = async () => (lies-- > 0 ? far : chain.head());
    const reader = { ...one.reader, head: lying, finalized: async () => (lies > 0 ? far : chain.finalized()) };
    const watcher = testWatcher([{ ...one, reader }, two].slice(0, count));
    watcher.record({ ...config({ leader, enabled: true }), key: `leaders.${leader}` } as never);
    for (let n = 0; n < 3; n++) await watcher.cycle();
    lies = 1;
    expect(await watcher.cycle()).toMatch(/^one says that block 1000000000000 is the newest/);
    chain.mine([{ leader, tx: 1, shares: 1_000_000 }]);
    for (let n = 0; n < 5; n++) chain.mine();
    for (let n = 0; n < 6; n++) await watcher.cycle();
    expect(watcher.facts.filter(({ type }) => type === "LeaderFill")).toHaveLength(1);
    expect(watcher.state().progress.get(ALL_SHARDS)?.head).toBe(chain.head().number);
  },
);

test("after a long absence the newest block is far above, as all nodes say, or as one that is alone may", async () => {
  for (const count of [1, 2]) {
    const chain = testChain(4);
    while (chain.head().number < 20) chain.mine();
    const watcher = testWatcher([testNode("one", chain).node, testNode("two", chain).node].slice(0, count));
    watcher.record({ ...config({ leader, enabled: true }), key: `leaders.${leader}` } as never);
    for (let n = 0; n < 3; n++) await watcher.cycle();
    while (chain.head().number < 1_000) chain.mine();
    watcher.during.pass(980_000);
    for (let n = 0; n < 3; n++) await watcher.cycle();
    expect(watcher.state().progress.get(ALL_SHARDS)?.head).toBe(1_000);
  }
});
