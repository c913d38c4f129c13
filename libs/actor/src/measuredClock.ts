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

type Hands = { readonly wallMs: () => number; readonly steadyMs: () => number };

/** The wall clock beside the steady one. */
function watchWall({ wallMs, steadyMs }: Hands) {
  const anchorSteadyMs = steadyMs();
  const anchorWallMs = wallMs();
  let deviationMs = 0;
  return {
    /** What the wall clock would show, had it run with the steady one since the start. */
    steadyWallMs: (atSteadyMs: number): number => anchorWallMs + (atSteadyMs - anchorSteadyMs),
    /** How far the wall clock was moved since the start, when last looked at. */
    deviationMs: (): number => deviationMs,
    /** How far it was moved since the last look; null: it was not, or by no more than an NTP service slews. */
    jump: (): number | null => {
      const beforeMs = steadyMs();
      const wall = wallMs();
      const atSteadyMs = steadyMs();
      if (atSteadyMs - beforeMs > READ_WITHIN_MS) return null;
      const deviation = wall - anchorWallMs - (atSteadyMs - anchorSteadyMs);
      const changeMs = deviation - deviationMs;
      deviationMs = deviation;
      return Math.abs(changeMs) > JUMP_MS ? changeMs : null;
    },
  };
}

/** A correction on its way to where it should be. */
function slewing(startSteadyMs: number, speed: number) {
  let targetMs = 0;
  let appliedMs = 0;
  let movedMs = startSteadyMs;
  const at = (steadyMs: number): number => {
    const most = Math.max(0, steadyMs - movedMs) * SLEW * speed;
    appliedMs += Math.min(most, Math.max(-most, targetMs - appliedMs));
    movedMs = Math.max(movedMs, steadyMs);
    return appliedMs;
  };
  return {
    at,
    targetMs: (): number => targetMs,
    /** @returns how far it stepped, when the way was too long to be slewed; else 0. */
    aim: (newTargetMs: number, steadyMs: number): number => {
      const wayMs = newTargetMs - at(steadyMs);
      targetMs = newTargetMs;
      if (Math.abs(wayMs) <= STEP_MS) return 0;
      appliedMs = newTargetMs;
      return wayMs;
    },
  };
}

export function measuredClock(options: {
  readonly mapping: ClockMapping;
  readonly wallMs?: () => number;
  readonly steadyMs?: () => number;
  /** The clock has jumped, by this much: measure again. */
  readonly onJump?: (jumpMs: number) => void;
}): MeasuredClock {
  const { mapping, wallMs = Date.now, steadyMs = () => performance.now(), onJump } = options;
  const { speed } = mapping;
  const wall = watchWall({ wallMs, steadyMs });
  const correction = slewing(steadyMs(), speed);
  const localAt = (atSteadyMs: number): number => faceOf(mapping, wall.steadyWallMs(atSteadyMs));
  /** The fold's time: a clock that runs faster drifts faster. */
  const foldMs = (atSteadyMs: number): number => atSteadyMs * speed;
  let bounds: OffsetBounds = noBounds;
  const streams = new Map<string, { readonly lowerMs: number; readonly atSteadyMs: number }>();
  let jump: { readonly ms: number; readonly atSteadyMs: number } | null = null;

  const jumped = (ms: number): void => {
    jump = { ms: Math.round(ms), atSteadyMs: steadyMs() };
    onJump?.(jump.ms);
  };
  /** @returns true when all that was measured is void. */
  const look = (): boolean => {
    const jumpMs = wall.jump();
    if (jumpMs === null) return false;
    bounds = noBounds;
    streams.clear();
    jumped(jumpMs);
    return true;
  };
  const take = (sample: OffsetSample): void => {
    const inFold = { ...sample, atSteadyMs: foldMs(sample.atSteadyMs) };
    const wasMeasured = midOf(bounds, inFold.atSteadyMs) !== null;
    bounds = observe(bounds, inFold);
    const mid = midOf(bounds, inFold.atSteadyMs);
    if (mid === null) return;
    const stepMs = correction.aim(mid, sample.atSteadyMs);
    if (stepMs !== 0 && wasMeasured) jumped(stepMs);
  };
  const report = (): ClockReport => {
    look();
    const atSteadyMs = steadyMs();
    const { lowerMs, upperMs, sources, dropped } = estimateOf(bounds, foldMs(atSteadyMs));
    const isSettling = jump !== null && atSteadyMs - jump.atSteadyMs < JUMP_SETTLE_MS;
    if (isSettling || lowerMs === null || upperMs === null) {
      return { quality: null, sources, dropped, jumpMs: jump?.ms ?? null };
    }
    jump = null;
    const addedMs = correction.at(atSteadyMs);
    // What the wall clock shows is off by what it was moved by as well. + 0: no minus zero.
    const offsetMs = Math.round(addedMs - wall.deviationMs() * speed) + 0;
    const uncertaintyMs = Math.ceil(Math.max(upperMs - addedMs, addedMs - lowerMs, 0));
    return { quality: { offsetMs, uncertaintyMs }, sources, dropped, jumpMs: null };
  };
  return {
    nowMs: () => {
      const atSteadyMs = steadyMs();
      return Math.floor(localAt(atSteadyMs) + correction.at(atSteadyMs));
    },
    steadyMs,
    ...timersAt(speed),
    quality: () => report().quality,
    correctionMs: () => correction.at(steadyMs()),
    localMs: () => localAt(steadyMs()),
    bestMs: () => localAt(steadyMs()) + correction.targetMs(),
    measured: (sample) => {
      // What was asked before a jump and answered after it says nothing of either.
      if (!look()) take({ ...sample, atSteadyMs: steadyMs() });
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
    look: () => void look(),
    report,
  };
}

function midOf(bounds: OffsetBounds, atSteadyMs: number): number | null {
  const { lowerMs, upperMs } = estimateOf(bounds, atSteadyMs);
  return lowerMs === null || upperMs === null ? null : (lowerMs + upperMs) / 2;
}
