/** What is saved up, in words for a person. */
import type { AccountId } from "@slipstream/contracts/ids";
import { formatMicro } from "@slipstream/contracts/money";
import { lotRefOf, sumOf, youngParts } from "./bucket.ts";
import type { ExecutorState } from "./state.ts";

/** One line for each bucket that something could still be bought of, with limit and age of each part. */
export function bucketLines(state: ExecutorState, nowMs: number): { readonly of: AccountId; readonly line: string }[] {
  return [...state.buckets.keys()].flatMap((key) => {
    const ref = lotRefOf(key);
    const parts = youngParts(state, ref, nowMs);
    if (parts.length === 0) return [];
    const texts = parts.map(
      ({ sizeMicro, limitMicro, tsSignalMs }) =>
        `${formatMicro(sizeMicro)} at ${formatMicro(limitMicro)} or better, ${ageText(nowMs - tsSignalMs)} old`,
    );
    const head = `${ref.account}: bucket of ${formatMicro(sumOf(parts))} shares`;
    return [{ of: ref.account, line: `${head} (${texts.join("; ")}), token ${ref.tokenId}, leader ${ref.leader}` }];
  });
}

/** Whole seconds, minutes from two on, hours from two on. */
function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3_600)} h`;
}
