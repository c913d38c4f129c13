import type { ConditionId } from "@slipstream/contracts/ids";
import { expect, test } from "vitest";
import { collectionIdOf, outcomeTokens } from "./ctfIds.ts";

// Mainnet: a standard market and a neg-risk one, read from the chain on 2026-09-07.
const mainnet = [
  {
    name: "standard",
    negRisk: false,
    conditionId: "0x11ba5a5ab05573dee22a32b4c5bec06f035b8660eed912fb134e7215f46bf537" as ConditionId,
    collectionId: "0x6a51f6374edc4a920703af8062d841c6249fac62a4a77cce38f96a0e840c92da",
    tokenId: "72690798903588392269001731007662425920353908498880709179939493847828858696064",
  },
  {
    name: "neg-risk",
    negRisk: true,
    conditionId: "0xdde06286a7b9464d344f410ab0b3d2ebc6469904e72c27fd982f65fdbf78768d" as ConditionId,
    collectionId: "0x5661a7d1fa5be70a49da23c2750767d5e4573a2dee15aba87c6ac0832ff4c829",
    tokenId: "65193234666628291664907888364936366210889305490897648116746073820519263548476",
  },
];

test.each(mainnet)("the ids of a $name market are those of mainnet", ({ negRisk, conditionId, ...expected }) => {
  expect(collectionIdOf(conditionId, 1)).toBe(expected.collectionId);
  expect(outcomeTokens(conditionId, negRisk)[0]).toBe(expected.tokenId);
});
