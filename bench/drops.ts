/**
 * How surely and how soon a lost message is noticed: takes single changes or whole frames out of tapes, at random, and
 * plays the rest to bookstore's desk.
 *
 * Run: node bench/drops.ts [--drops 1000] [--seed 1] [--tick 0.01] [--min 5] [tape …]
 * Without tapes it takes the samples made here and the recordings of SLIPSTREAM_SAMPLES, where there are any. Exit code 1 when a drop is missed, a
 * wrong book is called healthy at rest, or an untouched tape raises a doubt.
 */
import { basename } from "node:path";
import { parseArgs } from "node:util";
import type { MarketDefinition } from "../libs/contracts/src/market.ts";
import { type PriceMicro, parseMicro, sharesMicro } from "../libs/contracts/src/money.ts";
import { createMarketParser } from "../libs/polymarket/src/marketChannel.ts";
import { readSample, sampleTapes } from "../libs/testkit/src/samples.ts";
import { type Drop, dropsOf, type Fate, fatesOf, playUntouched } from "../services/bookstore/src/core/drops.testing.ts";
import { type Frame, type MarketFacts, tokensOf } from "../services/bookstore/src/core/dropWorld.testing.ts";

const REST_LAG_MS_MAX = 1_100;

const { values, positionals } = parseArgs({
  options: {
    drops: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    tick: { type: "string", default: "0.01" },
    min: { type: "string", default: "5" },
  },
  allowPositionals: true,
});

function framesOf(path: string): Frame[] {
  const parser = createMarketParser();
  const records = readSample(path)
    .split("\n")
    .flatMap((line) => (line === "" ? [] : [JSON.parse(line) as TapeLine]));
  return records
    .filter(({ ch, d }) => ch === "clob.market.ws" && typeof d === "string")
    .map(({ t, d }) => ({ t, events: parser.parse(d).events }));
}
type TapeLine = { readonly t: number; readonly ch: string; readonly d: string };

function factsOf(frames: readonly Frame[]): MarketFacts {
  const tokens = tokensOf(frames);
  const conditionId = frames.flatMap(({ events }) => events).find((event) => event.kind === "book")?.conditionId;
  const market = {
    conditionId,
    tokens: tokens.map((tokenId) => ({ tokenId, outcome: "" })),
    tickMicro: Number(parseMicro(values.tick)) as PriceMicro,
    minOrderSizeMicro: sharesMicro(parseMicro(values.min)),
    negRisk: false,
  } as unknown as MarketDefinition;
  return { market, tokens };
}

function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function sample(drops: readonly Drop[], count: number, random: () => number): Drop[] {
  const picked: Drop[] = [];
  for (let n = 0; n < count; n++) {
    const drop = drops[Math.floor(random() * drops.length)];
    if (drop !== undefined) picked.push(drop);
  }
  return picked;
}

function quantile(list: readonly number[], part: number): number {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
const both = (fates: readonly Fate[], of: (fate: Fate) => number, unit = " ms"): string =>
  `${quantile(fates.map(of), 0.5)}${unit} median, ${quantile(fates.map(of), 0.99)}${unit} p99`;

function report(
  name: string,
  frames: readonly Frame[],
  fates: readonly Fate[],
  doubts: number,
  proofs: number,
): boolean {
  const count = (end: Fate["end"]): number => fates.filter((fate) => fate.end === end).length;
  const detected = fates.filter(({ end }) => end === "detected");
  const byHash = detected.filter(({ by }) => by === "hash");
  const tellable = detected.length + count("missed");
  const wrong = fates.filter(({ wrongAndHealthy }) => wrongAndHealthy > 0).length;
  const unhealed = detected.filter(({ resynced, wholeAfterMs }) => !resynced || !Number.isFinite(wholeAfterMs)).length;
  const rate = tellable === 0 ? "none to detect" : `${((100 * detected.length) / tellable).toFixed(2)} %`;
  console.log(`\n${name}: ${frames.length} frames`);
  console.log(`  untouched            ${doubts} false alarms in ${proofs} proofs`);
  console.log(
    `  drops                ${fates.length}: ${detected.length} detected, ${count("missed")} missed, ${count("harmless")} left no difference, ${count("unseen")} with nothing after them`,
  );
  console.log(`  detection rate       ${rate} (${detected.length - byHash.length} by audit)`);
  console.log(
    `  drop to doubt        ${both(byHash, ({ detectedAfterMs }) => detectedAfterMs)}; venue time ${both(byHash, ({ venueMs }) => venueMs)}`,
  );
  console.log(`  messages until then  ${both(byHash, ({ messages }) => messages, "")}`);
  console.log(`  first telling message to doubt  ${both(byHash, ({ delayMs }) => delayMs)}`);
  console.log(
    `  doubt to whole book  ${both(detected, ({ wholeAfterMs }) => wholeAfterMs)}; ${unhealed} not whole by the end`,
  );
  console.log(`  wrong and healthy at rest  ${wrong} drops`);
  return doubts === 0 && count("missed") === 0 && wrong === 0 && unhealed === 0;
}

const tapes = positionals.length > 0 ? positionals : sampleTapes.map(({ path }) => path);
let isGood = true;
for (const tape of tapes) {
  const frames = framesOf(tape);
  const facts = factsOf(frames);
  const random = seeded(Number(values.seed));
  const drops = sample(dropsOf(frames, facts.tokens), Number(values.drops), random);
  const { doubts, proofs } = playUntouched(frames, facts);
  const circumstances = (n: number) => ({ restLagMs: Math.floor(random() * REST_LAG_MS_MAX), searched: n % 2 === 1 });
  const fates = fatesOf(frames, facts, drops, circumstances);
  isGood = report(basename(tape), frames, fates, doubts.length, proofs) && isGood;
}
process.exitCode = isGood ? 0 : 1;
