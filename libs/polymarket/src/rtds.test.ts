import { describe, expect, test } from "vitest";
import { readRtdsMessage } from "./rtds.ts";

const payload = {
  proxyWallet: "0xAB00000000000000000000000000000000000001",
  side: "SELL",
  asset: "7",
  conditionId: `0x${"dd".repeat(32)}`,
  size: 50,
  price: 0.59,
  timestamp: 1_787_107_543,
  transactionHash: `0x${"9f".repeat(32)}`,
};
const frame = (change: object = {}) =>
  JSON.stringify({ connection_id: "x", topic: "activity", type: "trades", timestamp: 1, payload, ...change });

describe("messages of the live feed", () => {
  test("a trade", () => {
    expect(readRtdsMessage(frame())).toMatchObject({
      kind: "trade",
      trade: {
        wallet: payload.proxyWallet.toLowerCase(),
        side: "SELL",
        sharesMicro: 50_000_000n,
        priceMicro: 590_000,
        usdcMicro: 29_500_000n,
        tsEventMs: 1_787_107_543_000,
      },
    });
  });
  test.each([
    ["the empty frame after subscribing", ""],
    ["the answer to a ping", "PONG"],
    ["matched orders, which repeat the takers' fills", frame({ type: "orders_matched" })],
    ["another topic", frame({ topic: "comments" })],
    ["an acknowledgement", '{"status":"ok"}'],
  ])("%s is no trade", (_name, text) => {
    expect(readRtdsMessage(text)).toEqual({ kind: "other" });
  });
  test.each([
    ["half a frame", frame().slice(0, -9)],
    ["a row without a transaction", frame({ payload: { ...payload, transactionHash: undefined } })],
  ])("%s is told as unreadable", (_name, text) => {
    expect(readRtdsMessage(text).kind).toBe("unreadable");
  });
});
