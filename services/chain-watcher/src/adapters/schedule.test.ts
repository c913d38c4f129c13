import type { Address } from "@slipstream/contracts/ids";
import { expect, test } from "vitest";
import { nextTurn, type Polled, paceFor } from "./schedule.ts";

const leader = (n: number): Address => `0x${n.toString(16).padStart(40, "0")}` as Address;
const idle: Polled = { askedMs: null, tradedMs: null, unfinished: false, busy: false };
const pace = { pollMs: 1_000, roundMs: 60_000 };
const turnOf = (all: readonly Partial<Polled>[], turn: number, nowMs = 100_000) => {
  const next = nextTurn(new Map(all.map((one, n) => [leader(n), { ...idle, ...one }])), nowMs, turn, pace);
  return [next.leader === null ? null : Number(next.leader), next.nextDueMs];
};

test.each([
  ["nobody is followed", [], 0, [null, null]],
  ["who was never asked is due", [{ askedMs: 99_999 }, {}], 0, [1, 159_999]],
  [
    "nobody is due: the next one's time",
    [{ askedMs: 99_000 }, { askedMs: 99_500, tradedMs: 99_000 }],
    0,
    [null, 100_500],
  ],
  ["even turns prefer who trades", [{ askedMs: 1 }, { askedMs: 50_000, tradedMs: 90_000 }], 0, [1, null]],
  ["odd turns prefer who waited longest", [{ askedMs: 1 }, { askedMs: 50_000, tradedMs: 90_000 }], 1, [0, null]],
  ["a window under way is due at once", [{ askedMs: 99_999, unfinished: true }], 0, [0, null]],
  ["one request per leader at a time", [{ busy: true }], 0, [null, null]],
] as const)("%s", (_name, all, turn, expected) => {
  expect(turnOf(all, turn)).toEqual(expected);
});

/**
 * Plays `seconds` of asking at the full rate, in the middle of a long run: leaders were asked one after the other during
 * the last round. The first `active` of them trade all the time.
 * @returns the longest waits of both kinds, in ms.
 */
function play(options: { leaders: number; active: number; requestsPerSecond: number; seconds: number }) {
  const { leaders, active, requestsPerSecond, seconds } = options;
  const pace = paceFor({ leaders, requestsPerSecond, pollMs: 2_000 });
  const all = new Map<Address, Polled>();
  for (let n = 0; n < leaders; n++) {
    const isActive = n < active;
    const askedMs = isActive ? -(n % 2_000) : Math.floor(-pace.roundMs * (1 - n / leaders));
    all.set(leader(n), { ...idle, askedMs, tradedMs: isActive ? 0 : null });
  }
  const longest = { active: 0, idle: 0 };
  const note = (one: Polled, nowMs: number): void => {
    const kind = one.tradedMs === null ? "idle" : "active";
    longest[kind] = Math.max(longest[kind], nowMs - (one.askedMs ?? 0));
  };
  let requests = 0;
  for (let turn = 0; turn < seconds * requestsPerSecond; turn++) {
    const nowMs = Math.floor((turn * 1_000) / requestsPerSecond);
    const next = nextTurn(all, nowMs, turn, pace).leader;
    const one = next === null ? undefined : all.get(next);
    if (next === null || one === undefined) continue;
    requests += 1;
    note(one, nowMs);
    all.set(next, { ...one, askedMs: nowMs, tradedMs: one.tradedMs === null ? null : nowMs });
  }
  for (const one of all.values()) note(one, seconds * 1_000);
  return { pace, requests, longest };
}

test("ten leaders are all asked at the wanted pace, with requests to spare", () => {
  const { pace, requests, longest } = play({ leaders: 10, active: 3, requestsPerSecond: 10, seconds: 60 });
  expect(pace).toEqual({ pollMs: 2_000, roundMs: 2_000 });
  expect(Math.max(longest.active, longest.idle)).toBeLessThanOrEqual(2_000 + 1_000);
  expect(requests).toBeLessThanOrEqual(300 + 10);
});

test("of 10,000 leaders those who trade stay quick, and everybody is asked within a round", () => {
  const { pace, longest } = play({ leaders: 10_000, active: 40, requestsPerSecond: 100, seconds: 20 });
  expect(pace.roundMs).toBe(200_000);
  expect(longest.active).toBeLessThanOrEqual(2_000 + 1_000);
  expect(longest.idle).toBeLessThanOrEqual(pace.roundMs + 5_000);
});

test("a crowd of active leaders does not keep the idle ones waiting", () => {
  const { pace, longest } = play({ leaders: 500, active: 450, requestsPerSecond: 10, seconds: 300 });
  expect(pace.roundMs).toBe(100_000);
  expect(longest.idle).toBeLessThanOrEqual(pace.roundMs + 5_000);
  expect(longest.active).toBeLessThanOrEqual(pace.roundMs);
});
