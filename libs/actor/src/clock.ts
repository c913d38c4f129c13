/** Time as an argument: clocks that are right by definition. One that measures its error is in `measuredClock.ts`. */

export type Timer = { cancel(): void };

/** What a process knows of its own clock: `nowMs` is corrected by the offset already. Whole milliseconds. */
export type ClockQuality = {
  /** World's time minus that of the wall clock here. */
  readonly offsetMs: number;
  /** The world's time is right within ± this. */
  readonly uncertaintyMs: number;
};

export type Clock = {
  /**
   * Unix milliseconds of the world we trade in: a tape's time when a tape is played, else the local time and what was
   * measured of its error. Runs on through corrections below a second; steps where a larger error is first measured.
   */
  nowMs(): number;
  /** Milliseconds of real, steady time: leases and silence of services are measured in it. */
  steadyMs(): number;
  /** Calls back when the world's clock has advanced by `ms`. */
  after(ms: number, call: () => void): Timer;
  every(ms: number, call: () => void): Timer;
  /** null: the world's time was not measured, or the clock has just jumped. Then nothing may be bought on it. */
  quality(): ClockQuality | null;
  /** What is added to the local time now: by its change, times taken before have to be moved. 0 for an exact clock. */
  correctionMs(): number;
  /** A stream told of a moment that is over by now: the world's time is at least this. */
  heard(source: string, notBeforeMs: number): void;
};

/** Where a clock stands: at real `realMs` it showed `worldMs`, and it runs `speed` times as fast. */
export type ClockMapping = { readonly realMs: number; readonly worldMs: number; readonly speed: number };

/** `exact`: the mapping is the world's time by definition. Otherwise it is a local clock like any other, to be measured. */
export type LocalClock = ClockMapping & { readonly exact: boolean };

export const MACHINE_CLOCK: LocalClock = { realMs: 0, worldMs: 0, speed: 1, exact: false };

/**
 * Parses `SLIPSTREAM_CLOCK` (checked by the settings' schema): `<real ms>:<world ms>:<speed>` or `offset:<ms>` for a local
 * clock that is wrong and not known to be, `exact:<real ms>:<world ms>:<speed>` for the time of a tape.
 */
export function parseLocalClock(text: string): LocalClock {
  const [kind = "", ...rest] = text.split(":");
  if (kind === "offset") return { ...MACHINE_CLOCK, worldMs: Number(rest[0]) };
  const exact = kind === "exact";
  const [real, world, speed] = (exact ? rest : [kind, ...rest]).map(Number);
  return { realMs: real ?? 0, worldMs: world ?? 0, speed: speed ?? 1, exact };
}

/** As the text of SLIPSTREAM_CLOCK. */
export const exactClockText = ({ realMs, worldMs, speed }: ClockMapping): string =>
  `exact:${realMs}:${worldMs}:${speed}`;

/** What a clock's face shows at a real moment. */
export const faceOf = ({ realMs, worldMs, speed }: ClockMapping, wallMs: number): number =>
  worldMs + (wallMs - realMs) * speed;

const EXACT: ClockQuality = { offsetMs: 0, uncertaintyMs: 0 };

/** Real timers for a world that runs `speed` times as fast. */
export const timersAt = (speed: number): Pick<Clock, "after" | "every"> => ({
  after: (ms, call) => {
    const handle = setTimeout(call, Math.max(0, ms / speed));
    return { cancel: () => clearTimeout(handle) };
  },
  every: (ms, call) => {
    const handle = setInterval(call, Math.max(1, ms / speed));
    return { cancel: () => clearInterval(handle) };
  },
});

/** A clock that is right by definition: that of a tape, or the machine's own where the world is on this machine. */
export function systemClock(mapping: ClockMapping = MACHINE_CLOCK): Clock {
  return {
    nowMs: () => Math.floor(faceOf(mapping, Date.now())),
    steadyMs: () => performance.now(),
    ...timersAt(mapping.speed),
    quality: () => EXACT,
    correctionMs: () => 0,
    heard: () => undefined,
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
    quality: () => EXACT,
    correctionMs: () => 0,
    heard: () => undefined,
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
