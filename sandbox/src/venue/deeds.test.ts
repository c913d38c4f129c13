import type { Address } from "@slipstream/contracts/ids";
import { parseShares, parseUsdc, sharesMicro as sharesMicroOf } from "@slipstream/contracts/money";
import { describe, expect, test } from "vitest";
import { addressOf, leaderNames, play } from "../actors/virtualStory.testing.ts";
import { deriveMarket } from "../chain/ctfIds.ts";
import { venueMarket, worldMarkets } from "../markets.ts";
import { type Deed, giveTaken, movementsOf, payoutFor, takeGiven } from "./deeds.ts";
import type { VenueMarket } from "./market.ts";
import { createPurses, credit, creditShares, freeUsdc, ownedShares } from "./purses.ts";

const wallet = `0x${"a1".repeat(20)}` as Address;
const to = `0x${"b0".repeat(20)}` as Address;
const markets = worldMarkets.map((market, index) => venueMarket(market, deriveMarket("test", market.chain), index, 0));
const [rain] = markets as [VenueMarket];
const [green, blue] = markets.filter(({ negRisk }) => negRisk) as [VenueMarket, VenueMarket];
const sharesMicro = parseShares("10");

function purses() {
  const made = createPurses();
  credit(made, wallet, parseUsdc("100"));
  for (const token of markets.flatMap(({ tokenIds }) => tokenIds)) creditShares(made, wallet, token, parseShares("50"));
  return made;
}
type Held = { readonly usdc: bigint; readonly tokens: Record<string, bigint> };
const held = (of: ReturnType<typeof purses>, owner: Address): Held => ({
  usdc: freeUsdc(of, owner) / 1_000_000n,
  tokens: Object.fromEntries(
    markets.flatMap(({ slug, tokenIds: [yes, no] }) => [
      [`${slug} yes`, ownedShares(of, owner, yes) / 1_000_000n],
      [`${slug} no`, ownedShares(of, owner, no) / 1_000_000n],
    ]),
  ),
});
const changes = (before: Held, after: Held): Record<string, bigint> =>
  Object.fromEntries(
    [
      ["usdc", after.usdc - before.usdc] as const,
      ...Object.entries(after.tokens).map(([token, now]) => [token, now - (before.tokens[token] ?? 0n)] as const),
    ].filter(([, change]) => change !== 0n),
  );

describe("a deed moves what the contracts move", () => {
  test.each<[string, Deed, Record<string, bigint>]>([
    [
      "split",
      { kind: "split", wallet, market: rain, sharesMicro },
      { usdc: -10n, "rain-in-lisbon yes": 10n, "rain-in-lisbon no": 10n },
    ],
    [
      "merge",
      { kind: "merge", wallet, market: rain, sharesMicro },
      { usdc: 10n, "rain-in-lisbon yes": -10n, "rain-in-lisbon no": -10n },
    ],
    [
      "conversion of one question",
      { kind: "convert", wallet, given: [green], others: [blue], sharesMicro },
      { "mayor-green no": -10n, "mayor-blue yes": 10n },
    ],
    [
      "conversion of all questions",
      { kind: "convert", wallet, given: [green, blue], others: [], sharesMicro },
      { usdc: 10n, "mayor-green no": -10n, "mayor-blue no": -10n },
    ],
    [
      "transfer",
      { kind: "transfer", wallet, to, market: rain, outcome: 0, sharesMicro },
      { "rain-in-lisbon yes": -10n },
    ],
    [
      "redemption of a whole payout",
      { kind: "redeem", wallet, market: rain, amounts: [sharesMicro, parseShares("4")], payouts: [1, 0] },
      { usdc: 10n, "rain-in-lisbon yes": -10n, "rain-in-lisbon no": -4n },
    ],
    [
      "redemption of halves",
      { kind: "redeem", wallet, market: green, amounts: [sharesMicro, parseShares("4")], payouts: [1, 1] },
      { usdc: 7n, "mayor-green yes": -10n, "mayor-green no": -4n },
    ],
    [
      "redemption of tokens that are worth nothing",
      { kind: "redeem", wallet, market: rain, amounts: [sharesMicro, parseShares("0")], payouts: [0, 1] },
      { "rain-in-lisbon yes": -10n },
    ],
  ])("%s, and nothing when it is undone", (_name, deed, expected) => {
    const made = purses();
    const before = [held(made, wallet), held(made, to)] as const;
    takeGiven(made, deed);
    giveTaken(made, deed);
    expect(changes(before[0], held(made, wallet))).toEqual(expected);
    if (deed.kind === "transfer") expect(changes(before[1], held(made, to))).toEqual({ "rain-in-lisbon yes": 10n });
    giveTaken(made, deed, "undo");
    takeGiven(made, deed, "undo");
    expect([held(made, wallet), held(made, to)]).toEqual(before);
  });
});

test("a payout is rounded down for each outcome by itself", () => {
  const amounts = [sharesMicroOf(10n), sharesMicroOf(11n)] as const;
  expect(payoutFor(amounts, [1, 2])).toBe(3n + 7n);
  expect(payoutFor(amounts, [3, 7])).toBe(3n + 7n);
  expect(payoutFor([sharesMicroOf(1n), sharesMicroOf(1n)], [1, 1])).toBe(0n);
  expect(payoutFor([sharesMicroOf(123_456_789n), sharesMicroOf(0n)], [1, 0])).toBe(123_456_789n);
});

test("leaders do all of it, and only with what they have", () => {
  const deeds: Deed[] = [];
  const leaders = leaderNames.map(addressOf);
  const short: string[] = [];
  play({
    ...{ seed: "deeds", ticks: 320, pace: "fast" },
    onDeed: (deed) => deeds.push(deed),
    onTick: (_tick, _made, { purses: now, desks }) => {
      for (const leader of leaders) {
        for (const { market } of desks.values()) {
          if (market.tokenIds.some((token) => ownedShares(now, leader, token) < 0n)) short.push(market.slug);
        }
      }
    },
  });
  expect(short).toEqual([]);
  expect([...new Set(deeds.map(({ kind }) => kind))].sort()).toEqual(["convert", "merge", "split", "transfer"]);
  expect(deeds.every(({ wallet: doer }) => leaders.includes(doer))).toBe(true);
  expect(deeds.flatMap(movementsOf).every((moved) => moved.sharesMicro > 0n)).toBe(true);
}, 20_000);
