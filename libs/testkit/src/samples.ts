/**
 * Inputs in the venue's formats for tests and benchmarks: always the ones made by code (test/samples), and real
 * recordings beside them where there are any (SLIPSTREAM_SAMPLES, default ../shared/samples beside the repository).
 * Both have the same folders: tapes, chain-logs, clob, data-api, gamma, rtds.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { parseMicro } from "@slipstream/contracts/money";

const root = resolve(import.meta.dirname, "../../..");
const made = join(root, "test/samples/made");
const recorded = resolve(root, process.env["SLIPSTREAM_SAMPLES"] || "../shared/samples");

/** Folders of samples: the made ones first, so that a test for each of them is never a test of nothing. */
const sampleFolders: readonly string[] = existsSync(recorded) ? [made, recorded] : [made];

export type Sample = { readonly name: string; readonly path: string };

/** The samples of every folder below `folder` whose file name fits; there is at least one made here. */
export function samplesIn(folder: string, fits: RegExp): readonly Sample[] {
  return sampleFolders.flatMap((from) => {
    const inside = join(from, folder);
    const names = existsSync(inside) ? readdirSync(inside).filter((name) => fits.test(name)) : [];
    return names.sort().map((name) => ({ name, path: join(inside, name) }));
  });
}

/** The text of a sample, decompressed where its name ends in .gz. */
export function readSample(path: string): string {
  const bytes = readFileSync(path);
  return (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
}

/** A tape of the market channel and what its hashes cover beside the levels, in 1e-6 units. */
export type TapeSample = Sample & {
  readonly tickMicro: number;
  readonly minOrderSizeMicro: number;
  readonly negRisk: boolean;
};
/** Of tapes without a market's object beside them. */
const usualMarket = { tickMicro: 10_000, minOrderSizeMicro: 5_000_000, negRisk: false };

/** Every tape; a file clob/market-x.json tells the market of tapes/x-….tape.jsonl. */
export const sampleTapes: readonly TapeSample[] = samplesIn("tapes", /\.tape\.jsonl(\.gz)?$/).map((tape) => {
  const clob = join(tape.path, "../../clob");
  const names = existsSync(clob) ? readdirSync(clob) : [];
  const own = names.find((name) => {
    const [, market] = /^market-(.+)\.json$/.exec(name) ?? [];
    return market !== undefined && basename(tape.path).startsWith(`${market}-`);
  });
  if (own === undefined) return { ...tape, ...usualMarket };
  const market = JSON.parse(readSample(join(clob, own))) as Readonly<Record<string, unknown>>;
  const micro = (key: string): number => Number(parseMicro(String(market[key])));
  return {
    ...tape,
    tickMicro: micro("minimum_tick_size"),
    minOrderSizeMicro: micro("minimum_order_size"),
    negRisk: market["neg_risk"] === true,
  };
});

/** The frames of a tape: receive time, unix ms, and text as it came, keep-alives included. */
export const framesOf = (tape: Sample): readonly { readonly t: number; readonly d: string }[] =>
  readSample(tape.path)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { t: number; d: string });
