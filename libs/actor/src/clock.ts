/** Time as an argument: the wall clock, or a clock that maps it to the time of a tape. */

export type Timer = { cancel(): void };

export type Clock = {
  /** Unix milliseconds of the world we trade in: a tape's time when a tape is played. */
  nowMs(): number;
  /** Milliseconds of real, steady time: leases and silence of services are measured in it. */
  steadyMs(): number;
  /** Calls back when the world's clock has advanced by `ms`. */
  after(ms: number, call: () => void): Timer;
  every(ms: number, call: () => void): Timer;
};

/** Where a tape's time stands: at real `realMs` it was `worldMs`, and it runs `speed` times as fast. */
export type ClockMapping = { readonly realMs: number; readonly worldMs: number; readonly speed: number };

/** Parses `SLIPSTREAM_CLOCK` (`<real ms>:<world ms>:<speed>`, checked by the settings' schema). */
export function parseClockMapping(text: string): ClockMapping {
  const [real, world, speed] = text.split(":").map(Number);
  return { realMs: real ?? 0, worldMs: world ?? 0, speed: speed ?? 1 };
}

/** Longest time Node's timers take, some 24 days. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * What a timer may be given, whatever a subtraction of times came to: what is past is due at once. Node takes a negative
 * or too large time for 1 ms and warns (TimeoutNegativeWarning, TimeoutOverflowWarning).
 */
export const timerMs = (ms: number): number => (ms > 0 ? Math.min(ms, TIMER_MS_MAX) : 0);

/** The clock of a process. Without a mapping the world's time is the wall's. */
export function systemClock(mapping?: ClockMapping): Clock {
  const speed = mapping?.speed ?? 1;
  const nowMs = (): number =>
    mapping === undefined ? Date.now() : Math.floor(mapping.worldMs + (Date.now() - mapping.realMs) * speed);
  return {
    nowMs,
    steadyMs: () => performance.now(),
    after: (ms, call) => {
      const handle = setTimeout(call, timerMs(ms / speed));
      return { cancel: () => clearTimeout(handle) };
    },
    every: (ms, call) => {
      const handle = setInterval(call, Math.max(1, timerMs(ms / speed)));
      return { cancel: () => clearInterval(handle) };
    },
  };
}

/** A clock that stands until it is moved: replay and tests. Timers fire in time order, then in the order they were set. */
export function virtualClock(startMs: number): Clock & { advanceTo(ms: number): void; nextTimerMs(): number | null } {
  type Entry = { dueMs: number; order: number; everyMs: number | null; call: () => void };
  const timers = new Set<Entry>();
  let now = startMs;
  let order = 0;
  const add = (dueMs: number, everyMs: number | null, call: () => void): Timer => {
    const entry = { dueMs, order: order++, everyMs, call };
    timers.add(entry);
    return { cancel: () => timers.delete(entry) };
  };
  const next = (): Entry | null => {
    let first: Entry | null = null;
    for (const entry of timers) {
      if (first === null || entry.dueMs < first.dueMs || (entry.dueMs === first.dueMs && entry.order < first.order))
        first = entry;
    }
    return first;
  };
  return {
    nowMs: () => now,
    steadyMs: () => now,
    after: (ms, call) => add(now + Math.max(0, ms), null, call),
    every: (ms, call) => add(now + Math.max(1, ms), Math.max(1, ms), call),
    nextTimerMs: () => next()?.dueMs ?? null,
    advanceTo(ms) {
      for (let entry = next(); entry !== null && entry.dueMs <= ms; entry = next()) {
        now = Math.max(now, entry.dueMs);
        if (entry.everyMs === null) timers.delete(entry);
        else {
          entry.dueMs += entry.everyMs;
          entry.order = order++;
        }
        entry.call();
      }
      now = Math.max(now, ms);
    },
  };
}
