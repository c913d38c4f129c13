/**
 * Whatever happens to chain, nodes, index, notices and process: what is published is true of the block it names, and as
 * soon as a node answers it is true of the newest one. `FC_RUNS=10000` runs it as long as it takes.
 */
import { CONDITIONAL_TOKENS, POSITION_MANAGER } from "@slipstream/polymarket/versions";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { followed, granted, leaderFill, progress } from "./coreFacts.testing.ts";
import { type CoreRun, createCoreRun, type World } from "./coreRun.testing.ts";
import { createForkedChain, FINALITY, heldAt, leader, ours, tokens, wallets } from "./forkedChain.testing.ts";
import { COMPLETE_EVERY_MS } from "./tokens.ts";

const numRuns = Number(process.env["FC_RUNS"] ?? 500);

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("move" as const),
      wallet: fc.constantFrom(...wallets),
      tokenId: fc.constantFrom(...tokens),
      shares: fc.integer({ min: 0, max: 3 }),
      /** How often its notice comes. */
      heard: fc.constantFrom(0, 1, 1, 2),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant("poll" as const) }) },
  { weight: 8, arbitrary: fc.record({ type: fc.constant("perform" as const) }) },
  { weight: 8, arbitrary: fc.record({ type: fc.constant("deliver" as const), which: fc.nat({ max: 3 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("reorg" as const),
      depth: fc.integer({ min: 1, max: FINALITY - 1 }),
      made: fc.integer({ min: 1, max: FINALITY }),
      returns: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("node" as const), up: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("index" as const),
      up: fc.boolean(),
      lag: fc.integer({ min: 0, max: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("mine" as const) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("progress" as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("compare" as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("kill" as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("settle" as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("hour" as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

describe("balances of a leader's wallet and of ours", () => {
  test("are those of the chain at the block that is named, through forks, outages, lost notices and restarts", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const { world, run } = begin();
        for (const one of steps) take(world, run, one);
        heal(world, run);
        checkTold(world, run, tokens);
        const newest = world.chain.head();
        // Settled an hour after all else, so the complete snapshots of that hour are the last that list anything.
        for (const wallet of wallets) {
          const held = tokens.filter((tokenId) => heldAt(newest, wallet, tokenId) > 0n);
          expect([...run.complete(wallet)].toSorted()).toEqual(held);
        }
        const facts = run.facts();
        run.post({ type: "Poll" });
        drain(run);
        expect(run.facts() - facts).toBe(0);
      }),
      { numRuns },
    );
  });

  test("are told again after a reorg, all that stood on blocks that are gone, and only those", () => {
    const { world, run } = begin();
    settle(world, run);
    const [old, low, high] = tokens;
    if (old === undefined || low === undefined || high === undefined) throw new Error("no tokens");
    const move = (tokenId: typeof old): void => {
      take(world, run, { type: "move", wallet: ours, tokenId, shares: 2, heard: 1 });
      drain(run);
    };
    move(old);
    for (let n = 0; n < FINALITY; n++) world.chain.mine(null);
    run.append(progress(world.chain));
    const final = run.told(ours, old);
    move(low);
    move(high);
    world.chain.reorg(3, 3, false);
    run.post({ type: "Poll" });
    drain(run);
    const newest = world.chain.head();
    const standing = { sharesMicro: 0n, blockNumber: newest.number, blockHash: newest.hash };
    expect([low, high].map((tokenId) => run.told(ours, tokenId))).toEqual([standing, standing]);
    expect([run.told(ours, old), run.money()]).toEqual([final, newest.money]);
  });

  test("are read on when the newest snapshot listed nothing and its block is gone", () => {
    const { world, run } = begin();
    const [tokenId] = tokens;
    if (tokenId === undefined) throw new Error("no token");
    run.restart();
    run.perform();
    take(world, run, { type: "move", wallet: leader, tokenId, shares: 0, heard: 1 });
    run.perform();
    run.deliver(3);
    settle(world, run);
    run.append(progress(world.chain));
    world.chain.reorg(1, 1, false);
    world.chain.mine({ wallet: leader, tokenId, shares: 1 });
    heal(world, run);
    checkTold(world, run, tokens);
  });

  test("hold on a lower block when the chain goes back once more while they are read again", () => {
    const { world, run } = begin();
    settle(world, run);
    const [tokenId] = tokens;
    if (tokenId === undefined) throw new Error("no token");
    take(world, run, { type: "move", wallet: ours, tokenId, shares: 2, heard: 1 });
    drain(run);
    world.chain.reorg(1, 1, false);
    run.post({ type: "Poll" });
    run.perform();
    run.deliver(0);
    world.chain.reorg(3, 1, false);
    drain(run);
    const newest = world.chain.head();
    expect(run.told(ours, tokenId)).toEqual({ sharesMicro: 0n, blockNumber: newest.number, blockHash: newest.hash });
    const facts = run.facts();
    world.chain.mine({ wallet: ours, tokenId, shares: 1 });
    run.post({ type: "Poll" });
    drain(run);
    expect([run.told(ours, tokenId)?.sharesMicro, run.facts() - facts]).toEqual([1n, 1]);
  });

  test("are the index's while no node answers, marked, and the chain's again afterwards", () => {
    const { world, run } = begin();
    const [first] = tokens;
    if (first === undefined) throw new Error("no token");
    settle(world, run);
    world.chain.mine({ wallet: ours, tokenId: first, shares: 3 });
    world.nodeUp = false;
    run.post({ type: "Poll" });
    drain(run);
    expect([run.told(ours, first)?.sharesMicro, run.told(ours, first)?.blockHash, run.degraded()]).toEqual([
      3n,
      null,
      true,
    ]);
    world.indexUp = false;
    world.chain.mine({ wallet: ours, tokenId: first, shares: 1 });
    const facts = run.facts();
    run.post({ type: "Poll" });
    drain(run);
    expect(run.facts()).toBe(facts);
    world.nodeUp = true;
    run.post({ type: "Poll" });
    drain(run);
    expect([run.told(ours, first), run.degraded()]).toEqual([
      { sharesMicro: 1n, blockNumber: world.chain.head().number, blockHash: world.chain.head().hash },
      false,
    ]);
  });
});

function begin(): { readonly world: World; readonly run: CoreRun } {
  const world: World = { chain: createForkedChain(), nowMs: 1, nodeUp: true, indexUp: true, indexLag: 0 };
  const run = createCoreRun(world);
  run.append(followed);
  tokens.forEach((_, n) => {
    run.append(leaderFill(n));
  });
  run.append(granted(2));
  run.post({ type: "Poll" });
  return { world, run };
}

function take(world: World, run: CoreRun, one: Step): void {
  world.nowMs += 100;
  switch (one.type) {
    case "move": {
      const { wallet, tokenId } = one;
      world.chain.mine(one);
      const ledger = tokenId === tokens[1] ? POSITION_MANAGER : CONDITIONAL_TOKENS;
      for (let n = 0; n < one.heard; n++)
        run.post({ type: "TransferSeen", address: wallet, ledger, tokenIds: [tokenId] });
      break;
    }
    case "poll":
      run.post({ type: "Poll" });
      break;
    case "perform":
      run.perform();
      break;
    case "deliver":
      run.deliver(one.which);
      break;
    case "reorg":
      world.chain.reorg(one.depth, one.made, one.returns);
      break;
    case "node":
      world.nodeUp = one.up;
      break;
    case "index":
      world.indexUp = one.up;
      world.indexLag = one.lag;
      break;
    case "mine":
      world.chain.mine(null);
      break;
    case "progress":
      run.append(progress(world.chain));
      break;
    case "compare":
      run.post({ type: "Compare" });
      break;
    case "kill":
      run.restart();
      break;
    case "settle":
      settle(world, run);
      // A token of ours that nobody lists is found by its transfer only, or by the comparison.
      checkTold(world, run, tokens.slice(0, 3), [ours]);
      break;
    case "hour":
      world.nowMs += COMPLETE_EVERY_MS;
      break;
  }
}

/** A node answers, the chain grows beyond all that was told, and a few polls pass. */
function settle(world: World, run: CoreRun): void {
  world.nodeUp = true;
  for (let n = 0; n < 2 * FINALITY; n++) world.chain.mine(null);
  drain(run);
  for (let n = 0; n < 3; n++) {
    run.post({ type: "Poll" });
    drain(run);
  }
}

/** The same, with all that is only done from time to time. */
function heal(world: World, run: CoreRun): void {
  world.indexUp = true;
  world.indexLag = 0;
  settle(world, run);
  run.post({ type: "Compare" });
  // Answers are late by seconds, never by an hour.
  drain(run);
  world.nowMs += COMPLETE_EVERY_MS;
  settle(world, run);
}

function drain(run: CoreRun): void {
  while (run.perform() || run.deliver(0));
}

function checkTold(
  world: World,
  run: CoreRun,
  of: typeof tokens,
  holders: readonly (typeof wallets)[number][] = wallets,
) {
  const newest = world.chain.head();
  for (const wallet of holders) {
    for (const tokenId of of) {
      const told = run.told(wallet, tokenId);
      expect([wallet, tokenId, told?.sharesMicro ?? 0n]).toEqual([wallet, tokenId, heldAt(newest, wallet, tokenId)]);
    }
  }
  expect([run.money(), run.degraded()]).toEqual([newest.money, false]);
}
