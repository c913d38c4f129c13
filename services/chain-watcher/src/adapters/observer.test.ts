import type { Bus } from "@slipstream/actor/bus";
import type { Address, Hash } from "@slipstream/contracts/ids";
import { logOfV2 } from "@slipstream/polymarket/testing/logs";
import { defaultExchanges } from "@slipstream/polymarket/versions";
import { pino } from "pino";
import { expect, test } from "vitest";
import { createObserver } from "./observer.ts";
import type { WireLog } from "./wire.ts";

const exchange = defaultExchanges.rows.find(({ generation }) => generation === "V2")?.address ?? "";
const hash = (n: number): Hash => `0x${n.toString(16).padStart(64, "0")}` as Hash;

function logOf(shares: bigint, over: Partial<WireLog> = {}): WireLog {
  const maker = `0x${"11".repeat(20)}` as Address;
  const order = { orderHash: hash(1), maker, taker: exchange, fee: 0n, side: 0, tokenId: 7n };
  const { address, topics, data } = logOfV2(exchange, { ...order, given: shares / 2n, received: shares });
  const place = { blockNumber: "0x1", blockHash: hash(2), transactionHash: hash(3), logIndex: "0x0", removed: false };
  return { address, topics: [...topics], data, ...place, ...over };
}

/** Nobody answers: markets stay unknown. */
const observe = createObserver({
  bus: { connected: () => false } as Bus,
  markets: { byCondition: new Map(), byToken: new Map(), stop: () => Promise.resolve() },
  exchanges: () => defaultExchanges,
  blockMs: () => Promise.resolve(1_000),
  nowMs: () => 2_000,
  logger: pino({ level: "silent" }),
});

test("a log that cannot be read is no block without it: whoever reads it stops there", async () => {
  const cut = logOf(10n);
  await expect(observe([logOf(10n), { ...cut, data: cut.data.slice(0, -64) }], 1)).rejects.toMatchObject({
    code: "RPC_UNREADABLE",
    message: expect.stringContaining(hash(3)),
  });
  await expect(observe([logOf(10n, { blockHash: "0x12" })], 1)).rejects.toMatchObject({ code: "RPC_UNREADABLE" });
});

test("a fill of no shares is no fill", async () => {
  expect(await observe([logOf(0n), logOf(10n)], 1)).toHaveLength(1);
});
