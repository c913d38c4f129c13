import type { Fact, FactOf } from "@slipstream/contracts/facts";
import type { Address, Hash, TokenId } from "@slipstream/contracts/ids";
import { priceMicro, sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import { subjectOf } from "@slipstream/contracts/subjects";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { watcherCore } from "./core.ts";
import type { ObservedFill, RangeRead, WatcherMessage, WatcherView } from "./messages.ts";
import type { WatcherState } from "./state.ts";

const leader = `0x${"11".repeat(20)}` as Address;
const hash = (n: number): Hash => `0x${n.toString(16).padStart(64, "0")}` as Hash;
const view: WatcherView = { nowMs: 1_000_000, chainId: 137, historicalAgeMs: 60_000 };

const observed = (over: Partial<ObservedFill> = {}): ObservedFill => ({
  leader,
  role: "TAKER",
  side: "BUY",
  tokenId: "7" as TokenId,
  conditionId: null,
  sharesMicro: sharesMicro(10_000_000n),
  usdcMicro: usdcMicro(5_000_000n),
  priceMicro: priceMicro(500_000),
  feeMicro: usdcMicro(0n),
  feeUnit: "USDC",
  exchange: `0x${"e1".repeat(20)}` as Address,
  orderHash: hash(1),
  txHash: hash(2),
  blockNumber: 100,
  blockHash: hash(100),
  logIndex: 3,
  source: "chain",
  tsEventMs: 999_000,
  tsSeenMs: 999_500,
  ...over,
});

const range = (over: Partial<RangeRead> = {}): RangeRead => ({
  type: "RangeRead",
  fromBlock: 96,
  toBlock: 101,
  fills: [],
  head: 101,
  headHash: hash(101),
  headTsMs: 999_900,
  finalized: 95,
  finalizedHash: hash(95),
  ...over,
});

/** Runs messages through the core as the shell does: each chain decides after its own facts were applied. */
function story(...messages: WatcherMessage[]): { facts: Fact[]; state: WatcherState } {
  let state = watcherCore.initial();
  const facts: Fact[] = [];
  const record = (fact: Fact): void => {
    facts.push(fact);
    state = watcherCore.evolve(state, { seq: facts.length, subject: subjectOf(fact), fence: 1, fact });
  };
  record({
    type: "ConfigChanged",
    v: 1,
    id: `ConfigChanged:leaders.${leader}:1` as Fact["id"],
    key: `leaders.${leader}`,
    revision: 1,
    value: { leader, enabled: true },
    tsEventMs: 0,
    tsInitMs: 0,
  });
  const start: WatcherMessage = { ...range({ head: 95, finalized: 95 }), type: "FollowingStarts" };
  for (const message of [start, ...messages]) {
    for (const chain of watcherCore.route(state, view, message)) {
      for (const fact of watcherCore.decide(state, view, message, chain).facts) {
        expect(subjectOf(fact)).toBe(chain);
        record(fact);
      }
    }
  }
  return { facts: facts.slice(2), state };
}

const brief = (facts: readonly Fact[]): string[] =>
  facts.map((fact) => {
    if (fact.type === "LeaderFill") return `fill ${fact.ordinal}/${fact.occurrence} @${fact.blockNumber}`;
    if (fact.type === "ChainProgress") return `cursor ${fact.cursor} head ${fact.head}`;
    return `${fact.type} @${"blockNumber" in fact ? fact.blockNumber : ""}`;
  });
const fills = (facts: readonly Fact[]): FactOf<"LeaderFill">[] => facts.filter((fact) => fact.type === "LeaderFill");

const seen = (...list: ObservedFill[]): WatcherMessage => ({ type: "FillsSeen", fills: list });
const moved = { blockNumber: 101, blockHash: hash(1101), logIndex: 9 };

describe("stories", () => {
  const cases: [string, WatcherMessage[], string[]][] = [
    [
      "a fill by subscription, then by range, is one fill",
      [seen(observed()), range({ fills: [observed()] })],
      ["fill 0/0 @100", "cursor 95 head 101"],
    ],
    ["a subscription's repeat is nothing", [seen(observed()), seen(observed())], ["fill 0/0 @100"]],
    [
      "byte-identical logs of one transaction are two fills",
      [seen(observed(), observed({ logIndex: 5 })), range({ fills: [observed(), observed({ logIndex: 5 })] })],
      ["fill 0/0 @100", "fill 1/0 @100", "cursor 95 head 101"],
    ],
    [
      "the twin that the subscription lost comes by range, whichever it was",
      [seen(observed({ logIndex: 5 })), range({ fills: [observed(), observed({ logIndex: 5 })] })],
      ["fill 0/0 @100", "fill 1/0 @100", "cursor 95 head 101"],
    ],
    [
      "removed and returned in another block: the same fill again",
      [
        seen(observed()),
        { type: "FillsRemoved", logs: [{ blockHash: hash(100), logIndex: 3 }] },
        seen(observed(moved)),
      ],
      ["fill 0/0 @100", "LeaderFillReverted @100", "fill 0/1 @101"],
    ],
    [
      "a move that nobody announced is a revert and a return",
      [seen(observed()), seen(observed(moved))],
      ["fill 0/0 @100", "LeaderFillReverted @100", "fill 0/1 @101"],
    ],
    [
      "vanished without a flag, then finality passes: retracted",
      [seen(observed()), range(), range({ finalized: 100, fromBlock: 96 })],
      [
        "fill 0/0 @100",
        "LeaderFillReverted @100",
        "cursor 95 head 101",
        "LeaderFillRetracted @100",
        "cursor 100 head 101",
      ],
    ],
    [
      "after a retraction it may still return: never a new identity",
      [seen(observed()), range(), range({ finalized: 100 }), seen(observed(moved))],
      [
        "fill 0/0 @100",
        "LeaderFillReverted @100",
        "cursor 95 head 101",
        "LeaderFillRetracted @100",
        "cursor 100 head 101",
        "fill 0/1 @101",
      ],
    ],
    ["a range that leaves a hole behind the cursor moves nothing", [range({ fromBlock: 98 })], []],
    ["a wallet that is not followed is nothing", [seen(observed({ leader: `0x${"22".repeat(20)}` as Address }))], []],
  ];
  test.each(cases)("%s", (_name, messages, expected) => expect(brief(story(...messages).facts)).toEqual(expected));
});

test("an old fill is historical, a fresh one is not", () => {
  const old = observed({ tsEventMs: 999_500 - 60_001 });
  expect(fills(story(seen(old)).facts)[0]?.historical).toBe(true);
  expect(fills(story(seen(observed())).facts)[0]?.historical).toBe(false);
});

test("under any mix of repeats, removals and ranges each log on the chain at the end is exactly one living fill", () => {
  const count = 4;
  const logs = Array.from({ length: count }, (_, n) => observed({ txHash: hash(50 + (n >> 1)), logIndex: n }));
  const places = fc.record({ log: fc.nat(count - 1), block: fc.integer({ min: 97, max: 100 }) });
  fc.assert(
    fc.property(fc.array(fc.tuple(places, fc.constantFrom("see", "remove", "range")), { maxLength: 30 }), (steps) => {
      const chain = new Map<number, ObservedFill>();
      const messages: WatcherMessage[] = [];
      for (const [{ log, block }, step] of steps) {
        const base = logs[log] as ObservedFill;
        const current = chain.get(log);
        if (step === "see" && (current === undefined || current.blockNumber === block)) {
          const here = current ?? { ...base, blockNumber: block, blockHash: hash(1000 * messages.length + block) };
          chain.set(log, here);
          messages.push(seen(here));
        } else if (step === "remove" && current !== undefined) {
          chain.delete(log);
          messages.push({ type: "FillsRemoved", logs: [{ blockHash: current.blockHash, logIndex: current.logIndex }] });
        } else if (step === "range") messages.push(range({ fills: [...chain.values()] }));
      }
      messages.push(range({ fills: [...chain.values()] }), range({ fills: [...chain.values()] }));
      const { state } = story(...messages);
      const living = [...state.fills.values()].filter((fill) => fill.status === "ON_CHAIN");
      expect(living.map((fill) => `${fill.blockHash}:${fill.logIndex}`).sort()).toEqual(
        [...chain.values()].map((fill) => `${fill.blockHash}:${fill.logIndex}`).sort(),
      );
    }),
    { numRuns: Number(process.env["FC_RUNS"] ?? 200) },
  );
});
