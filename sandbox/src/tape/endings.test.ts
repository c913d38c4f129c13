import type { TokenId } from "@slipstream/contracts/ids";
import { CTF_CONDITION_RESOLUTION } from "@slipstream/polymarket/topics";
import { CONDITIONAL_TOKENS } from "@slipstream/polymarket/versions";
import { describe, expect, test } from "vitest";
import type { TapeLog } from "./addFills.ts";
import { tapeBalances } from "./balances.ts";
import { defaultAssumptions, deriveMarkets } from "./deriveMarkets.ts";
import { gammaWord, resolutionOfLog, resolutionsOf } from "./endings.ts";
import type { TapeRecord } from "./format.ts";
import { gammaRows } from "./playerMarkets.ts";
import { createTapeChain } from "./tapeChain.ts";

const condition = `0x${"c1".repeat(32)}`;
const word = (value: number | bigint): string => value.toString(16).padStart(64, "0");
const log = (payouts: readonly (number | bigint)[], over: Partial<TapeLog> = {}): TapeLog => ({
  address: CONDITIONAL_TOKENS,
  topics: [CTF_CONDITION_RESOLUTION, condition, `0x${word(1)}`, `0x${word(2)}`],
  data: `0x${[payouts.length, 64, payouts.length, ...payouts].map(word).join("")}`,
  ...{ blockNumber: "0x10", blockHash: `0x${"b".repeat(64)}`, logIndex: "0x1", removed: false },
  ...{ transactionHash: `0x${"7".repeat(64)}`, transactionIndex: "0x0" },
  ...over,
});
const logRecord = (d: TapeLog): TapeRecord => ({ t: 5, ch: "chain.log", d });

describe("a resolution on the chain", () => {
  test.each([
    [[1, 0], 1n],
    [[1, 1], 2n],
    [[2n ** 255n, 2n ** 254n], 2n ** 255n + 2n ** 254n],
  ])("%s is read", (payouts, payoutDenominator) => {
    expect(resolutionOfLog(log(payouts))).toEqual({
      ...{ conditionId: condition, payoutNumerators: payouts.map(BigInt), payoutDenominator },
      ...{ blockNumber: 16, blockHash: `0x${"b".repeat(64)}`, tsMs: null },
    });
  });
  test.each([
    ["cut", log([1, 0], { data: `0x${[2, 64, 2, 1].map(word).join("")}` }), /cannot be read/],
    ["without data", log([1, 0], { data: "0x" }), /cannot be read/],
    ["of nobody", log([0, 0]), /pays nothing/],
    ["of three", log([1, 0, 0]), /3 payouts/],
    ["of a condition that is none", log([1, 0], { topics: [CTF_CONDITION_RESOLUTION, "0x12"] }), /cannot be read/],
  ])("one %s is refused", (_name, raw, text) =>
    expect(resolutionOfLog(raw)).toEqual({ kind: "refused", text: expect.stringMatching(text) }),
  );
  test("of another contract, or another event, it is none", () => {
    expect(resolutionOfLog(log([1, 0], { address: `0x${"1".repeat(40)}` }))).toBeNull();
    expect(resolutionOfLog(log([1, 0], { topics: [condition] }))).toBeNull();
  });
  test("that was taken back does not count", () => {
    const again = log([0, 1], { blockHash: `0x${"d".repeat(64)}`, blockNumber: "0x11" });
    const tape = [log([1, 0]), log([1, 0], { removed: true }), again].map(logRecord);
    expect([...resolutionsOf(tape).values()]).toMatchObject([{ payoutNumerators: [0n, 1n], blockNumber: 17 }]);
    expect(resolutionsOf(tape.slice(0, 2)).size).toBe(0);
  });
});

test("the player's chain answers payouts from the block of the resolution on", async () => {
  const tape = [logRecord(log([3, 7]))];
  const chain = createTapeChain({ balances: tapeBalances(tape), resolutions: resolutionsOf(tape) });
  const head = (n: number) =>
    chain.applyHead({
      number: `0x${n.toString(16)}`,
      hash: `0x${word(n)}`,
      parentHash: `0x${word(n - 1)}`,
      timestamp: "0x5",
    });
  for (const n of [15, 16, 17]) head(n);
  const call = async (data: string, block: number): Promise<bigint> =>
    BigInt(String(await chain.answer("eth_call", [{ to: CONDITIONAL_TOKENS, data }, `0x${block.toString(16)}`])));
  const denominator = `0xdd34de67${condition.slice(2)}`;
  const numerator = (index: number) => `0x0504c814${condition.slice(2)}${word(index)}`;
  expect([await call(denominator, 15), await call(numerator(1), 15)]).toEqual([0n, 0n]);
  expect([await call(denominator, 16), await call(numerator(0), 16), await call(numerator(1), 17)]).toEqual([
    10n,
    3n,
    7n,
  ]);
  expect(await call(`0xdd34de67${"99".repeat(32)}`, 17)).toBe(0n);
  await expect(call(numerator(2), 17)).rejects.toThrow(/reverted/);
});

describe("a market's end in Gamma's words", () => {
  const END_MS = 1_790_000_000_000;
  const record = (t: number, over: Readonly<Record<string, unknown>> = {}): TapeRecord => ({
    t,
    ch: "gamma.market",
    d: {
      ...{ conditionId: condition, outcomes: '["Yes","No"]', clobTokenIds: '["11","22"]', version: "v1" },
      ...{ negRisk: false, orderPriceMinTickSize: 0.01, orderMinSize: 5, feesEnabled: false, secondsDelay: 0 },
      ...{ acceptingOrders: true, closed: false },
      ...over,
    },
  });
  const ended = { closed: true, acceptingOrders: false, outcomePrices: '["1","0"]' };
  const closedTime = new Date(END_MS).toISOString().replace("T", " ").replace(".000Z", "+00");

  test("counts from its record on, or from the time that it names later", () => {
    expect(gammaWord(record(9, ended))).toMatchObject({ atMs: 9, closed: true, payoutMicro: [1_000_000, 0] });
    expect(gammaWord(record(9, { ...ended, closedTime }))).toMatchObject({ atMs: END_MS });
    expect(gammaWord(record(END_MS + 9, { ...ended, closedTime }))).toMatchObject({ atMs: END_MS + 9 });
    expect(gammaWord(record(9, { ...ended, closedTime: "soon" }))).toMatchObject({ atMs: 9 });
  });
  test("a market whose object is from after its end begins open, in replay and for services", () => {
    const tape = [record(END_MS - 50, { ...ended, closedTime })];
    const { markets, assumed, words } = deriveMarkets(tape, defaultAssumptions);
    expect(markets).toMatchObject([{ closed: false, acceptingOrders: true, payoutMicro: null }]);
    expect(assumed).toEqual([expect.stringMatching(/open until its closing time/)]);
    expect(words).toMatchObject([{ atMs: END_MS, closed: true }]);
    const [row] = gammaRows(tape, markets);
    expect([END_MS - 60, END_MS - 1, END_MS].map((ms) => row?.at(ms)["closed"])).toEqual([false, false, true]);
  });
  test("one that ended before the tape is closed from the start", () => {
    const tape = [record(END_MS + 50, { ...ended, closedTime })];
    expect(deriveMarkets(tape, defaultAssumptions)).toMatchObject({ markets: [{ closed: true }], assumed: [] });
  });
  test("services see each record from its time on", () => {
    const tape = [record(100), record(200, { acceptingOrders: false }), record(300, ended)];
    const [row] = gammaRows(tape, deriveMarkets(tape, defaultAssumptions).markets);
    expect([50, 250, 350].map((ms) => row?.at(ms)["acceptingOrders"])).toEqual([true, false, false]);
    expect(row?.tokenIds).toEqual(["11" as TokenId, "22" as TokenId]);
  });
});
