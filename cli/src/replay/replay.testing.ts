/** A market of our own making and an account, for tests of replay. */
import type { Address, TokenId } from "@slipstream/contracts/ids";
import { parsePrice, parseShares, type Side, sharesMicro } from "@slipstream/contracts/money";
import type { AccountPolicy } from "@slipstream/contracts/policy";
import { type AddedFill, addFills } from "@slipstream/sandbox/tape/addFills";
import type { TapeRecord } from "@slipstream/sandbox/tape/format";
import { createWireMarket, type WireLevel } from "@slipstream/sandbox/tape/wireMarket.testing";
import { defaultAccount } from "../defaults.ts";
import { type ReplayResult, replay } from "./replay.ts";

export const START_MS = 1_790_000_000_000;
export const condition = `0x${"c1".repeat(32)}`;
export const yes = "1001" as TokenId;
export const no = "1002" as TokenId;
export const leader = `0x${"aa".repeat(20)}` as Address;

export type Level = readonly [Side, string, string];
const levelOf = ([side, price, size]: Level): WireLevel => ({
  side,
  priceMicro: parsePrice(price),
  sizeMicro: Number(parseShares(size)),
});

export type Change = [number, ...Level];

/** A market channel that begins with `opening` and changes them some ms later. */
export function marketTape(opening: readonly Level[] = levels, changes: readonly Change[] = pulse): TapeRecord[] {
  const market = createWireMarket({ conditionId: condition, tokens: [yes, no] });
  for (const level of opening) market.set(levelOf(level));
  const frame = (afterMs: number, d: string): TapeRecord => ({ t: START_MS + afterMs + 5, ch: "clob.market.ws", d });
  return [
    frame(0, market.opening(START_MS)),
    ...changes.map(([afterMs, ...level]) => frame(afterMs, market.change(levelOf(level), START_MS + afterMs))),
  ];
}

export const fill = (afterMs: number, side: Side, price: string, size: string, tokenId = yes): AddedFill => ({
  leader,
  tokenId,
  side,
  priceMicro: parsePrice(price),
  sizeMicro: sharesMicro(parseShares(size)),
  t: START_MS + afterMs,
  role: "TAKER",
});

export const account = { ...defaultAccount, submitLatencyMs: 100, priceGuardTicks: 1, priceGuardBps: 0 };
export const levels: [Side, string, string][] = [
  ["BUY", "0.48", "100"],
  ["SELL", "0.50", "6"],
  ["SELL", "0.51", "40"],
  ["SELL", "0.55", "500"],
];
/** The market goes on: without a frame nothing proves that time has passed. */
export const pulse = Array.from({ length: 40 }, (_, n): [number, Side, string, string] => [
  1_000 + n * 500,
  "BUY",
  "0.30",
  String(10 + n),
]);

export const replayOf = (
  tape: readonly TapeRecord[],
  fills: readonly AddedFill[],
  policy: AccountPolicy = account,
): ReplayResult => replay({ tape: addFills(tape, fills), leaders: [], account: policy });

/** Our fills, in short. */
export const lines = (result: ReplayResult): string[] =>
  result.fills.map((own) => `${own.side} ${own.priceMicro} ${own.sizeMicro} +${own.tsEventMs - START_MS}`);
