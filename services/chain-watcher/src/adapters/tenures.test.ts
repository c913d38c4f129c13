/** What lies between the cursor in the log and the block that was read is remembered: for whom, and whether it was told. */
import { type Address, shardOf } from "@slipstream/contracts/ids";
import { expect, test } from "vitest";
import { config } from "../core/world.testing.ts";
import { type Buy, testChain, testNode, testWatcher } from "./chain.testing.ts";

const leader = `0x${"11".repeat(20)}` as Address;
/** Another one of the same shard. */
const mate = ((): Address => {
  for (let n = 0x2000; ; n++) {
    const address = `0x${n.toString(16).padStart(40, "0")}` as Address;
    if (shardOf(address) === shardOf(leader)) return address;
  }
})();
const buy = (tx: number, of: Address): Buy => ({ leader: of, tx, shares: 1_000_000 });
const follows = (of: Address, revision: number, over: object = {}) =>
  ({
    ...config({ leader: of, enabled: true, follow: { kind: "block", block: 0 }, ...over }, revision),
    key: `leaders.${of}`,
  }) as never;

/** Followed from the beginning and read to finality; from now on the cursor is told once a minute. */
async function rig() {
  const chain = testChain(2);
  while (chain.head().number < 20) chain.mine();
  const { node } = testNode("one", chain);
  const watcher = testWatcher([node], undefined, 60_000);
  watcher.record(follows(leader, 1));
  const cycles = async (count = 6): Promise<void> => {
    for (let n = 0; n < count; n++) await watcher.cycle();
  };
  await cycles();
  /** Blocks become final, each with what was bought in it. */
  const mine = async (...blocks: readonly (readonly Buy[])[]): Promise<void> => {
    for (const buys of blocks) {
      chain.mine(buys);
      await watcher.cycle();
    }
  };
  const told = (of: Address): number[] =>
    [...watcher.state().fills.byId.values()]
      .filter(({ leader: whose, status }) => whose === of && status === "ON_CHAIN")
      .map(({ blockNumber }) => blockNumber ?? 0)
      .sort((a, b) => a - b);
  const cursor = (): number => watcher.state().progress.get(shardOf(leader))?.cursor ?? 0;
  const end = async (): Promise<void> => {
    watcher.during.pass(60_001);
    await mine([], [], []);
    watcher.during.pass(60_001);
    await mine([]);
    await cycles();
  };
  return { chain, watcher, mine, told, cursor, cycles, end };
}

test("who joins a shard is read from its cursor in the log on, not from the block that was read without him", async () => {
  const { watcher, mine, told, cursor, end } = await rig();
  const before = cursor();
  await mine([buy(1, mate)], [], [], []);
  expect(cursor()).toBe(before);
  watcher.record(follows(mate, 2));
  await end();
  expect(told(mate)).toEqual([21]);
  expect(cursor()).toBeGreaterThan(21);
});

test("who was off for a moment is read again for the blocks that were read without him", async () => {
  const { watcher, mine, told, end } = await rig();
  watcher.record(follows(mate, 2));
  await mine([], []);
  watcher.record(follows(mate, 3, { enabled: false, whenRemoved: "keep" }));
  await mine([buy(1, mate)], [], [], []);
  watcher.record(follows(mate, 4));
  await end();
  expect(told(mate)).toEqual([23]);
});

test("what was read and not decided upon, since the tenure was another one, is read again", async () => {
  const { watcher, mine, told, cursor, end } = await rig();
  watcher.during.drops = ({ type }) => type === "BlocksRead";
  await mine([buy(1, leader)], [], [], []);
  expect(told(leader)).toEqual([]);
  watcher.during.drops = () => false;
  await end();
  expect(told(leader)).toEqual([21]);
  expect(cursor()).toBeGreaterThan(21);
});

test("the cursor does not pass a fill that is told and gone until that is told too", async () => {
  const { chain, watcher, mine, told, cursor, end } = await rig();
  await mine([buy(1, leader)]);
  expect(told(leader)).toEqual([21]);
  watcher.during.drops = ({ type }) => type === "BlocksRead";
  chain.fork(1, [[]]);
  watcher.during.pass(60_001);
  await mine([], [], []);
  expect(cursor()).toBeLessThan(21);
  watcher.during.drops = () => false;
  await end();
  expect(told(leader)).toEqual([]);
  expect(watcher.facts.filter(({ type }) => type === "LeaderFillReverted")).toHaveLength(1);
  expect(watcher.facts.filter(({ type }) => type === "LeaderFillRetracted")).toHaveLength(1);
});

test("a fill that a socket takes back by mistake when it is final is told again, and the cursor goes on", async () => {
  const { chain, watcher, mine, told, cursor, end } = await rig();
  await mine([buy(1, leader)], [], [], []);
  const { number: blockNumber, hash: blockHash } = chain.blocks[21] as (typeof chain.blocks)[number];
  watcher.post({ type: "FillsRemoved", logs: [{ blockNumber, blockHash, logIndex: 0 }] });
  expect(told(leader)).toEqual([]);
  await end();
  expect(told(leader)).toEqual([21]);
  expect(cursor()).toBeGreaterThan(21);
});

test("a past that is not decided upon is left for a moment, not asked for again and again", async () => {
  const { watcher } = await rig();
  watcher.record(follows(mate, 2));
  watcher.during.drops = ({ type }) => type === "PastRead";
  await watcher.cycle();
  expect(await watcher.cycle()).toMatch(/not in the log/);
  watcher.during.drops = () => false;
  while ((await watcher.cycle()) !== false);
  expect(watcher.state().leaders.get(mate)?.backfill).toBeNull();
});
