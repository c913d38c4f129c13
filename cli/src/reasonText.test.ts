import { priceMicro, sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import { describe, expect, test } from "vitest";
import { reasonText, riskReasonText } from "./reasonText.ts";

describe("a refusal in words", () => {
  test.each<[Parameters<typeof reasonText>[0], string]>([
    [{ code: "POSITIONS_FULL", open: 50, openMax: 50 }, "POSITIONS_FULL (50 of 50 positions)"],
    [{ code: "CAP_REACHED", cap: "token", capMicro: usdcMicro(2_000_000_000n) }, "CAP_REACHED (token cap of $2000)"],
    [
      { code: "ORDER_COVERED", wantedMicro: sharesMicro(96_153_846n), coveredMicro: sharesMicro(96_150_000n) },
      "ORDER_COVERED (96.15 shares of 96.153846)",
    ],
    [
      { code: "INSUFFICIENT_COLLATERAL", neededMicro: usdcMicro(5_000_000n), availableMicro: usdcMicro(4_999_999n) },
      "INSUFFICIENT_COLLATERAL (needs $5, has $4.999999)",
    ],
    [{ code: "PRICE_GUARD", bestMicro: null, limitMicro: priceMicro(20_000) }, "PRICE_GUARD (best none, limit 0.02)"],
    [{ code: "NOTHING_TO_SELL" }, "NOTHING_TO_SELL"],
  ])("%#: each number with its unit", (reason, text) => expect(reasonText(reason)).toBe(text));
});

test.each<[Parameters<typeof riskReasonText>[0], string]>([
  [{ code: "OPERATOR_HALT", who: "ann", why: "a look\u001b[2J" }, "OPERATOR_HALT (by ann: a look [2J)"],
  [{ code: "OPERATOR_HALT", who: "ann", why: "" }, "OPERATOR_HALT (by ann)"],
  [
    { code: "BOOKS_BROKEN", account: "paper", tokenId: "123456789", expectedMicro: "5", actualMicro: "7" },
    "BOOKS_BROKEN (lots of 12345678…: expected 5, is 7)",
  ],
  [{ code: "SERVICE_SILENT", service: "executor", silentMs: 9, silentMsMax: 3 }, "SERVICE_SILENT (executor)"],
  [{ code: "STARTING" }, "STARTING"],
])("risk's cause %o is %s", (reason, text) => {
  expect(riskReasonText(reason)).toBe(text);
});
