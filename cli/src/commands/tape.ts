/** `slipstream tape …`: work on recordings. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { ContractError } from "@slipstream/contracts/errors";
import { addFills, readFills } from "@slipstream/sandbox/tape/addFills";
import { loadTape, writeTape } from "@slipstream/sandbox/tape/format";
import { addMarket } from "@slipstream/sandbox/tape/marketRecord";
import { LEAD_MS, type TapeWorld } from "../stack.ts";

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
  const tape = await loadTape(file);
  return { file: resolve(file), speed: factor, firstMs: tape[0]?.t ?? 0, lastMs: tape.at(-1)?.t ?? 0 };
}

/** Real time a tape takes, with its lead and what follows it. */
export const playMs = ({ firstMs, lastMs, speed }: TapeWorld): number =>
  LEAD_MS + (lastMs - firstMs + AFTER_MS) / speed;

export async function runTape(
  args: readonly string[],
  options: { readonly output: string | undefined },
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
    case "info": {
      if (tapeFile === undefined) throw new ContractError("CONFIG_INVALID", "usage: slipstream tape info TAPE");
      const tape = await loadTape(tapeFile);
      const counts = new Map<string, number>();
      for (const { ch } of tape) counts.set(ch, (counts.get(ch) ?? 0) + 1);
      const [first, last] = [tape[0]?.t ?? 0, tape.at(-1)?.t ?? 0];
      console.log(
        `${tape.length} records, ${((last - first) / 1_000).toFixed(1)} s from ${new Date(first).toISOString()}`,
      );
      for (const [channel, count] of counts) console.log(`  ${channel.padEnd(16)} ${count}`);
      return 0;
    }
    default:
      throw new ContractError("CONFIG_INVALID", `tape ${verb ?? ""}: one of add-fills, add-market, info, play`);
  }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new ContractError("TAPE_INVALID", `${file} is no JSON file that can be read`, { cause });
  }
}
