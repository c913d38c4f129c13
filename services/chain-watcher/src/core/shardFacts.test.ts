import { sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import { describe, expect, test } from "vitest";
import type { ObservedAct, WatcherMessage } from "./messages.ts";
import {
  brief,
  config,
  fillsIn,
  final,
  followedSince,
  hash,
  leader,
  observed,
  seen,
  shard,
  story,
  tell,
  tips,
} from "./world.testing.ts";

describe("who is followed from where", () => {
  const found = (fromBlock: number, at = tips()): WatcherMessage => ({ type: "LeaderFound", leader, fromBlock, ...at });
  const on = (follow: object, revision = 1) => config({ leader, enabled: true, follow }, revision);
  const past = (fromBlock: number, toBlock: number, fills = [] as ReturnType<typeof observed>[]): WatcherMessage => ({
    type: "PastRead",
    leader,
    fromBlock,
    toBlock,
    fills,
    acts: [],
  });

  test("from now on: nothing of the past is left to be read", () => {
    const { facts, state } = tell([on({ kind: "now" }), found(102), found(102)]);
    expect(brief(facts.slice(1))).toEqual(["shard 95", "joined 102-101"]);
    expect(state.leaders.get(leader)?.backfill).toBeNull();
  });

  test("from a block on: the past is historical, told before the progress, and each piece once", () => {
    const old = observed({ blockNumber: 40, blockHash: hash(40), tsEventMs: 999_000 });
    const piece = past(30, 50, [old]);
    const { facts, state } = tell([
      on({ kind: "block", block: 30 }),
      found(30),
      piece,
      piece,
      past(51, 95),
      seen(observed({ txHash: hash(3) })),
    ]);
    const past30 = ["shard 95", "joined 30-95", "fill 0/0 @40", "past 50", "past 95"];
    expect(brief(facts.slice(1))).toEqual([...past30, "fill 0/0 @100"]);
    expect(fillsIn(facts)[0]?.historical).toBe(true);
    expect(state.leaders.get(leader)?.backfill).toBeNull();
  });

  test("a piece that leaves out blocks, or whose fills are not in the log, moves nothing", () => {
    const { facts } = tell([on({ kind: "block", block: 30 }), found(30), past(40, 50)]);
    expect(brief(facts.slice(3))).toEqual([]);
  });

  test("asked to begin earlier: only what lies before is read, nothing is told twice", () => {
    const steps = [
      on({ kind: "block", block: 60 }),
      found(60),
      past(60, 95),
      on({ kind: "block", block: 20 }, 2),
      found(20),
    ];
    expect(brief(tell(steps).facts).filter((text) => text.startsWith("joined"))).toEqual([
      "joined 60-95",
      "joined 20-59",
    ]);
  });

  test("a past that was left half read is read to its end, and nothing of it twice", () => {
    const on30 = on({ kind: "block", block: 30 });
    const again = on({ kind: "block", block: 30 }, 3);
    const off = config({ leader, enabled: false, whenRemoved: "keep" }, 2);
    const { facts } = tell([on30, found(30), past(30, 50), off, again, found(30)]);
    expect(brief(facts).filter((text) => text.startsWith("joined"))).toEqual(["joined 30-95", "joined 51-95"]);
  });

  test("switched off and on again: from now on, and his shard does not read what nobody was followed for", () => {
    const later = tips({ head: 900, finalized: 880, headHash: hash(900), finalizedHash: hash(880) });
    const steps = [
      ...followedSince,
      config({ leader, enabled: false, whenRemoved: "close" }, 2),
      config({ leader, enabled: true }, 3),
      found(901, later),
    ];
    expect(brief(tell(steps).facts).slice(-2)).toEqual(["shard 880", "joined 901-900"]);
  });

  test.each([
    ["followed until flat", { leader, enabled: false, whenRemoved: "follow" }],
    ["nothing said", { leader, enabled: false }],
    ["his key deleted", null],
  ])("removed (%s): he is read on, and misses nothing when he comes back", (_name, value) => {
    const off = { ...config(value ?? {}, 2), value } as ReturnType<typeof config>;
    const sold = seen(observed({ txHash: hash(3) }));
    const back = config({ leader, enabled: true }, 3);
    const { facts, state } = tell([...followedSince, off, sold, back, found(102)]);
    expect(brief(facts).filter((text) => text.startsWith("fill"))).toEqual(["fill 0/0 @100"]);
    expect(brief(facts).filter((text) => text.startsWith("joined"))).toHaveLength(1);
    expect(state.leaders.get(leader)).toMatchObject({ enabled: true, leaving: false });
  });

  test.each(["close", "keep"])("removed and to be left (%s): he is not read any more", (whenRemoved) => {
    const off = config({ leader, enabled: false, whenRemoved }, 2);
    const { facts } = tell([...followedSince, off, seen(observed({ txHash: hash(3) }))]);
    expect(brief(facts).filter((text) => text.startsWith("fill"))).toEqual([]);
  });

  test("who was never read does not begin to be when he is removed", () => {
    const { state } = tell([config({ leader, enabled: false }), found(102)]);
    expect(state.leaders.get(leader)).toMatchObject({ leaving: false, joined: null });
  });

  test("a new label changes nothing", () => {
    const { state } = tell([...followedSince, config({ leader, enabled: true, label: "whale" }, 2)]);
    expect(state.leaders.get(leader)?.joined).not.toBeNull();
  });
});

describe("the shard's own chain", () => {
  const act: ObservedAct = {
    act: "merge",
    direction: "out",
    leader,
    tokenId: observed().tokenId,
    sharesMicro: sharesMicro(1_000_000n),
    txHash: hash(8),
    blockNumber: 97,
    blockHash: hash(97),
    logIndex: 4,
    tsEventMs: 0,
  };
  test("acts stand before the cursor that has passed them, once", () => {
    const [, covered] = final(98, [], { acts: [act] });
    const [, again] = final(99, [], { acts: [act] });
    expect(brief(story(covered as WatcherMessage, again as WatcherMessage).facts)).toEqual([
      "merge @97",
      "shard 98",
      "shard 99",
    ]);
  });

  test("a gap is told once and resolved with the cursor that passes it", () => {
    const gap: WatcherMessage = { type: "GapSeen", shard, fromBlock: 96, toBlock: 99, reason: "BEHIND" };
    const { facts, state } = story(gap, gap, ...final(98).slice(1), ...final(100).slice(1));
    expect(brief(facts)).toEqual(["GapDetected", "shard 98", "GapResolved", "shard 100"]);
    expect(state.openGaps.size).toBe(0);
  });

  test("a gap is over when nobody of its shard is followed any more", () => {
    const gap: WatcherMessage = { type: "GapSeen", shard, fromBlock: 96, toBlock: 99, reason: "BEHIND" };
    const over: WatcherMessage = { type: "GapVoid", shard };
    expect(brief(story(gap, over).facts)).toEqual(["GapDetected"]);
    const { facts, state } = story(gap, config({ leader, enabled: false, whenRemoved: "keep" }, 2), over, over);
    expect(brief(facts)).toEqual(["GapDetected", "ConfigChanged", "GapResolved"]);
    expect(state.openGaps.size).toBe(0);
  });

  test("the cursor is told at its pace, a gap's end at once", () => {
    const gap: WatcherMessage = { type: "GapSeen", shard, fromBlock: 96, toBlock: 99, reason: "BEHIND" };
    const slow = tell([...followedSince, ...final(98).slice(1), gap, ...final(100).slice(1)], { progressEveryMs: 1 });
    expect(brief(slow.facts.slice(3))).toEqual(["GapDetected", "GapResolved", "shard 100"]);
  });

  test("the newest block is told with the lowest cursor of the shards that follow somebody", () => {
    const head: WatcherMessage = { type: "HeadSeen", ...tips() };
    expect(brief(story(head, head).facts)).toEqual(["all 95"]);
    expect(brief(tell([head]).facts)).toEqual(["all 95"]);
  });

  test("what an order really paid is told once", () => {
    const id = fillsIn(story(seen(observed())).facts)[0]?.leaderFillId;
    const cost: WatcherMessage = {
      type: "CostFound",
      leaderFillId: id as NonNullable<typeof id>,
      cost: {
        loggedUsdcMicro: usdcMicro(5_000_000n),
        usdcMicro: usdcMicro(4_900_000n),
        loggedFeeMicro: usdcMicro(0n),
        feeMicro: usdcMicro(0n),
        feeUnit: "USDC",
        tsEventMs: 0,
      },
    };
    expect(brief(story(seen(observed()), cost, cost).facts)).toEqual(["fill 0/0 @100", "LeaderFillCosted"]);
  });
});
