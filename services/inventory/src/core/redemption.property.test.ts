/**
 * A wallet whose market resolves: whenever its fills are mined, its shares redeemed, and we are told of either, each share
 * is paid once and nothing is left over.
 */
import type { Fact } from "@slipstream/contracts/facts";
import { sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import fc from "fast-check";
import { expect, test } from "vitest";
import { inventoryCore } from "./core.ts";
import * as given from "./facts.testing.ts";
import { claimable } from "./formulas.ts";

const numRuns = Number(process.env["FC_RUNS"] ?? 300);
const VECTORS = [
  [1n, 0n],
  [0n, 1n],
  [1n, 1n],
  [1n, 2n],
] as const;

type Step =
  | { readonly do: "buy" | "sell"; readonly size: number }
  /** Some of what waits is in a block. */
  | { readonly do: "mine"; readonly count: number }
  /** `settle`: the venue says in which blocks our fills are; a balance alone cannot tell which of them it shows. */
  | { readonly do: "read" | "settle" | "resolve" | "tell" | "redeem" }
  | { readonly do: "restart" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("buy" as const), size: fc.integer({ min: 1, max: 9_999_999 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("sell" as const), size: fc.integer({ min: 1, max: 9_999_999 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("mine" as const), count: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom("read" as const, "read" as const, "settle" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("resolve" as const, "tell" as const, "redeem" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
);

function createRun(vector: readonly [bigint, bigint]) {
  const log: Fact[] = [];
  let state = inventoryCore.initial();
  const view = given.view(1);
  const chain = { shares: 0n, cash: 1_000_000_000n, block: 10, resolved: false, told: false };
  const waiting: { n: number; side: "BUY" | "SELL"; size: bigint; usdc: bigint }[] = [];
  const mined: { n: number; block: number }[] = [];
  const books = { bought: 0n, sold: 0n, held: 0n, n: 0 };

  const append = (fact: Fact): void => {
    log.push(fact);
    const recorded = given.recorded(fact, log.length);
    state = inventoryCore.evolve(state, recorded);
    decide({ type: "Fact", recorded });
  };
  const decide = (message: Parameters<typeof inventoryCore.route>[2]): void => {
    for (const of of inventoryCore.route(state, view, message)) {
      for (const fact of inventoryCore.decide(state, view, message, of).facts) append(fact);
    }
  };
  const run = {
    trade: (side: "BUY" | "SELL", micro: bigint): void => {
      // Nobody trades in a market that has ended; what was traded before may still be on its way.
      if (chain.resolved) return;
      const size = side === "BUY" || micro < books.held ? micro : books.held;
      if (size === 0n) return;
      const usdc = (size * 47n) / 100n;
      books.n += 1;
      books.held += side === "BUY" ? size : -size;
      if (side === "BUY") books.bought += usdc;
      else books.sold += usdc;
      waiting.push({ n: books.n, side, size, usdc });
      const fill = given.filled({ n: books.n, side, size: "1", usdc: "1" });
      append({ ...fill, sizeMicro: sharesMicro(size), usdcMicro: usdcMicro(usdc) });
    },
    mine: (count: number): void => {
      chain.block += 1;
      for (let left = count; left > 0; left--) {
        const [next] = waiting;
        if (next === undefined || (next.side === "SELL" && next.size > chain.shares)) return;
        waiting.shift();
        chain.shares += next.side === "BUY" ? next.size : -next.size;
        chain.cash += next.side === "BUY" ? -next.usdc : next.usdc;
        mined.push({ n: next.n, block: chain.block });
      }
    },
    read: (): void => {
      const read = given.snapshot({ block: chain.block, shares: "0", usdc: "0" });
      append({
        ...read,
        holder: { kind: "wallet", address: `0x${"9".repeat(40)}` as never },
        account: given.account,
        source: "chain",
        balances: [{ tokenId: given.token, sharesMicro: sharesMicro(chain.shares) }],
        collateralMicro: usdcMicro(chain.cash),
      });
    },
    settle: (): void => {
      for (const { n, block } of mined.splice(0)) append(given.settled(n, block));
    },
    resolve: (): void => {
      chain.resolved = true;
    },
    tell: (): void => {
      if (!chain.resolved) return;
      chain.told = true;
      append(given.resolved(...vector));
    },
    redeem: (): void => {
      if (!chain.resolved) return;
      chain.block += 1;
      chain.cash += (chain.shares * vector[0]) / (vector[0] + vector[1]);
      chain.shares = 0n;
      // A sale that was not mined before finds no shares any more.
      for (const { n, side, size, usdc } of [...waiting]) {
        if (side === "BUY") continue;
        waiting.splice(
          waiting.findIndex((one) => one.n === n),
          1,
        );
        books.held += size;
        books.sold -= usdc;
        append(given.reversed(n));
      }
    },
    restart: (): void => {
      const folded = log.reduce(
        (before, fact, i) => inventoryCore.evolve(before, given.recorded(fact, i + 1)),
        inventoryCore.initial(),
      );
      expect(folded).toEqual(state);
      for (const message of inventoryCore.owed(state, view)) decide(message);
    },
    waiting,
    books,
    log,
    position: () => state.accounts.get(given.account)?.positions.get(given.token),
  };
  append(given.configured(given.policy({ mode: "live" })));
  return run;
}

test("each share of a wallet is paid once, in whatever order it is mined, resolved, told and redeemed", () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 40, size: "max" }),
      fc.constantFrom(...VECTORS),
      (steps, vector) => {
        const run = createRun(vector);
        for (const one of steps) {
          if (one.do === "buy") run.trade("BUY", BigInt(one.size));
          else if (one.do === "sell") run.trade("SELL", BigInt(one.size));
          else if (one.do === "mine") run.mine(one.count);
          else run[one.do]();
        }
        // Everything comes to its end: mined, seen, told, redeemed, seen.
        run.resolve();
        while (run.waiting.length > 0) run.mine(1);
        run.read();
        run.settle();
        run.tell();
        run.redeem();
        run.read();
        const position = run.position();
        if (position === undefined) return;
        const settlements = new Map(
          run.log.flatMap((fact) => (fact.type === "PositionSettled" ? [[fact.id, fact]] : [])),
        );
        const paid = [...settlements.values()].reduce((sum, { sharesMicro: size }) => sum + size, 0n);
        const payout = [...settlements.values()].reduce((sum, { payoutMicro }) => sum + payoutMicro, 0n);
        expect(paid).toBe(run.books.held);
        expect(position).toMatchObject({ confirmedMicro: 0n, tradedMicro: 0n, costMicro: 0n, differsSinceMs: null });
        expect(claimable(position)).toBe(0n);
        expect(position.realizedPnlMicro).toBe(run.books.sold + payout - run.books.bought);
        // Rounded down once per settlement.
        const exact = (run.books.held * vector[0]) / (vector[0] + vector[1]);
        expect(exact - payout).toBeGreaterThanOrEqual(0n);
        expect(exact - payout).toBeLessThanOrEqual(BigInt(settlements.size));
      },
    ),
    { numRuns },
  );
}, 600_000);
