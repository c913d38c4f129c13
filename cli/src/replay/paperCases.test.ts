/** Small tapes on which the paper engine once went wrong: what it fills is what the venue would have. */
import type { Address, TokenId } from "@slipstream/contracts/ids";
import { parsePrice, parseShares, type Side, sharesMicro } from "@slipstream/contracts/money";
import { addFills } from "@slipstream/sandbox/tape/addFills";
import type { TapeRecord } from "@slipstream/sandbox/tape/format";
import { createWireMarket, type WireLevel } from "@slipstream/sandbox/tape/wireMarket.testing";
import { expect, test } from "vitest";
import { defaultAccount } from "../defaults.ts";
import { replay } from "./replay.ts";

const START_MS = 1_790_000_000_000;
const conditionId = `0x${"c2".repeat(32)}`;
const yes = "2001" as TokenId;
const no = "2002" as TokenId;

type Level = readonly [Side, string, string];
type Told = readonly [afterMs: number, ...Level] | readonly [afterMs: number, "print", TokenId, ...Level];

const levelOf = ([side, price, size]: Level): WireLevel => ({
  side,
  priceMicro: parsePrice(price),
  sizeMicro: Number(parseShares(size)),
});

/** The market goes on: without a frame nothing proves that time has passed. */
function tapeOf(levels: readonly Level[], told: readonly Told[], lastMs: number): TapeRecord[] {
  const market = createWireMarket({ conditionId, tokens: [yes, no] });
  for (const level of levels) market.set(levelOf(level));
  const pulse = Array.from(
    { length: lastMs / 500 },
    (_, n): Told => [n * 500 + 500, "BUY", "0.02", String(10 + (n % 2))],
  );
  const frames = [...pulse, ...told].sort(([a], [b]) => a - b);
  const record = (afterMs: number, d: string): TapeRecord => ({ t: START_MS + afterMs + 40, ch: "clob.market.ws", d });
  return [
    record(0, market.opening(START_MS)),
    ...frames.map((one) => {
      const [afterMs] = one;
      if (one[1] !== "print")
        return record(afterMs, market.change(levelOf([one[1], one[2], one[3]]), START_MS + afterMs));
      const [, , tokenId, side, price, size] = one;
      return record(afterMs, market.print({ tokenId, ...levelOf([side, price, size]) }, START_MS + afterMs));
    }),
  ];
}

const cases: Record<
  string,
  {
    levels: Level[];
    told: Told[];
    lastMs: number;
    leader: [afterMs: number, price: string, size: string][];
    right: string[];
  }
> = {
  "a static level of 100 fills once, not again after 70 s": {
    levels: [
      ["BUY", "0.45", "1000"],
      ["SELL", "0.5", "100"],
      ["SELL", "0.6", "5000"],
    ],
    told: [],
    lastMs: 80_000,
    leader: [
      [2_000, "0.5", "1000"],
      [72_000, "0.5", "1000"],
    ],
    right: ["100 @ 0.5 +2100"],
  },
  "100 ahead, prints of 40, 30 and 25 each some changes after their decrease: nothing fills": {
    levels: [
      ["BUY", "0.4", "500"],
      ["SELL", "0.45", "10"],
      ["SELL", "0.55", "5000"],
    ],
    told: [
      [2_050, "SELL", "0.45", "0"],
      [2_060, "BUY", "0.45", "100"],
      [2_501, "BUY", "0.45", "60"],
      [2_550, "SELL", "0.6", "15"],
      [2_580, "print", yes, "SELL", "0.45", "40"],
      [3_001, "BUY", "0.45", "30"],
      [3_050, "SELL", "0.6", "16"],
      [3_080, "print", yes, "SELL", "0.45", "30"],
      [3_501, "BUY", "0.45", "5"],
      [3_550, "SELL", "0.6", "17"],
      [3_580, "print", yes, "SELL", "0.45", "25"],
    ],
    lastMs: 9_000,
    leader: [[2_000, "0.43", "500"]],
    right: [],
  },
  "a static level of 100 is not filled again after a finer tick that nobody announced": {
    levels: [
      ["BUY", "0.4", "500"],
      ["SELL", "0.5", "100"],
      ["SELL", "0.6", "5000"],
    ],
    told: [[3_001, "BUY", "0.035", "7"]],
    lastMs: 9_000,
    leader: [[2_000, "0.48", "3000"]],
    right: ["100 @ 0.5 +2100"],
  },
  "the print that names the sibling fills the resting order": {
    levels: [
      ["BUY", "0.4", "500"],
      ["SELL", "0.45", "10"],
      ["SELL", "0.55", "5000"],
    ],
    told: [
      [2_050, "SELL", "0.45", "0"],
      [2_060, "BUY", "0.45", "10"],
      [3_001, "BUY", "0.45", "0"],
      [3_080, "print", no, "BUY", "0.55", "600"],
    ],
    lastMs: 9_000,
    leader: [[2_000, "0.43", "500"]],
    right: ["50 @ 0.45 +3080"],
  },
};

test.each(Object.entries(cases))("%s", (_name, { levels, told, lastMs, leader, right }) => {
  const fills = leader.map(([afterMs, price, size]) => ({
    leader: `0x${"a1".repeat(20)}` as Address,
    tokenId: yes,
    side: "BUY" as const,
    priceMicro: parsePrice(price),
    sizeMicro: sharesMicro(parseShares(size)),
    t: START_MS + afterMs,
    role: "TAKER" as const,
  }));
  const account = { ...defaultAccount, submitLatencyMs: 100, priceGuardTicks: 0, priceGuardBps: 500 };
  const result = replay({ tape: addFills(tapeOf(levels, told, lastMs), fills), leaders: [], account });
  expect(result.report).toMatchObject({ attempts: { trade: leader.length }, missed: 0, duplicated: 0, errors: [] });
  expect(
    result.fills.map(
      ({ sizeMicro, priceMicro, tsEventMs }) =>
        `${Number(sizeMicro) / 1e6} @ ${priceMicro / 1e6} +${tsEventMs - START_MS}`,
    ),
  ).toEqual(right);
});
