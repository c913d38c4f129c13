/** Waiting for a condition, the only way of waiting in tests. */
import { setTimeout as pause } from "node:timers/promises";
import { timerMs } from "@slipstream/actor/clock";

export type UntilOptions = {
  /** What is waited for, as the end of "waited … ms for". */
  readonly what: string;
  /** Against hanging only, so generous: how long a thing may take is no matter of tests. Default two minutes. */
  readonly timeoutMs?: number;
};

/** How long a test waits for anything before it calls it hanging, ms: for requests and clients that want a limit. */
export const HANGING_MS = 120_000;
const POLL_MS_FIRST = 2;
const POLL_MS_MAX = 100;

/**
 * Resolves with the first answer of `condition` that is not undefined, null or false. A condition that throws is not
 * met yet; its last error is the `cause` when the time is over. Polls from 2 ms up to 100 ms apart.
 * @throws Error naming `what` after `timeoutMs`.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { what, timeoutMs = HANGING_MS }: UntilOptions,
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = performance.now() + timeoutMs;
  for (let waitMs = POLL_MS_FIRST; ; waitMs = Math.min(waitMs * 1.5, POLL_MS_MAX)) {
    let cause: unknown;
    try {
      const answer = await condition();
      if (answer !== undefined && answer !== null && answer !== false) {
        return answer as Exclude<T, undefined | null | false>;
      }
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`, { cause });
    await pause(Math.min(waitMs, timerMs(deadline - performance.now())));
  }
}

/** Resolves when an assertion holds; as `until`, with the assertion's own words when it never does. */
export async function eventually(assertion: () => unknown): Promise<void> {
  const holds = async (): Promise<true> => {
    await assertion();
    return true;
  };
  await until(holds, { what: "an assertion to hold" }).catch((error: Error) => {
    throw error.cause ?? error;
  });
}
