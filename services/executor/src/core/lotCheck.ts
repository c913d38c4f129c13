/**
 * Our own books against inventory's, all the time: the lots of a token must add up to what inventory says our own fills
 * hold of it. Both fold the same log, so at the same place of the log they are equal to the micro, or one of them is wrong.
 *
 * A `PositionChanged` names in its id the place it speaks of, so the sums of the last changes are kept with theirs.
 */
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import { type AccountId, type ConditionId, factId, type TokenId } from "@slipstream/contracts/ids";
import { add, type SharesMicro, ZERO_SHARES } from "@slipstream/contracts/money";
import type { ChainSubject } from "@slipstream/contracts/subjects";
import { type ExecutorState, execChain } from "./state.ts";

/** What the lots of a token added up to from a place of the log on. */
export type LotSum = { readonly seq: number; readonly sizeMicro: SharesMicro };
/** A difference that was found, and whether it is in the log. */
export type LotDifference = {
  readonly account: AccountId;
  readonly tokenId: TokenId;
  readonly conditionId: ConditionId;
  readonly lotsMicro: SharesMicro;
  readonly heldMicro: SharesMicro;
  readonly atSeq: number;
  told: boolean;
};

/** Inventory answers within a few facts; what lies further back than so many changes of a token is not compared. */
const SUMS_MAX = 64;

const keyOf = (account: AccountId, tokenId: TokenId): string => `${account}|${tokenId}`;

/** To be called after a fact that may have moved the lots of a token. */
export function noteSum(
  state: ExecutorState,
  { account, tokenId }: { readonly account: AccountId; readonly tokenId: TokenId },
  seq: number,
): void {
  const lots = [...state.lots.values()].filter((lot) => lot.account === account && lot.tokenId === tokenId);
  const sums = state.lotSums.get(keyOf(account, tokenId)) ?? [];
  const sizeMicro = add(ZERO_SHARES, ...lots.map((lot) => lot.sizeMicro));
  if (sizeMicro === (sums.at(-1)?.sizeMicro ?? 0n)) return;
  sums.push({ seq, sizeMicro });
  if (sums.length > SUMS_MAX) sums.shift();
  state.lotSums.set(keyOf(account, tokenId), sums);
}

/** Compares with what inventory says, at the place of the log that it speaks of. */
export function compareLots(state: ExecutorState, fact: FactOf<"PositionChanged">): void {
  const { account, tokenId, conditionId, tradedMicro: heldMicro } = fact;
  const key = keyOf(account, tokenId);
  const atSeq = Number(fact.id.slice(fact.id.lastIndexOf(":") + 1));
  // Of a token without sums nothing was held since inventory last said so.
  const sums = state.lotSums.get(key) ?? [{ seq: atSeq, sizeMicro: ZERO_SHARES }];
  const sum = sums.findLast(({ seq }) => seq <= atSeq);
  if (sum === undefined || conditionId === null) return;
  const lotsMicro = sum.sizeMicro;
  const known = state.lotDifferences.get(key);
  if (lotsMicro === heldMicro) state.lotDifferences.delete(key);
  else if (known === undefined || known.lotsMicro - known.heldMicro !== lotsMicro - heldMicro) {
    state.lotDifferences.set(key, { account, tokenId, conditionId, lotsMicro, heldMicro, atSeq, told: false });
  }
  // What lies before the place is not asked for again; a token of which nothing is left is forgotten.
  const left = sums.slice(sums.indexOf(sum));
  if (left.length === 1 && lotsMicro === 0n) state.lotSums.delete(key);
  else state.lotSums.set(key, left);
}

export function noteTold(state: ExecutorState, { account, tokenId }: FactOf<"LotsDisagreed">): void {
  const known = state.lotDifferences.get(keyOf(account, tokenId));
  if (known !== undefined) known.told = true;
}

const untold = ({ lotDifferences }: ExecutorState): LotDifference[] =>
  lotDifferences.size === 0 ? [] : [...lotDifferences.values()].filter(({ told }) => !told);

export const untoldChains = (state: ExecutorState): ChainSubject[] =>
  untold(state).map((difference) => execChain(difference.account, difference));

/** The differences of a chain that are not in the log yet. */
export function disagreements(state: ExecutorState, nowMs: number, chain: ChainSubject): Fact[] {
  return untold(state)
    .filter((difference) => execChain(difference.account, difference) === chain)
    .map(({ told: _told, ...difference }) => ({
      type: "LotsDisagreed",
      v: 1,
      id: factId("LotsDisagreed", `${difference.account}.${difference.tokenId}`, difference.atSeq),
      tsEventMs: nowMs,
      tsInitMs: nowMs,
      ...difference,
    }));
}
