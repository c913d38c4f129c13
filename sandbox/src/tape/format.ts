/**
 * The tape: a recording as JSON lines, plain or `.gz`, one record a line in the order of receipt. Written by a recorder,
 * served by the player, read by replay.
 */
import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { ContractError } from "@slipstream/contracts/errors";
import { z } from "zod";

export const channels = [
  "clob.market.ws",
  "clob.user.ws",
  "clob.rest",
  "chain.log",
  "chain.head",
  "data.activity",
  "rtds.activity",
  "gamma.market",
] as const;
export type Channel = (typeof channels)[number];

/** `t`: receive time, unix ms. `d`: the payload, text for frames of a socket, an object for the rest. */
export type TapeRecord = { readonly t: number; readonly ch: Channel; readonly d: unknown };

const Record = z.object({ t: z.int().nonnegative(), ch: z.enum(channels), d: z.unknown() });

const known: ReadonlySet<unknown> = new Set(channels);

/** What `Record` says, by hand: a tape has millions of lines. The schema is asked only for words of what is wrong. */
function asRecord(json: unknown): TapeRecord | null {
  if (json === null || typeof json !== "object" || !("d" in json)) return null;
  const { t, ch, d } = json as { t?: unknown; ch?: unknown; d: unknown };
  if (!Number.isSafeInteger(t) || (t as number) < 0 || !known.has(ch)) return null;
  return { t: t as number, ch: ch as Channel, d };
}

/** @throws ContractError TAPE_INVALID naming file and line. */
function parseLine(file: string, line: number, text: string): TapeRecord {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new ContractError("TAPE_INVALID", `${file}, line ${line}: not JSON`);
  }
  const read = asRecord(json);
  if (read !== null) return read;
  const parsed = Record.safeParse(json);
  const missing = json !== null && typeof json === "object" && !("d" in json);
  const why = missing || parsed.success ? "d is missing" : z.prettifyError(parsed.error);
  throw new ContractError("TAPE_INVALID", `${file}, line ${line}: ${why}`);
}

/**
 * Reads a tape record by record.
 * @throws ContractError TAPE_INVALID for a file that cannot be read, a line that is no record, or time that runs back.
 */
export async function* readTape(file: string): AsyncGenerator<TapeRecord> {
  for await (const records of readBatches(file)) yield* records;
}

/** A turn of the event loop for each line would cost more than reading it. @throws as `readTape`. */
async function* readBatches(file: string): AsyncGenerator<TapeRecord[]> {
  let lastMs = 0;
  for await (const lines of lineBatches(file)) {
    const records: TapeRecord[] = [];
    for (const { line, text } of lines) {
      const record = parseLine(file, line, text);
      if (record.t < lastMs) {
        throw new ContractError("TAPE_INVALID", `${file}, line ${line}: t runs back from ${lastMs} to ${record.t}`);
      }
      lastMs = record.t;
      records.push(record);
    }
    yield records;
  }
}

/** Some hundred lines at a time. */
const CHUNK_BYTES = 256 * 1024;

type Line = { readonly line: number; readonly text: string };

/** The lines of a text file, plain or gzipped, that are not empty. @throws ContractError TAPE_INVALID */
export async function* readLines(file: string): AsyncGenerator<Line> {
  for await (const lines of lineBatches(file)) yield* lines;
}

async function* lineBatches(file: string): AsyncGenerator<Line[]> {
  const bytes = createReadStream(file);
  const stream = file.endsWith(".gz") ? bytes.compose(createGunzip({ chunkSize: CHUNK_BYTES })) : bytes;
  const decoder = new TextDecoder();
  let line = 0;
  let rest = "";
  try {
    for await (const chunk of stream) {
      const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      const batch: Line[] = [];
      for (const text of lines) {
        line += 1;
        if (text.trim() !== "") batch.push({ line, text });
      }
      yield batch;
    }
  } catch (cause) {
    throw new ContractError("TAPE_INVALID", `${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
  if (rest.trim() !== "") yield [{ line: line + 1, text: rest }];
}

/** Reads a whole tape into memory: an hour of a busy market is some tens of megabytes. */
export async function loadTape(file: string): Promise<TapeRecord[]> {
  const records: TapeRecord[] = [];
  for await (const batch of readBatches(file)) for (const record of batch) records.push(record);
  if (records.length === 0) throw new ContractError("TAPE_INVALID", `${file} holds no record`);
  return records;
}

/** Writes a tape; gzipped when the name ends in `.gz`. */
export async function writeTape(file: string, records: readonly TapeRecord[]): Promise<void> {
  const lines = function* (): Generator<string> {
    for (const { t, ch, d } of records) yield `${JSON.stringify({ t, ch, d })}\n`;
  };
  if (file.endsWith(".gz")) await pipeline(lines(), createGzip(), createWriteStream(file));
  else await pipeline(lines(), createWriteStream(file));
}
