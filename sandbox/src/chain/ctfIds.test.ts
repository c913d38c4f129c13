import type { Hash } from "@slipstream/contracts/ids";
import { expect, test } from "vitest";
import { negRiskAdapter } from "./addresses.ts";
import { conditionIdOf, deriveMarket } from "./ctfIds.ts";

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
