import type { FactOf } from "@slipstream/contracts/facts";
import type { SkipReason } from "@slipstream/contracts/facts/exec";
import type { AccountPolicy } from "@slipstream/contracts/policy";
import { describe, expect, test } from "vitest";
import {
  leader,
  leaderFact,
  leaderFill,
  market,
  only,
  operatorFact,
  policyFact,
  price,
  quote,
  riskFact,
  START_MS,
  shares,
  tokenId,
  usdc,
} from "./facts.testing.ts";
import { reduceOnly } from "./stories.testing.ts";
import { goodStory, type Story, story } from "./story.testing.ts";

type Case = {
  readonly name: string;
  readonly policy?: Partial<AccountPolicy>;
  readonly fill?: Partial<FactOf<"LeaderFill">>;
  readonly given?: (of: Story) => void;
  readonly reason: SkipReason;
};

/** Late enough that nothing is waited for any more. */
const afterWaiting = (of: Story): void => {
  const request = of.requests.at(-1);
  if (request?.type !== "AwaitBook") return;
  of.view.nowMs = request.untilMs;
  const { account, leaderFillId, sinceMs } = request;
  of.say({ type: "DecideFill", account, leaderFillId, sinceMs });
};

const cases: Case[] = [
  {
    name: "a market that is not known in time",
    given: (of) => {
      of.view.market = null;
    },
    reason: { code: "MARKET_UNKNOWN", tokenId },
  },
  {
    name: "a market that takes no orders",
    given: (of) => {
      of.view.market = { ...market, acceptingOrders: false };
    },
    reason: { code: "MARKET_NOT_ACCEPTING_ORDERS" },
  },
  {
    name: "a closed market",
    given: (of) => {
      of.view.market = { ...market, closed: true };
    },
    reason: { code: "MARKET_NOT_ACCEPTING_ORDERS" },
  },
  {
    name: "a fill older than the signal age",
    fill: { tsEventMs: START_MS - 10_001 },
    reason: { code: "SIGNAL_TOO_OLD", ageMs: 10_001, ageMsMax: 10_000 },
  },
  {
    name: "a fill older than the signal age by a clock that is corrected",
    given: (of) => {
      of.view.clock = { offsetMs: -20_000, uncertaintyMs: 1_000 };
    },
    fill: { tsEventMs: START_MS - 10_001 },
    reason: { code: "SIGNAL_TOO_OLD", ageMs: 10_001, ageMsMax: 10_000 },
  },
  {
    name: "a fill from the future is not fresh",
    given: (of) => {
      of.view.clock = { offsetMs: 0, uncertaintyMs: 30 };
    },
    fill: { tsEventMs: START_MS + 2_031 },
    reason: { code: "SIGNAL_FROM_FUTURE", aheadMs: 2_031, aheadMsMax: 2_030 },
  },
  {
    name: "a clock that nobody has measured",
    given: (of) => {
      of.view.clock = null;
    },
    reason: { code: "CLOCK_UNCERTAIN", uncertaintyMs: null, uncertaintyMsMax: 1_000 },
  },
  {
    name: "a clock that may be off by more than a second",
    given: (of) => {
      of.view.clock = { offsetMs: 3, uncertaintyMs: 1_001 };
    },
    reason: { code: "CLOCK_UNCERTAIN", uncertaintyMs: 1_001, uncertaintyMsMax: 1_000 },
  },
  {
    name: "a leader who is not followed any more",
    given: (of) => of.tell(leaderFact(false)),
    reason: { code: "LEADER_NOT_FOLLOWED" },
  },
  {
    name: "a maker's fill when these are not copied",
    policy: { makerRatioMicro: 0 },
    fill: { role: "MAKER" },
    reason: { code: "MAKER_FILLS_SKIPPED" },
  },
  {
    name: "an unknown role is the stricter one",
    policy: { makerRatioMicro: 0 },
    fill: { role: "UNKNOWN" },
    reason: { code: "MAKER_FILLS_SKIPPED" },
  },
  {
    name: "a price above the account's range",
    policy: { maxPriceMicro: price(0.4) },
    reason: { code: "PRICE_OUT_OF_RANGE", priceMicro: price(0.5) },
  },
  {
    name: "risk that halts",
    given: (of) => of.tell(riskFact("halt", 2)),
    reason: { code: "RISK_HALT", scope: "global:*", reason: "STARTING" },
  },
  {
    name: "risk that halts this event only",
    given: (of) => of.tell(riskFact("halt", 2, { scope: { kind: "event", id: "e1" } })),
    reason: { code: "RISK_HALT", scope: "event:e1", reason: "STARTING" },
  },
  {
    name: "risk that only lets out",
    given: (of) => of.tell(riskFact("degrade", 2, { parameters: reduceOnly })),
    reason: { code: "RISK_REDUCE_ONLY", scope: "global:*", reason: "STARTING" },
  },
  {
    name: "three seconds without risk's heartbeat",
    given: (of) => {
      of.view.riskHeartbeatAgeMs = 3_001;
    },
    reason: { code: "RISK_REDUCE_ONLY", scope: "global:*", reason: "RISK_SILENT" },
  },
  {
    name: "ten seconds without risk's heartbeat",
    given: (of) => {
      of.view.riskHeartbeatAgeMs = 10_001;
    },
    reason: { code: "RISK_HALT", scope: "global:*", reason: "RISK_SILENT" },
  },
  {
    name: "risk never heard",
    given: (of) => {
      of.view.riskHeartbeatAgeMs = null;
    },
    reason: { code: "RISK_HALT", scope: "global:*", reason: "RISK_SILENT" },
  },
  {
    name: "a decision of risk that has not arrived",
    given: (of) => {
      of.view.riskDecisionSeq = 99;
    },
    reason: { code: "RISK_REDUCE_ONLY", scope: "global:*", reason: "DECISION_NOT_APPLIED" },
  },
  {
    name: "risk that does not say what it decided last",
    given: (of) => {
      of.view.riskDecisionSeq = null;
    },
    reason: { code: "RISK_REDUCE_ONLY", scope: "global:*", reason: "DECISION_NOT_APPLIED" },
  },
  {
    name: "a person's halt that risk has not heard",
    given: (of) => of.tell(operatorFact("halt")),
    reason: { code: "RISK_HALT", scope: "global:*", reason: "OPERATOR_HALT" },
  },
  {
    name: "a person's halt of one leader",
    given: (of) => of.tell(operatorFact("halt", { kind: "leader", id: leader })),
    reason: { code: "RISK_HALT", scope: `leader:${leader}`, reason: "OPERATOR_HALT" },
  },
  {
    name: "the local latch",
    given: (of) => {
      of.view.localHalt = true;
    },
    reason: { code: "RISK_HALT", scope: "global:*", reason: "LOCAL_HALT" },
  },
  {
    name: "a chain that lags",
    given: (of) => {
      of.view.chainLagMs = 30_001;
    },
    reason: { code: "CHAIN_LAGGING", lagMs: 30_001, lagMsMax: 30_000 },
  },
  {
    name: "a watcher that has not said how far behind it is",
    given: (of) => {
      of.view.chainLagMs = null;
    },
    reason: { code: "CHAIN_LAGGING", lagMs: null, lagMsMax: 30_000 },
  },
  {
    name: "a book that does not come in time",
    given: (of) => {
      of.view.quote = null;
    },
    reason: { code: "BOOK_UNKNOWN", waitedMs: 400 },
  },
  {
    name: "a book that is being replaced",
    given: (of) => {
      of.view.quote = { ...quote, health: "resyncing" };
    },
    reason: { code: "BOOK_UNHEALTHY", health: "resyncing" },
  },
  {
    name: "a stale book that is not refreshed in time",
    given: (of) => {
      of.view.quote = { ...quote, ageMs: 2_001 };
    },
    reason: { code: "BOOK_STALE", ageMs: 2_001 },
  },
  {
    name: "a quote older than the setting for fresh ones",
    given: (of) => {
      of.view.quote = { ...quote, ageMs: 1_001 };
      of.view.limits = { ...of.view.limits, quoteAges: { freshMsMax: 1_000, softStaleMsMax: 5_000 } };
    },
    reason: { code: "BOOK_STALE", ageMs: 1_001 },
  },
  {
    name: "a best ask beyond the guard",
    given: (of) => {
      of.view.quote = { ...quote, bestAskMicro: price(0.53) };
    },
    reason: { code: "PRICE_GUARD", bestMicro: price(0.53), limitMicro: price(0.52) },
  },
  {
    name: "a book without asks",
    given: (of) => {
      of.view.quote = { ...quote, bestAskMicro: null };
    },
    reason: { code: "PRICE_GUARD", bestMicro: null, limitMicro: price(0.52) },
  },
  {
    name: "a copy below the venue's minimum",
    fill: { sharesMicro: shares(10) },
    reason: {
      code: "BELOW_MINIMUM",
      sizeMicro: shares(1),
      minimumMicro: shares(5),
      bucketMicro: shares(1),
    },
  },
  {
    name: "a token's cap that is used up",
    policy: {
      caps: { orderUsdcMicro: usdc(9), tokenUsdcMicro: usdc(1), grossUsdcMicro: usdc(9), openPositionsMax: 3 },
    },
    reason: { code: "CAP_REACHED", cap: "token", capMicro: usdc(1) },
  },
];

describe("each gate says no with its numbers", () => {
  test.each(cases)("$name", ({ policy, fill, given, reason }) => {
    const made = goodStory(policy);
    given?.(made);
    made.tell(leaderFill(1, fill));
    afterWaiting(made);
    expect(only(made.own, "OrderIntent")).toEqual([]);
    const attempts = only(made.own, "ExecutionAttempt");
    expect(attempts.map(({ reasons, kind, unfollowed }) => ({ reasons, kind, unfollowed }))).toEqual([
      { reasons: [reason], kind: "ENTRY", unfollowed: false },
    ]);
  });

  test("without any decision of risk nothing is traded", () => {
    const made = story();
    made.tell(leaderFact(), policyFact(), leaderFill(1));
    expect(only(made.own, "ExecutionAttempt")[0]?.reasons).toEqual([
      { code: "RISK_HALT", scope: "global:*", reason: "STARTING" },
    ]);
  });

  test("a historical purchase gets no attempt", () => {
    const made = goodStory();
    made.tell(leaderFill(1, { historical: true }));
    expect(made.own).toEqual([]);
  });
});
