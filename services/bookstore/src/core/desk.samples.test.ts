/**
 * Tapes through the desk: every hash proved, no doubt about an untouched tape. Tapes made here, and recordings where
 * there are any.
 */
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { type PriceMicro, sharesMicro } from "@slipstream/contracts/money";
import { createMarketParser, type MarketEvent } from "@slipstream/polymarket/marketChannel";
import { framesOf, sampleTapes, type TapeSample } from "@slipstream/testkit/samples";
import { expect, test } from "vitest";
import { createDesk, type Desk, type DeskOutput, onEvents, onTick, track } from "./desk.ts";

type Frame = { readonly t: number; readonly events: readonly MarketEvent[] };

function parsedFrames(tape: TapeSample): Frame[] {
  const parser = createMarketParser();
  return framesOf(tape).map(({ t, d }) => ({ t, events: parser.parse(d).events }));
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

function play(frames: readonly Frame[], facts: TapeSample): { desk: Desk; outputs: DeskOutput[] } {
  const tokens = [...tokensOf(frames)];
  const definition = {
    conditionId: frames.flatMap(({ events }) => events).find((event) => event.kind === "book")?.conditionId,
    tokens: tokens.map((tokenId) => ({ tokenId, outcome: "" })),
    tickMicro: facts.tickMicro as PriceMicro,
    minOrderSizeMicro: sharesMicro(BigInt(facts.minOrderSizeMicro)),
    negRisk: facts.negRisk,
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

test.each(sampleTapes)("$name: never doubted, every hash proved", (tape) => {
  const frames = parsedFrames(tape);
  const { desk, outputs } = play(frames, tape);
  expect(doubts(outputs)).toEqual([]);
  expect([...desk.resyncs]).toEqual([]);
  expect(hashesIn(frames)).toBeGreaterThan(100);
  expect(entriesProved(desk)).toBe(hashesIn(frames));
});
