/** When the records of a tape are due: the world's time runs from a moment of the wall clock at a given speed. */
import type { ClockMapping } from "@slipstream/actor/clock";

export type Schedule = {
  /** How late the latest item was handed over, in real ms. */
  lateMsMax(): number;
  /** Items handed over so far. */
  given(): number;
  /** Resolves when the last item has been handed over, or after `stop`. */
  readonly done: Promise<void>;
  stop(): void;
};

export const worldToRealMs = ({ realMs, worldMs, speed }: ClockMapping, t: number): number =>
  realMs + (t - worldMs) / speed;

/** Longest wait of one timer: a clock that was set meanwhile is noticed. */
const WAIT_MS_MAX = 1_000;

/**
 * Hands over each item when its world time has come, in order; items already due at once. Never early.
 * @param items - ascending by `t`.
 */
export function runSchedule<T extends { readonly t: number }>(
  items: readonly T[],
  mapping: ClockMapping,
  options: { readonly nowMs: () => number; readonly give: (item: T) => void },
): Schedule {
  const { promise: done, resolve } = Promise.withResolvers<void>();
  let next = 0;
  let lateMs = 0;
  let timer: NodeJS.Timeout | undefined;
  const step = (): void => {
    const now = options.nowMs();
    for (let item = items[next]; item !== undefined; item = items[next]) {
      const due = worldToRealMs(mapping, item.t);
      if (due > now) {
        // A timer may fire a fraction early, and must not.
        timer = setTimeout(step, Math.min(WAIT_MS_MAX, Math.ceil(due - now)));
        return;
      }
      lateMs = Math.max(lateMs, now - due);
      next += 1;
      options.give(item);
    }
    resolve();
  };
  step();
  return {
    lateMsMax: () => lateMs,
    given: () => next,
    done,
    stop: () => {
      clearTimeout(timer);
      resolve();
    },
  };
}
