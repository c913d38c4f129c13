/** `slipstream tape …`: work on recordings. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { ContractError } from "@slipstream/contracts/errors";
import { microNumber } from "@slipstream/polymarket/decimal";
import { addFills, assumedStandard, readFills } from "@slipstream/sandbox/tape/addFills";
import { loadTape, readTape, scanTape, type TapeProblem, writeTape } from "@slipstream/sandbox/tape/format";
import { addMarket, assumedOf, type StatedByHand } from "@slipstream/sandbox/tape/marketRecord";
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
  options: {
    readonly output: string | undefined;
    readonly silence?: string | undefined;
    readonly stated?: StatedTexts;
  },
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
      for (const tokenId of assumedStandard(tape, fills)) {
        console.error(`assumed: token ${tokenId} trades on the standard exchange (no market record on the tape)`);
      }
      console.error(`${fills.length} fills added to ${tape.length} records: ${options.output} has ${result.length}`);
      return 0;
    }
    case "add-market": {
      const [, , marketFile] = args;
      if (tapeFile === undefined || marketFile === undefined || options.output === undefined) {
        throw new ContractError("CONFIG_INVALID", "usage: slipstream tape add-market TAPE MARKET.json -o OUT");
      }
      const result = addMarket(await loadTape(tapeFile), readJson(marketFile), statedByHand(options.stated ?? {}));
      await writeTape(options.output, result);
      for (const { ch, d } of result) {
        if (ch !== "gamma.market") continue;
        for (const text of assumedOf(d)) console.error(`assumed: ${text}`);
      }
      return 0;
    }
    case "info":
      return tapeInfo(tapeFile);
    case "check":
      return tapeCheck(tapeFile, silenceOf(options.silence));
    default:
      throw new ContractError(
        "CONFIG_INVALID",
        `tape${verb === undefined ? "" : ` ${verb}`}: one of add-fills, add-market, check, info, play`,
      );
  }
}

/** The options of `add-market` as they were typed. */
export type StatedTexts = {
  readonly feeRate?: string | undefined;
  readonly feeExponent?: string | undefined;
  readonly takerDelayMs?: string | undefined;
  readonly negRisk?: string | undefined;
  readonly tick?: string | undefined;
  readonly minSize?: string | undefined;
  readonly assume?: boolean | undefined;
};

/** @throws ContractError CONFIG_INVALID naming the option and what it takes. */
function statedByHand(texts: StatedTexts): StatedByHand {
  const refuse = (option: string, text: string, allowed: string): never => {
    throw new ContractError("CONFIG_INVALID", `${option} ${text}: ${allowed}`);
  };
  const within = (value: number, [min, max]: readonly [number, number], refused: () => never): number =>
    value >= min && value <= max ? value : refused();
  const decimal = (option: string, text: string, range: readonly [number, number], allowed: string): number =>
    within(microNumber(text), range, () => refuse(option, text, allowed));
  const whole = (option: string, text: string, range: readonly [number, number], allowed: string): number =>
    within(/^\d{1,6}$/.test(text) ? Number(text) : -1, range, () => refuse(option, text, allowed));
  const { feeRate, feeExponent, takerDelayMs, negRisk, tick, minSize, assume } = texts;
  if (feeExponent !== undefined && feeRate === undefined) {
    refuse("--fee-exponent", feeExponent, "it belongs to a --fee-rate, which is not given");
  }
  if (negRisk !== undefined && negRisk !== "yes" && negRisk !== "no") refuse("--neg-risk", negRisk, "yes or no");
  return {
    ...(feeRate === undefined
      ? {}
      : { feeRateMicro: decimal("--fee-rate", feeRate, [0, 1_000_000], "a decimal from 0 to 1, such as 0.05") }),
    ...(feeExponent === undefined
      ? {}
      : { feeExponent: whole("--fee-exponent", feeExponent, [1, 4], "a whole number from 1 to 4") }),
    ...(takerDelayMs === undefined
      ? {}
      : { takerDelayMs: whole("--taker-delay-ms", takerDelayMs, [0, 600_000], "a whole number of ms") }),
    ...(negRisk === undefined ? {} : { negRisk: negRisk === "yes" }),
    ...(tick === undefined
      ? {}
      : { tickMicro: decimal("--tick", tick, [1, 999_999], "a decimal between 0 and 1, such as 0.01") }),
    ...(minSize === undefined
      ? {}
      : { minOrderSizeMicro: decimal("--min-size", minSize, [0, 1e12], "a decimal number of shares") }),
    ...(assume === undefined ? {} : { assume }),
  };
}

/** What is on a tape, as far as it can be read. @throws ContractError TAPE_INVALID for a file that holds no record. */
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
  if (tape.records === 0) throw new ContractError("TAPE_INVALID", `${path} is no tape: no line of it is a record`);
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
