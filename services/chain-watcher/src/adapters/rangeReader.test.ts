import { createLogRanges } from "@slipstream/polymarket/logRanges";
import { expect, test } from "vitest";
import { receiptOf } from "./acts.ts";
import { createRangeReader } from "./rangeReader.ts";
import type { WireLog } from "./wire.ts";

const hash = (n: number): string => `0x${String(n).repeat(64)}`;

test("a receipt of another block is asked for again, not remembered: one node of many may have been behind", async () => {
  const blocks = [hash(1), hash(2)];
  let calls = 0;
  const call = async (): Promise<unknown> => ({ blockHash: blocks[calls++] ?? hash(2), logs: [] });
  const { receipt } = createRangeReader("one", { call }, createLogRanges());
  const log = { transactionHash: hash(3), blockHash: hash(2) } as WireLog;
  await expect(receiptOf(receipt, log)).rejects.toMatchObject({ code: "RPC_REFUSED" });
  await expect(receiptOf(receipt, log)).resolves.toMatchObject({ blockHash: hash(2) });
  await receiptOf(receipt, log);
  expect(calls).toBe(2);
});
