/** Which markets are asked, and who is told of an answer. */
import { createLocalLog } from "@slipstream/actor/local";
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import { AccountId, type ConditionId, factId, type Hash, TokenId } from "@slipstream/contracts/ids";
import { sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import { CONDITIONAL_TOKENS } from "@slipstream/polymarket/versions";
import { describe, expect, test } from "vitest";
import { balanceSyncCore } from "./core.ts";
import type { BalanceSyncMessage, HeldMarket, ReadResolutions } from "./messages.ts";
import { QUESTIONS_MAX, resolutionsToAsk } from "./resolutions.ts";

const conditionOf = (n: number): ConditionId => `0x${String(n).padStart(64, "0")}` as ConditionId;
const [yes, no] = [TokenId.parse("11"), TokenId.parse("12")];
const hash = `0x${"a".repeat(64)}` as Hash;
const marketOf = (change: Partial<HeldMarket> = {}): HeldMarket => ({
  conditionId: conditionOf(1),
  tokens: [
    { tokenId: yes, outcome: "Yes" },
    { tokenId: no, outcome: "No" },
  ],
  ...{ version: "v1", negRisk: false, closed: false, acceptingOrders: true },
  ...change,
});

type Numbers = { confirmed?: bigint; effective?: bigint; exposure?: bigint; onSale?: bigint; cost?: bigint };
let seq = 0;
const position = (numbers: Numbers, tokenId = yes, account = "paper"): FactOf<"PositionChanged"> => {
  const { confirmed = 0n, effective = confirmed, exposure = effective, onSale = 0n, cost = 0n } = numbers;
  seq += 1;
  return {
    type: "PositionChanged",
    ...{ v: 1, id: factId("PositionChanged", `${account}.${tokenId}`, seq), tsEventMs: 1, tsInitMs: 1 },
    ...{ account: AccountId.parse(account), tokenId, conditionId: null, confirmedBlock: 1 },
    ...{ confirmedMicro: sharesMicro(confirmed), effectiveMicro: sharesMicro(effective) },
    ...{ conservativeExposureMicro: sharesMicro(exposure), reservedSellsMicro: sharesMicro(onSale) },
    ...{ pendingBuysMicro: sharesMicro(0n), pendingSellsMicro: sharesMicro(0n), reservedBuysMicro: sharesMicro(0n) },
    ...{ availableToSellMicro: sharesMicro(0n), settledMicro: sharesMicro(0n), claimableMicro: usdcMicro(0n) },
    tradedMicro: sharesMicro(effective),
    ...{ costMicro: usdcMicro(cost), realizedPnlMicro: usdcMicro(0n), feesMicro: usdcMicro(0n) },
    ...{ collateralMicro: usdcMicro(0n), availableCollateralMicro: usdcMicro(0n) },
  };
};

const final = (block: number): FactOf<"ChainProgress"> => ({
  ...{ type: "ChainProgress", v: 1, id: factId("ChainProgress", `all.${block}`), tsEventMs: 1, tsInitMs: 1 },
  ...{ shard: "all", head: block, headHash: hash, headTsMs: 1, finalized: block, finalizedHash: hash },
  ...{ cursor: block, openGaps: 0 },
});

/** A core that is told of positions; what it asks is noted, and answered as the test says. */
function run(markets: readonly HeldMarket[]) {
  const asked: ReadResolutions[] = [];
  const resolutions: FactOf<"ConditionResolved">[] = [];
  const known = [...markets];
  const view = {
    ...{ nowMs: 7, startedMs: 0, own: [], phase: "observe" as const, ledgerOf: () => CONDITIONAL_TOKENS },
    market: (tokenId: TokenId) => known.find(({ tokens }) => tokens.some((one) => one.tokenId === tokenId)) ?? null,
  };
  const log = createLocalLog({
    throughWire: true,
    onFact: ({ fact }) => void (fact.type === "ConditionResolved" && resolutions.push(fact)),
  });
  const actor = log.add({
    core: balanceSyncCore,
    view: () => view,
    perform: (request) => {
      if (request.type === "ReadResolutions") asked.push(request);
      return null;
    },
  });
  const answer: BalanceSyncMessage = {
    type: "ResolutionsRead",
    block: { blockNumber: 90, blockHash: hash, tsMs: 5 },
    resolutions: [
      { conditionId: conditionOf(1), tokenIds: [yes, no], payoutNumerators: [1n, 2n], payoutDenominator: 3n },
    ],
  };
  return {
    known,
    resolutions,
    owed: () => log.owed(),
    append: (...facts: readonly Fact[]) => facts.forEach((fact) => void log.append(fact)),
    check: (all: boolean): readonly ConditionId[] => {
      const before = asked.length;
      actor.post({ type: "CheckResolutions", all });
      return asked.slice(before).flatMap(({ questions }) => questions.map((one) => one.conditionId));
    },
    answer: () => actor.post(answer),
    toAsk: () => resolutionsToAsk(actor.state(), view, true),
    asked,
  };
}

describe("which markets are asked", () => {
  test.each<{ name: string; numbers: Numbers; market?: Partial<HeldMarket>; often: boolean; slow: boolean }>([
    { name: "held, open", numbers: { confirmed: 5n }, often: false, slow: true },
    { name: "held, closed", numbers: { confirmed: 5n }, market: { closed: true }, often: true, slow: true },
    {
      name: "takes no orders",
      numbers: { confirmed: 5n },
      market: { acceptingOrders: false },
      often: true,
      slow: true,
    },
    { name: "on its way", numbers: { effective: 5n }, market: { closed: true }, often: true, slow: true },
    { name: "an open purchase", numbers: { exposure: 5n }, market: { closed: true }, often: true, slow: true },
    { name: "an open sale", numbers: { onSale: 5n }, market: { closed: true }, often: true, slow: true },
    { name: "left a wallet without a sale", numbers: { cost: 5n }, often: true, slow: true },
    { name: "nothing of it any more", numbers: {}, market: { closed: true }, often: false, slow: false },
    {
      name: "another protocol",
      numbers: { confirmed: 5n },
      market: { version: "v2", closed: true },
      often: false,
      slow: false,
    },
  ])("$name", ({ numbers, market = {}, often, slow }) => {
    const sync = run([marketOf(market)]);
    sync.append(position({ confirmed: 1n, cost: 1n }), position(numbers));
    const one = [conditionOf(1)];
    expect([sync.check(false), sync.check(true)]).toEqual([often ? one : [], slow ? one : []]);
  });

  test("each market once, whoever holds whichever of its tokens, until nobody does", () => {
    const sync = run([marketOf()]);
    sync.append(
      position({ confirmed: 1n }),
      position({ confirmed: 2n }, no),
      position({ confirmed: 3n }, yes, "other"),
    );
    expect(sync.check(true)).toEqual([conditionOf(1)]);
    expect(sync.asked[0]?.questions).toEqual([{ conditionId: conditionOf(1), negRisk: false, tokenIds: [yes, no] }]);
    sync.append(position({}), position({}, no));
    expect(sync.check(true)).toEqual([conditionOf(1)]);
    sync.append(position({}, yes, "other"));
    expect(sync.check(true)).toEqual([]);
  });

  test("what cannot be asked is told: a market nobody knows, a contract without such a reading", () => {
    const sync = run([marketOf({ version: "v2" })]);
    sync.append(position({ confirmed: 1n }), position({ confirmed: 1n }, TokenId.parse("99")));
    expect(sync.toAsk()).toEqual({ questions: [], unknown: ["99"], unreadable: [conditionOf(1)] });
  });

  test("all of them, in readings of a bounded size", () => {
    const open = [...Array(QUESTIONS_MAX + 1).keys()].map((n) => {
      const [first, second] = [TokenId.parse(String(1_000 + 2 * n)), TokenId.parse(String(1_001 + 2 * n))];
      const tokens: HeldMarket["tokens"] = [
        { tokenId: first, outcome: "Yes" },
        { tokenId: second, outcome: "No" },
      ];
      return marketOf({ conditionId: conditionOf(10 + n), tokens });
    });
    const sync = run(open);
    sync.append(...open.map(({ tokens }) => position({ confirmed: 1n }, tokens[0].tokenId)));
    expect(new Set(sync.check(true)).size).toBe(open.length);
    expect(sync.asked.map(({ questions }) => questions.length)).toEqual([QUESTIONS_MAX, 1]);
  });

  test("after a restart everything is asked", () => {
    const sync = run([marketOf()]);
    sync.append(position({ confirmed: 1n }));
    sync.owed();
    expect(sync.asked).toHaveLength(1);
  });
});

test("a node must have a final block of the log that is some minutes old, not the newest", () => {
  const sync = run([marketOf()]);
  sync.append(position({ confirmed: 1n }));
  const verified = [...Array(301).keys()].map((block) => {
    if (block < 10) return null;
    sync.append(final(block));
    sync.check(true);
    return sync.asked.at(-1)?.verify?.blockNumber ?? null;
  });
  expect([10, 73, 74, 137, 138, 202, 300].map((block) => verified[block])).toEqual([10, 10, 10, 10, 74, 138, 202]);
});

describe("who is told", () => {
  test("the log, once", () => {
    const sync = run([marketOf({ closed: true })]);
    sync.append(position({ confirmed: 1n }));
    sync.answer();
    sync.answer();
    expect(sync.resolutions).toMatchObject([
      {
        id: `ConditionResolved:${conditionOf(1)}:0`,
        tokenIds: [yes, no],
        payoutNumerators: [1n, 2n],
        payoutDenominator: 3n,
        blockNumber: 90,
        blockHash: hash,
        source: "chain",
        tsEventMs: 5,
      },
    ]);
    expect(sync.check(true)).toEqual([]);
  });

  test("nobody, when nobody has anything in it any more", () => {
    const sync = run([marketOf({ closed: true })]);
    sync.append(position({ confirmed: 1n }), position({}));
    sync.answer();
    expect(sync.resolutions).toEqual([]);
  });
});
