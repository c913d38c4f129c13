/**
 * A tape through the whole pipeline on one core (parser, books with history, watcher, executor, paper engine, inventory,
 * balances, risk: read to fills) beside bare JSON.parse of the same text, in alternating rounds of one run.
 * Book hash checks at burst ends cost more than all the rest and are counted apart. Target: 200 k events/s.
 * 2026-11, 2 virtual cores, Node 24: `npm run bench replay`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultAccount } from "../cli/src/defaults.ts";
import { fillLine, type ReplayInput, type ReplayResult, replay } from "../cli/src/replay/replay.ts";
import { loadTape, type TapeRecord, writeTape } from "../sandbox/src/tape/format.ts";
import type { BenchRow } from "./run.ts";
import { type BenchTape, makeTape } from "./tape.ts";

const FRAMES = 100_000;
const LEADER_FILLS = 200;
const ROUNDS = 3;

type Proofs = NonNullable<ReplayInput["proofs"]>;

function replayOf(tape: readonly TapeRecord[], proofs: Proofs): ReplayResult {
  const result = replay({ tape, leaders: [], account: defaultAccount, proofs });
  const { leaderFills, missed, duplicated, errors } = result.report;
  const isSound = leaderFills === LEADER_FILLS && missed + duplicated + errors.length + result.proofs.failed === 0;
  if (!isSound || result.fills.length < LEADER_FILLS / 2) throw new Error("the replay did not do its work");
  return result;
}

function parseAll(texts: readonly string[]): void {
  let read = 0;
  for (const text of texts) if (JSON.parse(text) !== null) read += 1;
  if (read !== texts.length) throw new Error("the floor did not read its text");
}

/** Best time of each way in ms: other work on the machine only ever slows a round down. */
type Best = { parse: number; parseLines: number; bare: number; proved: number; file: number };

async function measure(tape: BenchTape, file: string): Promise<{ best: Best; checks: number }> {
  const texts = tape.records.flatMap(({ ch, d }) => (ch === "clob.market.ws" ? [d as string] : []));
  const lines = tape.records.map((record) => JSON.stringify(record));
  const best: Best = { parse: Infinity, parseLines: Infinity, bare: Infinity, proved: Infinity, file: Infinity };
  const timed = async (name: keyof Best, work: () => unknown): Promise<void> => {
    const fromMs = performance.now();
    await work();
    best[name] = Math.min(best[name], performance.now() - fromMs);
  };
  const fills: string[] = [];
  let checks = 0;
  for (let round = 0; round < ROUNDS; round++) {
    await timed("parse", () => parseAll(texts));
    await timed("parseLines", () => parseAll(lines));
    await timed("bare", () => fills.push(linesOf(replayOf(tape.records, "none"))));
    await timed("file", async () => fills.push(linesOf(replayOf(await loadTape(file), "none"))));
    await timed("proved", () => {
      const result = replayOf(tape.records, "atBurstEnds");
      checks = result.proofs.passed;
      fills.push(linesOf(result));
    });
  }
  if (new Set(fills).size !== 1) throw new Error("the same tape gave different fills");
  return { best, checks };
}

const linesOf = ({ fills }: ReplayResult): string => fills.map(fillLine).join("\n");

/** Rates count price_change entries; `ratio` is ours ÷ floor. */
export async function run(): Promise<BenchRow[]> {
  const tape = makeTape({ frames: FRAMES, fills: LEADER_FILLS });
  const folder = mkdtempSync(join(tmpdir(), "slipstream-bench-"));
  try {
    const file = join(folder, "bench.tape.jsonl.gz");
    await writeTape(file, tape.records);
    const { best, checks } = await measure(tape, file);
    return rowsOf(tape, best, checks);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function rowsOf(tape: BenchTape, best: Best, checks: number): BenchRow[] {
  const rate = (ms: number): string => `${Math.round(tape.entries / ms)} k entries/s`;
  const both = (ms: number): string => `${rate(ms)} (${Math.round(tape.frames / ms)} k frames/s)`;
  const hashMs = best.proved - best.bare;
  const hashes = `${checks.toLocaleString("en")} hash checks, ${Math.round(hashMs)} ms of them`;
  return [
    {
      name: "replay: tape in memory to fills, against JSON.parse of its frames",
      ours: both(best.bare),
      floor: rate(best.parse),
      ratio: best.parse / best.bare,
    },
    {
      name: "replay: .jsonl.gz file to fills, against JSON.parse of its lines",
      ours: both(best.file),
      floor: rate(best.parseLines),
      ratio: best.parseLines / best.file,
    },
    {
      name: `replay: with ${hashes}, against without`,
      ours: both(best.proved),
      floor: rate(best.bare),
      ratio: best.bare / best.proved,
    },
  ];
}
