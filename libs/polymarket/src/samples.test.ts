/** Logs decode to what they were made of, and recorded logs of the real chain to what independent sources said. */
import { formatMicro } from "@slipstream/contracts/money";
import { readSample, samplesIn } from "@slipstream/testkit/samples";
import { expect, test } from "vitest";
import { decodeCollateralTransfer } from "./erc20.ts";
import { decodeOrderFilled, fillPrice } from "./orderFilled.ts";
import { decodePositionEvent } from "./positionEvents.ts";
import { defaultExchanges } from "./versions.ts";
import type { RawLog } from "./words.ts";

type Sample = {
  readonly name: string;
  readonly log: RawLog;
  readonly expected: Readonly<Record<string, string | number | boolean>>;
};
const files = samplesIn("chain-logs", /^order-filled-and-ctf\.json$/).map(
  ({ path }) => JSON.parse(readSample(path)) as readonly Sample[],
);

/** Every decoded field in the words of the samples. */
function decoded(log: RawLog): Record<string, unknown> {
  const fill = decodeOrderFilled(log, defaultExchanges);
  if (fill.kind === "orderFilled") {
    return {
      side: fill.side,
      maker: fill.maker,
      taker: fill.taker,
      taker_is_exchange: fill.role === "TAKER",
      tokenId: fill.tokenId,
      shares: Number(formatMicro(fill.sharesMicro)),
      usdc: Number(formatMicro(fill.usdcMicro)),
      fee: Number(formatMicro(fill.feeMicro)),
      price: Number(formatMicro(fillPrice(fill) ?? 0)),
    };
  }
  const act = decodePositionEvent(log);
  if (act.kind === "convert") {
    const { stakeholder, negRiskMarketId: marketId } = act;
    return { stakeholder, marketId, indexSet: Number(act.indexSet), amount: Number(formatMicro(act.sharesMicro)) };
  }
  if (act.kind === "split" || act.kind === "merge") {
    const { stakeholder, conditionId } = act;
    return { stakeholder, conditionId, amount: Number(formatMicro(act.sharesMicro)) };
  }
  const moved = decodeCollateralTransfer(log);
  if (moved.kind === "refused") return { refused: [fill, act, moved] };
  return { from: moved.from, to: moved.to, value: Number(formatMicro(moved.usdcMicro)) };
}

test.each(files.flat())("$name", ({ log, expected }) => {
  const result = decoded(log);
  expect(result).not.toHaveProperty("refused");
  const isTransfer = "value" in result;
  const { block: _block, ts_ms: _time, price, from, ...facts } = expected;
  expect(result).toMatchObject(isTransfer ? { from, ...facts } : facts);
  // The price of the samples has ten decimals; ours is the nearest micro.
  if (price !== undefined) expect(Math.abs(Number(result["price"]) - Number(price))).toBeLessThan(0.000_000_6);
});

test.each(files.map((list) => [list]))("every kind of log is among the samples", (list) => {
  const kinds = new Set(list.map(({ log }) => decodeOrderFilled(log, defaultExchanges).kind));
  expect(kinds.has("orderFilled")).toBe(true);
  expect(list.length).toBeGreaterThanOrEqual(9);
});
