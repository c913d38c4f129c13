/**
 * How markets end on a tape. The truth is the chain: ConditionResolution logs with the payout vector. Beside them the venue
 * says that a market is closed and who won: market_resolved frames, and Gamma's objects. Pure.
 */
import { ConditionId, type Hash } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { uintArray } from "@slipstream/polymarket/abi";
import { marketOfGamma } from "@slipstream/polymarket/gamma";
import { CTF_CONDITION_RESOLUTION } from "@slipstream/polymarket/topics";
import { CONDITIONAL_TOKENS } from "@slipstream/polymarket/versions";
import { numberWord, WORD } from "@slipstream/polymarket/words";
import type { TapeLog } from "./addFills.ts";
import type { TapeRecord } from "./format.ts";

/** What the oracle reported: outcome i is worth numerators[i] / denominator. */
export type Resolution = {
  readonly conditionId: ConditionId;
  readonly payoutNumerators: readonly bigint[];
  /** Their sum, never 0. */
  readonly payoutDenominator: bigint;
  readonly blockNumber: number;
  readonly blockHash: Hash;
  /** Time of the block, unix ms; null: the node did not state it. */
  readonly tsMs: number | null;
};
/** A log that claims to be one and cannot be read. */
export type ResolutionRefusal = { readonly kind: "refused"; readonly text: string };

const OUTCOMES = 2;

/** @returns null for any other log. */
export function resolutionOfLog(log: TapeLog): Resolution | ResolutionRefusal | null {
  if (log.topics?.[0] !== CTF_CONDITION_RESOLUTION) return null;
  // Anybody may emit an event of this name; only the contract that keeps the tokens pays.
  if (log.address.toLowerCase() !== CONDITIONAL_TOKENS) return null;
  const condition = ConditionId.safeParse(log.topics[1]);
  const slots = numberWord(log.data, 2);
  const payoutNumerators = uintArray(log.data, 2, 2 + WORD);
  const refuse = (text: string): ResolutionRefusal => ({
    kind: "refused",
    text: `the ConditionResolution of ${log.topics[1]} in block ${Number(log.blockNumber)} ${text}`,
  });
  if (!condition.success || payoutNumerators === null) return refuse("cannot be read");
  if (slots !== OUTCOMES || payoutNumerators.length !== OUTCOMES) {
    return refuse(`has ${payoutNumerators.length} payouts for ${slots} outcomes, not one for each of two`);
  }
  const payoutDenominator = payoutNumerators.reduce((sum, part) => sum + part, 0n);
  if (payoutDenominator === 0n) return refuse("pays nothing to anybody, which the contract never does");
  const { blockNumber, blockHash, blockTimestamp } = log;
  return {
    conditionId: condition.data,
    payoutNumerators,
    payoutDenominator,
    blockNumber: Number(blockNumber),
    blockHash: blockHash as Hash,
    tsMs: blockTimestamp === undefined ? null : Number(blockTimestamp) * 1_000,
  };
}

/** Every resolution that the tape's chain shows and does not take back, the first of each condition. */
export function resolutionsOf(tape: readonly TapeRecord[]): ReadonlyMap<ConditionId, Resolution> {
  const found = new Map<ConditionId, Resolution>();
  for (const { ch, d } of tape) {
    if (ch !== "chain.log") continue;
    const log = d as TapeLog;
    const resolution = resolutionOfLog(log);
    if (resolution === null || "kind" in resolution) continue;
    const { conditionId, blockHash } = resolution;
    if (!log.removed) found.set(conditionId, found.get(conditionId) ?? resolution);
    else if (found.get(conditionId)?.blockHash === blockHash) found.delete(conditionId);
  }
  return found;
}

/** The venue says that a market has ended, or that it takes no orders. */
export type GammaWord = {
  readonly atMs: number;
  readonly conditionId: ConditionId;
  readonly closed: boolean;
  readonly acceptingOrders: boolean;
  /** Final prices; null while there are none. */
  readonly payoutMicro: MarketDefinition["payoutMicro"];
};

/**
 * What Gamma's objects say of a market, each at the time of its record; the end of one that was put on the tape afterwards
 * is told when it came, where the object says that.
 */
export function gammaWord({ t, d }: TapeRecord): GammaWord | null {
  const market = marketOfGamma(d, t);
  if ("kind" in market) return null;
  const { conditionId, closed, acceptingOrders, payoutMicro } = market;
  const closedMs = closed ? closedTimeOf(d) : null;
  return { atMs: Math.max(t, closedMs ?? t), conditionId, closed, acceptingOrders, payoutMicro };
}

/** Gamma's `closedTime`, "2026-07-24 00:00:16+00"; null when there is none. */
function closedTimeOf(d: unknown): number | null {
  const text = d !== null && typeof d === "object" && "closedTime" in d ? d.closedTime : null;
  if (typeof text !== "string") return null;
  const ms = Date.parse(text.replace(" ", "T").replace(/([+-]\d{2})$/, "$1:00"));
  return Number.isNaN(ms) ? null : ms;
}
