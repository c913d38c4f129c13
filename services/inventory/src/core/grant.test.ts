import { createLocalLog } from "@slipstream/actor/local";
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import {
  maxTakerFee,
  notional,
  parseUsdc,
  priceMicro,
  SIZE_STEP_MICRO,
  scaleMaxFee,
  sharesMicro,
  usdcMicro,
} from "@slipstream/contracts/money";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inventoryCore } from "./core.ts";
import * as given from "./facts.testing.ts";
import { availableCollateral } from "./formulas.ts";

type Answer = { readonly size: string; readonly collateral: string } | { readonly denied: string };

/** Runs the core on given facts and answers what it said of the last intent. */
function answerTo(...facts: readonly Fact[]): Answer | null {
  let answer: Answer | null = null;
  const log = createLocalLog({
    throughWire: true,
    onFact: ({ fact }) => {
      if (fact.type === "ReservationGranted") {
        answer = { size: fact.sizeMicro.toString(), collateral: fact.collateralMicro.toString() };
      }
      if (fact.type === "OrderDenied") answer = { denied: "cap" in fact.reason ? fact.reason.cap : fact.reason.code };
    },
  });
  log.add({ core: inventoryCore, view: () => given.view(), perform: () => null });
  for (const fact of facts) log.append(fact);
  return answer;
}

const small = (caps: Partial<ReturnType<typeof given.policy>["caps"]>) =>
  given.configured(given.policy({ caps: { ...given.policy().caps, ...caps } }));
const bought = (n: number, size: string, usdc: string, tokenId = given.token) => [
  given.intent({ n, size, price: 500_000, tokenId }),
  given.filled({ n, size, usdc, tokenId }),
];

const table: readonly { name: string; facts: readonly Fact[]; answer: Answer }[] = [
  {
    name: "a purchase within all caps is granted whole, with its cost rounded up and the fee",
    facts: [given.configured(given.policy()), given.intent({ n: 1, size: "10.000001", price: 330_000, fee: "0.5" })],
    answer: { size: "10000001", collateral: "3800001" },
  },
  {
    name: "an account nobody configured is refused",
    facts: [given.intent({ n: 1, size: "10" })],
    answer: { denied: "ACCOUNT_UNKNOWN" },
  },
  {
    name: "a disabled account buys nothing",
    facts: [given.configured(given.policy({ enabled: false })), given.intent({ n: 1, size: "10" })],
    answer: { denied: "ACCOUNT_UNKNOWN" },
  },
  {
    name: "a disabled account may still sell what it holds",
    facts: [
      given.configured(given.policy()),
      ...bought(1, "10", "5"),
      given.configured(given.policy({ enabled: false }), 2),
      given.intent({ n: 2, side: "SELL", size: "10" }),
    ],
    answer: { size: "10000000", collateral: "0" },
  },
  {
    name: "a live account whose balance was never read is refused",
    facts: [given.configured(given.policy({ mode: "live" })), given.intent({ n: 1, size: "10" })],
    answer: { denied: "BALANCE_UNKNOWN" },
  },
  {
    name: "a purchase above the purse buys what the purse pays for, in the venue's step",
    facts: [
      given.configured(given.policy({ initialCollateralMicro: parseUsdc("4.999999") })),
      given.intent({ n: 1, size: "10" }),
    ],
    answer: { size: "9990000", collateral: "4995000" },
  },
  {
    name: "a fee that does not fit shrinks the purchase as well, and its part of the bound",
    facts: [
      given.configured(given.policy({ initialCollateralMicro: parseUsdc("5") })),
      given.intent({ n: 1, size: "10", fee: "0.1" }),
    ],
    // 9.8 x 0.5, 98 % of the fee and what the bound of 64 fills does not shrink by.
    answer: { size: "9800000", collateral: "4998650" },
  },
  {
    name: "the purse to the micro: nothing is left over",
    facts: [
      given.configured(given.policy({ initialCollateralMicro: parseUsdc("4.995") })),
      given.intent({ n: 1, size: "10" }),
    ],
    answer: { size: "9990000", collateral: "4995000" },
  },
  {
    name: "a purse that pays for less than a step of the venue",
    facts: [
      given.configured(given.policy({ initialCollateralMicro: parseUsdc("0.004999") })),
      given.intent({ n: 1, size: "10" }),
    ],
    answer: { denied: "INSUFFICIENT_COLLATERAL" },
  },
  {
    name: "an empty purse is refused",
    facts: [
      given.configured(given.policy({ initialCollateralMicro: parseUsdc("5") })),
      given.intent({ n: 1, size: "10" }),
      given.intent({ n: 2, size: "10" }),
    ],
    answer: { denied: "INSUFFICIENT_COLLATERAL" },
  },
  {
    name: "what an earlier grant reserves is not granted again",
    facts: [
      given.configured(given.policy({ initialCollateralMicro: parseUsdc("9.99") })),
      given.intent({ n: 1, size: "10" }),
      given.intent({ n: 2, size: "10" }),
    ],
    answer: { size: "9980000", collateral: "4990000" },
  },
  {
    name: "what an expired order reserved is free again",
    facts: [
      given.configured(given.policy({ initialCollateralMicro: parseUsdc("9.99") })),
      given.intent({ n: 1, size: "10" }),
      given.expired(1),
      given.intent({ n: 2, size: "12" }),
    ],
    answer: { size: "12000000", collateral: "6000000" },
  },
  {
    name: "the order cap shrinks to the venue's size step",
    facts: [small({ orderUsdcMicro: parseUsdc("3.333") }), given.intent({ n: 1, size: "10" })],
    answer: { size: "6660000", collateral: "3330000" },
  },
  {
    name: "the token cap counts what is held at cost",
    facts: [small({ tokenUsdcMicro: parseUsdc("6") }), ...bought(1, "10", "4"), given.intent({ n: 2, size: "10" })],
    answer: { size: "4000000", collateral: "2000000" },
  },
  {
    name: "the token cap counts open purchases",
    facts: [
      small({ tokenUsdcMicro: parseUsdc("5") }),
      given.intent({ n: 1, size: "10" }),
      given.intent({ n: 2, size: "1" }),
    ],
    answer: { denied: "token" },
  },
  {
    name: "the gross cap counts all tokens",
    facts: [
      small({ grossUsdcMicro: parseUsdc("5") }),
      ...bought(1, "8", "4", given.otherToken),
      given.intent({ n: 2, size: "10" }),
    ],
    answer: { size: "2000000", collateral: "1000000" },
  },
  {
    name: "no new position beyond the number allowed",
    facts: [
      small({ openPositionsMax: 1 }),
      ...bought(1, "8", "4", given.otherToken),
      given.intent({ n: 2, size: "1" }),
    ],
    answer: { denied: "POSITIONS_FULL" },
  },
  {
    name: "what is too little to be sold is no open position",
    facts: [
      small({ openPositionsMax: 1 }),
      given.intent({ n: 1, size: "8", tokenId: given.otherToken }),
      given.filled({ n: 1, size: "4.99", leaves: "3.01", usdc: "2.5", tokenId: given.otherToken }),
      given.expired(1, given.otherToken),
      given.intent({ n: 2, size: "1" }),
    ],
    answer: { size: "1000000", collateral: "500000" },
  },
  {
    name: "while it is being bought it is, however little came yet",
    facts: [
      small({ openPositionsMax: 1 }),
      given.intent({ n: 1, size: "8", tokenId: given.otherToken }),
      given.filled({ n: 1, size: "4.99", leaves: "3.01", usdc: "2.5", tokenId: given.otherToken }),
      given.intent({ n: 2, size: "1" }),
    ],
    answer: { denied: "POSITIONS_FULL" },
  },
  {
    name: "a market that takes less has smaller positions",
    facts: [
      small({ openPositionsMax: 1 }),
      given.intent({ n: 1, size: "2", tokenId: given.otherToken, minimum: "1" }),
      given.filled({ n: 1, size: "2", usdc: "1", tokenId: given.otherToken }),
      given.intent({ n: 2, size: "1" }),
    ],
    answer: { denied: "POSITIONS_FULL" },
  },
  {
    name: "an account that was deleted buys nothing",
    facts: [given.configured(given.policy()), given.unconfigured(2), given.intent({ n: 1, size: "10" })],
    answer: { denied: "ACCOUNT_UNKNOWN" },
  },
  {
    name: "and may still sell what it holds",
    facts: [
      given.configured(given.policy()),
      ...bought(1, "10", "5"),
      given.unconfigured(2),
      given.intent({ n: 2, side: "SELL", size: "10" }),
    ],
    answer: { size: "10000000", collateral: "0" },
  },
  {
    name: "an open position may grow at the number allowed",
    facts: [small({ openPositionsMax: 1 }), ...bought(1, "8", "4"), given.intent({ n: 2, size: "1" })],
    answer: { size: "1000000", collateral: "500000" },
  },
  {
    name: "the other token of a market that is held is a position of its own",
    facts: [
      small({ openPositionsMax: 1 }),
      // Two tokens of one condition.
      ...bought(1, "8", "4"),
      given.intent({ n: 2, size: "1", tokenId: given.otherToken }),
    ],
    answer: { denied: "POSITIONS_FULL" },
  },
  {
    name: "nothing held, nothing to sell",
    facts: [given.configured(given.policy()), given.intent({ n: 1, side: "SELL", size: "1" })],
    answer: { denied: "INSUFFICIENT_SHARES" },
  },
  {
    name: "a sale shrinks to what is available",
    facts: [
      given.configured(given.policy()),
      ...bought(1, "10.005", "5"),
      given.intent({ n: 2, side: "SELL", size: "11" }),
    ],
    answer: { size: "10000000", collateral: "0" },
  },
  {
    name: "shares set aside for one sale are not sold twice",
    facts: [
      given.configured(given.policy()),
      ...bought(1, "10", "5"),
      given.intent({ n: 2, side: "SELL", size: "8" }),
      given.intent({ n: 3, side: "SELL", size: "8" }),
    ],
    answer: { size: "2000000", collateral: "0" },
  },
];

const numRuns = Number(process.env["FC_RUNS"] ?? 200);

/** What an account with only `purse` is granted of a purchase. */
function grantOf(purse: bigint, size: bigint, price: number, fee: bigint) {
  let granted: FactOf<"ReservationGranted"> | null = null;
  const log = createLocalLog({ onFact: ({ fact }) => (granted = fact.type === "ReservationGranted" ? fact : granted) });
  const actor = log.add({ core: inventoryCore, view: () => given.view(), perform: () => null });
  const much = usdcMicro(10n ** 15n);
  const caps = { ...given.policy().caps, orderUsdcMicro: much, tokenUsdcMicro: much, grossUsdcMicro: much };
  log.append(given.configured(given.policy({ caps, initialCollateralMicro: usdcMicro(purse) })));
  log.append({
    ...given.intent({ n: 1, size: "1", price }),
    sizeMicro: sharesMicro(size),
    maxFeeMicro: usdcMicro(fee),
  });
  const account = actor.state().accounts.get(given.account);
  const left = account === undefined ? null : availableCollateral(account);
  return { granted: granted as FactOf<"ReservationGranted"> | null, left };
}

describe("a purse that is a little short", () => {
  const order = fc.record({
    purse: fc.bigInt({ min: 0n, max: 20_000_000n }),
    size: fc.bigInt({ min: 1n, max: 100_000_000n }),
    limit: fc.integer({ min: 1, max: 999_999 }),
    rateMicro: fc.constantFrom(0, 1_000, 70_000, 250_000),
  });
  test("is never overdrawn, to the micro, and one step more would not have fitted", () => {
    fc.assert(
      fc.property(order, ({ purse, size, limit, rateMicro }) => {
        const schedule = { rateMicro, exponent: 1, takerOnly: true };
        const price = priceMicro(limit);
        const fee = maxTakerFee(schedule, price, sharesMicro(size));
        const { granted, left } = grantOf(purse, size, limit, fee);
        const cost = (of: bigint): bigint =>
          notional(price, sharesMicro(of), "ceil") + scaleMaxFee(fee, sharesMicro(of), sharesMicro(size));
        if (granted === null) {
          expect(left).toBe(purse);
          expect(cost(size < SIZE_STEP_MICRO ? size : SIZE_STEP_MICRO) > purse).toBe(true);
          return;
        }
        expect(granted.collateralMicro <= purse && left === purse - granted.collateralMicro).toBe(true);
        expect(granted.collateralMicro).toBe(cost(granted.sizeMicro));
        // What is set aside pays for it at the worst price and with the highest fee it can have.
        const worst = notional(price, granted.sizeMicro, "ceil") + maxTakerFee(schedule, price, granted.sizeMicro);
        expect(granted.collateralMicro >= worst).toBe(true);
        if (granted.sizeMicro === size) return;
        expect(granted.sizeMicro % SIZE_STEP_MICRO).toBe(0n);
        const more = granted.sizeMicro + SIZE_STEP_MICRO;
        expect(more > size || cost(more) > purse).toBe(true);
      }),
      { numRuns },
    );
  });
});

describe("answers to intents", () => {
  for (const { name, facts, answer } of table) {
    test(name, () => expect(answerTo(...facts)).toEqual(answer));
  }

  test("an intent that comes twice is answered once", () => {
    let answers = 0;
    const log = createLocalLog({ onFact: ({ fact }) => (answers += fact.type === "ReservationGranted" ? 1 : 0) });
    log.add({ core: inventoryCore, view: () => given.view(), perform: () => null });
    log.append(given.configured(given.policy()));
    log.append(given.intent({ n: 1, size: "10" }));
    log.append(given.intent({ n: 1, size: "10" }));
    log.append(given.expired(1));
    log.append(given.intent({ n: 1, size: "10" }));
    expect(answers).toBe(1);
  });
});
