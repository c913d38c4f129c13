import { expect, test } from "vitest";
import { z } from "zod";
import { addressText, commonEnv, flag, httpUrl, httpUrls, integer, parseEnv, redisUrl, wsUrls } from "./env.ts";

const shape = {
  ...commonEnv,
  RPC: httpUrl().default("http://127.0.0.1:8545"),
  NODES: httpUrls().default(["http://127.0.0.1:8545"]),
  SOCKETS: wsUrls().optional(),
  REDIS: redisUrl().optional(),
  PORT: integer(1, 10).default(3),
  MODE: z.enum(["paper", "live"]).default("paper"),
  DRY: flag().default(true),
  WALLET: addressText().optional(),
  API_SECRET: z.string().min(5).optional(),
};

test("defaults stand, empty counts as absent, addresses may be checksummed", () => {
  const settings = parseEnv(shape, { PORT: "", DRY: "no", WALLET: "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed" });
  expect(settings).toMatchObject({
    PORT: 3,
    MODE: "paper",
    DRY: false,
    WALLET: "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
    RPC: "http://127.0.0.1:8545",
  });
});

test.each([
  ["PORT", "11", /PORT=11: .*10/],
  ["PORT", "abc", /PORT=abc: a whole number/],
  ["MODE", "demo", /MODE=demo: paper or live$/],
  ["DRY", "maybe", /DRY=maybe: true or false/],
  ["RPC", "ws://x", /RPC=ws:\/\/x: an address that starts with http/],
  ["REDIS", "http://x:6379", /REDIS=http:\/\/x:6379: an address that starts with redis:/],
  ["WALLET", `0x${"Ab".repeat(20)}`, /WALLET=0x.*: an address is 0x and 40 hexadecimal digits.*EIP-55/],
  ["WALLET", `0x${"0".repeat(40)}`, /WALLET=0x0.*nobody/],
  ["API_SECRET", "abc", /API_SECRET=\(hidden\)/],
])("%s=%s is refused with the variable, the value and what is allowed", (name, value, text) => {
  expect(() => parseEnv(shape, { [name]: value })).toThrow(text);
});

test("several addresses keep their order, one is a list of one", () => {
  const settings = parseEnv(shape, { NODES: "https://b.example/k, http://a.example", SOCKETS: "wss://a.example" });
  expect(settings).toMatchObject({
    NODES: ["https://b.example/k", "http://a.example"],
    SOCKETS: ["wss://a.example"],
  });
  expect(parseEnv(shape, {}).NODES).toEqual(["http://127.0.0.1:8545"]);
});

test.each([
  ["NODES", "ws://a.example", /: addresses that start with http:\/\/ or https:\/\//],
  ["NODES", "http://a.example,ws://b.example", /number 2 of 2: addresses that start with http/],
  ["NODES", "http://a.example,", /number 2 of 2: an address is missing beside a comma/],
  ["NODES", "http://a.example,http://a.example", /number 2 of 2: the same address twice/],
  ["NODES", "http://a.example http://b.example", /addresses that start with http.*parted by commas/],
  ["NODES", Array.from({ length: 9 }, (_, n) => `http://a${n}.example`).join(","), /at most 8 addresses, got 9/],
  ["SOCKETS", "http://a.example", /addresses that start with ws:/],
])("the list %s=%s is refused with the place and what is allowed", (name, value, text) => {
  expect(() => parseEnv(shape, { [name]: value })).toThrow(text);
});

test("a refused address does not show its key", () => {
  const wrong = { NODES: "https://a.example/v2/KEY,ws://b.example/KEY", RPC: "ftp://me:KEY@c.example/KEY" };
  const text = String(
    (() => {
      try {
        return parseEnv(shape, wrong);
      } catch (error) {
        return error;
      }
    })(),
  );
  expect(text).toContain("NODES=https://a.example/…,ws://b.example/…: number 2 of 2");
  expect(text).not.toContain("KEY");
});
