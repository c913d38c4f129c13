/** What a world leaves behind: how often it has been started, its markets, and what leaders did. The chain keeps itself beside it. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ContractError } from "@slipstream/contracts/errors";
import { z } from "zod";
import { MarketRecords } from "./churn/records.ts";
import { SettledAct } from "./venue/settledDeeds.ts";
import { rowText, SettledFill } from "./venue/settledFills.ts";
import { appenderWhenRoom, replaceWhenRoom } from "./whenRoom.ts";

const State = z.object({ seed: z.string(), runs: z.int().nonnegative() });

export type WorldFolder = {
  /** Where the chain keeps itself. */
  readonly path: string;
  /** Counts from 1: each start tells another part of the story. */
  readonly run: number;
  /** Leaders' fills of earlier runs, oldest first. */
  readonly fills: readonly SettledFill[];
  append(fills: readonly SettledFill[]): void;
  /** Leaders' other acts of earlier runs. */
  readonly acts: readonly SettledAct[];
  replaceActs(acts: readonly SettledAct[]): void;
  /** Markets as the run before left them; null: none did. */
  readonly markets: MarketRecords | null;
  replaceMarkets(all: MarketRecords): void;
  /** After a reorg, or a start on a chain that went back. */
  replaceFills(fills: readonly SettledFill[]): void;
};

/** Name of the folder of a seed, which may be any text. */
export const seedFolder = (seed: string): string =>
  `seed-${createHash("sha256").update(seed).digest("hex").slice(0, 12)}`;

/**
 * Opens (or begins) the world of `seed` below `dir`; each seed has its own folder.
 * @throws ContractError CONFIG_INVALID when what lies there cannot be read.
 */
export function openWorldFolder(dir: string, seed: string): WorldFolder {
  const path = join(dir, seedFolder(seed));
  mkdirSync(path, { recursive: true });
  const [stateFile, fillsFile] = [join(path, "world.json"), join(path, "leader-fills.jsonl")];
  const marketsFile = join(path, "markets.json");
  const actsFile = join(path, "leader-acts.jsonl");
  const known = readOr(path, () => State.parse(JSON.parse(textOf(stateFile, JSON.stringify({ seed, runs: 0 })))));
  const fills = readOr(path, () =>
    completeLines(textOf(fillsFile, "")).map((line) => SettledFill.parse(JSON.parse(line))),
  );
  const acts = readOr(path, () =>
    completeLines(textOf(actsFile, "")).map((line) => SettledAct.parse(JSON.parse(line))),
  );
  const markets = readOr(path, () => MarketRecords.nullable().parse(JSON.parse(textOf(marketsFile, "null"))));
  const run = known.runs + 1;
  replaceWhenRoom(stateFile, `${JSON.stringify({ seed, runs: run })}\n`);
  const fillRows = appenderWhenRoom(fillsFile);
  return {
    path,
    run,
    fills,
    acts,
    markets,
    replaceMarkets: (all) => void replaceWhenRoom(marketsFile, `${JSON.stringify(all)}\n`),
    replaceActs: (all) => void replaceWhenRoom(actsFile, all.map((act) => `${rowText(act)}\n`).join("")),
    append: (added) => fillRows.append(added.map((fill) => `${rowText(fill)}\n`).join("")),
    replaceFills: (all) => {
      if (replaceWhenRoom(fillsFile, all.map((fill) => `${rowText(fill)}\n`).join(""))) fillRows.forget();
    },
  };
}

const textOf = (file: string, otherwise: string): string => (existsSync(file) ? readFileSync(file, "utf8") : otherwise);

/** A killed run may leave half a line at the end. */
const completeLines = (text: string): string[] => text.split("\n").slice(0, -1);

function readOr<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new ContractError(
      "CONFIG_INVALID",
      `${path} holds a sandbox world that cannot be read: empty the folder or choose another`,
      { cause },
    );
  }
}
