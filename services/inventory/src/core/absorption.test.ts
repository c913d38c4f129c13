import type { Fact } from "@slipstream/contracts/facts";
import { formatMicro } from "@slipstream/contracts/money";
import { describe, expect, test } from "vitest";
import { evolve } from "./evolve.ts";
import * as given from "./facts.testing.ts";
import { availableCollateral, positionNumbers } from "./formulas.ts";
import { accountOf, initialState, positionOf } from "./state.ts";

/** Folds facts and answers the numbers of the token as a person reads them. */
function after(...facts: readonly Fact[]): Record<string, string> {
  const state = facts.reduce((known, fact, index) => evolve(known, given.recorded(fact, index + 1)), initialState());
  const account = accountOf(state, given.account);
  const position = positionOf(account, given.token);
  const numbers = positionNumbers(account, position);
  return {
    confirmed: formatMicro(position.confirmedMicro),
    buys: formatMicro(numbers.pendingBuysMicro),
    sells: formatMicro(numbers.pendingSellsMicro),
    effective: formatMicro(numbers.effectiveMicro),
    exposure: formatMicro(numbers.conservativeExposureMicro),
    sellable: formatMicro(numbers.availableToSellMicro),
    cash: formatMicro(availableCollateral(account) ?? -1n),
  };
}

const start = [given.configured(given.policy()), given.funded("100")];
const buy5 = given.filled({ n: 1, size: "5", usdc: "2" });
const buy10 = given.filled({ n: 2, size: "10", usdc: "4" });
const sell5 = given.filled({ n: 3, side: "SELL", size: "5", usdc: "3" });

const table: readonly { name: string; facts: readonly Fact[]; numbers: Record<string, string> }[] = [
  {
    name: "a fill counts at once, its cost too, and a sale's proceeds do not",
    facts: [buy5, given.filled({ n: 3, side: "SELL", size: "2", usdc: "3" })],
    numbers: { confirmed: "0", buys: "5", sells: "2", effective: "3", exposure: "5", sellable: "3", cash: "98" },
  },
  {
    name: "a repeated fill counts once",
    facts: [buy5, buy5],
    numbers: { buys: "5", cash: "98" },
  },
  {
    name: "a balance absorbs oldest first and partially",
    facts: [buy5, buy10, given.snapshot({ block: 9, shares: "8", usdc: "96.8" })],
    numbers: { confirmed: "8", buys: "7", effective: "15", cash: "94" },
  },
  {
    name: "a balance without the purse leaves the cost pending",
    facts: [buy5, given.snapshot({ block: 9, shares: "5" })],
    numbers: { confirmed: "5", buys: "0", cash: "98" },
  },
  {
    name: "the purse follows later",
    facts: [buy5, given.snapshot({ block: 9, shares: "5" }), given.snapshot({ block: 9, usdc: "98" })],
    numbers: { confirmed: "5", buys: "0", cash: "98" },
  },
  {
    name: "a balance of a lower block is ignored",
    facts: [
      buy5,
      given.snapshot({ block: 9, shares: "5", usdc: "98" }),
      given.snapshot({ block: 8, shares: "0", usdc: "100" }),
    ],
    numbers: { confirmed: "5", buys: "0", cash: "98" },
  },
  {
    name: "a reorg makes absorbed fills pending again",
    facts: [
      buy5,
      given.snapshot({ block: 9, shares: "5", usdc: "98" }),
      given.snapshot({ block: 8, shares: "0", usdc: "100", afterReorg: true }),
    ],
    numbers: { confirmed: "0", buys: "5", effective: "5", cash: "98" },
  },
  {
    name: "settled fills are absorbed exactly, though nothing moved",
    facts: [
      buy5,
      sell5,
      given.settled(1, 9),
      given.settled(3, 9),
      given.snapshot({ block: 9, shares: "0", usdc: "101" }),
    ],
    numbers: { confirmed: "0", buys: "0", sells: "0", effective: "0", cash: "101" },
  },
  {
    name: "a settlement waits for the balance of its block",
    facts: [buy5, given.settled(1, 9), given.snapshot({ block: 8, shares: "0", usdc: "100" })],
    numbers: { confirmed: "0", buys: "5", effective: "5" },
  },
  {
    name: "an exact settlement corrects a guess",
    facts: [buy5, buy10, given.snapshot({ block: 9, shares: "10" }), given.settled(2, 9)],
    numbers: { confirmed: "10", buys: "5", effective: "15" },
  },
  {
    name: "a settlement hidden by an opposite one keeps the sum",
    facts: [buy5, sell5, given.snapshot({ block: 9, shares: "0" }), given.settled(1, 9)],
    numbers: { confirmed: "0", buys: "0", sells: "0", effective: "0" },
  },
  {
    name: "an aged purchase is not held but still exposure, and its cost stays spent",
    facts: [buy5, given.aged(1)],
    numbers: { buys: "0", effective: "0", exposure: "5", sellable: "0", cash: "98" },
  },
  {
    name: "an aged sale frees nothing to sell",
    facts: [buy5, given.snapshot({ block: 9, shares: "5" }), sell5, given.aged(3)],
    numbers: { sells: "0", effective: "5", sellable: "0" },
  },
  {
    name: "a late balance absorbs an aged fill",
    facts: [buy5, given.aged(1), given.snapshot({ block: 9, shares: "5", usdc: "98" })],
    numbers: { confirmed: "5", buys: "0", effective: "5", exposure: "5", cash: "98" },
  },
  {
    name: "a failed settlement takes the fill back",
    facts: [buy5, given.reversed(1)],
    numbers: { buys: "0", effective: "0", exposure: "0", cash: "100" },
  },
  {
    name: "a partial fill frees its part of the reservation",
    facts: [
      given.intent({ n: 1, size: "10", price: 500_000, fee: "1" }),
      given.granted(1, "10"),
      given.filled({ n: 1, size: "4", usdc: "1.9", fee: "0.1", leaves: "6" }),
    ],
    numbers: { buys: "4", exposure: "10", cash: "94.1" },
  },
  {
    name: "the last fill frees the rest, and a late expiry frees nothing more",
    facts: [
      given.intent({ n: 1, size: "10", price: 500_000, fee: "1" }),
      given.granted(1, "10"),
      given.filled({ n: 1, size: "10", usdc: "4.9", fee: "0.1" }),
      given.expired(1),
    ],
    numbers: { buys: "10", exposure: "10", cash: "95" },
  },
  {
    name: "an abandoned order frees everything",
    facts: [given.intent({ n: 1, size: "10", fee: "1" }), given.granted(1, "10"), given.abandoned(1)],
    numbers: { exposure: "0", cash: "100" },
  },
  {
    name: "a purse is filled once",
    facts: [given.funded("100")],
    numbers: { cash: "100" },
  },
];

describe("how balances meet fills", () => {
  for (const { name, facts, numbers } of table) {
    test(name, () => expect(after(...start, ...facts)).toMatchObject(numbers));
  }
});
