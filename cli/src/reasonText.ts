/** Refusals in words: the code, and the numbers that made it so, each with its unit. */
import type { SkipReason } from "@slipstream/contracts/facts/exec";
import type { DenialReason } from "@slipstream/contracts/facts/position";
import type { RiskReason } from "@slipstream/contracts/facts/risk";
import { formatMicro } from "@slipstream/contracts/money";
import { plainText } from "@slipstream/contracts/text";

const shares = (micro: bigint): string => `${formatMicro(micro)} shares`;
const usd = (micro: bigint): string => `$${formatMicro(micro)}`;
const price = (micro: number | null): string => (micro === null ? "none" : formatMicro(micro));

/** Returns `CODE`, or `CODE (numbers)`: amounts are amounts, counts are counts. */
export function reasonText(reason: SkipReason | DenialReason): string {
  const numbers = numbersOf(reason);
  return numbers === null ? reason.code : `${reason.code} (${numbers})`;
}

const TEXT_MAX = 60;

/** A cause of risk's decision with what a person needs to act on it; what others wrote is made printable. */
export function riskReasonText(reason: RiskReason): string {
  const more = evidenceOf(reason);
  return more === null ? reason.code : `${reason.code} (${plainText(more, TEXT_MAX)})`;
}

export const roomText = ({ freeMb, neededMb }: { readonly freeMb: number; readonly neededMb: number }): string =>
  `${freeMb} MB free where the log is, ${neededMb} MB needed`;

function evidenceOf(reason: RiskReason): string | null {
  switch (reason.code) {
    case "OPERATOR_HALT":
      return reason.why === "" ? `by ${reason.who}` : `by ${reason.who}: ${reason.why}`;
    case "BOOKS_BROKEN": {
      const what = reason.tokenId === null ? "the purse" : `lots of ${reason.tokenId.slice(0, 8)}…`;
      return `${what}: expected ${reason.expectedMicro}, is ${reason.actualMicro}`;
    }
    case "SERVICE_SILENT":
      return reason.service;
    case "UNREADABLE_FACT":
      return `${reason.service}, fact ${reason.seq}`;
    case "CLOCK_UNCERTAIN":
      return reason.uncertaintyMs === null ? reason.service : `${reason.service}, ${reason.uncertaintyMs} ms`;
    case "WATCHER_LAGGING":
      return `${reason.lagMs} ms`;
    case "DISK_FULL":
      return roomText(reason);
    case "STREAM_FILLING":
      return `${reason.usedPercent} %`;
    default:
      return null;
  }
}

function numbersOf(reason: SkipReason | DenialReason): string | null {
  switch (reason.code) {
    case "CAP_REACHED":
      return `${reason.cap} cap of ${usd(reason.capMicro)}`;
    case "POSITIONS_FULL":
      return `${reason.open} of ${reason.openMax} positions`;
    case "BELOW_MINIMUM":
      return `${shares(reason.sizeMicro)}, at least ${formatMicro(reason.minimumMicro)}, saved up ${formatMicro(reason.bucketMicro)}`;
    case "ORDER_COVERED":
      return `${shares(reason.coveredMicro)} of ${formatMicro(reason.wantedMicro)}`;
    case "PRICE_GUARD":
      return `best ${price(reason.bestMicro)}, limit ${price(reason.limitMicro)}`;
    case "BOOK_UNCONFIRMED":
      return `best ${price(reason.bestMicro)}, leader's price ${price(reason.leaderPriceMicro)}, second source ${price(reason.secondMicro)}`;
    case "PRICE_OUT_OF_RANGE":
      return price(reason.priceMicro);
    case "SIGNAL_TOO_OLD":
      return `${reason.ageMs} ms, at most ${reason.ageMsMax} ms`;
    case "INSUFFICIENT_COLLATERAL":
      return `needs ${usd(reason.neededMicro)}, has ${usd(reason.availableMicro)}`;
    case "INSUFFICIENT_SHARES":
      return `needs ${shares(reason.neededMicro)}, has ${formatMicro(reason.availableMicro)}`;
    default:
      return null;
  }
}
