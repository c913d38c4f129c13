/**
 * Where everything fills at once, what is held for a leader is our ratio of what he still holds of copied purchases: after
 * each thing he did when all is told at once, and in the end when his exits are told late, or fills are taken back by a reorg for a while.
 */

import type { TokenId } from "@slipstream/contracts/ids";
import fc from "fast-check";
import { expect, test } from "vitest";
import { move, Sizes, type Told, tokens } from "./sizes.testing.ts";

const isOut = (fact: Told): boolean => (fact.type === "LeaderFill" ? fact.side === "SELL" : fact.direction === "out");

/** What he holds of copied purchases, reckoned in the chain's order. */
class Copied {
  private readonly left = new Map<TokenId, bigint>();
  told = 0;

  count(fact: Told): void {
    this.told += 1;
    const left = this.of(fact.tokenId);
    if (isOut(fact)) this.left.set(fact.tokenId, left > fact.sharesMicro ? left - fact.sharesMicro : 0n);
    else if (fact.type === "LeaderFill") this.left.set(fact.tokenId, left + fact.sharesMicro);
  }

  of(token: TokenId): bigint {
    return this.left.get(token) ?? 0n;
  }

  /** We hold nothing any more: what he sells from now on is of what he buys from now on. */
  forget(token: TokenId): void {
    this.left.set(token, 0n);
  }
}

/** @param lessMicro - what selling all rather than leaving too little may have taken. */
function check(world: Sizes, copied: Copied, lessMicro = 0n): void {
  // Each order rounds to hundredths.
  const most = 10_100n * BigInt(copied.told + 1);
  for (const of of tokens) {
    const [held, right] = [world.have(of), copied.of(of) / 10n];
    const isRight = held - right <= most && right - held <= most + lessMicro;
    expect(isRight ? "right" : { of, held, right }).toBe("right");
  }
}

/** The suite's runs are always the same; `FC_RUNS` looks for others. */
const runs = process.env["FC_RUNS"];
const options = runs === undefined ? { numRuns: 200, seed: 1 } : { numRuns: Number(runs) };
const before = fc.constantFrom(0, 300);
const steps = fc.array(move, { minLength: 2, maxLength: 16, size: "max" });

test("after each thing he did our ratio of what he still holds is held, but for roundings", () => {
  fc.assert(
    fc.property(steps, before, fc.boolean(), (of, held, isRead) => {
      const world = new Sizes({ minimum: 0.01, before: held, isRead });
      const copied = new Copied();
      for (const did of of) {
        const facts = world.facts(did);
        for (const fact of facts) copied.count(fact);
        world.tell(facts);
        check(world, copied);
      }
    }),
    options,
  );
});

test("a market's minimum makes it less, by what could not have been sold, and never more", () => {
  const minimum = 5;
  fc.assert(
    fc.property(steps, before, fc.boolean(), (of, held, isRead) => {
      const world = new Sizes({ minimum, before: held, isRead });
      const copied = new Copied();
      for (const did of of) {
        for (const fact of world.facts(did)) {
          copied.count(fact);
          world.tell([fact]);
          if (world.have(fact.tokenId) === 0n && copied.of(fact.tokenId) < 50_000_000n) copied.forget(fact.tokenId);
        }
        check(world, copied, 5_000_000n * BigInt(copied.told));
      }
    }),
    options,
  );
});

test("exits that are told late leave the same in the end", () => {
  fc.assert(
    fc.property(steps, before, fc.boolean(), (of, held, isRead) => {
      const world = new Sizes({ minimum: 0.01, before: held, isRead });
      const copied = new Copied();
      let queue: { readonly at: number; readonly facts: readonly Told[] }[] = [];
      for (const [at, did] of of.entries()) {
        const facts = world.facts(did);
        for (const fact of facts) copied.count(fact);
        queue.push({ at: facts.some(isOut) ? at + did.late : at, facts });
        for (const due of queue.filter((one) => one.at <= at)) world.tell(due.facts);
        queue = queue.filter((one) => one.at > at);
      }
      for (const { facts } of queue.sort((a, b) => a.at - b.at)) world.tell(facts);
      check(world, copied);
    }),
    options,
  );
});

test("fills that a reorg takes back for a while leave the same in the end", () => {
  const away = fc.array(fc.constantFrom(null, 0, 1, 3), { minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(steps, away, before, fc.boolean(), (of, backAfter, held, isRead) => {
      const world = new Sizes({ minimum: 0.01, before: held, isRead });
      const copied = new Copied();
      let queue: { readonly at: number; readonly fact: Told }[] = [];
      for (const [at, did] of of.entries()) {
        const facts = world.facts(did);
        for (const fact of facts) copied.count(fact);
        world.tell(facts);
        const after = backAfter[at] ?? null;
        for (const fact of facts) {
          if (after === null || fact.type !== "LeaderFill") continue;
          queue.push({ at: at + after, fact: world.revert(fact) });
        }
        for (const due of queue.filter((one) => one.at <= at)) world.tell([due.fact]);
        queue = queue.filter((one) => one.at > at);
      }
      for (const { fact } of queue) world.tell([fact]);
      check(world, copied);
    }),
    options,
  );
});
