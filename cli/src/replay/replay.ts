/** `slipstream replay`: a tape through the whole pipeline, as fast as it goes, always the same. */

import { ContractError } from "@slipstream/contracts/errors";
import type { FactOf } from "@slipstream/contracts/facts";
import type { Address } from "@slipstream/contracts/ids";
import type { AccountPolicy } from "@slipstream/contracts/policy";
import { decodeOrderFilled } from "@slipstream/polymarket/orderFilled";
import { defaultExchanges } from "@slipstream/polymarket/versions";
import type { TapeHead, TapeLog } from "@slipstream/sandbox/tape/addFills";
import { tapeBalances } from "@slipstream/sandbox/tape/balances";
import { defaultAssumptions, deriveMarkets, type MarketAssumptions } from "@slipstream/sandbox/tape/deriveMarkets";
import { resolutionsOf } from "@slipstream/sandbox/tape/endings";
import type { TapeRecord } from "@slipstream/sandbox/tape/format";
import { applyAccountValue, applyFact, emptyOverview, type Overview } from "../overview.ts";
import { type Audit, audit, buildReport, type ChainFill, type RunReport } from "../report.ts";
import { createEventLog, type ReplayCounts, type ReplayEvent } from "./eventLog.ts";
import { readFrameTimes } from "./frameTimes.ts";
import { createReplayWorld, type ProofPolicy } from "./world.ts";

export type ReplayInput = {
  readonly tape: readonly TapeRecord[];
  /** Empty: every wallet with a fill of its own on the tape. */
  readonly leaders: readonly Address[];
  readonly account: AccountPolicy;
  readonly assumptions?: MarketAssumptions;
  /** "none" skips the venue's book hashes, most of the time of a replay; fills are the same. Default "atBurstEnds". */
  readonly proofs?: ProofPolicy;
};

export type ReplayResult = {
  readonly overview: Overview;
  readonly audit: Audit;
  readonly report: RunReport;
  /** In the order in which they happened. */
  readonly fills: readonly FactOf<"ExecutionFill">[];
  /** Everything that happened to signals and orders, in venue order. */
  readonly events: readonly ReplayEvent[];
  readonly counts: ReplayCounts;
  /** What the tape does not say and was assumed. */
  readonly assumed: readonly string[];
  /** Books proved by the venue's hash: bursts that matched, and that did not. */
  readonly proofs: { readonly passed: number; readonly failed: number };
  /** Frames that came after the clock of the books had passed their time; 0 unless the tape's times are none. */
  readonly lateFrames: number;
  /** Venue time up to which the books are known, and what ended by then: later ends of what is open are not told. */
  readonly knownThroughMs: number;
  readonly facts: number;
};

/** Seconds that pass after the last record, beside the life of an entry: it ends and settles. Exits may rest for longer. */
const AFTER_MS = 10_000;

/** @throws ContractError TAPE_INVALID for a tape without markets or without fills to follow. */
export function replay(input: ReplayInput): ReplayResult {
  const { tape, leaders, account, assumptions = defaultAssumptions, proofs: proofPolicy = "atBurstEnds" } = input;
  const { markets, assumed, refused, words } = deriveMarkets(tape, assumptions);
  if (markets.length === 0)
    throw new ContractError(
      "TAPE_INVALID",
      `the tape names no market that can be read${refused.map((text) => `\n  ${text}`)}`,
    );
  const followed = leaders.length > 0 ? leaders : makersOf(tape);
  if (followed.length === 0) {
    throw new ContractError("TAPE_INVALID", "the tape has no fill to follow: add some by `slipstream tape add-fills`");
  }
  const overview = emptyOverview();
  const fills: FactOf<"ExecutionFill">[] = [];
  const log = createEventLog();
  let facts = 0;
  const world = createReplayWorld({
    startMs: tape[0]?.t ?? 0,
    markets,
    leaders: followed,
    account,
    balances: tapeBalances(tape),
    proofs: proofPolicy,
    frameTimes: readFrameTimes(tape),
    resolvedOnChain: new Set(resolutionsOf(tape).keys()),
    words,
    onFact: (recorded) => {
      facts += 1;
      applyFact(overview, recorded, recorded.fact.tsInitMs);
      log.take(recorded);
      if (recorded.fact.type === "ExecutionFill") fills.push(recorded.fact);
    },
  });
  for (const record of tape) world.feed(record);
  const endMs = tape.at(-1)?.t ?? 0;
  world.passUntil(endMs + account.ttlMs + AFTER_MS);
  settle(world, tape, endMs + account.ttlMs + AFTER_MS);
  const found = auditTape(overview, tape, followed);
  const proofs = { passed: 0, failed: 0 };
  for (const book of world.desk.books.values()) {
    proofs.passed += book.proofs.passed;
    proofs.failed += book.proofs.failed;
  }
  const lateFrames = world.lateFrames();
  const value = world.value(account.account);
  if (value !== null) applyAccountValue(overview, value);
  const report = buildReport(overview, found, {
    faults: [],
    errors: [...refused, ...world.endings.errors(), ...lateText(lateFrames)],
    isClosed: world.isClosed,
    pending: world.pending(),
  });
  const told = { fills, events: log.events(), counts: log.counts() };
  return {
    overview,
    audit: found,
    report,
    ...told,
    assumed: [...assumed, ...world.endings.assumed(), ...unreadText(world.unreadable())],
    proofs,
    lateFrames,
    knownThroughMs: Math.min(...[...world.desk.connections.values()].map(({ watermarkMs }) => watermarkMs)),
    facts,
  };
}

const lateText = (count: number): string[] =>
  count === 0
    ? []
    : [
        `${count} ${count === 1 ? "frame" : "frames"} told of a time that had been taken as over: what was decided meanwhile may be wrong`,
      ];

const unreadText = (count: number): string[] =>
  count === 0
    ? []
    : [`unreadable messages of the market channel, ${count}: the books they name are lost until a full one comes`];

/** One more block after the end, so that the paper ledger settles what was filled last. */
function settle(world: ReturnType<typeof createReplayWorld>, tape: readonly TapeRecord[], atMs: number): void {
  const last = tape.findLast((record) => record.ch === "chain.head")?.d as TapeHead | undefined;
  if (last === undefined) return;
  for (const n of [1, 2]) {
    const number = `0x${(Number(last.number) + n).toString(16)}`;
    const hash = `0x${n.toString(16).padStart(64, "f")}`;
    const timestamp = `0x${Math.floor(atMs / 1_000 + n).toString(16)}`;
    world.feed({ t: atMs + n * 1_000, ch: "chain.head", d: { number, hash, parentHash: last.hash, timestamp } });
  }
  world.passUntil(atMs + AFTER_MS);
}

/** Wallets with fills on the tape, in order of appearance. */
function makersOf(tape: readonly TapeRecord[]): Address[] {
  const makers = new Set<Address>();
  for (const fill of fillsOf(tape)) makers.add(fill.leader);
  return [...makers];
}

function fillsOf(tape: readonly TapeRecord[]): ChainFill[] {
  return tape.flatMap((record) => {
    if (record.ch !== "chain.log") return [];
    const log = record.d as TapeLog;
    const fill = decodeOrderFilled(log, defaultExchanges);
    if (fill.kind !== "orderFilled") return [];
    const { blockHash } = log;
    return [{ leader: fill.maker, blockHash, blockNumber: Number(log.blockNumber), logIndex: Number(log.logIndex) }];
  });
}

function auditTape(overview: Overview, tape: readonly TapeRecord[], leaders: readonly Address[]): Audit {
  const due = fillsOf(tape).filter((fill) => leaders.includes(fill.leader));
  return audit(overview, due, due, { fromBlock: 0, toBlock: Number.POSITIVE_INFINITY });
}

/** One line per fill for `--fills-out`: prices as integers, amounts as integer strings, all 1e-6. */
export const fillLine = (fill: FactOf<"ExecutionFill">): string =>
  JSON.stringify({
    account: fill.account,
    leaderFillId: fill.leaderFillId,
    orderId: fill.orderId,
    tradeId: fill.tradeId,
    tokenId: fill.tokenId,
    side: fill.side,
    liquiditySide: fill.liquiditySide,
    priceMicro: fill.priceMicro,
    sizeMicro: fill.sizeMicro.toString(),
    usdcMicro: fill.usdcMicro.toString(),
    feeMicro: fill.feeMicro.toString(),
    leavesMicro: fill.leavesMicro.toString(),
    atMs: fill.tsEventMs,
  });
