import { parseEnv } from "@slipstream/contracts/env";
import { expect, test } from "vitest";
import { executorEnv, limitsOf } from "./config.ts";

const limits = (env: Readonly<Record<string, string>>) => limitsOf(parseEnv(executorEnv, env));

test("the ages of quotes are settings", () => {
  expect(limits({}).quoteAges).toEqual({ freshMsMax: 2_000, softStaleMsMax: 5_000 });
  expect(limits({ QUOTE_FRESH_MS: "500", QUOTE_SOFT_STALE_MS: "700" }).quoteAges).toEqual({
    freshMsMax: 500,
    softStaleMsMax: 700,
  });
  expect(() => limits({ QUOTE_FRESH_MS: "6000" })).toThrow(
    "QUOTE_FRESH_MS=6000 is longer than QUOTE_SOFT_STALE_MS=5000",
  );
});
