import { describe, expect, test } from "vitest";
import { parseLocalClock } from "./clock.ts";
import { measuredClock } from "./measuredClock.ts";

const START_MS = 1_800_000_000_000;

/** A machine whose wall clock is wrong by `errorMs`, and a venue that knows. */
function machine(text = "offset:0") {
  const jumps: number[] = [];
  let steadyMs = 5_000;
  let wallMs = START_MS;
  let worldMs = START_MS;
  const clock = measuredClock({
    mapping: parseLocalClock(text),
    wallMs: () => wallMs,
    steadyMs: () => steadyMs,
    onJump: (ms) => jumps.push(ms),
  });
  return {
    clock,
    jumps,
    worldMs: () => worldMs,
    pass: (ms: number): void => {
      steadyMs += ms;
      wallMs += ms;
      worldMs += ms;
    },
    set: (ms: number): void => {
      wallMs += ms;
    },
    sleep: (ms: number): void => {
      wallMs += ms;
      worldMs += ms;
    },
    /** The venue's answer, right within ± `withinMs`, said to be off by `wrongMs`. */
    ask: (withinMs: number, wrongMs = 0, source = "venue"): void => {
      const offset = worldMs - clock.localMs() + wrongMs;
      clock.measured({ source, lowerMs: offset - withinMs, upperMs: offset + withinMs });
    },
  };
}

describe("the local clock is wrong", () => {
  for (const errorMs of [-20_000, -2_000, -200, 0, 200, 2_000, 20_000]) {
    test(`by ${errorMs} ms: it is found, corrected and told`, () => {
      const of = machine(`offset:${errorMs}`);
      expect(of.clock.quality()).toBeNull();
      of.ask(500);
      of.pass(1_000);
      of.ask(10);
      of.pass(5_000);
      const { offsetMs, uncertaintyMs } = of.clock.quality() ?? { offsetMs: Number.NaN, uncertaintyMs: Number.NaN };
      expect(offsetMs).toBe(0 - errorMs);
      expect(uncertaintyMs).toBeLessThan(20);
      expect(of.clock.nowMs()).toBe(of.worldMs());
      expect(of.jumps).toEqual([]);
    });
  }

  test("with a tape's speed", () => {
    const of = machine(`${START_MS}:${START_MS - 2_000}:1`);
    of.ask(10);
    expect(of.clock.nowMs()).toBe(of.worldMs());
    expect(of.clock.quality()).toMatchObject({ offsetMs: 2_000 });
  });
});

test("a correction below a second is slewed: time never runs backwards, and the uncertainty covers what is not corrected yet", () => {
  const of = machine();
  of.ask(600, 500);
  of.pass(100);
  let before = of.clock.nowMs();
  of.ask(20);
  for (let n = 0; n < 60; n += 1) {
    of.pass(100);
    const now = of.clock.nowMs();
    expect(now).toBeGreaterThanOrEqual(before);
    const { uncertaintyMs } = of.clock.quality() ?? { uncertaintyMs: 0 };
    expect(Math.abs(now - of.worldMs())).toBeLessThanOrEqual(uncertaintyMs);
    before = now;
  }
  expect(of.clock.nowMs()).toBe(of.worldMs());
  expect(of.jumps).toEqual([]);
});

test("not asked for long, it is trusted less and less", () => {
  const of = machine();
  of.ask(10);
  of.pass(600_000);
  expect(of.clock.quality()?.uncertaintyMs).toBe(610);
});

describe("a jump", () => {
  test("the wall clock is set: time runs on, is not trusted, and is measured again", () => {
    const of = machine();
    of.ask(10);
    of.pass(1_000);
    of.set(-16_000);
    of.clock.look();
    expect(of.jumps).toEqual([-16_000]);
    expect(of.clock.report()).toMatchObject({ quality: null, jumpMs: -16_000 });
    expect(of.clock.nowMs()).toBe(of.worldMs());
    of.ask(10);
    of.pass(2_900);
    expect(of.clock.quality()).toBeNull();
    of.pass(200);
    expect(of.clock.report()).toMatchObject({ quality: { offsetMs: 16_000 }, jumpMs: null });
    expect(of.clock.nowMs()).toBe(of.worldMs());
    expect(of.jumps).toHaveLength(1);
  });

  test("what was asked before it and answered after it is not taken", () => {
    const of = machine();
    of.ask(10);
    const offset = of.worldMs() - of.clock.localMs();
    of.sleep(60_000);
    of.clock.measured({ source: "venue", lowerMs: offset - 10, upperMs: offset + 10 });
    of.pass(5_000);
    expect(of.clock.quality()).toBeNull();
  });

  test("the machine slept: the steady clock stood, and the next answer says how long", () => {
    const of = machine();
    of.ask(10);
    of.sleep(3_600_000);
    expect(of.clock.quality()).toBeNull();
    of.ask(10);
    of.pass(3_100);
    expect(of.clock.quality()).toMatchObject({ offsetMs: 0 });
    expect(of.clock.nowMs()).toBe(of.worldMs());
    expect(of.jumps).toEqual([3_600_000]);
  });

  test("the venue says something else than before by more than a second", () => {
    const of = machine();
    of.ask(10);
    of.ask(10, 5_000);
    expect(of.jumps).toEqual([5_000]);
    expect(of.clock.quality()).toBeNull();
    of.pass(3_100);
    expect(of.clock.quality()).toMatchObject({ offsetMs: 5_000 });
  });

  test("slewing by an NTP service is none", () => {
    const of = machine();
    of.ask(10);
    for (let n = 0; n < 100; n += 1) {
      of.pass(250);
      of.set(20);
      of.clock.look();
    }
    expect(of.jumps).toEqual([]);
    // The wall clock is 2 s off by now, and that is told; the world's time is not.
    expect(of.clock.quality()).toMatchObject({ offsetMs: -2_000 });
    expect(of.clock.nowMs()).toBe(of.worldMs());
  });
});

test("a stream bounds one side, and one that is wrong is left out and named", () => {
  const of = machine("offset:-2000");
  of.clock.heard("frames", of.worldMs() - 30);
  expect(of.clock.quality()).toBeNull();
  of.ask(500);
  expect(of.clock.report()).toMatchObject({ sources: ["frames", "venue"], dropped: [] });
  expect(of.clock.quality()?.uncertaintyMs).toBeLessThan(300);
  of.clock.heard("blocks", of.worldMs() + 60_000);
  expect(of.clock.report()).toMatchObject({ sources: ["frames", "venue"], dropped: ["blocks"] });
});
