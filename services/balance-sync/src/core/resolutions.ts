/**
 * Which conditions are asked how they were resolved, what an answer must look like to be believed, and who is told.
 *
 * 1. Only conditions of tokens that an account holds, has in an open order, or had and lost sight of.
 * 2. The chain alone says how a market was resolved: what the venue says closes a market and makes us ask.
 * 3. A condition is told once; what was not understood is asked again.
 */
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import { type ConditionId, factId, type TokenId } from "@slipstream/contracts/ids";
import { type ChainSubject, subjectOf } from "@slipstream/contracts/subjects";
import { outcomeTokens } from "@slipstream/polymarket/ctfIds";
import type { BalanceSyncView, ResolutionQuestion, ResolutionsRead } from "./messages.ts";
import { type BalanceSyncState, RESOLVED_MAX } from "./state.ts";

/** Conditions in one reading; the others have readings of their own. */
export const QUESTIONS_MAX = 500;

/** Notes what an account has in a token; nothing is kept of what it has no longer. */
export function noteHeld(state: BalanceSyncState, fact: FactOf<"PositionChanged">): void {
  const { account, tokenId, effectiveMicro, conservativeExposureMicro, reservedSellsMicro, costMicro } = fact;
  const isSeen = effectiveMicro > 0n || conservativeExposureMicro > 0n || reservedSellsMicro > 0n;
  const holders = state.held.get(tokenId) ?? new Map();
  if (isSeen || costMicro > 0n) {
    holders.set(account, isSeen ? "seen" : "vanished");
    state.held.set(tokenId, holders);
    return;
  }
  holders.delete(account);
  if (holders.size === 0) state.held.delete(tokenId);
}

export function noteResolved(state: BalanceSyncState, conditionId: ConditionId): void {
  state.resolved.add(conditionId);
  for (const oldest of state.resolved) {
    if (state.resolved.size <= RESOLVED_MAX) break;
    state.resolved.delete(oldest);
  }
}

export type ToAsk = {
  readonly questions: readonly ResolutionQuestion[];
  /** Held tokens whose market nobody has told. */
  readonly unknown: readonly TokenId[];
  /** Conditions that are kept where no such reading is known. */
  readonly unreadable: readonly ConditionId[];
};

/**
 * What is to be asked now.
 * @param all - false: only markets that the venue has closed, and tokens that left a wallet without a sale.
 */
export function resolutionsToAsk(state: BalanceSyncState, view: BalanceSyncView, all: boolean): ToAsk {
  const questions = new Map<ConditionId, ResolutionQuestion>();
  const unreadable = new Set<ConditionId>();
  const unknown: TokenId[] = [];
  for (const [tokenId, holders] of state.held) {
    const market = view.market(tokenId);
    if (market === null) {
      unknown.push(tokenId);
      continue;
    }
    const { conditionId, negRisk, closed, acceptingOrders } = market;
    if (state.resolved.has(conditionId)) continue;
    // The newer protocol keeps its conditions elsewhere, and how they are read there is not known.
    if (market.version !== "v1") unreadable.add(conditionId);
    else if (all || closed || !acceptingOrders || [...holders.values()].includes("vanished")) {
      const [first, second] = market.tokens;
      questions.set(conditionId, { conditionId, negRisk, tokenIds: [first.tokenId, second.tokenId] });
    }
  }
  return { questions: [...questions.values()], unknown, unreadable: [...unreadable] };
}

/** What one contract answered about one condition. */
export type ResolutionAnswer = {
  readonly slots: bigint;
  readonly denominator: bigint;
  /** Of the slots that were asked for, in their order. */
  readonly numerators: readonly bigint[];
};

/**
 * Holds an answer against its question.
 * @returns `refused` with the reason for what cannot be true, or is about something else.
 */
export function judgeResolution(
  { conditionId, negRisk, tokenIds }: ResolutionQuestion,
  { slots, denominator, numerators }: ResolutionAnswer,
): { readonly kind: "resolved" | "open" } | { readonly kind: "refused"; readonly text: string } {
  const refused = (text: string) => ({ kind: "refused" as const, text: `condition ${conditionId}: ${text}` });
  if (slots === 0n) return refused("the ledger does not know it");
  if (slots !== BigInt(tokenIds.length))
    return refused(`it has ${slots} outcomes, its market ${tokenIds.length} tokens`);
  if (denominator === 0n) return { kind: "open" };
  const sum = numerators.reduce((total, numerator) => total + numerator, 0n);
  if (numerators.length !== tokenIds.length || sum !== denominator) {
    return refused(`payouts of ${numerators.join(" + ")} are not ${denominator}`);
  }
  const own = outcomeTokens(conditionId, negRisk);
  if (own.some((tokenId, outcome) => tokenId !== tokenIds[outcome])) {
    return refused("the tokens of its market are not those of its outcomes");
  }
  return { kind: "resolved" };
}

/** The chains that a reading adds to. */
export function resolutionChains(state: BalanceSyncState, read: ResolutionsRead): ChainSubject[] {
  return [...new Set(newFacts(state, read, 0).map(subjectOf))];
}

export const resolutionFacts = (
  state: BalanceSyncState,
  read: ResolutionsRead,
  { chain, nowMs }: { readonly chain: ChainSubject; readonly nowMs: number },
): Fact[] => newFacts(state, read, nowMs).filter((fact) => subjectOf(fact) === chain);

function newFacts(state: BalanceSyncState, { block, resolutions }: ResolutionsRead, nowMs: number) {
  return resolutions.flatMap(({ conditionId, tokenIds, payoutNumerators, payoutDenominator }) => {
    const isHeld = tokenIds.some((tokenId) => state.held.has(tokenId));
    if (!isHeld || state.resolved.has(conditionId)) return [];
    const fact: FactOf<"ConditionResolved"> = {
      type: "ConditionResolved",
      v: 1,
      id: factId("ConditionResolved", conditionId),
      tsEventMs: block.tsMs,
      tsInitMs: nowMs,
      conditionId,
      tokenIds: [...tokenIds],
      payoutNumerators: [...payoutNumerators],
      payoutDenominator,
      blockNumber: block.blockNumber,
      source: "chain",
      blockHash: block.blockHash,
    };
    return fact;
  });
}
