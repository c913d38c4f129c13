/** What waits, as text: exits that are not done, lots of leaders who were removed, dust, buckets. */
import type { Address, TokenId } from "@slipstream/contracts/ids";
import type { HeldLot, Pending, PendingBucket, PendingExit } from "@slipstream/contracts/live";
import { formatMicro } from "@slipstream/contracts/money";

export type PendingOptions = {
  /** The world's time. */
  readonly nowMs: number;
  /** Rows per list. */
  readonly rows: number;
  readonly outcome: (tokenId: TokenId) => string;
  readonly short: (leader: Address) => string;
};

/** @param pending - null: the executor does not answer. @returns no line for what there is nothing of. */
export function pendingLines(pending: Pending | null, options: PendingOptions): string[] {
  if (pending === null) return ["EXITS unknown: the executor does not answer"];
  const { exits, lots, buckets } = pending;
  const { rows, short, outcome } = options;
  const held = (lot: HeldLot): string =>
    `  ${lot.account.padEnd(8)} ${formatMicro(lot.sharesMicro).padEnd(10)} ${short(lot.leader)}  ${outcome(lot.tokenId)}`;
  const left = lots.filter(({ whenRemoved, isDust, isUnpaid }) => whenRemoved !== null && !isDust && !isUnpaid);
  return [
    ...section("EXITS WAITING", exits, rows, (exit) => exitLine(exit, options)),
    ...section("LOTS OF REMOVED LEADERS", left, rows, (lot) => `${held(lot)} (${words[lot.whenRemoved ?? "follow"]})`),
    ...section(
      "LOTS OF CLOSED MARKETS, not paid yet",
      lots.filter(({ isUnpaid }) => isUnpaid),
      rows,
      held,
    ),
    ...section(
      "DUST, below what the venue takes",
      lots.filter(({ isDust, isUnpaid }) => isDust && !isUnpaid),
      rows,
      held,
    ),
    ...section(
      "COPIES SAVED UP",
      buckets,
      rows,
      (one) =>
        `  ${one.account.padEnd(8)} ${formatMicro(one.sharesMicro).padEnd(10)} ${partsText(one, options)}  ${short(one.leader)}  ${outcome(one.tokenId)}`,
    ),
  ];
}

const words = { follow: "followed until he has sold it", close: "being sold", keep: "kept" } as const;

/** Each part with its limit and age: `4 ≤ 0.31 for 12 s`. */
const partsText = ({ parts }: PendingBucket, { nowMs }: PendingOptions): string =>
  parts
    .map(({ sharesMicro, limitMicro, tsSignalMs }) => {
      const seconds = Math.max(0, Math.round((nowMs - tsSignalMs) / 1_000));
      return `${formatMicro(sharesMicro)} ≤ ${formatMicro(limitMicro)} for ${seconds} s`;
    })
    .join(", ");

function section<T>(title: string, list: readonly T[], rows: number, line: (item: T) => string): string[] {
  if (list.length === 0) return [];
  const more = list.length > rows ? [`  … and ${list.length - rows} more`] : [];
  return ["", `${title} ${list.length}`, ...list.slice(0, rows).map(line), ...more];
}

function exitLine(exit: PendingExit, { nowMs, short, outcome }: PendingOptions): string {
  const { account, sharesMicro, limitMicro, bestBidMicro, sinceMs, nextStepMs, reason, leader, tokenId } = exit;
  const price = (micro: number | null): string => (micro === null ? "none" : formatMicro(micro));
  const seconds = (ms: number): string => `${Math.max(0, Math.round(ms / 1_000))} s`;
  const size = sharesMicro === null ? "?" : formatMicro(sharesMicro);
  const next = nextStepMs === null ? "" : `, gives way in ${seconds(nextStepMs - nowMs)}`;
  return `  ${account.padEnd(8)} ${size.padEnd(10)} ≥ ${price(limitMicro)}, bid ${price(bestBidMicro)}, since ${seconds(nowMs - sinceMs)}${next}  ${reason}  ${short(leader)}  ${outcome(tokenId)}`;
}
