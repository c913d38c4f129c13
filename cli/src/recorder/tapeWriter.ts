/**
 * Takes what is received and writes it as a recording: parts by size and time, an index after each.
 *
 * 1. `take` never waits and never throws: reading sockets goes on whatever the disk does.
 * 2. What waits for the disk is bounded. Beyond the bound records are dropped, and the tape says so: a gap opens where
 *    the first one would stand, and closes, with their number, when half of the bound is free again.
 * 3. Records stand in the order of `take`; their time never runs back, also when the machine's clock does.
 * 4. A part is flushed every second: a killed recorder loses no more than that, and its last part is readable.
 * 5. The index is replaced as a whole: it names every part from its beginning on.
 */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "@slipstream/actor/clock";
import { ContractError } from "@slipstream/contracts/errors";
import type { TokenId } from "@slipstream/contracts/ids";
import { type Channel, type TapeRecord, tapeLine } from "@slipstream/sandbox/tape/format";
import { INDEX_FILE, type RecordingIndex, type RecordingPart, type TapeGap } from "@slipstream/sandbox/tape/recording";
import { type OpenSink, openPart, type Part } from "./part.ts";

export type TapeWriterOptions = {
  /** Made when it is not there; must not hold a recording. */
  readonly folder: string;
  readonly clock: Clock;
  /** Compressed. A part is ended by the first record beyond. */
  readonly rotateBytes: number;
  readonly rotateMs: number;
  /** Bound of what waits for the disk, in characters. */
  readonly queueCharsMax?: number;
  /** Called once; nothing is written after it. */
  readonly onFailure: (error: ContractError) => void;
  /** Records were dropped and are no more: whoever knows how, makes the tape whole from here on. */
  readonly onResumed: () => void;
  readonly openSink?: OpenSink;
};

export type WriterCounts = {
  readonly records: number;
  readonly channels: Readonly<Record<string, number>>;
  readonly bytes: number;
  readonly parts: number;
  readonly gaps: number;
  readonly dropped: number;
};

export type TapeWriter = {
  /** @param connection - which one it came by, where a channel has several. */
  take(channel: Channel, payload: unknown, connection?: string): void;
  gap(gap: TapeGap): void;
  /** Subscribed from now on: named in the index. */
  tokens(tokenIds: readonly TokenId[]): void;
  counts(): WriterCounts;
  /** Writes what waits and seals the recording. After a failure: nothing. */
  end(why: string): Promise<void>;
};

const QUEUE_CHARS_MAX = 64 * 1024 * 1024;
const FLUSH_MS = 1_000;
/** Characters that are compressed together: small enough for a part to end near its size. */
const BATCH_CHARS = 256 * 1024;

type Waiting = { readonly t: number; readonly channel: Channel; readonly line: string };
type Open = { readonly part: Part; readonly entry: RecordingPart; readonly openedMs: number };

/** @throws ContractError CONFIG_INVALID for a folder with a recording, TAPE_WRITE_FAILED when it cannot be made. */
export function createTapeWriter(options: TapeWriterOptions): TapeWriter {
  const { folder, clock, onFailure, onResumed } = options;
  const queueCharsMax = options.queueCharsMax ?? QUEUE_CHARS_MAX;
  const index: RecordingIndex = {
    format: "slipstream-recording",
    v: 1,
    startedMs: clock.nowMs(),
    endedMs: null,
    endedBy: null,
    parts: [],
  };
  const tokens = new Set<TokenId>();
  const counts = { records: 0, channels: {} as Record<string, number>, gaps: 0, dropped: 0, sealedBytes: 0 };
  let queue: Waiting[] = [];
  let queuedChars = 0;
  let lastMs = 0;
  let overflow: { readonly sinceMs: number; dropped: number } | null = null;
  let open: Open | null = null;
  let running: Promise<void> | null = null;
  let isOver = false;

  const writeIndex = (): void => {
    for (const part of index.parts.slice(-1)) part.tokens = [...tokens];
    replaceIndex(folder, index);
  };
  const rotate = async (openedMs: number): Promise<Open> => {
    await seal();
    const file = `part-${String(index.parts.length + 1).padStart(6, "0")}.tape.jsonl.gz`;
    const part = openPart(join(folder, file), options.openSink);
    const entry = emptyPart(file);
    index.parts.push(entry);
    open = { part, entry, openedMs };
    writeIndex();
    return open;
  };
  const seal = async (): Promise<void> => {
    if (open === null) return;
    const { part, entry } = open;
    open = null;
    const { bytes, sha256 } = await part.close();
    entry.bytes = bytes;
    entry.sha256 = sha256;
    entry.tokens = [...tokens];
    counts.sealedBytes += bytes;
  };
  const isDue = (at: Open | null, t: number): boolean =>
    at === null || at.part.bytes() >= options.rotateBytes || t - at.openedMs >= options.rotateMs;

  const drain = async (): Promise<void> => {
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      const to = open !== null && !isDue(open, next.t) ? open : await rotate(next.t);
      const batch = takeBatch(queue, to.openedMs + options.rotateMs);
      queue = queue.slice(batch.length);
      const text = batch.map(({ line }) => line).join("");
      await to.part.write(text);
      for (const one of batch) note(to.entry, one);
      queuedChars -= text.length;
      if (overflow !== null && queuedChars <= queueCharsMax / 2) endOverflow(overflow);
    }
  };
  const fail = (cause: unknown): void => {
    if (isOver) return;
    isOver = true;
    flushing.cancel();
    const why = cause instanceof Error ? cause.message : String(cause);
    onFailure(
      new ContractError("TAPE_WRITE_FAILED", `${folder} cannot be written: ${why}. What is there stays readable.`, {
        cause,
      }),
    );
  };
  const wake = (): void => {
    running ??= drain()
      .catch(fail)
      .finally(() => {
        running = null;
        if (queue.length > 0 && !isOver) wake();
      });
  };
  const push = (record: TapeRecord, line: string): void => {
    queue.push({ t: record.t, channel: record.ch, line });
    queuedChars += line.length;
    counts.records += 1;
    counts.channels[record.ch] = (counts.channels[record.ch] ?? 0) + 1;
    if (record.ch === "recorder.gap") counts.gaps += 1;
    wake();
  };
  const recordOf = (ch: Channel, d: unknown, c?: string): TapeRecord => {
    lastMs = Math.max(lastMs, clock.nowMs());
    return c === undefined ? { t: lastMs, ch, d } : { t: lastMs, ch, c, d };
  };
  /** Gaps go past the bound: they are few, and without them the tape would lie. */
  const gap = (d: TapeGap): void => {
    if (isOver) return;
    const record = recordOf("recorder.gap", d);
    push(record, tapeLine(record));
  };
  const queueGap = (sinceMs: number, untilMs: number | null, dropped: number): TapeGap => ({
    why: "QUEUE_FULL",
    of: null,
    tokens: null,
    sinceMs,
    untilMs,
    dropped,
    detail: "the disk is slower than what arrives",
  });
  const endOverflow = ({ sinceMs, dropped }: NonNullable<typeof overflow>): void => {
    overflow = null;
    gap(queueGap(sinceMs, clock.nowMs(), dropped));
    onResumed();
  };
  const flushing = clock.every(FLUSH_MS, () => {
    open?.part.flush().catch(fail);
  });

  prepareFolder(folder);
  return {
    take: (channel, payload, connection) => {
      if (isOver) return;
      if (overflow !== null) {
        overflow.dropped += 1;
        counts.dropped += 1;
        return;
      }
      const record = recordOf(channel, payload, connection);
      const line = tapeLine(record);
      if (queuedChars + line.length <= queueCharsMax) return push(record, line);
      overflow = { sinceMs: record.t, dropped: 1 };
      counts.dropped += 1;
      gap(queueGap(record.t, null, 0));
    },
    gap,
    tokens: (tokenIds) => {
      for (const tokenId of tokenIds) tokens.add(tokenId);
    },
    counts: () => ({ ...counts, bytes: counts.sealedBytes + (open?.part.bytes() ?? 0), parts: index.parts.length }),
    end: async (why) => {
      if (isOver) return;
      flushing.cancel();
      while (running !== null) await running;
      if (isOver) return;
      isOver = true;
      try {
        await seal();
        index.endedMs = clock.nowMs();
        index.endedBy = why;
        if (index.parts.length > 0) writeIndex();
      } catch (error) {
        isOver = false;
        fail(error);
      }
    },
  };
}

const emptyPart = (file: string): RecordingPart => ({
  file,
  firstMs: null,
  lastMs: null,
  records: 0,
  channels: {},
  bytes: 0,
  sha256: null,
  tokens: [],
  gaps: 0,
});

function note(entry: RecordingPart, { t, channel }: Waiting): void {
  entry.firstMs ??= t;
  entry.lastMs = t;
  entry.records += 1;
  entry.channels[channel] = (entry.channels[channel] ?? 0) + 1;
  if (channel === "recorder.gap") entry.gaps += 1;
}

/** The first of what waits, some hundred lines, none of them from `endMs` on. */
function takeBatch(queue: readonly Waiting[], endMs: number): readonly Waiting[] {
  let chars = 0;
  let count = 0;
  for (const { line, t } of queue) {
    if (chars >= BATCH_CHARS || (count > 0 && t >= endMs)) break;
    chars += line.length;
    count += 1;
  }
  return queue.slice(0, count);
}

function prepareFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    // Claims the folder: of two recorders one is refused.
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
