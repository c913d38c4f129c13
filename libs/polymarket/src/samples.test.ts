/** Recorded logs of the real chain decode to what independent sources said about them. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { formatMicro } from "@slipstream/contracts/money";
import { expect, test } from "vitest";
import { decodeCollateralTransfer } from "./erc20.ts";
import { decodeOrderFilled, fillPrice } from "./orderFilled.ts";
import { decodePositionEvent } from "./positionEvents.ts";
import { defaultExchanges } from "./versions.ts";
import type { RawLog } from "./words.ts";

const root = resolve(import.meta.dirname, "../../..");
const samples = resolve(root, process.env["SLIPSTREAM_SAMPLES"] ?? "../shared/samples");
const file = resolve(samples, "chain-logs/order-filled-and-ctf.json");
const present = existsSync(file);
if (!present) console.log(`samples are not there (${samples}): recorded logs are not tested`);

type Sample = {
  readonly name: string;
  readonly log: RawLog;
  readonly expected: Readonly<Record<string, string | number | boolean>>;
};
const list: Sample[] = present ? (JSON.parse(readFileSync(file, "utf8")) as Sample[]) : [];

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

test.skipIf(!present).each(list)("$name", ({ log, expected }) => {
  const result = decoded(log);
  expect(result).not.toHaveProperty("refused");
  const isTransfer = "value" in result;
  const { block: _block, ts_ms: _time, price, from, ...facts } = expected;
  expect(result).toMatchObject(isTransfer ? { from, ...facts } : facts);
  // The price of the samples has ten decimals; ours is the nearest micro.
  if (price !== undefined) expect(Math.abs(Number(result["price"]) - Number(price))).toBeLessThan(0.000_000_6);
});

test.skipIf(!present)("every kind of recorded log is among the samples", () => {
  const kinds = new Set(list.map(({ log }) => decodeOrderFilled(log, defaultExchanges).kind));
  expect(kinds.has("orderFilled")).toBe(true);
  expect(list.length).toBeGreaterThanOrEqual(9);
});
