import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Case } from "./acts.ts";
import { differences } from "./compare.ts";
import { runEngine } from "./engine.ts";
import { type Choice, cases } from "./generate.ts";
import { caseText, played } from "./play.ts";
import { runReference } from "./reference.ts";
import type { Order, OrderResult } from "./types.ts";

const numRuns = Number(process.env["FC_RUNS"] ?? 200);
/** Only against hanging: how long it takes is the machine's business. */
const timeout = 600_000;

/** `runs`: what a mutated rule seldom shows needs more of them. */
const choices: { readonly name: string; readonly choice: Choice; readonly runs?: number }[] = [
  { name: "books, prints and trades", choice: { gaps: false, ticks: false, ends: false, pongs: false } },
  { name: "with quiet times and closings", choice: { gaps: false, ticks: false } },
  { name: "with ticks", choice: { gaps: false, ends: false } },
  { name: "with gaps", choice: { ticks: false, ends: false } },
  { name: "queues", choice: { gaps: false, ticks: false, ends: false, pongs: false, queue: true } },
  { name: "queues with gaps, ticks and closings", choice: { queue: true } },
  { name: "lists of a queue", choice: { lists: true, gaps: false }, runs: 5 * numRuns },
  { name: "lists of a queue, and gaps", choice: { lists: true }, runs: 5 * numRuns },
  { name: "with everything", choice: {} },
  { name: "with everything, on two connections", choice: { apart: true } },
];

describe("the paper engine", () => {
  it.each(choices)("says what the reference says: $name", { timeout }, ({ choice, runs = numRuns }) => {
    fc.assert(
      fc.property(cases(choice), (one: Case) => {
        const { market, messages, orders } = played(one);
        const engine = runEngine(market, messages, orders);
        const differing = differences(orders, engine, runReference(market, messages, orders));
        expect(differing, caseText(one)).toEqual([]);
      }),
      { numRuns: runs },
    );
  });
});

const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((a, b) => a + b, 0n);

/** What must hold of any telling. */
function check(order: Order, { fills, end }: OrderResult): void {
  const filled = sum(fills.map((fill) => fill.sizeMicro));
  expect(filled <= order.sizeMicro).toBe(true);
  expect(end?.kind === "FILLED").toBe(filled === order.sizeMicro);
  expect(fills.map(({ n }) => n)).toEqual(fills.map((_, n) => n));
  for (const { atMs, priceMicro, sizeMicro, liquiditySide, feeMicro } of fills) {
    expect(sizeMicro > 0n).toBe(true);
    expect(atMs >= order.placeAtMs && atMs <= (end?.atMs ?? Infinity)).toBe(true);
    const worse = order.side === "BUY" ? priceMicro > order.limitMicro : priceMicro < order.limitMicro;
    expect(worse).toBe(false);
    if (liquiditySide === "maker") expect([priceMicro, feeMicro]).toEqual([order.limitMicro, 0n]);
  }
}

describe("the reference", () => {
  it("ends every order, fills no more than its size and never beyond its limit", { timeout }, () => {
    fc.assert(
      fc.property(cases(), (one) => {
        const { market, messages, orders } = played(one);
        for (const [n, result] of runReference(market, messages, orders).entries()) {
          const order = orders[n];
          expect(result.end).not.toBeNull();
          if (order !== undefined) check(order, result);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("does not care when messages are received, unless stamps are far ahead of that, nor what another account does", {
    timeout,
  }, () => {
    fc.assert(
      fc.property(cases(), (one) => {
        // Rule 1.3: a stamp counts no further ahead of its receipt than this.
        fc.pre(one.acts.every((act) => !("lateMs" in act) || act.lateMs >= -1_000));
        const { market, messages, orders } = played(one);
        const all = runReference(market, messages, orders);
        const mine = orders.filter(({ account }) => account === "one");
        const later = messages.map((message) => ({ ...message, atMs: message.atMs + 5_000 }));
        const alone = runReference(market, later, mine);
        expect(alone).toEqual(all.filter((_, n) => orders[n]?.account === "one"));
      }),
      { numRuns: 200 },
    );
  });
});
