import type { TokenId } from "@slipstream/contracts/ids";
import type { TapeRecord } from "@slipstream/sandbox/tape/format";
import type { TapeGap } from "@slipstream/sandbox/tape/recording";
import { createWireMarket } from "@slipstream/sandbox/tape/wireMarket.testing";
import { describe, expect, test } from "vitest";
import { type CheckReport, complaintsOf, createTapeCheck } from "./check.ts";

const START = 1_790_000_000_000;
const tokens: [TokenId, TokenId] = ["1001" as TokenId, "1002" as TokenId];
const conditionId = `0x${"c1".repeat(32)}`;
const frame = (afterMs: number, d: string, c = "m0"): TapeRecord => ({
  t: START + afterMs + 20,
  ch: "clob.market.ws",
  c,
  d,
});

/** A market that opens and changes one level each 400 ms; afterwards its opening frame can be had again. */
function story(changes: number) {
  const market = createWireMarket({ conditionId, tokens });
  for (const n of [1, 2, 3]) market.set({ side: "BUY", priceMicro: 480_000 - n * 10_000, sizeMicro: n * 100_000_000 });
  market.set({ side: "SELL", priceMicro: 520_000, sizeMicro: 70_000_000 });
  const at = (n: number): number => n * 400;
  const records = [frame(0, market.opening(START))];
  for (let n = 1; n <= changes; n++) {
    const level = { side: "BUY", priceMicro: 400_000 + (n % 7) * 10_000, sizeMicro: n * 1_000_000 } as const;
    records.push(frame(at(n), market.change(level, START + at(n))));
  }
  return { records, again: (afterMs: number, c: string) => frame(afterMs, market.opening(START + afterMs), c), market };
}
function checked(records: readonly TapeRecord[], silenceMs = 30_000): CheckReport {
  const check = createTapeCheck({ silenceMs });
  for (const record of records) check.take(record);
  return check.end();
}
const gap = (t: number, over: Partial<TapeGap>): TapeRecord => ({
  t: START + t,
  ch: "recorder.gap",
  d: {
    why: "CONNECTION_LOST",
    of: "clob.market.ws",
    tokens,
    sinceMs: START + t,
    untilMs: null,
    detail: "m0 is lost",
    ...over,
  },
});

const nothingProved = (frames: number, books: number): string =>
  `no book is proved: ${frames} frames, ${books} books, and no hash of the venue that fits one`;

describe("a tape is proved by its own hashes", () => {
  test("an untouched one is whole, every burst proved", () => {
    const report = checked(story(20).records);
    expect(complaintsOf(report)).toEqual([]);
    expect(report.tokens).toMatchObject(
      tokens.map((tokenId) => ({ tokenId, updates: 21, passed: 21, failed: 0, unknown: 0, health: "healthy" })),
    );
    expect(report).toMatchObject({ records: 21, firstMs: START + 20, channels: { "clob.market.ws": 21 } });
  });

  test("any frame that is taken out of the middle is noticed", () => {
    const { records } = story(60);
    // Two failures are 2 s apart: the last five changes come too late for that.
    const unnoticed = Array.from({ length: 55 }, (_, n) => n + 1).filter((lost) => {
      const report = checked(records.filter((_, index) => index !== lost));
      return !complaintsOf(report).join().includes("hash differs");
    });
    expect(unnoticed).toEqual([]);
  });

  test("a loss that the next book heals after a silence is noticed", () => {
    const { records, market } = story(20);
    records.splice(18, 1);
    const healed = { ...frame(90_000, market.opening(START + 90_000)) };
    const report = checked([...records.slice(0, 19), healed]);
    expect(complaintsOf(report)).toEqual(["books lost their proof 2 times: hash differs"]);
  });

  test("frames without hashes prove nothing", () => {
    const bare = story(20).records.map((record) => ({
      ...record,
      d: String(record.d).replaceAll(/"hash":"[0-9a-f]*"/g, '"hash":""'),
    }));
    expect(complaintsOf(checked(bare))).toEqual([nothingProved(21, 2)]);
  });

  test("payloads that cannot be read are counted and shown", () => {
    const { records } = story(3);
    const odd: TapeRecord[] = [
      frame(2_000, "not json"),
      {
        t: START + 2_100,
        ch: "clob.rest",
        d: { method: "POST", path: "/books", request: "[]", status: 200, body: "<" },
      },
      { t: START + 2_200, ch: "gamma.market", d: {} },
    ];
    const report = checked([...records, ...odd]);
    expect(report.refused.count).toBe(3);
    expect(complaintsOf(report).join()).toMatch(/3 payloads that cannot be read: NOT_JSON: not json/);
  });
});

describe("gaps", () => {
  test("a lost connection is one gap, told once; the books that open after it are proved again", () => {
    const { records, again, market } = story(5);
    const later = Array.from({ length: 5 }, (_, n) => {
      const t = 6_000 + n * 400;
      return { t, d: (): string => market.change({ side: "SELL", priceMicro: 600_000, sizeMicro: n + 1 }, START + t) };
    });
    // What was missed: without the gap its lack would break the proof.
    market.set({ side: "BUY", priceMicro: 450_000, sizeMicro: 1_000_000 });
    const tape = [
      ...records,
      gap(3_000, { sinceMs: START + 2_500 }),
      gap(5_000, { sinceMs: START + 2_500, untilMs: START + 5_000, detail: "m0 is connected again" }),
      again(5_100, "m0"),
      ...later.map(({ t, d }) => frame(t, d())),
    ];
    const report = checked(tape);
    // The burst that the gap cut cannot be judged.
    expect(report.gaps).toHaveLength(1);
    expect(report.breaks).toEqual({});
    expect(report.tokens).toMatchObject(tokens.map(() => ({ passed: 11, failed: 0, unknown: 1, health: "healthy" })));
    expect(complaintsOf(report)).toEqual([
      `gap of 2.5 s from ${new Date(START + 2_500).toISOString()} (clob.market.ws, 2 tokens): connection lost; m0 is lost; m0 is connected again`,
    ]);
  });

  test("one that never closed goes to the end, and one of a full queue says how much it cost", () => {
    const open = complaintsOf(checked([...story(2).records, gap(2_000, {})]));
    expect(open.join()).toMatch(/^gap to the end from/);
    const dropped = { why: "QUEUE_FULL", of: null, tokens: null, dropped: 12, untilMs: START + 2_100 } as const;
    expect(complaintsOf(checked([...story(2).records, gap(2_000, dropped)])).join()).toMatch(
      /every channel\): queue full, 12 records dropped/,
    );
  });

  test("a gap of the chain that was read again is none", () => {
    const head = (n: number): TapeRecord => ({
      t: START + n * 1_000,
      ch: "chain.head",
      d: { number: `0x${n.toString(16)}`, hash: `0x${n}` },
    });
    const mended = { of: "chain.log", tokens: null, untilMs: START + 3_000 };
    const tape = (detail: string) => [head(1), head(2), gap(2_500, { ...mended, detail }), head(3)];
    expect(complaintsOf(checked(tape("blocks 2 to 2 were read again, nothing is missing")))).toEqual([]);
    expect(complaintsOf(checked(tape("could not be read again")))).toHaveLength(1);
    expect(complaintsOf(checked([head(1), head(5), head(4), head(5)]))).toEqual(["blocks 2 to 4 are missing"]);
  });
});

test("silence is told by connection, and no fault of a quiet market", () => {
  const report = checked(
    [frame(0, "", "m0"), frame(0, "", "m1"), frame(9_000, "", "m1"), frame(20_000, "", "m0")],
    10_000,
  );
  expect(report.silences).toEqual([
    { of: "clob.market.ws m0", fromMs: START + 20, ms: 20_000 },
    { of: "clob.market.ws m1", fromMs: START + 9_020, ms: 11_000 },
  ]);
  expect(complaintsOf(report)).toEqual([nothingProved(4, 0)]);
});
