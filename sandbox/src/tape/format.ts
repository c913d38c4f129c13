/**
 * The tape: a recording as JSON lines, one record a line in the order of receipt: a file, plain or `.gz`, or the folder
 * of a recording (recording.ts). Written by a recorder, served by the player, read by replay.
 */
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { ContractError } from "@slipstream/contracts/errors";
import { z } from "zod";
import { lineBatches } from "./lines.ts";
import { tapeParts } from "./recording.ts";

export const channels = [
  "clob.market.ws",
  "clob.user.ws",
  "clob.rest",
  "chain.log",
  "chain.head",
  "data.activity",
  "rtds.activity",
  "gamma.market",
  /** The recorder's own word: what it did not receive, a TapeGap. */
  "recorder.gap",
] as const;
export type Channel = (typeof channels)[number];

/**
 * `t`: receive time, unix ms. `d`: the payload, text for frames of a socket, an object for the rest. `c`: the connection
 * it came by, where a recorder had several.
 */
export type TapeRecord = { readonly t: number; readonly ch: Channel; readonly d: unknown; readonly c?: string };

/** Years 2014 to 2096 in seconds, and the last moment in milliseconds: no tape is of another time. */
const SECONDS = [1_400_000_000, 4_000_000_000] as const;
const LAST_MS = 4_000_000_000_000;

/** @returns what is wrong with a time in unix ms, null when nothing is. A tape may count from 0. */
export function whyNoTime(t: number): string | null {
  if (t >= SECONDS[0] && t <= SECONDS[1]) return `t ${t} looks like seconds: unix milliseconds are wanted`;
  return t > LAST_MS ? `t ${t} looks like microseconds: unix milliseconds are wanted` : null;
}

const texts: ReadonlySet<Channel> = new Set(["clob.market.ws", "clob.user.ws"]);

const Record = z.object({ t: z.int().nonnegative(), ch: z.enum(channels), c: z.string().optional(), d: z.unknown() });

const known: ReadonlySet<unknown> = new Set(channels);

/** What `Record` says, by hand: a tape has millions of lines. The schema is asked only for words of what is wrong. */
function asRecord(json: unknown): TapeRecord | null {
  if (json === null || typeof json !== "object" || !("d" in json)) return null;
  const { t, ch, c, d } = json as { t?: unknown; ch?: unknown; c?: unknown; d: unknown };
  if (!Number.isSafeInteger(t) || (t as number) < 0 || !known.has(ch)) return null;
  if (c === undefined) return { t: t as number, ch: ch as Channel, d };
  return typeof c === "string" ? { t: t as number, ch: ch as Channel, c, d } : null;
}

/** The record, or why the line is none. */
function parseLine(text: string): TapeRecord | string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return "not JSON";
  }
  const read = asRecord(json);
  if (read !== null) {
    if (texts.has(read.ch) && typeof read.d !== "string")
      return `d of ${read.ch} is no text: a frame is kept as it came`;
    return whyNoTime(read.t) ?? read;
  }
  const parsed = Record.safeParse(json);
  const missing = json !== null && typeof json === "object" && !("d" in json);
  return missing || parsed.success ? "d is missing" : z.prettifyError(parsed.error);
}

/** `truncated`: the file ends early, as when its writer was killed. After `corrupt` the rest of the file is unread. */
export type TapeProblem = {
  readonly kind: "unreadable" | "timeRunsBack" | "truncated" | "corrupt";
  readonly file: string;
  readonly line: number;
  readonly why: string;
};
/** A turn of the event loop for each line would cost more than reading it: some hundred records at a time. */
export type TapeBatch = { readonly records: readonly TapeRecord[]; readonly problems: readonly TapeProblem[] };

const noProblems: readonly TapeProblem[] = [];

/**
 * Reads what can be read of a tape and tells what cannot, with file and line. A record whose time runs back is given.
 * @param path - a file, or the folder of a recording.
 * @throws ContractError TAPE_INVALID when a file is not there, or the folder is no recording.
 */
export async function* scanTape(path: string): AsyncGenerator<TapeBatch> {
  let lastMs = 0;
  for (const file of tapeParts(path).files) {
    const batches = lineBatches(file);
    for (;;) {
      const { done, value } = await batches.next();
      if (done === true) {
        if (value !== null) yield { records: [], problems: [{ file, ...value }] };
        break;
      }
      const records: TapeRecord[] = [];
      let problems: TapeProblem[] | null = null;
      for (const { line, text } of value) {
        const record = parseLine(text);
        if (typeof record === "string") {
          problems = [...(problems ?? []), { kind: "unreadable", file, line, why: record }];
          continue;
        }
        if (record.t < lastMs) {
          const why = `t runs back from ${lastMs} to ${record.t}`;
          problems = [...(problems ?? []), { kind: "timeRunsBack", file, line, why }];
        }
        lastMs = record.t;
        records.push(record);
      }
      yield { records, problems: problems ?? noProblems };
    }
  }
}

export type ReadTapeOptions = {
  /** Given: a file that ends early is read as far as it goes, and this says so. Absent: it is refused. */
  readonly onTruncated?: (text: string) => void;
};

/**
 * Reads a tape record by record.
 * @param path - a file, or the folder of a recording.
 * @throws ContractError TAPE_INVALID for a file that cannot be read, a line that is no record, or time that runs back.
 */
export async function* readTape(path: string, options: ReadTapeOptions = {}): AsyncGenerator<TapeRecord> {
  for await (const records of readBatches(path, options)) yield* records;
}

async function* readBatches(path: string, { onTruncated }: ReadTapeOptions): AsyncGenerator<readonly TapeRecord[]> {
  for await (const { records, problems } of scanTape(path)) {
    for (const { kind, file, line, why } of problems) {
      if (kind === "truncated" && onTruncated !== undefined) {
        onTruncated(`${file} ends early, read as far as line ${line - 1}: whoever wrote it was stopped`);
        continue;
      }
      const where = kind === "truncated" || kind === "corrupt" ? `${file} cannot be read beyond` : `${file},`;
      throw new ContractError("TAPE_INVALID", `${where} line ${line}: ${why}`);
    }
    yield records;
  }
}

/** Reads a whole tape into memory: an hour of a busy market is some tens of megabytes. @throws as `readTape`. */
export async function loadTape(path: string, options: ReadTapeOptions = {}): Promise<TapeRecord[]> {
  const records: TapeRecord[] = [];
  for await (const batch of readBatches(path, options)) for (const record of batch) records.push(record);
  if (records.length === 0) throw new ContractError("TAPE_INVALID", `${path} holds no record`);
  return records;
}

/** One line of a tape, with its end. */
export const tapeLine = ({ t, ch, c, d }: TapeRecord): string => `${JSON.stringify({ t, ch, c, d })}\n`;

/** Writes a tape; gzipped when the name ends in `.gz`. */
export async function writeTape(file: string, records: readonly TapeRecord[]): Promise<void> {
  const lines = function* (): Generator<string> {
    for (const record of records) yield tapeLine(record);
  };
  if (file.endsWith(".gz")) await pipeline(lines(), createGzip(), createWriteStream(file));
  else await pipeline(lines(), createWriteStream(file));
}
