/**
 * The clock of a process whose local clock may be wrong: it runs with the steady clock, and what is measured of its
 * error is added.
 *
 * - A correction of up to a second is slewed, so time never runs backwards through it; a larger one steps, and counts as
 *   a jump unless it is the first. Whoever needs time that never goes back uses `steadyMs`.
 * - The machine's wall clock against the steady one: when it is set, or the machine slept, everything measured is void,
 *   since nobody can tell which of the two was right. Time runs on as it was, and is not trusted until it is measured
 *   again.
 */
import { type Clock, type ClockMapping, type ClockQuality, faceOf, timersAt } from "./clock.ts";
import { estimateOf, noBounds, type OffsetBounds, type OffsetSample, observe } from "./clockOffset.ts";

export type MeasuredClock = Clock & {
  /** The local line that samples refer to: shows the local time of the start, and runs with the steady clock. */
  localMs(): number;
  /** The world's time by all that is measured, before it is slewed to. */
  bestMs(): number;
  /** Takes bounds of `world − localMs`. */
  measured(sample: Omit<OffsetSample, "atSteadyMs">): void;
  /** Looks for a jump; call it some times a second. */
  look(): void;
  report(): ClockReport;
};

export type ClockReport = {
  readonly quality: ClockQuality | null;
  /** Sources in the result, and those that do not fit. */
  readonly sources: readonly string[];
  readonly dropped: readonly string[];
  /** How far the clock jumped, while that is why it is not trusted; else null. */
  readonly jumpMs: number | null;
};

/** The least change between wall and steady clock that is no slewing of an NTP service between two looks. */
const JUMP_MS = 250;
/** Two readings of clocks this far apart say nothing of each other: the process was interrupted between them. */
const READ_WITHIN_MS = 20;
/** Long enough for three heartbeats to tell of it. */
const JUMP_SETTLE_MS = 3_000;
const STEP_MS = 1_000;
/** World milliseconds of correction per local millisecond. */
const SLEW = 0.5;
/** A stream is listened to once a second, or when it says this much more than before. */
const HEARD_EVERY_MS = 1_000;
const HEARD_MORE_MS = 5;

export function measuredClock(options: {
  readonly mapping: ClockMapping;
  readonly wallMs?: () => number;
  readonly steadyMs?: () => number;
  /** The clock has jumped, by this much: measure again. */
  readonly onJump?: (jumpMs: number) => void;
}): MeasuredClock {
  const { mapping, wallMs = Date.now, steadyMs = () => performance.now(), onJump } = options;
  const { speed } = mapping;
  const anchorSteadyMs = steadyMs();
  const anchorWallMs = wallMs();
  const localAt = (atSteadyMs: number): number => faceOf(mapping, anchorWallMs + (atSteadyMs - anchorSteadyMs));
  let bounds: OffsetBounds = noBounds;
  const streams = new Map<string, { readonly lowerMs: number; readonly atSteadyMs: number }>();
  /** Wall minus steady clock, against the start. */
  let deviationMs = 0;
  let jump: { readonly ms: number; readonly atSteadyMs: number } | null = null;
  /** null: never measured. */
  let targetMs: number | null = null;
  let appliedMs = 0;
  let appliedAtMs = anchorSteadyMs;

  /** The fold's time: a clock that runs faster drifts faster. */
  const foldMs = (atSteadyMs: number): number => atSteadyMs * speed;
  const correctionAt = (atSteadyMs: number): number => {
    const most = Math.max(0, atSteadyMs - appliedAtMs) * SLEW * speed;
    appliedMs += Math.min(most, Math.max(-most, (targetMs ?? 0) - appliedMs));
    appliedAtMs = Math.max(appliedAtMs, atSteadyMs);
    return appliedMs;
  };
  const jumped = (ms: number, atSteadyMs: number): void => {
    jump = { ms: Math.round(ms), atSteadyMs };
    onJump?.(jump.ms);
  };
  const look = (): void => {
    const beforeMs = steadyMs();
    const wall = wallMs();
    const atSteadyMs = steadyMs();
    if (atSteadyMs - beforeMs > READ_WITHIN_MS) return;
    const deviation = wall - anchorWallMs - (atSteadyMs - anchorSteadyMs);
    const changeMs = deviation - deviationMs;
    deviationMs = deviation;
    if (Math.abs(changeMs) <= JUMP_MS) return;
    bounds = noBounds;
    streams.clear();
    jumped(changeMs, atSteadyMs);
  };
  const take = (sample: OffsetSample): void => {
    const { atSteadyMs } = sample;
    const inFold = { ...sample, atSteadyMs: foldMs(atSteadyMs) };
    const wasMeasured = midOf(bounds, inFold.atSteadyMs) !== null;
    bounds = observe(bounds, inFold);
    const mid = midOf(bounds, inFold.atSteadyMs);
    if (mid === null) return;
    const stepMs = mid - correctionAt(atSteadyMs);
    targetMs = mid;
    if (Math.abs(stepMs) <= STEP_MS) return;
    appliedMs = mid;
    if (wasMeasured) jumped(stepMs, atSteadyMs);
  };
  const report = (): ClockReport => {
    look();
    const atSteadyMs = steadyMs();
    const { lowerMs, upperMs, sources, dropped } = estimateOf(bounds, foldMs(atSteadyMs));
    const isSettling = jump !== null && atSteadyMs - jump.atSteadyMs < JUMP_SETTLE_MS;
    if (!isSettling && lowerMs !== null && upperMs !== null) jump = null;
    const jumpMs = jump?.ms ?? null;
    if (isSettling || lowerMs === null || upperMs === null) return { quality: null, sources, dropped, jumpMs };
    const correctionMs = correctionAt(atSteadyMs);
    const uncertaintyMs = Math.max(upperMs - correctionMs, correctionMs - lowerMs, 0);
    // What the wall clock shows is off by what it was set by as well.
    const offsetMs = correctionMs - deviationMs * speed;
    // + 0: no minus zero.
    const quality = { offsetMs: Math.round(offsetMs) + 0, uncertaintyMs: Math.ceil(uncertaintyMs) };
    return { quality, sources, dropped, jumpMs };
  };
  return {
    nowMs: () => {
      const atSteadyMs = steadyMs();
      return Math.floor(localAt(atSteadyMs) + correctionAt(atSteadyMs));
    },
    steadyMs,
    ...timersAt(speed),
    quality: () => report().quality,
    correctionMs: () => correctionAt(steadyMs()),
    localMs: () => localAt(steadyMs()),
    bestMs: () => localAt(steadyMs()) + (targetMs ?? 0),
    measured: (sample) => {
      look();
      take({ ...sample, atSteadyMs: steadyMs() });
    },
    heard: (source, notBeforeMs) => {
      const atSteadyMs = steadyMs();
      const lowerMs = notBeforeMs - localAt(atSteadyMs);
      const last = streams.get(source);
      const isNews = last === undefined || lowerMs > last.lowerMs + HEARD_MORE_MS;
      if (!isNews && atSteadyMs - last.atSteadyMs < HEARD_EVERY_MS) return;
      streams.set(source, { lowerMs, atSteadyMs });
      take({ source, lowerMs, upperMs: null, atSteadyMs });
    },
    look,
    report,
  };
}

function midOf(bounds: OffsetBounds, atSteadyMs: number): number | null {
  const { lowerMs, upperMs } = estimateOf(bounds, atSteadyMs);
  return lowerMs === null || upperMs === null ? null : (lowerMs + upperMs) / 2;
}
