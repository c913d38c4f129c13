import type { Address } from "@slipstream/contracts/ids";
import { expect, test } from "vitest";
import { config } from "../core/world.testing.ts";
import { testChain, testNode, testWatcher } from "./chain.testing.ts";

const wallet = (n: number): Address => `0x${(0x5000 + n).toString(16).padStart(40, "0")}` as Address;
const follows = (of: Address, follow: object, revision = 1) =>
  ({ ...config({ leader: of, enabled: true, follow }, revision), key: `leaders.${of}` }) as never;

function rig() {
  const chain = testChain(4);
  while (chain.head().number < 60) chain.mine();
  const one = testNode("one", chain);
  const asked = { headers: 0 };
  const { header } = one.node.reader;
  const reader = {
    ...one.node.reader,
    header: (block: number) => {
      asked.headers += 1;
      return header(block);
    },
  };
  return { chain, asked, ails: one.ails, watcher: testWatcher([{ ...one.node, reader }]) };
}

test("the block of a day is searched once for all who are followed from it on", async () => {
  const { watcher, asked } = rig();
  for (let n = 0; n < 50; n++) watcher.record(follows(wallet(n), { kind: "days", days: 30 }));
  await watcher.cycle();
  expect(watcher.followed().size).toBe(50);
  expect(asked.headers).toBeLessThan(20);
});

test("a past that cannot be found keeps nobody else from being followed and read", async () => {
  const { watcher, chain } = rig();
  watcher.record(follows(wallet(1), { kind: "now" }));
  await watcher.cycle();
  watcher.record(follows(wallet(2), { kind: "days", days: 30 }));
  watcher.record(follows(wallet(3), { kind: "now" }));
  const [first] = chain.blocks.splice(0, 30, ...Array.from({ length: 30 }, () => undefined as never));
  expect(first).toBeDefined();
  chain.mine([{ leader: wallet(1), tx: 1, shares: 1_000_000 }]);
  expect(await watcher.cycle()).toMatch(/has no block/);
  expect([...watcher.followed()]).toEqual([wallet(1), wallet(3)]);
  expect(watcher.facts.filter(({ type }) => type === "LeaderFill")).toHaveLength(1);
});

test("a beginning that was changed while its block was searched is searched anew", () => {
  const { watcher } = rig();
  const tips = { head: 60, headHash: `0x${"1".repeat(64)}`, headTsMs: 1, finalized: 56 };
  watcher.record(follows(wallet(1), { kind: "days", days: 30 }, 2));
  const found = {
    type: "LeaderFound",
    leader: wallet(1),
    fromBlock: 61,
    ...tips,
    finalizedHash: tips.headHash,
  } as const;
  watcher.post({ ...found, revision: 1 } as never);
  expect(watcher.followed().size).toBe(0);
  watcher.post({ ...found, revision: 2 } as never);
  expect(watcher.followed().size).toBe(1);
});
