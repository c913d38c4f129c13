/**
 * What stands around executor and inventory in bench/path.bench.ts, played by the benchmark's own process: registry,
 * bookstore, risk and chain-watcher, each with just the messages the path needs.
 */
import { headers } from "@nats-io/transport-node";
import { z } from "zod";
import { defaultAccount } from "../cli/src/defaults.ts";
import { serve } from "../libs/actor/src/ask.ts";
import type { Bus } from "../libs/actor/src/bus.ts";
import { publishMarket } from "../libs/actor/src/markets.ts";
import { type BookClock, BookSnapshot } from "../libs/contracts/src/book.ts";
import { type Fact, type FactOf, writeFact } from "../libs/contracts/src/facts.ts";
import { type Address, type ConditionId, factId, type Hash, leaderFillId } from "../libs/contracts/src/ids.ts";
import { Heartbeat } from "../libs/contracts/src/live.ts";
import type { MarketDefinition } from "../libs/contracts/src/market.ts";
import {
  add,
  type PriceMicro,
  parseUsdc,
  priceMicro,
  type SharesMicro,
  sharesMicro,
  subtract,
  type UsdcMicro,
  usdcMicro,
} from "../libs/contracts/src/money.ts";
import { AccountPolicy } from "../libs/contracts/src/policy.ts";
import { subjectOf, subjects } from "../libs/contracts/src/subjects.ts";
import { CONDITION, TOKENS } from "./tape.ts";

const LEADER = `0x${"aa".repeat(20)}` as Address;
const EXCHANGE = `0x${"e1".repeat(20)}` as Address;
const CONNECTION = "bench";
const HEARTBEAT_MS = 1_000;
const CLOCK_MS = 250;
const BID = 490_000;
const ASK = 510_000;
const [token, sibling] = TOKENS;

/** Large enough for every fill. Orders are filled at the next tick of the books' clock, so none stays open. */
const account: AccountPolicy = {
  ...defaultAccount,
  initialCollateralMicro: parseUsdc("10000000"),
  submitLatencyMs: 0,
  timeInForce: "FAK",
  caps: {
    orderUsdcMicro: parseUsdc("1000000"),
    tokenUsdcMicro: parseUsdc("10000000"),
    grossUsdcMicro: parseUsdc("10000000"),
    openPositionsMax: 50,
  },
};

export type PathWorld = {
  /** Publishes the n-th fill of the leader, durably; its block is `ageMs` old. */
  seeFill(n: number, ageMs?: number): Promise<void>;
  /** The books' clock passes the time of placement: what is at the paper venue is filled. */
  passTime(): void;
  /** Notes a fill of ours, for the next balance of the purse. */
  filled(fill: FactOf<"ExecutionFill">): void;
  /** Publishes the paper purse's balance after all fills noted, as balance-sync does with each block. */
  settle(): Promise<void>;
  stop(): void;
};

/** Tells configuration, market and risk's decision, then keeps books and risk alive until `stop`. */
export async function startWorld(bus: Bus, submitLatencyMs = 0): Promise<PathWorld> {
  const ends = new Map<string, number>();
  const append = async (fact: Fact): Promise<number> => {
    const chain = subjectOf(fact);
    const about = headers();
    about.set("x-schema", `${fact.type}/${fact.v}`);
    const expect = { lastSubjectSequence: ends.get(chain) ?? 0 };
    const ack = await bus.js.publish(chain, writeFact(fact), { msgID: fact.id, expect, headers: about });
    ends.set(chain, ack.seq);
    return ack.seq;
  };
  await publishMarket(bus, market(Date.now()));
  await append(config(`leaders.${LEADER}`, 1, { leader: LEADER, enabled: true }));
  await append(config(`accounts.${account.account}`, 2, z.encode(AccountPolicy, { ...account, submitLatencyMs })));
  const decisionSeq = await append(normalRisk(Date.now()));
  const stops = [
    ...(["risk", "chain-watcher"] as const).map((service) =>
      every(HEARTBEAT_MS, () => publish(bus, subjects.heartbeat(service, "bench"), heartbeat(service, decisionSeq))),
    ),
    ...[every(CLOCK_MS, () => publish(bus, subjects.bookClock, bookClock()))],
    serve(bus, "bookstore", "track", ({ tokenIds }) => ({ ok: true, value: { tracked: tokenIds.length } })),
    serve(bus, "bookstore", "snap", () => ({ ok: true, value: snapshot() })),
    serve(bus, "bookstore", "refresh", () => ({ ok: true, value: snapshot() })),
    // A replica that was asked for twice knows the book only since the later answer.
    serve(bus, "bookstore", "bookAt", () => ({ ok: true, value: snapshot() })),
  ];
  let block = 0;
  let held = sharesMicro(0n);
  let collateral = account.initialCollateralMicro;
  return {
    seeFill: async (n, ageMs = 0) => void (await append(leaderFill(n, ageMs))),
    passTime: () => publish(bus, subjects.bookClock, bookClock()),
    filled: (fill) => {
      held = add(held, fill.sizeMicro);
      collateral = subtract(collateral, add(fill.usdcMicro, fill.feeMicro));
    },
    settle: async () => {
      block += 1;
      await append(balance(block, held, collateral));
    },
    stop: () => {
      for (const stop of stops) stop();
    },
  };
}

const balance = (block: number, held: SharesMicro, collateral: UsdcMicro): FactOf<"BalanceSnapshot"> => ({
  ...{ type: "BalanceSnapshot", v: 1, id: factId("BalanceSnapshot", account.account, block) },
  ...{ holder: { kind: "paper", account: account.account }, source: "paper", complete: false, afterReorg: false },
  ...{ blockNumber: block, blockHash: null, ...times(Date.now()) },
  balances: [{ tokenId: token, sharesMicro: held }],
  collateralMicro: collateral,
});

function every(ms: number, call: () => void): () => void {
  call();
  const timer = setInterval(call, ms);
  return () => clearInterval(timer);
}

const publish = (bus: Bus, subject: string, message: unknown): void => bus.nc.publish(subject, JSON.stringify(message));

const times = (atMs: number) => ({ tsEventMs: atMs, tsInitMs: atMs });

function config(key: string, revision: number, value: unknown): FactOf<"ConfigChanged"> {
  const id = factId("ConfigChanged", key, revision);
  return { type: "ConfigChanged", v: 1, id, key, revision, value, ...times(Date.now()) };
}

const normalRisk = (atMs: number): FactOf<"RiskDecision"> => ({
  type: "RiskDecision",
  v: 1,
  id: factId("RiskDecision", "global.*", 1),
  scope: { kind: "global", id: "*" },
  level: "normal",
  reasons: [],
  parameters: { sizeFactorMicro: 1_000_000, reduceOnly: false, limitTicks: 0 },
  untilMs: null,
  ...times(atMs),
});

const heartbeat = (service: "risk" | "chain-watcher", decisionSeq: number): unknown =>
  z.encode(Heartbeat, {
    ...{ type: "Heartbeat", v: 1, service, instance: "bench", role: "owner", ready: true },
    ...{ factSeq: decisionSeq, decisionSeq, lagMs: 0, problems: [], gauges: {}, tsInitMs: Date.now() },
  });

function bookClock(): BookClock {
  const nowMs = Date.now();
  return { type: "BookClock", v: 1, connection: CONNECTION, watermarkMs: nowMs + 1, tsInitMs: nowMs };
}

const snapshot = (): BookSnapshot =>
  BookSnapshot.parse({
    ...{ type: "BookSnapshot", v: 1, tokenId: token, conditionId: CONDITION, epoch: "1.1", seq: 0 },
    ...{ connection: CONNECTION, tickMicro: 10_000, health: "healthy", ...times(Date.now()) },
    bids: [BID, 100_000_000_000],
    asks: [ASK, 100_000_000_000],
  });

const market = (atMs: number): MarketDefinition => ({
  type: "MarketDefinition",
  v: 1,
  conditionId: CONDITION as ConditionId,
  question: "benchmark",
  slug: "benchmark",
  eventId: null,
  tokens: [
    { tokenId: token, outcome: "Yes" },
    { tokenId: sibling, outcome: "No" },
  ],
  version: "v1",
  negRisk: false,
  negRiskMarketId: null,
  tickMicro: priceMicro(10_000),
  minOrderSizeMicro: sharesMicro(5_000_000n),
  fee: { rateMicro: 0, exponent: 1, takerOnly: true },
  takerDelayMs: 0,
  acceptingOrders: true,
  closed: false,
  payoutMicro: null,
  ...times(atMs),
});

/** The leader buys 100 shares at the ask; each fill is another transaction. */
function leaderFill(n: number, ageMs: number): FactOf<"LeaderFill"> {
  const nowMs = Date.now();
  const hash = (kind: string): Hash => `0x${kind}${n.toString(16).padStart(62, "0")}` as Hash;
  const shares = sharesMicro(100_000_000n);
  const about = { txHash: hash("ab"), leader: LEADER, tokenId: token, side: "BUY" as const, sharesMicro: shares };
  const id = leaderFillId({ ...about, chainId: 137, ordinal: 0 });
  return {
    ...{ type: "LeaderFill", v: 1, id: factId("LeaderFill", id), leaderFillId: id, occurrence: 0, ordinal: 0 },
    ...{ ...about, chainId: 137, role: "TAKER", conditionId: CONDITION as ConditionId, exchange: EXCHANGE },
    ...{ usdcMicro: usdcMicro(51_000_000n), priceMicro: ASK as PriceMicro, feeMicro: usdcMicro(0n), feeUnit: "USDC" },
    ...{ orderHash: hash("0f"), blockNumber: 90_000_000 + n, blockHash: hash("bb"), logIndex: 1, source: "chain" },
    ...{ historical: false, tsSeenMs: nowMs, tsEventMs: nowMs - ageMs, tsInitMs: nowMs },
  };
}
