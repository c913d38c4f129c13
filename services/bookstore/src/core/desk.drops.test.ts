/**
 * Lost messages are noticed and made good: some of the drops that `node bench/drops.ts` takes by the thousand. On tapes
 * made by code, and on recordings where there are any.
 */
import type { MarketDefinition } from "@slipstream/contracts/market";
import { type PriceMicro, sharesMicro } from "@slipstream/contracts/money";
import { createMarketParser } from "@slipstream/polymarket/marketChannel";
import { framesOf, sampleTapes } from "@slipstream/testkit/samples";
import { expect, test } from "vitest";
import { onEvents, onTick } from "./desk.ts";
import { type Drop, dropsOf, type Fate, fatesOf, playUntouched } from "./drops.testing.ts";
import { createWorld, type Frame, tokensOf } from "./dropWorld.testing.ts";
import { ask, bid, createVenue, market, NO, START_MS, type Venue, YES } from "./venue.testing.ts";

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function sample(drops: readonly Drop[], count: number): Drop[] {
  const random = seeded(5);
  return Array.from({ length: count }, () => drops[Math.floor(random() * drops.length)]).filter(
    (drop) => drop !== undefined,
  );
}

const circumstances = (n: number) => ({ restLagMs: (n * 137) % 1_100, searched: n % 2 === 1 });

function expectAllNoticed(fates: readonly Fate[], detectedMin: number): void {
  expect(fates.filter(({ end }) => end === "missed")).toEqual([]);
  expect(fates.filter(({ wrongAndHealthy }) => wrongAndHealthy > 0)).toEqual([]);
  const detected = fates.filter(({ end }) => end === "detected");
  expect(detected.length).toBeGreaterThanOrEqual(detectedMin);
  expect(detected.filter(({ wholeAfterMs }) => !(wholeAfterMs < 8_000))).toEqual([]);
  // A burst is over 300 ms after its first message by the venue's time, or a second after its last by ours.
  const late = detected.filter(({ by, delayMs }) => by === "hash" && delayMs > 1_400);
  expect(late).toEqual([]);
}

/** A venue with a change of one to three levels every 0.2 to 2 s, and quiet times between. */
function madeTape(frames: number): Frame[] {
  const random = seeded(3);
  const venue: Venue = createVenue({ tickMicro: 10_000 });
  venue.change(START_MS, bid(400_000, 10), ask(600_000, 20));
  const tape: Frame[] = [{ t: START_MS + 40, events: [venue.opening(YES), venue.opening(NO)] }];
  let tsMs = START_MS;
  for (let n = 0; n < frames; n++) {
    tsMs += n % 40 === 39 ? 30_000 : 200 + Math.floor(random() * 1_800);
    const changes = Array.from({ length: 1 + Math.floor(random() * 3) }, () => {
      const away = 10_000 * (1 + Math.floor(random() * 12));
      const shares = Math.floor(random() * 8);
      return random() < 0.5 ? bid(500_000 - away, shares) : ask(500_000 + away, shares);
    });
    tape.push({ t: tsMs + 40, events: [venue.change(tsMs, ...changes)] });
  }
  return tape;
}

test("on a made tape every drop that leaves a difference is noticed, and an untouched one is never doubted", () => {
  const frames = madeTape(200);
  const facts = { market, tokens: [YES, NO] };
  expect(playUntouched(frames, facts).doubts).toEqual([]);
  const drops = sample(dropsOf(frames, facts.tokens), 150);
  expectAllNoticed(fatesOf(frames, facts, drops, circumstances), 100);
});

/** Of 60 drops; the smallest recording has many that leave no difference. */
const detectedMinOf = (name: string): number => (name.startsWith("lol-") ? 15 : 40);

test.each(sampleTapes)("on $name too", (tape) => {
  const parser = createMarketParser();
  const frames = framesOf(tape).map(({ t, d }) => ({ t, events: parser.parse(d).events }));
  const tokens = tokensOf(frames);
  const definition = {
    conditionId: frames.flatMap(({ events }) => events).find((event) => event.kind === "book")?.conditionId,
    tokens: tokens.map((tokenId) => ({ tokenId, outcome: "" })),
    tickMicro: tape.tickMicro as PriceMicro,
    minOrderSizeMicro: sharesMicro(BigInt(tape.minOrderSizeMicro)),
    negRisk: tape.negRisk,
  } as unknown as MarketDefinition;
  const facts = { market: definition, tokens };
  expect(playUntouched(frames, facts).doubts).toEqual([]);
  expectAllNoticed(
    fatesOf(frames, facts, sample(dropsOf(frames, tokens), 60), circumstances),
    detectedMinOf(tape.name),
  );
});

test("a trade price that nobody announced is found among the likely ones, with no search left", () => {
  const venue = createVenue({ tickMicro: 10_000 });
  venue.change(START_MS, bid(400_000, 10), ask(600_000, 20));
  const { desk } = createWorld({ market, tokens: [YES, NO] }, START_MS, 0);
  onEvents(desk, "tape", [venue.opening(YES), venue.opening(NO)], START_MS + 40);
  onTick(desk, START_MS + 2_000);
  for (const book of desk.books.values()) book.fullSearchMs = START_MS;
  venue.trades(600_000);
  onEvents(desk, "tape", [venue.change(START_MS + 3_000, ask(600_000, 12))], START_MS + 3_040);
  const doubts = onTick(desk, START_MS + 5_000).filter((output) => output.type === "BookStatus");
  expect(doubts).toEqual([]);
  expect([...desk.books.values()].map(({ lastTradePrices }) => lastTradePrices[0])).toEqual(["0.600", "0.600"]);
});
