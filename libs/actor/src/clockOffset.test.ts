import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DRIFT_PER_MS, estimateOf, noBounds, type OffsetBounds, type OffsetSample, observe } from "./clockOffset.ts";

const fold = (...samples: readonly OffsetSample[]): OffsetBounds => samples.reduce(observe, noBounds);
const at = (source: string, lowerMs: number | null, upperMs: number | null, atSteadyMs = 0): OffsetSample => ({
  source,
  lowerMs,
  upperMs,
  atSteadyMs,
});

test("nothing heard is nothing known", () => {
  expect(estimateOf(noBounds, 0)).toEqual({ lowerMs: null, upperMs: null, sources: [], dropped: [] });
  expect(estimateOf(fold(at("frames", -50, null)), 0)).toMatchObject({ lowerMs: -50, upperMs: null });
  expect(estimateOf(fold(at("x", null, 50)), 0)).toMatchObject({ lowerMs: null, upperMs: 50, sources: ["x"] });
});

test("bounds are intersected, of one source and of several", () => {
  const bounds = fold(at("a", -500, 520), at("a", -20, 900), at("b", -900, 100), at("frames", -15, null));
  expect(estimateOf(bounds, 0)).toEqual({ lowerMs: -15, upperMs: 100, sources: ["a", "b", "frames"], dropped: [] });
});

test("one of three that fits none is left out and named, and does not move the result", () => {
  const honest = fold(at("a", -30, 60), at("b", -400, 600), at("frames", -100, null));
  const lies = [at("liar", 19_000, 20_000), at("liar", -20_000, -19_000), at("liar", 5_000, null)];
  for (const lie of lies) {
    expect(estimateOf(observe(honest, lie), 0)).toEqual({ ...estimateOf(honest, 0), dropped: ["liar"] });
  }
});

test("a source that bounds both sides counts before streams that agree with a liar", () => {
  const bounds = fold(at("a", -30, 60), at("frames", 5_000, null), at("blocks", -3_000, null));
  expect(estimateOf(bounds, 0)).toMatchObject({ lowerMs: -30, upperMs: 60, dropped: ["frames"] });
});

test("when two contradict each other nobody knows which is right: the result covers both", () => {
  const estimate = estimateOf(fold(at("a", -30, 60), at("b", 16_000, 17_000)), 0);
  expect(estimate).toEqual({ lowerMs: -30, upperMs: 17_000, sources: ["a", "b"], dropped: [] });
});

test("a source that contradicts itself is believed in what it says last", () => {
  expect(estimateOf(fold(at("a", -30, 60), at("a", 900, 1_100)), 0)).toMatchObject({ lowerMs: 900, upperMs: 1_100 });
});

test("a single wild stamp of a stream is forgotten while the stream goes on", () => {
  let bounds = fold(at("a", -30, 60), at("frames", 50, null));
  for (let ms = 1_000; ms <= 130_000; ms += 1_000) bounds = observe(bounds, at("frames", -40, null, ms));
  expect(estimateOf(fold(at("frames", 50, null), at("frames", -40, null, 1_000)), 0).lowerMs).toBe(49);
  expect(estimateOf(bounds, 130_000).lowerMs).toBeCloseTo(-40.0, 3);
});

test("numbers that are none are not taken", () => {
  const bounds = fold(at("a", Number.NaN, 5), at("b", 5, Number.NaN), at("c", 9, 3));
  expect(bounds.size).toBe(0);
});

describe("whatever is heard", () => {
  const TRUE_MS = fc.integer({ min: -30_000, max: 30_000 });
  /** An honest observation: each side open, or right by some slack. */
  const honest = fc.record({
    source: fc.constantFrom("a", "b", "c", "frames"),
    below: fc.option(fc.integer({ min: 0, max: 3_000 })),
    above: fc.option(fc.integer({ min: 0, max: 3_000 })),
    afterMs: fc.integer({ min: 0, max: 40_000 }),
    /** What the clock really gains or loses meanwhile, in parts of the allowance. */
    drift: fc.double({ min: -1, max: 1, noNaN: true }),
  });
  type Honest = typeof honest extends fc.Arbitrary<infer T> ? T : never;
  const run = (trueMs: number, heard: readonly Honest[]): { bounds: OffsetBounds; nowMs: number; trueMs: number } => {
    let bounds = noBounds;
    let nowMs = 0;
    let offset = trueMs;
    for (const { source, below, above, afterMs, drift } of heard) {
      nowMs += afterMs;
      offset += afterMs * DRIFT_PER_MS * drift;
      const [lowerMs, upperMs] = [below === null ? null : offset - below, above === null ? null : offset + above];
      bounds = observe(bounds, { source, lowerMs, upperMs, atSteadyMs: nowMs });
    }
    return { bounds, nowMs, trueMs: offset };
  };
  const SLACK = 1e-6;

  test("the true offset is inside while sources are honest and the clock drifts within its allowance", () => {
    fc.assert(
      fc.property(TRUE_MS, fc.array(honest, { maxLength: 40 }), (offset, heard) => {
        const { bounds, nowMs, trueMs } = run(offset, heard);
        const { lowerMs, upperMs, dropped } = estimateOf(bounds, nowMs);
        expect(dropped).toEqual([]);
        expect(lowerMs ?? trueMs).toBeLessThanOrEqual(trueMs + SLACK);
        expect(upperMs ?? trueMs).toBeGreaterThanOrEqual(trueMs - SLACK);
      }),
    );
  });

  test("one liar beside two honest requests never brings the result out of what the honest allow", () => {
    const lie = fc.tuple(fc.integer({ min: -60_000, max: 60_000 }), fc.option(fc.integer({ min: 0, max: 5_000 })));
    fc.assert(
      fc.property(
        TRUE_MS,
        lie,
        fc.tuple(fc.nat(900), fc.nat(900), fc.nat(900), fc.nat(900)),
        (trueMs, [low, width], d) => {
          const two = fold(at("a", trueMs - d[0], trueMs + d[1]), at("b", trueMs - d[2], trueMs + d[3]));
          const honestOnes = estimateOf(two, 0);
          const [lowest, highest] = [trueMs - Math.max(d[0], d[2]), trueMs + Math.max(d[1], d[3])];
          const all = estimateOf(observe(two, at("liar", low, width === null ? null : low + width)), 0);
          expect(all.lowerMs ?? Number.NaN).toBeGreaterThanOrEqual(lowest);
          expect(all.upperMs ?? Number.NaN).toBeLessThanOrEqual(highest);
          if (all.dropped.includes("liar")) expect(all).toEqual({ ...honestOnes, dropped: ["liar"] });
        },
      ),
    );
  });

  test("without new samples the result only widens, by the allowance", () => {
    fc.assert(
      fc.property(TRUE_MS, fc.array(honest, { minLength: 1, maxLength: 20 }), fc.nat(600_000), (offset, heard, ms) => {
        const { bounds, nowMs } = run(offset, heard);
        const [now, later] = [estimateOf(bounds, nowMs), estimateOf(bounds, nowMs + ms)];
        if (now.lowerMs !== null) expect(now.lowerMs - (later.lowerMs ?? 0)).toBeCloseTo(ms * DRIFT_PER_MS, 3);
        if (now.upperMs !== null) expect((later.upperMs ?? 0) - now.upperMs).toBeCloseTo(ms * DRIFT_PER_MS, 3);
      }),
    );
  });
});
