import type { AccountId } from "@slipstream/contracts/ids";
import { otherSide, type PriceMicro, type Side, sharesMicro } from "@slipstream/contracts/money";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { OrderToPlace } from "../core/messages.ts";
import { order as anOrder, conditionId, id, NO, world, YES } from "./engine.testing.ts";
import { advance, answerBook, cancelOrder, openQuestions, placeOrder } from "./engine.ts";
import type { PaperEvent } from "./events.ts";
import type { Which } from "./market.ts";

const numRuns = Number(process.env["FC_RUNS"] ?? 200);
const side = fc.constantFrom<Side>("BUY", "SELL");
const which = fc.constantFrom<Which>(0, 1);
/** Tens of cents of the first token. */
const at = fc.integer({ min: 3, max: 7 });
const size = fc.integer({ min: 0, max: 12 });
const gapMs = fc.oneof(fc.nat(3), fc.nat(3), fc.integer({ min: 0, max: 700 }));

type Step =
  | { readonly kind: "level"; readonly gapMs: number; readonly side: Side; readonly at: number; readonly size: number }
  | {
      readonly kind: "print";
      readonly gapMs: number;
      readonly aheadMs: number;
      readonly which: Which;
      readonly side: Side;
      readonly at: number;
      readonly size: number;
    }
  | { readonly kind: "gap"; readonly gapMs: number; readonly on: readonly Which[]; readonly lengthMs: number }
  | { readonly kind: "tick"; readonly gapMs: number; readonly tickMicro: number };

/** As a rule bids are below 0.5 and asks above it, so that orders rest; now and then they cross. */
const below = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(4, 3) }, at);
const sided = side.chain((of) => below.map((n) => ({ side: of, at: of === "BUY" ? n : 10 - n })));

const level: fc.Arbitrary<Step> = fc
  .record({ gapMs, sided, size })
  .map(({ sided: where, ...rest }) => ({ kind: "level", ...rest, ...where }));
/** Its taker meets the other side; side and price as the token says them that it names. */
const print: fc.Arbitrary<Step> = fc
  .record({ gapMs, aheadMs: fc.nat(90), which, sided, size: fc.integer({ min: 1, max: 12 }) })
  .map(({ sided: met, which: of, ...rest }) => ({
    ...{ kind: "print", which: of, at: met.at, ...rest },
    side: of === 0 ? otherSide(met.side) : met.side,
  }));
const gap: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant("gap" as const),
  gapMs,
  on: fc.constantFrom<readonly Which[]>([0, 1], [0], [1]),
  lengthMs: fc.oneof(fc.constant(0), fc.nat(200)),
});
const tick: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant("tick" as const),
  gapMs,
  tickMicro: fc.constantFrom(1_000, 10_000),
});

type Placed = {
  readonly which: Which;
  readonly side: Side;
  readonly at: number;
  readonly size: number;
  readonly placeAtMs: number;
  readonly account: string;
  readonly timeInForce: OrderToPlace["timeInForce"];
  readonly ttlMs: number;
  readonly cancelAfterMs: number | null;
};
const placed = (kinds: readonly OrderToPlace["timeInForce"][]): fc.Arbitrary<Placed> =>
  fc
    .record({
      ...{ which, sided, size: fc.integer({ min: 4, max: 30 }), placeAtMs: fc.integer({ min: 1_001, max: 4_000 }) },
      account: fc.constantFrom("one", "one", "two"),
      timeInForce: fc.constantFrom(...kinds),
      ttlMs: fc.constantFrom(25, 900, 60_000, 60_000),
      cancelAfterMs: fc.option(fc.integer({ min: -5, max: 500 }), { freq: 4 }),
    })
    .map(({ sided: where, which: of, ...rest }) => ({
      ...{ which: of, at: where.at, ...rest },
      side: of === 0 ? where.side : otherSide(where.side),
    }));

const toPlace = (made: Placed, n: number): OrderToPlace => ({
  ...anOrder,
  orderId: id(`o${n}`),
  account: made.account as AccountId,
  tokenId: made.which === 0 ? YES : NO,
  side: made.side,
  limitPriceMicro: ((made.which === 0 ? made.at : 10 - made.at) * 100_000) as PriceMicro,
  sizeMicro: sharesMicro(BigInt(made.size) * 1_000_000n),
  minOrderSizeMicro: sharesMicro(0n),
  ...{ placeAtMs: made.placeAtMs, timeInForce: made.timeInForce, ttlMs: made.ttlMs },
});

/** The book of the steps so far, by side and price of the first token. */
type Shown = Map<string, number>;
const levelsOf = (shown: Shown, of: Side): [number, number][] =>
  [...shown].flatMap(([key, amount]) =>
    key.startsWith(of) && amount > 0 ? [[Number(key.slice(5)) * 10, amount]] : [],
  );

/** Tells the steps one after the other; after each, `afterStep` may let the engine look. */
function play(
  steps: readonly Step[],
  orders: readonly Placed[],
  afterStep: (n: number, newestMs: number, look: (watermarkMs: number) => void) => void,
): PaperEvent[] {
  const made = world([], []);
  const events: PaperEvent[] = [];
  orders.forEach((one, n) => {
    placeOrder(made.engine, toPlace(one, n));
    if (one.cancelAfterMs !== null) cancelOrder(made.engine, id(`o${n}`), one.placeAtMs + one.cancelAfterMs);
  });
  const shown: Shown = new Map();
  const look = (watermarkMs: number): void => {
    const known = made.known(watermarkMs);
    events.push(...advance(made.engine, conditionId, known));
    // Nobody knows the books of gaps.
    for (const { orderId } of openQuestions(made.engine)) {
      events.push(...answerBook(made.engine, orderId, null, known));
    }
  };
  let newestMs = 1_000;
  steps.forEach((step, n) => {
    newestMs += step.gapMs;
    if (step.kind === "level") {
      shown.set(`${step.side.padEnd(5)}${step.at}`, step.size);
      made.level(newestMs, step.side, step.at * 10, step.size);
    } else if (step.kind === "print") {
      const tens = step.which === 0 ? step.at : 10 - step.at;
      const atMs = newestMs + step.aheadMs;
      made.print(atMs, step.side, tens * 10, step.size, step.which);
    } else if (step.kind === "gap") {
      made.hole(step.on, newestMs - 1);
      newestMs += step.lengthMs;
      made.epoch(newestMs, levelsOf(shown, "BUY"), levelsOf(shown, "SELL"), step.on);
    } else {
      made.tick(newestMs, step.tickMicro);
    }
    afterStep(n, newestMs, look);
  });
  look(newestMs + 100_000);
  return events;
}

/** By order: one that is asked about is answered after the others of the call. */
const byOrder = (lines: readonly string[]): string[] =>
  lines.toSorted((a, b) => Number(a.slice(1, a.indexOf(" "))) - Number(b.slice(1, b.indexOf(" "))));
const inWords = (events: readonly PaperEvent[]): string[] =>
  events.map((event) =>
    event.kind === "fill"
      ? `${event.orderId} ${event.liquiditySide} ${event.n} ${event.sizeMicro}@${event.priceMicro} t${event.atMs}`
      : `${event.orderId} ${event.kind} t${event.atMs}`,
  );

const anyStep = fc.oneof({ weight: 6, arbitrary: level }, { weight: 3, arbitrary: print }, gap, tick);
const kinds = ["GTD", "GTD", "FAK", "FOK"] as const;

test("the same events, however the calls are split (8.6), and never more than an order's size", () => {
  const looks = fc.array(fc.boolean(), { minLength: 60, maxLength: 60 });
  fc.assert(
    fc.property(
      fc.array(anyStep, { maxLength: 60, size: "max" }),
      fc.array(placed(kinds), { minLength: 1, maxLength: 8, size: "max" }),
      looks,
      (steps, orders, when) => {
        const whole = play(steps, orders, () => undefined);
        const split = play(steps, orders, (n, newestMs, look) => {
          if (when[n] === true) look(newestMs - 1);
        });
        expect(byOrder(inWords(split))).toEqual(byOrder(inWords(whole)));
        orders.forEach((one, n) => {
          const own = whole.filter(({ orderId }) => orderId === `o${n}`);
          const fills = own.flatMap((event) => (event.kind === "fill" ? [event] : []));
          const total = fills.reduce((sum, { sizeMicro }) => sum + sizeMicro, 0n);
          const wanted = BigInt(one.size) * 1_000_000n;
          expect(total).toBeLessThanOrEqual(wanted);
          expect(fills.map((fill) => fill.n)).toEqual(fills.map((_fill, index) => index));
          expect(fills.every(({ atMs }) => atMs >= one.placeAtMs)).toBe(true);
          if (total === wanted) expect(own).toHaveLength(fills.length);
          else expect(own.length - fills.length).toBeLessThanOrEqual(1);
        });
      },
    ),
    { numRuns },
  );
});

test("of a level never more is taken than it displayed since it last grew, on both tokens together (5.6)", () => {
  const steps = fc.array(fc.oneof({ weight: 5, arbitrary: level }, gap, tick), { maxLength: 50, size: "max" });
  fc.assert(
    fc.property(steps, fc.array(placed(["FAK"]), { minLength: 2, maxLength: 12, size: "max" }), (list, orders) => {
      const taken = play(list, orders, () => undefined).flatMap((event) => {
        const one = orders[Number(event.orderId.slice(1))];
        if (event.kind !== "fill" || one === undefined) return [];
        const [of, tens] =
          one.which === 0
            ? [otherSide(one.side), event.priceMicro / 100_000]
            : [one.side, 10 - event.priceMicro / 100_000];
        const amount = Number(event.sizeMicro) / 1e6;
        return [{ atMs: event.atMs, key: `${one.account} ${of.padEnd(5)}${tens}`, amount }];
      });
      for (const key of new Set(taken.map((one) => one.key))) {
        let nowMs = 1_000;
        let displayed = 0;
        // Each stretch without growth, with what it displayed when it began.
        const stretches: { fromMs: number; displayed: number }[] = [];
        for (const step of list) {
          nowMs += step.gapMs + (step.kind === "gap" ? step.lengthMs : 0);
          if (step.kind !== "level" || `${step.side.padEnd(5)}${step.at}` !== key.slice(4)) continue;
          if (step.size > displayed) stretches.push({ fromMs: nowMs, displayed: step.size });
          displayed = step.size;
        }
        stretches.forEach(({ fromMs, displayed: most }, n) => {
          const untilMs = stretches[n + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
          const sum = taken
            .filter((one) => one.key === key && one.atMs >= fromMs && one.atMs < untilMs)
            .reduce((total, one) => total + one.amount, 0);
          expect(sum).toBeLessThanOrEqual(most);
        });
      }
    }),
    { numRuns },
  );
});
