/**
 * Makes the samples of `made/`: what tests of recordings read where no recordings are, in the folders and formats of
 * the recordings. All of it is invented here; the same code makes the same files.
 *
 * Run: node test/samples/make.ts
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import type { ConditionId } from "../../libs/contracts/src/ids.ts";
import { outcomeTokens } from "../../libs/polymarket/src/ctfIds.ts";
import { chainLogs } from "./chainLogs.ts";
import { clobMarket, endedMarkets, gammaObjects, restBooks } from "./markets.ts";
import { makeTape, type TapeMarket } from "./tapes.ts";
import { activity, session } from "./trades.ts";

export const madeFolder = join(import.meta.dirname, "made");

function market(n: number): TapeMarket {
  const conditionId = `0x${n.toString(16).padStart(64, "0")}` as ConditionId;
  return {
    conditionId,
    tokens: outcomeTokens(conditionId, false),
    tickSize: "0.01",
    minOrderSize: "5",
    negRisk: false,
  };
}
const rain = market(81);
const json = (value: unknown): string => `${JSON.stringify(value, null, 1)}\n`;

/** Path below the folder → text of the file; names that end in .gz are written compressed. */
export function madeSamples(): Readonly<Record<string, string>> {
  return {
    "tapes/made-rain-2026-09-21.market.tape.jsonl": makeTape("rain", {
      market: rain,
      startMs: 1_790_000_000_000,
      forMs: 120_000,
      everyMs: 900,
      delayMs: () => 40,
      finerFrom: 1,
    }),
    "tapes/made-derby-2026-09-22.market.tape.jsonl.gz": makeTape("derby", {
      market: market(82),
      startMs: 1_790_100_000_000,
      forMs: 900_000,
      everyMs: 1_500,
      delayMs: (random) => random.integer(5, 400),
      finerFrom: 0.6,
    }),
    "chain-logs/order-filled-and-ctf.json": json(chainLogs()),
    "clob/market-made-rain.json": json(clobMarket(rain, "made-rain")),
    "clob/clob-books.json": json(restBooks(4)),
    "data-api/activity_all.json": json(activity()),
    "gamma/made-markets.jsonl.gz": endedMarkets(30),
    ...Object.fromEntries(Object.entries(gammaObjects()).map(([name, value]) => [`gamma/${name}`, json(value)])),
    "rtds/session.normalised.json": json(session()),
  };
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(madeSamples())) {
    const file = join(madeFolder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, path.endsWith(".gz") ? gzipSync(text) : text);
  }
}
