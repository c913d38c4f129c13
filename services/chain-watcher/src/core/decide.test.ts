import type { Address } from "@slipstream/contracts/ids";
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
  removed,
  row,
  rows,
  seen,
  shard,
  story,
  tell,
  tips,
  window,
} from "./world.testing.ts";

const moved = { blockNumber: 101, blockHash: hash(1101), logIndex: 9 };
const twin = observed({ logIndex: 5 });
const gone = window();
type Case = [string, WatcherMessage[], string[]];

const chainStories: Case[] = [
  [
    "a fill by subscription, then by reading the head, then as final, is one fill",
    [seen(observed()), window([observed()]), ...final(101, [observed()])],
    ["fill 0/0 @100", "shard 101"],
  ],
  ["a subscription's repeat is nothing", [seen(observed()), seen(observed())], ["fill 0/0 @100"]],
  [
    "byte-identical logs of one transaction are two fills",
    [seen(observed(), twin), window([observed(), twin])],
    ["fill 0/0 @100", "fill 1/0 @100"],
  ],
  [
    "the twin that the subscription lost comes by reading, whichever it was",
    [seen(twin), window([observed(), twin])],
    ["fill 0/0 @100", "fill 1/0 @100"],
  ],
  [
    "removed and returned in another block: the same fill again",
    [seen(observed()), removed(observed()), seen(observed(moved))],
    ["fill 0/0 @100", "reverted @100", "fill 0/1 @101"],
  ],
  [
    "removed and back in the same block, as when the chain changes its mind twice: the same fill again",
    [seen(observed()), removed(observed()), seen(observed()), window([observed()])],
    ["fill 0/0 @100", "reverted @100", "fill 0/1 @100"],
  ],
  [
    "of two twins that were removed and come back in the same block each keeps its own identity",
    [seen(observed(), twin), removed(observed()), removed(twin), seen(twin), seen(observed())],
    ["fill 0/0 @100", "fill 1/0 @100", "reverted @100", "reverted @100", "fill 1/1 @100", "fill 0/1 @100"],
  ],
  [
    "a move that nobody announced is a revert and a return",
    [seen(observed()), seen(observed(moved))],
    ["fill 0/0 @100", "reverted @100", "fill 0/1 @101"],
  ],
  [
    "vanished without a flag, then finality passes: retracted",
    [seen(observed()), gone, ...final(100)],
    ["fill 0/0 @100", "reverted @100", "retracted REORGED_OUT", "shard 100"],
  ],
  [
    "after a retraction it may still return: never a new identity",
    [seen(observed()), gone, ...final(100), seen(observed(moved))],
    ["fill 0/0 @100", "reverted @100", "retracted REORGED_OUT", "shard 100", "fill 0/1 @101"],
  ],
  [
    "blocks read for others say nothing of his fills",
    [seen(observed()), window([], { leaders: new Set() })],
    ["fill 0/0 @100"],
  ],
  ["a reading that leaves a hole behind the cursor moves nothing", final(101, [], { fromBlock: 98 }).slice(1), []],
  ["the cursor waits for fills that are not in the log", final(101, [observed()]).slice(1), []],
  ["a wallet that is not followed is nothing", [seen(observed({ leader: `0x${"22".repeat(20)}` as Address }))], []],
  ["a fill from before he was followed is nothing", [seen(observed({ blockNumber: 95 }))], []],
];

const row2 = row({ sharesMicro: sharesMicro(3_000_000n), usdcMicro: usdcMicro(1_500_000n) });
const small = observed({ sharesMicro: sharesMicro(3_000_000n), logIndex: 8 });
const rtds = row({ source: "rtds" });
const sourceStories: Case[] = [
  [
    "a row triggers, the chain confirms",
    [rows([row()]), seen(observed()), window([observed()])],
    ["fill 0/0 data_api", "fill 0/1 @100"],
  ],
  [
    "the chain was first: the row is a sighting, once",
    [seen(observed()), rows([row()]), rows([row()])],
    ["fill 0/0 @100", "sighted data_api +200"],
  ],
  [
    "each source is sighted once",
    [rows([rtds]), rows([row()]), rows([row()]), seen(observed())],
    ["fill 0/0 rtds", "sighted data_api +0", "fill 0/1 @100"],
  ],
  [
    "equal rows side by side are two fills, and the chain's logs are these two",
    [rows([row(), row()]), seen(observed()), seen(twin)],
    ["fill 0/0 data_api", "fill 1/0 data_api", "fill 0/1 @100", "fill 1/1 @100"],
  ],
  ["a row that a feed sent twice vouches for one fill", [rows([rtds, rtds]), rows([rtds])], ["fill 0/0 rtds"]],
  [
    "a fill that another source told and the chain never shows is retracted after the deadline",
    [rows([row()]), ...final(100, [], {}).map((m) => (m.type === "BlocksRead" ? { ...m, finalTsMs: 1_029_000 } : m))],
    ["fill 0/0 data_api", "retracted NOT_ON_CHAIN", "shard 100"],
  ],
  ["before the deadline it stands", [rows([row()]), ...final(100)], ["fill 0/0 data_api", "shard 100"]],
  [
    "the chain contradicts: its fill is told and not copied",
    [rows([row2]), seen(observed()), window([observed()])],
    ["fill 0/0 data_api", "fill 0/0 @100 disputed"],
  ],
  [
    "two fills of a trade, one of them told by a row: the socket's first log is no contradiction",
    [rows([row2]), seen(observed()), seen(small), window([observed(), small])],
    ["fill 0/0 data_api", "fill 0/1 @100", "fill 0/0 @100"],
  ],
  [
    "a second fill of a confirmed trade is no dispute",
    [rows([row()]), seen(observed()), seen(observed({ sharesMicro: sharesMicro(3_000_000n), logIndex: 8 }))],
    ["fill 0/0 data_api", "fill 0/1 @100", "fill 0/0 @100"],
  ],
  [
    "once the chain has shown the trade, other rows of it trigger nothing",
    [seen(observed()), rows([row2])],
    ["fill 0/0 @100"],
  ],
  ["an old row triggers nothing", [rows([row({ tsEventMs: 930_000 })])], []],
  ["a row from before he was followed triggers nothing", [rows([row({ tsEventMs: 990_000 })])], []],
  [
    "a row that cost more than a share can triggers nothing, and is no error",
    [rows([row({ priceMicro: null, usdcMicro: usdcMicro(11_000_000n) })])],
    [],
  ],
  ["a row without price and cost triggers nothing", [rows([row({ priceMicro: null, usdcMicro: null })])], []],
  ["a row whose shares are not exact triggers nothing", [rows([row({ exact: false, exactShares: false })])], []],
];

describe("stories", () => {
  test.each([...chainStories, ...sourceStories])("%s", (_name, messages, expected) =>
    expect(brief(story(...messages).facts)).toEqual(expected),
  );
});

describe("what is forgotten", () => {
  const at = (block: number, headTsMs: number): WatcherMessage[] => [
    window([], { fromBlock: 96, toBlock: block, leaders: new Set() }),
    {
      type: "ShardCovered",
      ...tips({ head: block + 5, headHash: hash(block + 5), headTsMs, finalized: block }),
      shard,
      fromBlock: 96,
      toBlock: block,
      fills: [observed()],
      acts: [],
    },
  ];

  test("blocks of a tenth of a second pass by the hundred: a row that may still trigger finds its fill", () => {
    const { facts } = story(seen(observed()), ...at(1_000, 1_005_000), rows([row()]));
    expect(brief(facts).filter((text) => text.startsWith("fill"))).toEqual(["fill 0/0 @100"]);
  });

  test("a socket that lags by hours tells of fills that are long told and forgotten: nothing is told again", () => {
    const { facts, state } = story(seen(observed()), ...at(9_000, 999_000 + 86_400_000), seen(observed()));
    expect(state.fills.byId.size).toBe(0);
    expect(brief(facts).filter((text) => text.startsWith("fill"))).toEqual(["fill 0/0 @100"]);
  });

  test("however long a signal may live, a row whose fill may be forgotten triggers nothing", () => {
    const late = { nowMs: 999_000 + 20 * 60_000, historicalAgeMs: 86_400_000 };
    const { facts } = tell([...followedSince, rows([row()])], late);
    expect(brief(facts).filter((text) => text.startsWith("fill"))).toEqual([]);
  });
});

test("an old fill is historical, a fresh one is not", () => {
  const old = observed({ tsEventMs: 999_500 - 60_001 });
  expect(fillsIn(story(seen(old)).facts)[0]?.historical).toBe(true);
  expect(fillsIn(story(seen(observed())).facts)[0]?.historical).toBe(false);
});

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
