import type { ConditionId, Hash } from "@slipstream/contracts/ids";
import { expect, test } from "vitest";
import { negRiskAdapter, usdce, wcol } from "./addresses.ts";
import { collectionIdOf, conditionIdOf, deriveMarket, tokenIdOf } from "./ctfIds.ts";

// Mainnet: a standard market and a neg-risk one, read from the chain on 2026-09-07.
const mainnet = [
  {
    name: "standard",
    collateral: usdce,
    conditionId: "0x11ba5a5ab05573dee22a32b4c5bec06f035b8660eed912fb134e7215f46bf537" as ConditionId,
    collectionId: "0x6a51f6374edc4a920703af8062d841c6249fac62a4a77cce38f96a0e840c92da",
    tokenId: "72690798903588392269001731007662425920353908498880709179939493847828858696064",
  },
  {
    name: "neg-risk",
    collateral: wcol,
    conditionId: "0xdde06286a7b9464d344f410ab0b3d2ebc6469904e72c27fd982f65fdbf78768d" as ConditionId,
    collectionId: "0x5661a7d1fa5be70a49da23c2750767d5e4573a2dee15aba87c6ac0832ff4c829",
    tokenId: "65193234666628291664907888364936366210889305490897648116746073820519263548476",
  },
];

test.each(mainnet)("the ids of a $name market are those of mainnet", ({ collateral, conditionId, ...expected }) => {
  expect(collectionIdOf(conditionId, 1)).toBe(expected.collectionId);
  expect(tokenIdOf(collateral, conditionId, 1)).toBe(expected.tokenId);
});

test("questions of one neg-risk event share the market id and differ in the last byte of the question id", () => {
  const question = (questionIndex: number) =>
    deriveMarket("s", { slug: `q${questionIndex}`, negRisk: true, eventSlug: "election", questionIndex });
  const [first, second] = [question(0), question(17)];
  expect(first.negRiskMarketId).toBe(second.negRiskMarketId);
  expect(first.questionId).toBe(first.negRiskMarketId);
  expect(second.questionId).toBe(`${first.questionId.slice(0, -2)}11`);
  expect(second.conditionId).toBe(conditionIdOf(negRiskAdapter, second.questionId as Hash));
});

test("the seed decides the ids", () => {
  const spec = { slug: "rain", negRisk: false } as const;
  expect(deriveMarket("a", spec)).toEqual(deriveMarket("a", spec));
  expect(deriveMarket("a", spec).conditionId).not.toBe(deriveMarket("b", spec).conditionId);
});
