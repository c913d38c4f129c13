import { ContractError } from "@slipstream/contracts/errors";
import type { Address } from "@slipstream/contracts/ids";
import { expect, test } from "vitest";
import {
  defaultExchanges,
  type Eip712Domain,
  EXCHANGE_V1,
  EXCHANGE_V2,
  EXCHANGE_V3,
  exchangeOfMarket,
  exchangesWith,
  NEG_RISK_EXCHANGE_V2,
} from "./versions.ts";

const other = "0x00000000000000000000000000000000000000aa" as Address;
const answering =
  (domain: Partial<Eip712Domain>) =>
  async (exchange: Address): Promise<Eip712Domain> => ({
    name: "Polymarket CTF Exchange",
    version: "2",
    chainId: 137n,
    verifyingContract: exchange,
    ...domain,
  });
const neverAsked = async (): Promise<Eip712Domain> => {
  throw new Error("asked");
};

test("an ordinary market trades on exchange V2, a Protocol V2 market on V3, any other version nowhere", () => {
  expect(exchangeOfMarket(defaultExchanges, { version: "v1", negRisk: false })).toMatchObject({
    address: EXCHANGE_V2,
    eip712Version: "2",
    ledger: { kind: "ConditionalTokens" },
  });
  expect(exchangeOfMarket(defaultExchanges, { version: "v1", negRisk: true }).address).toBe(NEG_RISK_EXCHANGE_V2);
  expect(exchangeOfMarket(defaultExchanges, { version: "v2", negRisk: true })).toMatchObject({
    address: EXCHANGE_V3,
    eip712Version: "3",
    ledger: { kind: "PositionManager" },
  });
  for (const version of ["v3", "", "2"]) {
    expect(() => exchangeOfMarket(defaultExchanges, { version, negRisk: false })).toThrow(
      expect.objectContaining({ code: "MARKET_VERSION_UNKNOWN" }),
    );
  }
});

test("an override replaces the V2 row of its kind and only that", async () => {
  const table = await exchangesWith({ ctf: other.toUpperCase().replace("0X", "0x"), negRisk: "" }, answering({}));
  expect(exchangeOfMarket(table, { version: "v1", negRisk: false })).toMatchObject({
    address: other,
    generation: "V2",
  });
  expect(exchangeOfMarket(table, { version: "v1", negRisk: true }).address).toBe(NEG_RISK_EXCHANGE_V2);
  expect(table.byAddress.has(EXCHANGE_V2)).toBe(false);
  expect(table.byAddress.has(EXCHANGE_V1)).toBe(true);
});

test("an override by an address of the table keeps that address's generation and asks nobody", async () => {
  const same = await exchangesWith({ ctf: EXCHANGE_V2 }, neverAsked);
  expect(exchangeOfMarket(same, { version: "v1", negRisk: false })).toEqual(
    defaultExchanges.byAddress.get(EXCHANGE_V2),
  );
  const newer = await exchangesWith({ ctf: EXCHANGE_V3 }, neverAsked);
  expect(exchangeOfMarket(newer, { version: "v1", negRisk: false })).toMatchObject({ generation: "V3" });
  expect(exchangeOfMarket(newer, { version: "v2", negRisk: false }).address).toBe(EXCHANGE_V3);
});

test("the generation of a foreign address is what its domain says", async () => {
  const table = await exchangesWith({ negRisk: other }, answering({ version: "3" }));
  expect(table.byAddress.get(other)).toMatchObject({ generation: "V3", markets: "negRisk" });
});

test.each([
  ["an unknown version", { version: "4" }],
  ["another chain", { chainId: 80_002n }],
  ["the domain of another contract", { verifyingContract: EXCHANGE_V2 }],
])("a foreign address with %s is refused", async (_name, domain) => {
  await expect(exchangesWith({ ctf: other }, answering(domain))).rejects.toMatchObject({
    code: "MARKET_VERSION_UNKNOWN",
  });
});

test("a text that is no address is a wrong setting", async () => {
  const refusal = exchangesWith({ ctf: "0x12" }, neverAsked);
  await expect(refusal).rejects.toBeInstanceOf(ContractError);
  await expect(refusal).rejects.toMatchObject({ code: "CONFIG_INVALID" });
});
