/** Balances of a wallet that an account trades with. */
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import { Address, Hash } from "@slipstream/contracts/ids";
import { formatMicro, parseShares } from "@slipstream/contracts/money";
import { expect, test } from "vitest";
import { evolve } from "./evolve.ts";
import * as given from "./facts.testing.ts";
import { accountOf, initialState } from "./state.ts";

const wallet = (change: Partial<FactOf<"BalanceSnapshot">>): FactOf<"BalanceSnapshot"> => ({
  ...given.snapshot({ block: 9, shares: "7", usdc: "50" }),
  holder: { kind: "wallet", address: Address.parse(`0x${"b".repeat(40)}`) },
  account: given.account,
  blockHash: Hash.parse(`0x${"9".repeat(64)}`),
  source: "chain",
  ...change,
});

function after(...facts: readonly Fact[]) {
  const state = facts.reduce((known, fact, index) => evolve(known, given.recorded(fact, index + 1)), initialState());
  const { positions, collateralMicro, degraded } = accountOf(state, given.account);
  const held = [...positions.values()].map((held) => `${held.tokenId}=${formatMicro(held.confirmedMicro)}`);
  return { held, collateral: collateralMicro === null ? null : formatMicro(collateralMicro), degraded };
}

test("a wallet's balances are its account's; a leader's are nobody's", () => {
  expect(after(wallet({}))).toEqual({ held: ["11=7"], collateral: "50", degraded: false });
  const { account: _account, ...leaders } = wallet({});
  expect(after(leaders)).toEqual({ held: [], collateral: null, degraded: false });
});

test("a complete snapshot in parts empties nothing that it does not list", () => {
  const other = { tokenId: given.otherToken, sharesMicro: parseShares("3") };
  const part = wallet({ complete: true, part: 2, parts: 2, blockNumber: 10, balances: [other] });
  expect(after(wallet({}), part).held).toEqual(["11=7", "22=3"]);
  const { parts: _parts, part: _part, ...whole } = part;
  expect(after(wallet({}), whole).held).toEqual(["11=0", "22=3"]);
});

test("balances of the index mark the account until the chain answers again", () => {
  const index = wallet({ source: "api", blockHash: null, degraded: true, collateralMicro: null });
  expect(after(wallet({}), index)).toEqual({ held: ["11=7"], collateral: "50", degraded: true });
  expect(after(wallet({}), index, wallet({ blockNumber: 10, degraded: false })).degraded).toBe(false);
});

test("a paper account has its ledger only", () => {
  const paper = [given.configured(given.policy()), given.funded("100")];
  expect(after(...paper, wallet({}))).toEqual({ held: [], collateral: "100", degraded: false });
});
