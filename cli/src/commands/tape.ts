/** `slipstream tape …`: work on recordings. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { ContractError } from "@slipstream/contracts/errors";
import { addFills, readFills } from "@slipstream/sandbox/tape/addFills";
import { loadTape, readTape, scanTape, type TapeProblem, writeTape } from "@slipstream/sandbox/tape/format";
import { addMarket } from "@slipstream/sandbox/tape/marketRecord";
import { parseDuration } from "../config.ts";
import type { TapeWorld } from "../stack.ts";
import { complaintsOf, createTapeCheck } from "../tapeCheck/check.ts";
import { compareFiles } from "../tapeCheck/files.ts";
import { checkLines, headLines, problemLines } from "../tapeCheck/print.ts";

/** World time that passes after the last record: open orders expire and settle. */
const AFTER_MS = 15_000;

/**
 * Reads when a tape begins and ends.
 * @param speed - how many times as fast as it was recorded; default 1.
 */
export async function tapeWorld(file: string | undefined, speed: string | undefined): Promise<TapeWorld> {
  if (file === undefined) throw new ContractError("CONFIG_INVALID", "usage: slipstream tape play TAPE [--speed N]");
  const factor = Number(speed ?? "1");
  if (!(factor >= 0.1 && factor <= 1_000)) throw new ContractError("CONFIG_INVALID", `--speed ${speed}: 0.1 to 1000`);
  let firstMs: number | null = null;
  let lastMs = 0;
  for await (const { t } of readTape(file, { onTruncated: console.error })) {
    firstMs ??= t;
    lastMs = t;
  }
  if (firstMs === null) throw new ContractError("TAPE_INVALID", `${file} holds no record`);
  return { file: resolve(file), speed: factor, firstMs, lastMs };
}

/** Real time a tape takes, with its lead and what follows it. */
export const playMs = ({ firstMs, lastMs, speed }: TapeWorld, leadMs: number): number =>
  leadMs + (lastMs - firstMs + AFTER_MS) / speed;

export async function runTape(
  args: readonly string[],
  options: { readonly output: string | undefined; readonly silence?: string | undefined },
): Promise<number> {
  const [verb, tapeFile, fillsFile] = args;
  switch (verb) {
    case "add-fills": {
      if (tapeFile === undefined || fillsFile === undefined || options.output === undefined) {
        throw new ContractError("CONFIG_INVALID", "usage: slipstream tape add-fills TAPE FILLS.jsonl -o OUT");
      }
      const [tape, fills] = await Promise.all([loadTape(tapeFile), readFills(fillsFile)]);
      const result = addFills(tape, fills);
      await writeTape(options.output, result);
      console.error(`${fills.length} fills added to ${tape.length} records: ${options.output} has ${result.length}`);
      return 0;
    }
    case "add-market": {
      const [, , marketFile] = args;
      if (tapeFile === undefined || marketFile === undefined || options.output === undefined) {
        throw new ContractError("CONFIG_INVALID", "usage: slipstream tape add-market TAPE MARKET.json -o OUT");
      }
      await writeTape(options.output, addMarket(await loadTape(tapeFile), readJson(marketFile)));
      return 0;
    }
    case "info":
      return tapeInfo(tapeFile);
    case "check":
      return tapeCheck(tapeFile, silenceOf(options.silence));
    default:
      throw new ContractError("CONFIG_INVALID", `tape ${verb ?? ""}: one of add-fills, add-market, check, info, play`);
  }
}

/** What is on a tape, as far as it can be read. */
async function tapeInfo(path: string | undefined): Promise<number> {
  if (path === undefined) throw new ContractError("CONFIG_INVALID", "usage: slipstream tape info TAPE");
  const tape = { records: 0, firstMs: 0, lastMs: 0, channels: {} as Record<string, number> };
  const problems: TapeProblem[] = [];
  for await (const batch of scanTape(path)) {
    problems.push(...batch.problems);
    for (const { t, ch } of batch.records) {
      if (tape.records === 0) tape.firstMs = t;
      tape.records += 1;
      tape.lastMs = Math.max(tape.lastMs, t);
      tape.channels[ch] = (tape.channels[ch] ?? 0) + 1;
    }
  }
  for (const line of headLines(path, await compareFiles(path), tape)) console.log(line);
  for (const line of problemLines(problems)) console.log(line);
  return 0;
}

const SILENCE_MS_DEFAULT = 30_000;

function silenceOf(text: string | undefined): number {
  const ms = text === undefined ? SILENCE_MS_DEFAULT : parseDuration(text);
  if (ms !== null && ms > 0) return ms;
  throw new ContractError("CONFIG_INVALID", `--silence ${text}: a time such as 30s or 5m`);
}

/** @returns 0 for a tape that is whole, 1 otherwise. */
async function tapeCheck(path: string | undefined, silenceMs: number): Promise<number> {
  if (path === undefined)
    throw new ContractError("CONFIG_INVALID", "usage: slipstream tape check TAPE [--silence 30s]");
  const check = createTapeCheck({ silenceMs });
  const problems: TapeProblem[] = [];
  for await (const batch of scanTape(path)) {
    problems.push(...batch.problems);
    for (const record of batch.records) check.take(record);
  }
  const report = check.end();
  const files = await compareFiles(path);
  for (const line of headLines(path, files, report)) console.log(line);
  for (const line of checkLines(report)) console.log(line);
  const complaints = [
    ...(report.records === 0 ? ["it holds no record"] : []),
    ...files.differences,
    ...problemLines(problems),
    ...complaintsOf(report),
  ];
  for (const complaint of complaints) console.log(`wrong: ${complaint}`);
  console.log(complaints.length === 0 ? "whole: no gap, and nothing contradicts itself" : "not whole");
  return complaints.length === 0 ? 0 : 1;
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new ContractError("TAPE_INVALID", `${file} is no JSON file that can be read`, { cause });
  }
}
