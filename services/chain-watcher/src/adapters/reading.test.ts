/** The reading cycle against a chain of headers that the test moves. */
import type { Address, Hash, LeaderFillId } from "@slipstream/contracts/ids";
import { expect, test, vi } from "vitest";
import type { ObservedFill, WatcherMessage } from "../core/messages.ts";
import { initialState, type WatcherState } from "../core/state.ts";
import type { RangeReader } from "./rangeReader.ts";
import { createReading } from "./reading.ts";
import type { Header, WireLog } from "./wire.ts";

const leader = `0x${"11".repeat(20)}` as Address;
const hash = (n: number): Hash => `0x${n.toString(16).padStart(64, "0")}` as Hash;

function rig(options: { head: number; finalized: number; cursor: number | null; rangeMax?: number }) {
  const { head, finalized, cursor, rangeMax = 1_000 } = options;
  const state: WatcherState = initialState();
  state.leaders.add(leader);
  if (cursor !== null) {
    const at = { head: cursor, headHash: hash(cursor), headTsMs: 0, finalized: cursor, finalizedHash: hash(cursor) };
    state.progress = { ...at, cursor };
  }
  /** Blocks whose hash differs from the usual one. */
  const replaced = new Map<number, Hash>();
  const logs: WireLog[] = [];
  const header = (number: number): Header => ({ number, hash: replaced.get(number) ?? hash(number), tsMs: number });
  const during = { range: (): void => undefined };
  const reader: RangeReader = {
    tips: async () => ({ head: header(head), finalized: header(finalized) }),
    header: async (number) => header(number),
    range: async (_leaders, fromBlock, toBlock) => {
      const to = Math.min(toBlock, fromBlock + rangeMax - 1);
      during.range();
      return { fromBlock, toBlock: to, logs: logs.filter((log) => Number(log.blockNumber) <= to) };
    },
    blockMs: async () => 0,
  };
  const posted: WatcherMessage[] = [];
  const failures: string[] = [];
  let cycles = 0;
  const reading = createReading({
    reader,
    observe: async (list) => list.map((log) => ({ txHash: log.transactionHash }) as unknown as ObservedFill),
    state: () => state,
    post: (message) => posted.push(message) > 0,
    nowMs: () => 0,
    onFailure: (error) => {
      cycles += 1;
      failures.push(String(error));
    },
    onSuccess: () => {
      cycles += 1;
    },
  });
  const cycle = async (): Promise<void> => {
    const before = cycles;
    reading.request();
    await vi.waitFor(() => expect(cycles).toBe(before + 1));
  };
  const know = (blockNumber: number, logIndex: number): void =>
    void state.fills.set(`f${blockNumber}.${logIndex}` as LeaderFillId, {
      status: "ON_CHAIN",
      occurrence: 0,
      content: "",
      leader,
      tokenId: "1" as never,
      conditionId: null,
      blockNumber,
      blockHash: hash(blockNumber),
      logIndex,
    });
  return { state, replaced, during, posted, failures, cycle, know };
}

const spans = (posted: readonly WatcherMessage[]): string[] =>
  posted.map((message) =>
    message.type === "RangeRead"
      ? `${message.fromBlock}-${message.toBlock} final ${message.finalized} ${message.finalizedHash === hash(message.finalized)}`
      : message.type,
  );

test("the first cycle ever says where following starts", async () => {
  const { cycle, posted } = rig({ head: 100, finalized: 98, cursor: null });
  await cycle();
  expect(posted).toEqual([
    { type: "FollowingStarts", head: 100, headHash: hash(100), headTsMs: 100, finalized: 98, finalizedHash: hash(98) },
  ]);
});

test("a long absence is read in pieces, and a piece of the past claims no later finality", async () => {
  const { cycle, posted } = rig({ head: 100, finalized: 95, cursor: 70, rangeMax: 12 });
  await cycle();
  expect(spans(posted)).toEqual(["71-82 final 82 true", "83-94 final 94 true", "95-100 final 95 true"]);
});

test("a head that was replaced while its range was read makes the range nothing", async () => {
  const { cycle, posted, failures, during, replaced } = rig({ head: 100, finalized: 98, cursor: 98 });
  during.range = () => void replaced.set(100, hash(1_100));
  await cycle();
  expect(posted).toEqual([]);
  expect(failures[0]).toMatch(/block 100 was replaced/);
});

test("a known fill is missing: from a block that is there the node is not believed, from one that is gone it is", async () => {
  const { cycle, posted, failures, replaced, know } = rig({ head: 100, finalized: 97, cursor: 97 });
  know(99, 4);
  await cycle();
  expect(posted).toEqual([]);
  expect(failures[0]).toMatch(/left out log 4 of block 99/);
  replaced.set(99, hash(1_099));
  await cycle();
  expect(spans(posted)).toEqual(["98-100 final 97 true"]);
});

test("a leader who is added while a range is read makes it incomplete", async () => {
  const { cycle, posted, during, state } = rig({ head: 100, finalized: 98, cursor: 98 });
  during.range = () => void state.leaders.add(`0x${"22".repeat(20)}` as Address);
  await cycle();
  expect(posted).toEqual([]);
  await cycle();
  expect(spans(posted)).toEqual(["99-100 final 98 true"]);
});
