import type { Address } from "@slipstream/contracts/ids";
import { sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import { describe, expect, test } from "vitest";
import type { WatcherMessage } from "./messages.ts";
import {
  brief,
  fillsIn,
  final,
  followedSince,
  hash,
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
  [
    "a row from the future triggers nothing: the chain's own time does",
    [rows([row({ tsEventMs: 1_003_000 })]), rows([row({ tsEventMs: 87_400_000 })]), seen(observed())],
    ["fill 0/0 @100"],
  ],
  [
    "a row as far ahead as is copied triggers",
    [rows([row({ tsEventMs: 1_002_000 })]), seen(observed())],
    ["fill 0/0 data_api", "fill 0/1 @100"],
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
