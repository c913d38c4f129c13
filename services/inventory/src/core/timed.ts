/** What is looked at by the clock: fills that the chain never showed, differences that stay, a purse that is wrong. */
import { createHash } from "node:crypto";
import type { Fact } from "@slipstream/contracts/facts";
import { factId } from "@slipstream/contracts/ids";
import { add, negate, type SharesMicro, subtract, ZERO_SHARES } from "@slipstream/contracts/money";
import { remainingOf, signed } from "./absorption.ts";
import { differenceOf, purseCheck } from "./formulas.ts";
import type { Account, OwnFill, Position } from "./state.ts";
import type { InventoryView } from "./view.ts";

/** Fills past their time, one fact per token that names each of them. */
export function agedFills(account: Account, view: InventoryView): Fact[] {
  const facts: Fact[] = [];
  for (const position of account.positions.values()) {
    const late = position.fills.filter((fill) => isLate(fill, view));
    if (late.length === 0) continue;
    const tradeIds = late.map((fill) => fill.tradeId);
    const name = createHash("sha256").update(tradeIds.join("|")).digest("hex").slice(0, 32);
    facts.push({
      type: "PendingFillAged",
      v: 1,
      id: factId("PendingFillAged", `${account.account}.${name}`),
      tsEventMs: view.nowMs,
      tsInitMs: view.nowMs,
      account: account.account,
      tokenId: position.tokenId,
      tradeIds,
      netMicro: add(ZERO_SHARES, ...late.map((fill) => signed(fill.side, remainingOf(fill)))),
    });
  }
  return facts;
}

/** A fill known to be in a block waits for the balance of that block, a settlement for redemption, however long. */
const isLate = (fill: OwnFill, view: InventoryView): boolean =>
  fill.kind === "fill" &&
  !fill.aged &&
  fill.settledBlock === null &&
  remainingOf(fill) > 0n &&
  view.nowMs - fill.tsInitMs >= view.pendingFillTtlMs;

/** Differences that crossed a threshold, either way. */
export function discrepancies(account: Account, view: InventoryView): Fact[] {
  const facts: Fact[] = [];
  for (const position of account.positions.values()) {
    const isOpen = position.discrepancyMicro !== null;
    const tooLarge = isTooLarge(account, position, view);
    const lasting =
      position.differsSinceMs !== null && view.nowMs - position.differsSinceMs >= view.discrepancy.durationMs;
    if (isOpen ? tooLarge : !(tooLarge && lasting)) continue;
    const sinceMs = position.differsSinceMs ?? view.nowMs;
    facts.push({
      type: isOpen ? "DiscrepancyResolved" : "DiscrepancyFound",
      v: 1,
      id: factId(
        isOpen ? "DiscrepancyResolved" : "DiscrepancyFound",
        `${account.account}.${position.tokenId}`,
        view.nowMs,
      ),
      tsEventMs: view.nowMs,
      tsInitMs: view.nowMs,
      account: account.account,
      tokenId: position.tokenId,
      differenceMicro: differenceOf(account, position),
      sinceMs,
    });
  }
  return facts;
}

function isTooLarge(account: Account, position: Position, view: InventoryView): boolean {
  const own = size(differenceOf(account, position));
  if (own > view.discrepancy.tokenSharesMicro) return true;
  if (own === 0n || position.conditionId === null) return false;
  let market = ZERO_SHARES;
  for (const other of account.positions.values()) {
    if (other.conditionId === position.conditionId) market = add(market, size(differenceOf(account, other)));
  }
  return market > view.discrepancy.marketSharesMicro;
}

/** The purse against our own books, to the micro. A difference is told once, and again when it has become another. */
export function cashDisagreements(account: Account, view: InventoryView): Fact[] {
  const check = purseCheck(account);
  if (check === null) return [];
  const { expectedMicro, actualMicro } = check;
  const off = subtract(actualMicro, expectedMicro);
  if (off === 0n || off === account.purseOffMicro) return [];
  return [
    {
      type: "CashDisagreed",
      v: 1,
      id: factId("CashDisagreed", `${account.account}.${account.collateralBlock}.${off}`.replace("-", "m")),
      tsEventMs: view.nowMs,
      tsInitMs: view.nowMs,
      account: account.account,
      expectedMicro,
      actualMicro,
      blockNumber: account.collateralBlock,
    },
  ];
}

const size = (shares: SharesMicro): SharesMicro => (shares < 0n ? negate(shares) : shares);
