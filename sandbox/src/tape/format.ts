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

/** @throws ContractError TAPE_INVALID naming file and line. */
function parseLine(file: string, line: number, text: string): TapeRecord {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new ContractError("TAPE_INVALID", `${file}, line ${line}: not JSON`);
  }
  const parsed = Record.safeParse(json);
  if (parsed.success && "d" in (json as object)) return parsed.data;
  const missing = json !== null && typeof json === "object" && !("d" in json);
  const why = missing || parsed.success ? "d is missing" : z.prettifyError(parsed.error);
  throw new ContractError("TAPE_INVALID", `${file}, line ${line}: ${why}`);
}

/**
 * Reads a tape record by record.
 * @throws ContractError TAPE_INVALID for a file that cannot be read, a line that is no record, or time that runs back.
 */
export async function* readTape(file: string): AsyncGenerator<TapeRecord> {
  let lastMs = 0;
  for await (const { line, text } of readLines(file)) {
    const record = parseLine(file, line, text);
    if (record.t < lastMs) {
      throw new ContractError("TAPE_INVALID", `${file}, line ${line}: t runs back from ${lastMs} to ${record.t}`);
    }
    lastMs = record.t;
    yield record;
  }
}

/** The lines of a text file, plain or gzipped, that are not empty. @throws ContractError TAPE_INVALID */
export async function* readLines(file: string): AsyncGenerator<{ line: number; text: string }> {
  const bytes = createReadStream(file);
  const stream = file.endsWith(".gz") ? bytes.compose(createGunzip()) : bytes;
  const decoder = new TextDecoder();
  let line = 0;
  let rest = "";
  try {
    for await (const chunk of stream) {
      const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const text of lines) {
        line += 1;
        if (text.trim() !== "") yield { line, text };
      }
    }
  } catch (cause) {
    throw new ContractError("TAPE_INVALID", `${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
  if (rest.trim() !== "") yield { line: line + 1, text: rest };
}

/** Reads a whole tape into memory: an hour of a busy market is some tens of megabytes. */
export async function loadTape(file: string): Promise<TapeRecord[]> {
  const records: TapeRecord[] = [];
  for await (const record of readTape(file)) records.push(record);
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
