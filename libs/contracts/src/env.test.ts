import { expect, test } from "vitest";
import { z } from "zod";
import { addressText, commonEnv, flag, httpUrl, integer, parseEnv } from "./env.ts";

const shape = {
  ...commonEnv,
  RPC: httpUrl().default("http://127.0.0.1:8545"),
  PORT: integer(1, 10).default(3),
  MODE: z.enum(["paper", "live"]).default("paper"),
  DRY: flag().default(true),
  WALLET: addressText().optional(),
  API_SECRET: z.string().min(5).optional(),
};

test("defaults stand, empty counts as absent, addresses may be checksummed", () => {
  const settings = parseEnv(shape, { PORT: "", DRY: "no", WALLET: `0x${"Ab".repeat(20)}` });
  expect(settings).toMatchObject({
    PORT: 3,
    MODE: "paper",
    DRY: false,
    WALLET: `0x${"ab".repeat(20)}`,
    RPC: "http://127.0.0.1:8545",
  });
});

test.each([
  ["PORT", "11", /PORT=11: .*10/],
  ["PORT", "abc", /PORT=abc: a whole number/],
  ["MODE", "demo", /MODE=demo: .*"paper"\|"live"/],
  ["DRY", "maybe", /DRY=maybe: true or false/],
  ["RPC", "ws://x", /RPC=ws:\/\/x: an address that starts with http/],
  ["API_SECRET", "abc", /API_SECRET=\(hidden\)/],
])("%s=%s is refused with the variable, the value and what is allowed", (name, value, text) => {
  expect(() => parseEnv(shape, { [name]: value })).toThrow(text);
});
