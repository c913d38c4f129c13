import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { wireArbitrary } from "./arbitrary.testing.ts";
import { BookClock, BookUpdate, TradePrint } from "./book.ts";
import { factSchemas, readFact, writeFact } from "./facts.ts";
import { decodeState, encodeState } from "./json.ts";
import { AccountValue, Heartbeat, operations } from "./live.ts";
import { MarketDefinition } from "./market.ts";
import { configSchemas } from "./policy.ts";

const withoutUndefined = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const numRuns = Number(process.env["FC_RUNS"] ?? 50);

describe("every fact survives the wire", () => {
  test.each(Object.entries(factSchemas))("%s", (_type, schema) => {
    fc.assert(
      fc.property(wireArbitrary(schema), (wire) => {
        const reading = readFact(JSON.stringify(wire));
        if (reading.kind !== "fact") throw reading.kind === "refused" ? reading.error : new Error(reading.type);
        expect(JSON.parse(writeFact(reading.fact))).toEqual(withoutUndefined(wire));
        expect(decodeState(encodeState(reading.fact))).toEqual(reading.fact);
      }),
      { numRuns },
    );
  });
});

const requests = Object.values(operations).flatMap((service) =>
  Object.entries(service as Record<string, { request: z.ZodType; reply: z.ZodType }>).flatMap(
    ([name, { request, reply }]) => [[`${name} request`, request] as const, [`${name} reply`, reply] as const],
  ),
);
describe("every other message survives the wire", () => {
  test.each([
    ["BookUpdate", BookUpdate],
    ["TradePrint", TradePrint],
    ["BookClock", BookClock],
    ["MarketDefinition", MarketDefinition],
    ["Heartbeat", Heartbeat],
    ["AccountValue", AccountValue],
    ...Object.entries(configSchemas),
    ...requests,
  ] as [string, z.ZodType][])("%s", (_name, schema) => {
    fc.assert(
      fc.property(wireArbitrary(schema), (wire) => {
        expect(withoutUndefined(z.encode(schema, z.decode(schema, wire)))).toEqual(withoutUndefined(wire));
      }),
      { numRuns },
    );
  });
});

describe("what cannot be read is told apart", () => {
  const risk = {
    id: "OperatorCommand:a:0",
    tsEventMs: 1,
    tsInitMs: 1,
    command: "halt",
    scope: { kind: "global", id: "*" },
    who: "me",
    why: "",
  };
  test.each([
    ["not JSON", "{", "refused", "MESSAGE_MALFORMED"],
    ["no type", '{"v":1}', "refused", "MESSAGE_MALFORMED"],
    [
      "an unknown major version",
      JSON.stringify({ ...risk, type: "OperatorCommand", v: 2 }),
      "refused",
      "MESSAGE_UNKNOWN_MAJOR",
    ],
    [
      "a field of the wrong kind",
      JSON.stringify({ ...risk, type: "OperatorCommand", v: 1, who: 7 }),
      "refused",
      "MESSAGE_MALFORMED",
    ],
    ["a type of a later version", JSON.stringify({ ...risk, type: "MoonPhase", v: 1 }), "unknownType", null],
    ["an added field", JSON.stringify({ ...risk, type: "OperatorCommand", v: 1, mood: "calm" }), "fact", null],
  ] as const)("%s", (_name, text, kind, code) => {
    const reading = readFact(text);
    expect(reading.kind).toBe(kind);
    if (reading.kind === "refused") expect(reading.error.code).toBe(code);
  });

  test("an amount that is a JSON number, negative or padded is refused", () => {
    const funded = {
      type: "AccountFunded",
      v: 1,
      id: "AccountFunded:a:0",
      tsEventMs: 1,
      tsInitMs: 1,
      account: "a",
      configRevision: 1,
    };
    for (const collateralMicro of [1, "-1", "01", "1.5", ""]) {
      expect(readFact(JSON.stringify({ ...funded, collateralMicro })).kind).toBe("refused");
    }
  });
});
