/**
 * How far our clock is from the world's, from bounds that sources give: a fold of samples, and the largest set of sources
 * that agree (after Marzullo). Offsets are `world − local`; `local` is a line that runs with the steady clock, so neither
 * a correction of the machine's wall clock nor ours moves it.
 *
 * Invariants
 * 1. While sources are honest up to their bounds, the true offset lies in the result.
 * 2. A source that fits none of the others neither moves nor widens the result, and is named.
 * 3. Without new samples the result only widens.
 */

/** What one observation says; null: it bounds this side not at all. */
export type OffsetSample = {
  readonly source: string;
  readonly lowerMs: number | null;
  readonly upperMs: number | null;
  /** Steady time of the observation. */
  readonly atSteadyMs: number;
};

export type OffsetEstimate = {
  /** null: not bounded on this side. */
  readonly lowerMs: number | null;
  readonly upperMs: number | null;
  /** Sources that agree, and those that do not fit them. */
  readonly sources: readonly string[];
  readonly dropped: readonly string[];
};

/**
 * How much a clock may run faster or slower than the world's: a quartz some 100 millionths, a machine whose NTP service
 * slews it 500 millionths more; the rest is allowance.
 */
export const DRIFT_PER_MS = 0.001;
/** A source's bounds are kept for one to two of these, while it goes on giving new ones. */
const GENERATION_MS = 60_000;

type Bound = { readonly lowerMs: number; readonly upperMs: number; readonly atSteadyMs: number };
type Generations = { readonly beganMs: number; readonly current: Bound; readonly before: Bound | null };

/** Bounds by source. */
export type OffsetBounds = ReadonlyMap<string, Generations>;
export const noBounds: OffsetBounds = new Map();

/** Takes one more observation. One that contradicts its own source replaces what that source said before. */
export function observe(bounds: OffsetBounds, sample: OffsetSample): OffsetBounds {
  const said: Bound = {
    lowerMs: sample.lowerMs ?? Number.NEGATIVE_INFINITY,
    upperMs: sample.upperMs ?? Number.POSITIVE_INFINITY,
    atSteadyMs: sample.atSteadyMs,
  };
  if (Number.isNaN(said.lowerMs) || Number.isNaN(said.upperMs) || said.lowerMs > said.upperMs) return bounds;
  return new Map(bounds).set(sample.source, joined(bounds.get(sample.source), said));
}

function joined(known: Generations | undefined, said: Bound): Generations {
  const { atSteadyMs } = said;
  const fresh = { beganMs: atSteadyMs, current: said, before: null };
  if (known === undefined) return fresh;
  const all = intersect(boundOf(known, atSteadyMs), said);
  if (all.lowerMs > all.upperMs) return fresh;
  if (atSteadyMs - known.beganMs >= GENERATION_MS) return { ...fresh, before: known.current };
  return { ...known, current: intersect(aged(known.current, atSteadyMs), said) };
}

const boundOf = ({ current, before }: Generations, atSteadyMs: number): Bound =>
  before === null ? aged(current, atSteadyMs) : intersect(aged(current, atSteadyMs), aged(before, atSteadyMs));

const intersect = (a: Bound, b: Bound): Bound => ({
  lowerMs: Math.max(a.lowerMs, b.lowerMs),
  upperMs: Math.min(a.upperMs, b.upperMs),
  atSteadyMs: Math.max(a.atSteadyMs, b.atSteadyMs),
});

function aged({ lowerMs, upperMs, atSteadyMs }: Bound, nowMs: number): Bound {
  const driftMs = Math.max(0, nowMs - atSteadyMs) * DRIFT_PER_MS;
  return { lowerMs: lowerMs - driftMs, upperMs: upperMs + driftMs, atSteadyMs: Math.max(nowMs, atSteadyMs) };
}

type Named = Bound & { readonly source: string };
type Agreement = { readonly lowerMs: number; readonly upperMs: number; readonly sources: readonly string[] };

/**
 * The offset at `atSteadyMs`: what the largest consistent set of sources leaves over. Sources that bound both sides count
 * before those that bound one. When two sets are equally large nobody knows which is right: the result covers both.
 */
export function estimateOf(bounds: OffsetBounds, atSteadyMs: number): OffsetEstimate {
  const named = [...bounds].map(([source, known]) => ({ ...boundOf(known, atSteadyMs), source }));
  const best = largest(named.map((start) => agreementAt(start.lowerMs, named)));
  const agreeing = new Set(best.flatMap(({ sources }) => sources));
  const finite = (ms: number): number | null => (Number.isFinite(ms) ? ms : null);
  return {
    lowerMs: finite(Math.min(...best.map(({ lowerMs }) => lowerMs))),
    upperMs: finite(Math.max(...best.map(({ upperMs }) => upperMs))),
    sources: [...agreeing].sort(),
    dropped: named.flatMap(({ source }) => (agreeing.has(source) ? [] : [source])).sort(),
  };
}

/** The intersection that begins at `lowerMs`: any largest one begins where a source's does. */
function agreementAt(lowerMs: number, named: readonly Named[]): Agreement & { readonly weight: number } {
  const members = named.filter((one) => one.lowerMs <= lowerMs && lowerMs <= one.upperMs);
  const bothSides = members.filter((one) => Number.isFinite(one.lowerMs) && Number.isFinite(one.upperMs)).length;
  return {
    lowerMs,
    upperMs: Math.min(...members.map((one) => one.upperMs)),
    sources: members.map(({ source }) => source),
    weight: bothSides * (named.length + 1) + members.length,
  };
}

function largest(found: readonly (Agreement & { readonly weight: number })[]): readonly Agreement[] {
  const most = Math.max(0, ...found.map(({ weight }) => weight));
  return found.filter(({ weight }) => weight === most);
}
