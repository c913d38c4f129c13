/**
 * Recorded tapes through the desk: every hash proved, no doubt about an untouched tape. The folder comes from
 * SLIPSTREAM_SAMPLES (default ../shared/samples beside the repository); without it these tests are skipped.
 */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { decimalText } from "@slipstream/book/hash";
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { type PriceMicro, parseMicro, sharesMicro } from "@slipstream/contracts/money";
import { createMarketParser, type MarketEvent } from "@slipstream/polymarket/marketChannel";
import { expect, test } from "vitest";
import { createDesk, type Desk, type DeskOutput, onEvents, onTick, track } from "./desk.ts";

const root = resolve(import.meta.dirname, "../../../..");
const samples = resolve(root, process.env["SLIPSTREAM_SAMPLES"] ?? "../shared/samples");
const present = existsSync(join(samples, "tapes"));
if (!present) console.log(`samples are not there (${samples}): recorded tapes are not played to the desk`);

type Frame = { readonly t: number; readonly events: readonly MarketEvent[] };

function framesOf(name: string): Frame[] {
  const bytes = readFileSync(join(samples, "tapes", name));
  const text = (name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  const parser = createMarketParser();
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { t: number; d: string })
    .map(({ t, d }) => ({ t, events: parser.parse(d).events }));
}

const tokensOf = (frames: readonly Frame[]): Set<TokenId> =>
  new Set(frames.flatMap(({ events }) => events.flatMap((event) => (event.kind === "book" ? [event.tokenId] : []))));

/** Messages that carry a hash of a token of the tape. */
const hashesIn = (frames: readonly Frame[]): number =>
  frames
    .flatMap(({ events }) => events)
    .reduce(
      (sum, event) => sum + (event.kind === "book" ? 1 : event.kind === "priceChange" ? event.changes.length : 0),
      0,
    );

function play(
  frames: readonly Frame[],
  facts: { tickMicro: number; minOrderSizeMicro: number },
): { desk: Desk; outputs: DeskOutput[] } {
  const tokens = [...tokensOf(frames)];
  const definition = {
    conditionId: frames.flatMap(({ events }) => events).find((event) => event.kind === "book")?.conditionId,
    tokens: tokens.map((tokenId) => ({ tokenId, outcome: "" })),
    tickMicro: facts.tickMicro as PriceMicro,
    minOrderSizeMicro: sharesMicro(BigInt(facts.minOrderSizeMicro)),
    negRisk: false,
  } as unknown as MarketDefinition;
  const desk = createDesk(1, () => definition);
  for (const tokenId of tokens) track(desk, tokenId, "tape");
  const outputs: DeskOutput[] = [];
  let lastMs = 0;
  for (const { t, events } of frames) {
    outputs.push(...onTick(desk, t), ...onEvents(desk, "tape", events, t));
    lastMs = t;
  }
  outputs.push(...onTick(desk, lastMs + 5_000));
  return { desk, outputs };
}

const doubts = (outputs: readonly DeskOutput[]): DeskOutput[] =>
  outputs.filter((output) => output.type === "BookStatus");
const entriesProved = (desk: Desk): number =>
  [...desk.books.values()].reduce((sum, { proofs }) => sum + proofs.entries, 0);

test.skipIf(!present)("lol: all 120 hashes are proved", () => {
  const marketFile = join(samples, "clob/market-lol-ig1-lgd.json");
  const market = JSON.parse(readFileSync(marketFile, "utf8")) as Record<string, number>;
  const micro = (name: string): number => Number(parseMicro(String(market[name])));
  const facts = { tickMicro: micro("minimum_tick_size"), minOrderSizeMicro: micro("minimum_order_size") };
  const frames = framesOf("lol-ig1-lgd-2026-09-07.market.tape.jsonl");
  const { desk, outputs } = play(frames, facts);
  expect(doubts(outputs)).toEqual([]);
  expect({ proved: entriesProved(desk), inTape: hashesIn(frames), tick: decimalText(facts.tickMicro) }).toEqual({
    proved: 120,
    inTape: 120,
    tick: "0.01",
  });
});

test.skipIf(!present).each([
  ["mlb-sd-lad-2025-06-18.market.tape.jsonl.gz", 11_692],
  ["mlb-hou-bal-2025-06-18.market.tape.jsonl.gz", 7_992],
])("%s: never doubted, every hash proved", { timeout: 30_000 }, (name, entries) => {
  const frames = framesOf(name);
  expect(hashesIn(frames)).toBe(entries);
  const { desk, outputs } = play(frames, { tickMicro: 10_000, minOrderSizeMicro: 5_000_000 });
  expect(doubts(outputs)).toEqual([]);
  expect([...desk.resyncs]).toEqual([]);
  expect(entriesProved(desk)).toBe(entries);
});
