import { TransientError } from "@slipstream/contracts/errors";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  afterGood,
  afterRefused,
  afterTimeout,
  createLogRanges,
  freshRange,
  type Piece,
  type RangeMemory,
} from "./logRanges.ts";
import { RpcRefusedError, RpcTimeoutError } from "./rpc.ts";

const refused = (message: string, code = -32005) => new RpcRefusedError("eth_getLogs", { code, message });
const policy = { max: 2_000, growAfter: 2, forgetAfter: 5 };

/** A provider that takes so many blocks and says so in its words; keeps what it was asked. */
function provider(limit: number, words: (limit: number) => string) {
  const asked: number[] = [];
  const read = async (fromBlock: number, toBlock: number): Promise<null> => {
    const length = toBlock - fromBlock + 1;
    asked.push(length);
    if (length > limit) throw refused(words(limit));
    return null;
  };
  return { asked, read };
}

async function all<T>(pieces: AsyncIterable<Piece<T>>): Promise<Piece<T>[]> {
  const list: Piece<T>[] = [];
  for await (const piece of pieces) list.push(piece);
  return list;
}

/** The pieces follow each other from end to end of the span. */
function expectWhole(pieces: readonly Piece<unknown>[], fromBlock: number, toBlock: number): void {
  let next = fromBlock;
  for (const piece of pieces) {
    expect(piece.fromBlock).toBe(next);
    expect(piece.toBlock).toBeGreaterThanOrEqual(piece.fromBlock);
    next = piece.toBlock + 1;
  }
  expect(next).toBe(toBlock + 1);
}

describe("what a provider told is taken", () => {
  test.each([
    [10, (n: number) => `you can make eth_getLogs requests with up to a ${n} block range`],
    [10_000, (n: number) => `block range too large, max is ${n.toLocaleString("en")} blocks`],
  ])("a limit of %i costs one refusal and is kept", async (limit, words) => {
    const ranges = createLogRanges({ policy: { max: 50_000 } });
    const { asked, read } = provider(limit, words);
    const span = { fromBlock: 1_000, toBlock: 1_000 + 40 * limit - 1 };
    const pieces = await all(ranges.readRange("a.example", span, read));
    expectWhole(pieces, span.fromBlock, span.toBlock);
    expect(asked).toEqual([Math.min(50_000, 40 * limit), ...Array.from({ length: 40 }, () => limit)]);
  });

  test("words that are not true are not believed: half, and from there towards the true limit", async () => {
    const ranges = createLogRanges({ policy: { max: 20_000, growAfter: 2 } });
    const { asked, read } = provider(100, () => "ranges over 10000 blocks are not supported on free plan");
    const pieces = await all(ranges.readRange("a.example", { fromBlock: 1, toBlock: 5_000 }, read));
    expectWhole(pieces, 1, 5_000);
    expect(asked.filter((length) => length > 100).length).toBeLessThan(15);
    expect(ranges.blocksOf("a.example")).toBe(100);
  });

  test("a range proposed for one request is no limit", () => {
    const hint = { tooLarge: "answer", statedBlocks: null, proposedBlocks: 16 } as const;
    expect(afterRefused(freshRange(policy), hint, 2_000)).toEqual({ blocks: 16, refusedAt: null, good: 0 });
  });
});

test("each provider has its own memory", async () => {
  const ranges = createLogRanges({ policy });
  await ranges.readNext(
    "small",
    { fromBlock: 1, toBlock: 2_000 },
    provider(10, (n) => `at most ${n}, block range`).read,
  );
  expect([ranges.blocksOf("small"), ranges.blocksOf("other")]).toEqual([10, 2_000]);
});

describe("growing", () => {
  const at = (blocks: number, refusedAt: number | null = null): RangeMemory => ({ blocks, refusedAt, good: 0 });
  const grown = (memory: RangeMemory, times: number): RangeMemory =>
    Array.from({ length: times }).reduce<RangeMemory>((now) => afterGood(now, policy, now.blocks), memory);
  test.each([
    ["doubles after enough full pieces", at(100), 2, at(200)],
    ["waits for them", at(100), 1, { ...at(100), good: 1 }],
    ["ends at the most", at(1_500), 2, at(2_000)],
    ["goes halfway to what was refused", at(500, 1_000), 2, at(750, 1_000)],
    ["stays below what was refused", at(999, 1_000), 4, { ...at(999, 1_000), good: 4 }],
    ["tries a known limit again after long", at(999, 1_000), 7, at(1_998)],
  ])("%s", (_name, before, times, after) => {
    expect(grown(before, times)).toEqual(after);
  });
  test("a piece shorter than could be asked proves nothing", () => {
    expect(afterGood(at(100), policy, 99)).toEqual(at(100));
  });
  test("a timeout halves and sets no limit", () => {
    expect(afterTimeout(at(100, 300), 80)).toEqual(at(40, 300));
  });
});

describe("errors", () => {
  const span = { fromBlock: 1, toBlock: 64 };
  const always = (error: Error) => {
    const asked: number[] = [];
    const read = async (fromBlock: number, toBlock: number): Promise<null> => {
      asked.push(toBlock - fromBlock + 1);
      throw error;
    };
    return { asked, read };
  };
  test.each([
    ["a range refused down to a single block", refused("block range is too wide"), [64, 32, 16, 8, 4, 2, 1]],
    ["timeouts", new RpcTimeoutError("late"), [64, 32]],
    [
      "a no that nothing explains",
      refused("Unable to complete request at this time.", -32001),
      [64, 32, 16, 8, 4, 2, 1],
    ],
    ["a node that is gone", new TransientError("RPC_UNREACHABLE", "gone"), [64]],
    ["a node that is busy", refused("rate limit exceeded"), [64]],
    ["a node that does not have the blocks yet", refused("block range extends beyond current head block"), [64]],
  ])("%s: the error comes through", async (_name, error, lengths) => {
    const { asked, read } = always(error);
    await expect(createLogRanges({ policy }).readNext("a", span, read)).rejects.toBe(error);
    expect(asked).toEqual(lengths);
  });
  test("after timeouts less is asked the next time, and never less than a block", async () => {
    const ranges = createLogRanges({ policy });
    const { asked, read } = always(new RpcTimeoutError("late"));
    for (let time = 0; time < 4; time++) await expect(ranges.readNext("a", span, read)).rejects.toThrow("late");
    expect(asked).toEqual([64, 32, 16, 8, 4, 2, 1]);
  });
});

describe("refusals whose words nobody knows", () => {
  test.each([
    ["maximum [from, to] blocks distance: 1000", -32000, 1_000],
    ["Unable to complete request at this time.", -32001, 300],
    ["no", 0, 1],
  ])("%s: the provider is read all the same", async (words, code, limit) => {
    const asked: number[] = [];
    const read = async (fromBlock: number, toBlock: number): Promise<null> => {
      asked.push(toBlock - fromBlock + 1);
      if (toBlock - fromBlock + 1 > limit) throw refused(words, code);
      return null;
    };
    const pieces = await all(createLogRanges().readRange("a", { fromBlock: 1, toBlock: 4_000 }, read));
    expectWhole(pieces, 1, 4_000);
    // The true limit is learned: few pieces more than it asks for are refused.
    expect(asked.filter((length) => length > limit).length).toBeLessThan(50);
  });

  test("that are not about the length teach nothing", async () => {
    const ranges = createLogRanges({ policy });
    const read = async (): Promise<null> => {
      throw refused("project suspended", -32050);
    };
    await expect(ranges.readNext("a", { fromBlock: 1, toBlock: 2_000 }, read)).rejects.toThrow("suspended");
    expect(ranges.blocksOf("a")).toBe(2_000);
  });

  test("that explain themselves otherwise, again and again, are not believed for ever", async () => {
    const ranges = createLogRanges({ policy });
    const read = async (fromBlock: number, toBlock: number): Promise<null> => {
      if (toBlock - fromBlock + 1 > 500) throw refused("exceeded the compute units capacity", -32005);
      return null;
    };
    const span = { fromBlock: 1, toBlock: 2_000 };
    const read3 = async () => {
      for (let time = 0; time < 3; time++) await expect(ranges.readNext("a", span, read)).rejects.toThrow("capacity");
    };
    await read3();
    await read3();
    expect(await ranges.readNext("a", span, read)).toMatchObject({ fromBlock: 1, toBlock: 500 });
  });
});

describe("memory that outlives the process", () => {
  test("is plain JSON and goes on where it was", async () => {
    const before = createLogRanges({ policy });
    await before.readNext("a", { fromBlock: 1, toBlock: 500 }, provider(70, (n) => `block range: at most ${n}`).read);
    const after = createLogRanges({ policy, kept: JSON.parse(JSON.stringify(before.kept())) });
    expect(after.kept()).toEqual({ a: { blocks: 70, refusedAt: 71, good: 1 } });
  });
  test.each([
    ["nothing", undefined, 2_000],
    ["rubbish", "rubbish", 2_000],
    ["an entry of another shape", { a: { blocks: 0 } }, 2_000],
    ["more than the most", { a: { blocks: 9_000, refusedAt: null, good: 0 } }, 2_000],
    ["an entry that contradicts itself", { a: { blocks: 500, refusedAt: 100, good: 0 } }, 99],
  ])("%s is no obstacle", (_name, kept, blocks) => {
    expect(createLogRanges({ policy, kept }).blocksOf("a")).toBe(blocks);
  });
});

test("whatever the errors, the blocks read are exactly those asked, each once, in order", async () => {
  const error = fc.constantFrom(
    null,
    null,
    refused("block range too large"),
    refused("query returned more than 10000 results"),
    refused("up to a 10 block range"),
    refused("block range too large, max is 10,000 blocks"),
    refused("Try with this block range [0x10, 0x1f]"),
    refused("rate limit exceeded"),
    new RpcTimeoutError("late"),
    new TransientError("RPC_UNREACHABLE", "gone"),
  );
  const given = {
    length: fc.integer({ min: 1, max: 3_000 }),
    max: fc.integer({ min: 1, max: 2_000 }),
    errors: fc.array(error, { maxLength: 60 }),
    providers: fc.array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 20 }),
  };
  await fc.assert(
    fc.asyncProperty(fc.record(given), async ({ length, max, errors, providers }) => {
      const ranges = createLogRanges({ policy: { ...policy, max } });
      const span = { fromBlock: 7, toBlock: 7 + length - 1 };
      const left = [...errors];
      const pieces: Piece<unknown>[] = [];
      const lengths: number[] = [];
      const read = async (fromBlock: number, toBlock: number): Promise<null> => {
        lengths.push(toBlock - fromBlock + 1);
        const failure = left.shift() ?? null;
        if (failure !== null) throw failure;
        return null;
      };
      for (let turn = 0, fromBlock = span.fromBlock; fromBlock <= span.toBlock; turn++) {
        const name = providers[turn % providers.length] ?? "a";
        try {
          for await (const piece of ranges.readRange(name, { ...span, fromBlock }, read)) {
            pieces.push(piece);
            fromBlock = piece.toBlock + 1;
          }
        } catch {
          // The next provider goes on behind the last piece.
        }
      }
      expectWhole(pieces, span.fromBlock, span.toBlock);
      expect(Math.max(...lengths)).toBeLessThanOrEqual(max);
      expect(Math.min(...lengths)).toBeGreaterThanOrEqual(1);
    }),
    { numRuns: Number(process.env["FC_RUNS"] ?? 200) },
  );
});
