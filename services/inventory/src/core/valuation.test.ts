import type { Mark } from "@slipstream/contracts/live";
import { formatMicro, parseUsdc, priceMicro } from "@slipstream/contracts/money";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evolve } from "./evolve.ts";
import * as given from "./facts.testing.ts";
import { initialState } from "./state.ts";
import { markOf, valueAccount } from "./valuation.ts";

const quote = (bid: number | null, offer: number | null) => ({
  bestBidMicro: bid === null ? null : priceMicro(bid),
  bestAskMicro: offer === null ? null : priceMicro(offer),
  tsMs: 7,
});

describe("a mark", () => {
  test.each<[string, number | null, number | null, Partial<Mark> | null]>([
    [
      "is the middle of a book, rounded down",
      400_000,
      410_001,
      { priceMicro: priceMicro(405_000), source: "mid", tsMs: 7 },
    ],
    ["is still the middle ten cents apart", 400_000, 500_000, { priceMicro: priceMicro(450_000), source: "mid" }],
    ["is the bid of a wider book", 400_000, 500_001, { priceMicro: priceMicro(400_000), source: "bid" }],
    ["is the bid when nobody offers", 990_000, null, { priceMicro: priceMicro(990_000), source: "bid" }],
    ["is not known when nobody bids", null, 10_000, null],
  ])("%s", (_name, bid, offer, expected) => {
    const mark = markOf(quote(bid, offer));
    if (expected === null) expect(mark).toBeNull();
    else expect(mark).toMatchObject(expected);
  });
});

/** The account after these facts. */
const accountAfter = (...facts: Parameters<typeof given.recorded>[0][]) => {
  const all = [given.configured(given.policy()), given.funded("1000"), ...facts];
  const state = all.reduce((before, fact, index) => evolve(before, given.recorded(fact, index + 1)), initialState());
  const account = state.accounts.get(given.account);
  if (account === undefined) throw new Error("no account");
  return account;
};
const at = (price: number) => (): Mark => ({ priceMicro: priceMicro(price), source: "mid", tsMs: 7 });

describe("an account", () => {
  const bought = given.filled({ n: 1, size: "100", usdc: "50", fee: "3.5" });

  test("loses a fee when it is paid, and the rest with the price", () => {
    const account = accountAfter(bought);
    expect(valueAccount(account, at(500_000))).toMatchObject({
      cashMicro: parseUsdc("946.5"),
      realizedMicro: -parseUsdc("3.5"),
      feesMicro: parseUsdc("3.5"),
      unrealizedMicro: 0n,
      equityMicro: parseUsdc("996.5"),
    });
    expect(valueAccount(account, at(50_000))).toMatchObject({
      unrealizedMicro: -parseUsdc("45"),
      equityMicro: parseUsdc("951.5"),
    });
  });

  test("counts a trade that no balance shows for long once: as money or as shares", () => {
    const held = [bought, given.settled(1, 1), given.snapshot({ block: 1, shares: "100", usdc: "946.5" })];
    const sold = given.filled({ n: 2, side: "SELL", size: "100", usdc: "60", leaves: "0" });
    const after = (...facts: Parameters<typeof accountAfter>) => valueAccount(accountAfter(...facts), at(600_000));
    expect(after(...held, sold)?.equityMicro).toBe(parseUsdc("1006.5"));
    expect(after(...held, sold, given.aged(2))?.equityMicro).toBe(parseUsdc("1006.5"));
    expect(after(bought, given.aged(1))?.equityMicro).toBe(parseUsdc("1006.5"));
  });

  test("counts what nobody has priced at its cost, and says so", () => {
    expect(valueAccount(accountAfter(bought), () => null)).toMatchObject({
      unmarked: 1,
      unrealizedMicro: 0n,
      equityMicro: parseUsdc("996.5"),
      positions: [{ mark: null, valueMicro: parseUsdc("50") }],
    });
  });

  test("without a known purse has no value", () => {
    const live = [given.configured(given.policy({ mode: "live" }))];
    const state = live.reduce((before, fact) => evolve(before, given.recorded(fact, 1)), initialState());
    const account = state.accounts.get(given.account);
    expect(account === undefined ? null : valueAccount(account, at(1))).toBeNull();
  });
});

/** A paper ledger: each block settles what was filled before it, whole, and tells the purse. */
const deal = fc.record({
  side: fc.constantFrom("BUY" as const, "SELL" as const),
  size: fc.integer({ min: 1, max: 5_000_000 }),
  usdc: fc.integer({ min: 0, max: 5_000_000 }),
  fee: fc.integer({ min: 0, max: 100_000 }),
  settles: fc.boolean(),
});

test("realized and unrealized are the change of equity, to the micro, at every moment and any mark", () => {
  fc.assert(
    fc.property(fc.array(deal, { maxLength: 20 }), fc.integer({ min: 0, max: 1_000_000 }), (deals, price) => {
      let state = initialState();
      let seq = 0;
      const say = (fact: Parameters<typeof given.recorded>[0]) => {
        seq += 1;
        state = evolve(state, given.recorded(fact, seq));
        const account = state.accounts.get(given.account);
        const value = account === undefined ? null : valueAccount(account, at(price));
        if (value?.fundingMicro == null) return;
        expect(value.realizedMicro + value.unrealizedMicro).toBe(value.equityMicro - value.fundingMicro);
      };
      say(given.configured(given.policy()));
      say(given.funded("1000"));
      let [shares, usdc, block] = [0n, parseUsdc("1000") as bigint, 10];
      let waiting: number[] = [];
      for (const [n, { side, size, settles, ...money }] of deals.entries()) {
        if (side === "SELL" && shares < BigInt(size)) continue;
        const [paid, fee] = [formatMicro(money.usdc), formatMicro(money.fee)];
        say(given.filled({ n, side, size: formatMicro(size), usdc: paid, fee }));
        shares += side === "BUY" ? BigInt(size) : -BigInt(size);
        usdc += BigInt(side === "BUY" ? -money.usdc : money.usdc) - BigInt(money.fee);
        waiting.push(n);
        if (!settles || usdc < 0n) continue;
        block += 1;
        for (const trade of waiting) say(given.settled(trade, block));
        waiting = [];
        say(given.snapshot({ block, shares: formatMicro(shares), usdc: formatMicro(usdc) }));
      }
    }),
    { numRuns: Number(process.env["FC_RUNS"] ?? 200) },
  );
});
