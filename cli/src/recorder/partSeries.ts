/** The files of a recording while it is written: parts by size and time, and the index, replaced as a whole. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ContractError } from "@slipstream/contracts/errors";
import type { TokenId } from "@slipstream/contracts/ids";
import type { Channel } from "@slipstream/sandbox/tape/format";
import { INDEX_FILE, type RecordingIndex, type RecordingPart } from "@slipstream/sandbox/tape/recording";
import { type OpenSink, openPart, type Part } from "./part.ts";

export type PartSeriesOptions = {
  /** Made when it is not there; must not hold a recording. */
  readonly folder: string;
  readonly startedMs: number;
  /** Compressed. A part is ended by the first record beyond. */
  readonly rotateBytes: number;
  readonly rotateMs: number;
  readonly openSink?: OpenSink;
};

/** A record as its line on the tape, with the end of the line. */
export type Line = { readonly t: number; readonly channel: Channel; readonly line: string };

export type PartSeries = {
  /** Writes the first of these lines, as many as belong together. @returns how many. @throws what the disk says. */
  write(lines: readonly Line[]): Promise<number>;
  /** @throws what the disk says. */
  flush(): Promise<void>;
  /** Named in the index from now on. */
  tokens(tokenIds: readonly TokenId[]): void;
  size(): { readonly bytes: number; readonly parts: number };
  /** @throws what the disk says. */
  seal(end: { readonly ms: number; readonly why: string }): Promise<void>;
};

/** Characters that are compressed together: small enough for a part to end near its size. */
const BATCH_CHARS = 256 * 1024;

type Open = { readonly part: Part; readonly entry: RecordingPart; readonly openedMs: number };

/** @throws ContractError CONFIG_INVALID for a folder with a recording, TAPE_WRITE_FAILED when it cannot be made. */
export function createPartSeries(options: PartSeriesOptions): PartSeries {
  const { folder, startedMs, rotateBytes, rotateMs } = options;
  const head = { format: "slipstream-recording", v: 1, startedMs } as const;
  const entries: RecordingPart[] = [];
  const tokens = new Set<TokenId>();
  let open: Open | null = null;
  let sealedBytes = 0;
  claimFolder(folder);

  const writeIndex = (end: { readonly ms: number; readonly why: string } | null): void =>
    replaceIndex(folder, { ...head, endedMs: end?.ms ?? null, endedBy: end?.why ?? null, parts: entries });
  const sealPart = async (): Promise<void> => {
    if (open === null) return;
    const { part, entry } = open;
    open = null;
    Object.assign(entry, await part.close(), { tokens: [...tokens] });
    sealedBytes += entry.bytes;
  };
  const rotate = async (openedMs: number): Promise<Open> => {
    await sealPart();
    const file = `part-${String(entries.length + 1).padStart(6, "0")}.tape.jsonl.gz`;
    const part = openPart(join(folder, file), options.openSink);
    const entry = { ...emptyPart, file, channels: {}, tokens: [...tokens] };
    entries.push(entry);
    open = { part, entry, openedMs };
    // A part is in the index from its beginning on: a killed recorder leaves none that nobody knows.
    writeIndex(null);
    return open;
  };
  const isDue = ({ part, openedMs }: Open, t: number): boolean =>
    part.bytes() >= rotateBytes || t - openedMs >= rotateMs;

  return {
    write: async (lines) => {
      const first = lines[0];
      if (first === undefined) return 0;
      const to = open !== null && !isDue(open, first.t) ? open : await rotate(first.t);
      const batch = batchOf(lines, to.openedMs + rotateMs);
      await to.part.write(batch.map(({ line }) => line).join(""));
      for (const line of batch) note(to.entry, line);
      return batch.length;
    },
    flush: async () => open?.part.flush(),
    tokens: (tokenIds) => {
      for (const tokenId of tokenIds) tokens.add(tokenId);
    },
    size: () => ({ bytes: sealedBytes + (open?.part.bytes() ?? 0), parts: entries.length }),
    seal: async (end) => {
      if (entries.length === 0) await rotate(end.ms);
      await sealPart();
      writeIndex(end);
    },
  };
}

const emptyPart = { firstMs: null, lastMs: null, records: 0, bytes: 0, sha256: null, gaps: 0 };

function note(entry: RecordingPart, { t, channel }: Line): void {
  entry.firstMs ??= t;
  entry.lastMs = t;
  entry.records += 1;
  entry.channels[channel] = (entry.channels[channel] ?? 0) + 1;
  if (channel === "recorder.gap") entry.gaps += 1;
}

/** The first lines, some hundred, none of them from `endMs` on. */
function batchOf(lines: readonly Line[], endMs: number): readonly Line[] {
  let chars = 0;
  let count = 0;
  for (const { line, t } of lines) {
    if (chars >= BATCH_CHARS || (count > 0 && t >= endMs)) break;
    chars += line.length;
    count += 1;
  }
  return lines.slice(0, count);
}

function claimFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    // Of two recorders one is refused.
    writeFileSync(join(folder, INDEX_FILE), "", { flag: "wx" });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "EEXIST") {
      throw new ContractError("CONFIG_INVALID", `${folder} holds a recording already: choose another folder`);
    }
    throw new ContractError("TAPE_WRITE_FAILED", `${folder} cannot be written: ${message}`, { cause });
  }
}

function replaceIndex(folder: string, index: RecordingIndex): void {
  const file = join(folder, INDEX_FILE);
  writeFileSync(`${file}.new`, `${JSON.stringify(index, null, 2)}\n`, { flush: true });
  renameSync(`${file}.new`, file);
}
