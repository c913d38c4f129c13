import { add, type SharesMicro, subtract } from "@slipstream/contracts/money";
import fc from "fast-check";
import { expect, test } from "vitest";
import { buckets, intents, saved, small } from "./bucket.testing.ts";
import { sumOf } from "./bucket.ts";
import { denial, grant, only, price, shares, tokenId, usdc } from "./facts.testing.ts";
import { goodStory, type Story } from "./story.testing.ts";

type Step =
  | { readonly do: "fill"; readonly ours: number; readonly at: number }
  | { readonly do: "venue"; readonly size: number; readonly end: "no" | "expired" | "canceled" }
  | { readonly do: "answer"; readonly how: "grant" | "part" | "deny" }
  | { readonly do: "pass"; readonly ms: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("fill" as const),
      ours: fc.integer({ min: 1, max: 7_000_000 }),
      at: fc.integer({ min: 30, max: 70 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("venue" as const),
      size: fc.integer({ min: 1, max: 900 }),
      end: fc.constantFrom("no", "expired", "canceled"),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("answer" as const), how: fc.constantFrom("grant", "part", "deny") }),
  },
  fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(1_000, 600_000, 3_600_001) }),
);

test("to the micro: saved = bought + in buckets + in open orders + aged out", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (list) => {
      const made = goodStory({}, "silent");
      let aged = 0n;
      let n = 0;
      for (const one of list) {
        const before = inPlay(made);
        const addedBefore = contributions(made);
        const boughtBefore = boughtOfBuckets(made);
        act(made, one, () => ++n);
        const gone =
          before + (contributions(made) - addedBefore) - (boughtOfBuckets(made) - boughtBefore) - inPlay(made);
        // Only time takes something away, and only what is too old by now.
        expect(gone >= 0n).toBe(true);
        aged += gone;
        for (const parts of buckets(made)) {
          const times = parts.map(({ tsSignalMs }) => tsSignalMs);
          expect(times).toEqual([...times].sort((a, b) => a - b));
        }
      }
      expect(contributions(made)).toBe(boughtOfBuckets(made) + inPlay(made) + aged);
      const passes = list.some((one) => one.do === "pass" && one.ms >= 600_000);
      if (!passes) expect(aged).toBe(0n);
      for (const intent of intents(made)) {
        for (const part of intent.bucketUsed) {
          expect(intent.limitPriceMicro <= part.limitMicro).toBe(true);
          expect(intent.tsDecidedMs - part.tsSignalMs <= 3_600_000).toBe(true);
        }
      }
    }),
    { numRuns: Number(process.env["FC_RUNS"] ?? 200) },
  );
});

const contributions = (of: Story): bigint =>
  only(of.own, "ExecutionAttempt").reduce((sum, { bucketAddMicro }) => sum + bucketAddMicro, 0n);

/** What fills bought of buckets, reckoned from the facts alone: a bucket's part comes first. */
const boughtOfBuckets = (of: Story): bigint =>
  intents(of).reduce((sum, { orderId, bucketUsed }) => {
    const filled = only(of.own, "ExecutionFill").filter((fill) => fill.orderId === orderId);
    const bought = add(shares(0), ...filled.map(({ sizeMicro }) => sizeMicro));
    const part = sumOf(bucketUsed);
    return sum + (bought < part ? bought : part);
  }, 0n);

const ended: ReadonlySet<string> = new Set(["filled", "canceled", "expired", "abandoned", "denied", "rejected"]);
/** In buckets, and what open orders took out of them and have not bought. */
const inPlay = (of: Story): bigint => {
  let sum: bigint = saved(of);
  for (const { status, bucketUsed, filledMicro } of of.state().orders.values()) {
    const left: SharesMicro = subtract(sumOf(bucketUsed), filledMicro);
    if (!ended.has(status) && left > 0n) sum += left;
  }
  return sum;
};

function act(made: Story, one: Step, next: () => number): void {
  const open = [...made.state().orders.values()].find(({ status }) => !ended.has(status));
  const intent = intents(made).find(({ orderId }) => orderId === open?.orderId);
  switch (one.do) {
    case "fill":
      made.tell(small(made, next(), one.ours / 1e6, one.at / 100));
      break;
    case "pass":
      made.view.nowMs += one.ms;
      break;
    case "answer":
      if (intent === undefined || open?.status !== "intent") break;
      if (one.how === "deny") made.tell(denial(intent));
      else made.tell(grant(intent, one.how === "part" ? shares(5.005) : intent.sizeMicro));
      break;
    case "venue": {
      if (open === undefined || open.status === "intent") break;
      const { orderId, sizeMicro, filledMicro } = open;
      const left = Number(subtract(sizeMicro, filledMicro)) / 1e6;
      const size = Math.min(one.size / 100, left);
      const head = { orderId, tokenId, atMs: made.view.nowMs };
      const money = { usdcMicro: usdc(size / 2), feeMicro: usdc(0), liquiditySide: "taker" as const };
      const fill = { kind: "fill" as const, ...head, n: open.trades.size, priceMicro: price(0.5), ...money };
      const end = one.end === "no" ? [] : [{ kind: one.end, ...head }];
      made.say({ type: "VenueReport", orderId, events: [{ ...fill, sizeMicro: shares(size) }, ...end] });
    }
  }
}
