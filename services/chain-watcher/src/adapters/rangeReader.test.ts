import { createLogRanges } from "@slipstream/polymarket/logRanges";
import { describe, expect, test } from "vitest";
import { receiptOf } from "./acts.ts";
import { createRangeReader } from "./rangeReader.ts";
import type { WireLog } from "./wire.ts";

const NOW_MS = Date.UTC(2026, 10, 30);
const hash = (n: number): string => `0x${String(n).repeat(64)}`;

test("a receipt of another block is asked for again, not remembered: one node of many may have been behind", async () => {
  const blocks = [hash(1), hash(2)];
  let calls = 0;
  const call = async (): Promise<unknown> => ({ blockHash: blocks[calls++] ?? hash(2), logs: [] });
  const { receipt } = createRangeReader("one", { call }, createLogRanges(), () => NOW_MS);
  const log = { transactionHash: hash(3), blockHash: hash(2) } as WireLog;
  await expect(receiptOf(receipt, log)).rejects.toMatchObject({ code: "RPC_REFUSED" });
  await expect(receiptOf(receipt, log)).resolves.toMatchObject({ blockHash: hash(2) });
  await receiptOf(receipt, log);
  expect(calls).toBe(2);
});

const wireLog = (over: Partial<Record<keyof WireLog, unknown>> = {}) => ({
  ...{ address: hash(9), topics: [], data: "0x", blockNumber: "0x5", blockHash: hash(1) },
  ...{ transactionHash: hash(3), logIndex: "0x0", blockTimestamp: "0x6ae00000", removed: false, ...over },
});
const readingOf = (...logs: unknown[]) =>
  createRangeReader("one", { call: async () => logs }, createLogRanges(), () => NOW_MS).range(
    [[{ address: [], topics: [] }]],
    4,
    6,
  );

describe("an answer to a range", () => {
  test("is a set: what is listed twice is one log", async () => {
    const { logs } = await readingOf(wireLog(), wireLog(), wireLog({ logIndex: "0x1" }), wireLog());
    expect(logs.flat().map(({ logIndex }) => logIndex)).toEqual(["0x0", "0x1"]);
  });
  test("leaves out what was removed; null says nothing", async () => {
    const { logs } = await readingOf(
      wireLog({ removed: null, blockTimestamp: null }),
      wireLog({ removed: true, logIndex: "0x1" }),
    );
    expect(logs.flat()).toMatchObject([{ logIndex: "0x0", removed: false, blockTimestamp: null }]);
  });
  test.each([
    ["before the range", [wireLog({ blockNumber: "0x3" })]],
    ["behind the range", [wireLog({ blockNumber: "0x7" })]],
    ["of a transaction that is none", [wireLog({ transactionHash: "0x12" })]],
    ["of a block whose hash is none", [wireLog({ blockHash: "" })]],
    ["of one block under two hashes", [wireLog(), wireLog({ blockHash: hash(2), logIndex: "0x1" })]],
  ])("that has logs %s is no answer", async (_name, logs) => {
    await expect(readingOf(...logs)).rejects.toMatchObject({ code: "RPC_UNREADABLE" });
  });
});

describe("the time of a log's block", () => {
  const header = (over = {}) => ({
    ...{ number: "0x5", hash: hash(1), parentHash: hash(2), timestamp: "0x6ae00001", logsBloom: null, ...over },
  });
  const timeOf = (log: unknown, answer: unknown) =>
    createRangeReader("one", { call: async () => answer }, createLogRanges(), () => NOW_MS).blockMs(log as WireLog);
  test("is what the log says, when that can be", async () => {
    await expect(timeOf(wireLog(), null)).resolves.toBe(0x6ae00000 * 1_000);
  });
  test.each([
    ["not said", undefined],
    ["null", null],
    ["the year 1970", "0x0"],
    ["from the future", "0x7ae00000"],
    ["in milliseconds", "0x1a0000000000"],
  ])("is the header's when it is %s", async (_name, blockTimestamp) => {
    await expect(timeOf(wireLog({ blockTimestamp }), header())).resolves.toBe(0x6ae00001 * 1_000);
  });
  test.each([
    ["another number", { number: "0x6" }],
    ["another hash", { hash: hash(4) }],
  ])("is unknown when the header of its hash has %s", async (_name, over) => {
    await expect(timeOf(wireLog({ blockTimestamp: null }), header(over))).rejects.toMatchObject({
      code: "RPC_UNREADABLE",
    });
  });
});

describe("what was read before", () => {
  const at = (number: number, seconds: number, over = {}) => ({
    ...{ number: `0x${number.toString(16)}`, hash: hash(number), parentHash: hash(0) },
    ...{ timestamp: `0x${seconds.toString(16)}`, logsBloom: null, ...over },
  });
  const START = 0x6ae00000;
  /** Blocks 1 to 9 are two seconds apart; answers to some calls may be others. */
  const readerOf = (over: Readonly<Record<string, unknown>> = {}) => {
    let calls = 0;
    const call = async (method: string, [which]: readonly unknown[] = []): Promise<unknown> => {
      calls += 1;
      const number = method === "eth_getBlockByHash" ? Number(String(which).at(-1)) : Number(which);
      return over[String(which)] ?? at(number, START + 2 * number);
    };
    return { reader: createRangeReader("one", { call }, createLogRanges(), () => NOW_MS), calls: () => calls };
  };
  const logOf = (number: number, seconds: number, over = {}): WireLog =>
    wireLog({
      ...{ blockNumber: `0x${number.toString(16)}`, blockHash: hash(number) },
      ...{ blockTimestamp: `0x${seconds.toString(16)}`, ...over },
    }) as WireLog;

  test("is the time of a log, whatever that says, and needs no call", async () => {
    const { reader, calls } = readerOf();
    await reader.header(5);
    await expect(reader.blockMs(logOf(5, START - 90_000))).resolves.toBe((START + 10) * 1_000);
    expect(calls()).toBe(1);
  });
  test.each([
    ["older than the block below", 6, START - 90_000],
    ["newer than the block above", 4, START + 90_000],
    ["much older than the block above", 4, START - 90_000],
    ["much newer than the block below", 6, START + 90_000],
  ])("is what a log's time must fit: one that is %s is the header's", async (_name, block, seconds) => {
    const { reader } = readerOf();
    await reader.header(5);
    await expect(reader.blockMs(logOf(block, seconds))).resolves.toBe((START + 2 * block) * 1_000);
  });
  test("keeps the word of a log that fits", async () => {
    const { reader, calls } = readerOf();
    await reader.header(5);
    await expect(reader.blockMs(logOf(6, START + 12))).resolves.toBe((START + 12) * 1_000);
    expect(calls()).toBe(1);
  });
  test("tells a log of a block that does not exist: its number does not fit the header of its hash", async () => {
    const { reader } = readerOf();
    await reader.header(5);
    const log = logOf(6, START + 12, { blockNumber: "0x7fffffff" });
    await expect(reader.blockMs(log)).rejects.toMatchObject({ code: "RPC_UNREADABLE" });
  });
});

test("a header of another block than was asked for is no answer", async () => {
  const header = { number: "0x6", hash: hash(1), parentHash: hash(2), timestamp: "0x6ae00001", logsBloom: null };
  const { header: read } = createRangeReader("one", { call: async () => header }, createLogRanges(), () => NOW_MS);
  await expect(read(5)).rejects.toMatchObject({ code: "RPC_UNREADABLE" });
});

test("a block of 1970 has no time, also by its header", async () => {
  const header = { number: "0x5", hash: hash(1), parentHash: hash(2), timestamp: "0x0", logsBloom: null };
  const reader = createRangeReader("one", { call: async () => header }, createLogRanges(), () => NOW_MS);
  await reader.header(5);
  const log = wireLog({ blockTimestamp: null }) as WireLog;
  await expect(reader.blockMs(log)).rejects.toMatchObject({ code: "RPC_UNREADABLE" });
});

test("a receipt with logs of another transaction is no answer", async () => {
  const receiptOfOther = { blockHash: hash(2), logs: [wireLog({ transactionHash: hash(4), blockHash: hash(2) })] };
  const { receipt } = createRangeReader("one", { call: async () => receiptOfOther }, createLogRanges(), () => NOW_MS);
  await expect(receipt(hash(3), hash(2))).rejects.toMatchObject({ code: "RPC_UNREADABLE" });
});
