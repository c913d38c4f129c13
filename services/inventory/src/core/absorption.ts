/**
 * How balances meet our own fills.
 *
 * 1. `confirmed + Σ (unabsorbed fills, signed)` changes by a fill exactly once: when the fill is counted, never when it
 *    is absorbed.
 * 2. A fill known to be settled in block b is in every balance of block ≥ b, wholly, and in none before.
 * 3. What such fills do not explain is absorbed by guess: in the direction in which the balance moved, oldest first,
 *    partially. A later exact settlement corrects the guess.
 * 4. A balance of a lower block than the last is ignored, unless a reorg says so; then fills that are not known to be
 *    settled at or below it are pending again, and it absorbs them anew.
 */
import {
  add,
  minAmount,
  negate,
  otherSide,
  type SharesMicro,
  type Side,
  subtract,
  ZERO_SHARES,
} from "@slipstream/contracts/money";
import type { OwnFill, Position } from "./state.ts";

/** Deeper than any reorg Polygon has shown (157 blocks in 2023), so that a taken-back balance finds its fills. */
const ABSORBED_KEPT_BLOCKS = 256;

/** Shares of a fill that no balance includes yet. */
export const remainingOf = (fill: OwnFill): SharesMicro => subtract(fill.sizeMicro, fill.absorbedMicro);
export const signed = (side: Side, shares: SharesMicro): SharesMicro => (side === "BUY" ? shares : negate(shares));

export type Balance = { readonly sharesMicro: SharesMicro; readonly blockNumber: number; readonly afterReorg: boolean };

/**
 * Applies an absolute balance of the position's token.
 * @returns false when it was older than what is known, and nothing changed.
 */
export function applyBalance(position: Position, balance: Balance): boolean {
  if (balance.blockNumber < position.confirmedBlock && !balance.afterReorg) return false;
  let expected = position.confirmedMicro;
  if (balance.afterReorg) expected = takeBack(position, expected, balance.blockNumber);
  for (const fill of position.fills) {
    if (fill.settledBlock === null || fill.settledBlock > balance.blockNumber) continue;
    const remaining = remainingOf(fill);
    if (remaining === 0n) continue;
    expected = add(expected, signed(fill.side, remaining));
    absorb(fill, remaining, balance.blockNumber);
  }
  guess(position, subtract(balance.sharesMicro, expected), balance.blockNumber);
  position.confirmedMicro = balance.sharesMicro;
  position.confirmedBlock = balance.blockNumber;
  return true;
}

/**
 * Notes that a fill settled in a block. The balance stays the authority: a block that no balance has reached yet
 * leaves the fill pending until one does.
 * @returns false when nothing is known of the fill or it was already told.
 */
export function applySettlement(position: Position, tradeId: OwnFill["tradeId"], blockNumber: number): boolean {
  const fill = position.fills.find((known) => known.tradeId === tradeId);
  if (fill === undefined || fill.settledBlock === blockNumber) return false;
  fill.settledBlock = blockNumber;
  fill.aged = false;
  if (blockNumber <= position.confirmedBlock) {
    // The balance includes it. What others of its side were guessed for in its stead is pending again; if that does
    // not account for it, a move of the other side hid it.
    const remaining = remainingOf(fill);
    absorb(fill, remaining, position.confirmedBlock);
    const hidden = release(position, fill.side, remaining, fill);
    guess(position, negate(signed(fill.side, hidden)), position.confirmedBlock, fill);
    return true;
  }
  // The balance cannot include it: what was guessed of it belongs to others, or the other side was guessed too far.
  const guessed = fill.absorbedMicro;
  fill.absorbedMicro = ZERO_SHARES;
  fill.absorbedBlock = 0;
  const left = guess(position, signed(fill.side, guessed), position.confirmedBlock, fill);
  release(position, otherSide(fill.side), left, fill);
  return true;
}

/** Forgets fills that are absorbed and too deep to return. The purse must have seen their cost as well. */
export function forgetAbsorbed(position: Position, collateralBlock: number): void {
  const deep = position.confirmedBlock - ABSORBED_KEPT_BLOCKS;
  const kept = position.fills.filter(
    (fill) => remainingOf(fill) > 0n || fill.absorbedBlock > deep || fill.absorbedBlock > collateralBlock,
  );
  if (kept.length < position.fills.length) position.fills.splice(0, position.fills.length, ...kept);
}

function absorb(fill: OwnFill, shares: SharesMicro, blockNumber: number): void {
  if (shares === 0n) return;
  fill.absorbedMicro = add(fill.absorbedMicro, shares);
  fill.absorbedBlock = blockNumber;
}

/**
 * Makes fills pending again after a reorg; answers the balance without them. All guesses go, older ones too: which
 * fill a guess stood for is only known as long as no block is taken from under it.
 */
function takeBack(position: Position, confirmed: SharesMicro, blockNumber: number): SharesMicro {
  let expected = confirmed;
  for (const fill of position.fills) {
    if (fill.settledBlock !== null && fill.settledBlock > blockNumber) fill.settledBlock = null;
    if (fill.settledBlock !== null || fill.absorbedMicro === 0n) continue;
    expected = subtract(expected, signed(fill.side, fill.absorbedMicro));
    fill.absorbedMicro = ZERO_SHARES;
    fill.absorbedBlock = 0;
  }
  return expected;
}

/** Absorbs an unexplained move of the balance, oldest first. Returns the shares that nothing explains. */
function guess(position: Position, moved: SharesMicro, blockNumber: number, except?: OwnFill): SharesMicro {
  const side: Side = moved > 0n ? "BUY" : "SELL";
  let left = moved > 0n ? moved : negate(moved);
  for (const fill of position.fills) {
    // A fill settled in a later block cannot explain this balance.
    if (fill.side !== side || fill === except || fill.settledBlock !== null) continue;
    const part = minAmount(left, remainingOf(fill));
    absorb(fill, part, blockNumber);
    left = subtract(left, part);
  }
  return left;
}

/** Makes `shares` pending again that were guessed onto a side, newest first. Returns what was not guessed. */
function release(position: Position, side: Side, shares: SharesMicro, except: OwnFill): SharesMicro {
  let left = shares;
  for (const fill of position.fills.toReversed()) {
    if (fill === except || fill.side !== side || fill.settledBlock !== null) continue;
    const part = minAmount(left, fill.absorbedMicro);
    fill.absorbedMicro = subtract(fill.absorbedMicro, part);
    if (fill.absorbedMicro === 0n) fill.absorbedBlock = 0;
    left = subtract(left, part);
  }
  return left;
}
