import type { Fact } from "@slipstream/contracts/facts";
import type { Address, TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { expect, test } from "vitest";
import { bookstoreCore, type TrackState } from "./core/core.ts";
import { market, NO, YES } from "./core/venue.testing.ts";
import { createRequested, tokensToRead, type Wishes } from "./wanted.ts";

const id = (text: string): TokenId => text as TokenId;
const leader = `0x${"1a".repeat(20)}` as Address;
const HOUR_MS = 3_600_000;
const wishes: Wishes = { requested: [], top: [], market: () => undefined, nowMs: 0, leaderHours: 6 };

/** Facts with the fields that are looked at. */
function folded(...facts: readonly object[]): TrackState {
  const record = (fact: object, index: number) => ({ seq: index + 1, subject: "", fence: 0, fact: fact as Fact });
  return facts.map(record).reduce(bookstoreCore.evolve, bookstoreCore.initial());
}
const fill = (tokenId: string, tsEventMs: number) => ({ type: "LeaderFill", tokenId: id(tokenId), tsEventMs });
const follow = (enabled: boolean) => ({ type: "ConfigChanged", key: `leaders.${leader}`, value: { leader, enabled } });
const unfollow = { type: "ConfigChanged", key: `leaders.${leader}`, value: null };
const balances = (address: string, held: Readonly<Record<string, bigint>>) => ({
  type: "BalanceSnapshot",
  holder: { kind: "wallet", address },
  balances: Object.entries(held).map(([tokenId, sharesMicro]) => ({ tokenId: id(tokenId), sharesMicro })),
});

test("held tokens come first, then requested, the latest traded, leaders' positions, the top; siblings beside their token", () => {
  const state = folded(follow(true), fill("5", 1), fill("6", 2), balances(leader, { 7: 1n, 5: 1n }));
  state.held.add(id("9"));
  const tokens = tokensToRead(state, {
    ...wishes,
    requested: [NO],
    top: [id("8"), id("9")],
    market: (tokenId) => (tokenId === NO ? market : undefined),
  });
  expect(tokens).toEqual([id("9"), NO, YES, id("6"), id("5"), id("7"), id("8")]);
});

test("what leaders traded is read for the hours that are set, counted from now", () => {
  const state = folded(fill("5", 0), fill("6", 3 * HOUR_MS));
  const at = (hours: number, leaderHours: number) =>
    tokensToRead(state, { ...wishes, nowMs: hours * HOUR_MS, leaderHours });
  expect(at(6, 6)).toEqual([id("6"), id("5")]);
  expect(at(7, 6)).toEqual([id("6")]);
  expect(at(7, 24)).toEqual([id("6"), id("5")]);
});

test.each([
  ["a leader's positions", [follow(true), balances(leader, { 5: 3n, 6: 1n }), balances(leader, { 6: 0n })], ["5"]],
  ["somebody else's wallet", [balances(leader, { 5: 3n })], []],
  ["a leader who is no longer followed", [follow(true), balances(leader, { 5: 3n }), unfollow], []],
  ["a leader who is switched off", [follow(true), balances(leader, { 5: 3n }), follow(false)], []],
  ["a change of a leader's settings", [follow(true), balances(leader, { 5: 3n }), follow(true)], ["5"]],
])("positions: %s", (_name, facts, expected) => {
  expect(tokensToRead(folded(...facts), wishes)).toEqual(expected.map(id));
});

test("what leaders traded in a market that has closed since is not read, nor its sibling", () => {
  const state = folded(fill(YES, 1), fill("5", 2));
  const closed = { ...market, closed: true } as MarketDefinition;
  const of = (definition: MarketDefinition): TokenId[] =>
    tokensToRead(state, { ...wishes, market: (tokenId) => (tokenId === YES ? definition : undefined) });
  expect(of(market)).toEqual([id("5"), YES, NO]);
  expect(of(closed)).toEqual([id("5")]);
});

test("what a leader still holds in a closed market is not read, what we hold there is", () => {
  const closed = { ...market, closed: true } as MarketDefinition;
  const state = folded(follow(true), balances(leader, { [YES]: 1n }));
  expect(tokensToRead(state, { ...wishes, market: () => closed })).toEqual([]);
  state.held.add(YES);
  expect(tokensToRead(state, { ...wishes, market: () => closed })).toEqual([YES, NO]);
});

test("fills older than any setting are forgotten", () => {
  expect([...folded(fill("5", 0), fill("6", 73 * HOUR_MS)).traded.keys()]).toEqual([id("6")]);
});

test("a request lasts ten minutes from the last time it was made", () => {
  const requested = createRequested();
  requested.add([YES, NO], 0);
  requested.add([YES], 300_000);
  expect(requested.at(599_999)).toEqual([YES, NO]);
  expect(requested.at(600_000)).toEqual([YES]);
  expect(requested.at(900_000)).toEqual([]);
});
