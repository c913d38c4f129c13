/**
 * Takes what is received and writes it as a recording.
 *
 * 1. `take` never waits and never throws: reading sockets goes on whatever the disk does.
 * 2. What waits for the disk is bounded. Beyond the bound records are dropped, and the tape says so: a gap opens where
 *    the first one would stand, and closes, with their number, when half of the bound is free again.
 * 3. Records stand in the order of `take`; their time never runs back, also when the machine's clock does.
 * 4. The part that is written is flushed every second: a killed recorder loses no more than that.
 */
import type { Clock } from "@slipstream/actor/clock";
import { ContractError } from "@slipstream/contracts/errors";
import type { TokenId } from "@slipstream/contracts/ids";
import { type Channel, type TapeRecord, tapeLine } from "@slipstream/sandbox/tape/format";
import type { TapeGap } from "@slipstream/sandbox/tape/recording";
import { createPartSeries, type Line, type PartSeriesOptions } from "./partSeries.ts";

export type TapeWriterOptions = Omit<PartSeriesOptions, "startedMs"> & {
  readonly clock: Clock;
  /** Bound of what waits for the disk, in characters. */
  readonly queueCharsMax?: number;
  /** Called once; nothing is written after it. */
  readonly onFailure: (error: ContractError) => void;
  /** Records were dropped and are no more: whoever knows how, makes the tape whole from here on. */
  readonly onResumed: () => void;
};

export type WriterCounts = {
  readonly records: number;
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

/** @throws ContractError CONFIG_INVALID for a folder with a recording, TAPE_WRITE_FAILED when it cannot be made. */
export function createTapeWriter(options: TapeWriterOptions): TapeWriter {
  const { folder, clock, queueCharsMax = QUEUE_CHARS_MAX } = options;
  const series = createPartSeries({ ...options, startedMs: clock.nowMs() });
  const counts = { records: 0, gaps: 0, dropped: 0 };
  let queue: Line[] = [];
  let queuedChars = 0;
  let lastMs = 0;
  let overflow: { readonly sinceMs: number; dropped: number } | null = null;
  let running: Promise<void> | null = null;
  let isOver = false;

  const drain = async (): Promise<void> => {
    while (queue.length > 0) {
      const count = await series.write(queue);
      for (const { line } of queue.slice(0, count)) queuedChars -= line.length;
      queue = queue.slice(count);
      if (overflow !== null && queuedChars <= queueCharsMax / 2) endOverflow(overflow);
    }
  };
  const fail = (cause: unknown): void => {
    if (isOver) return;
    isOver = true;
    flushing.cancel();
    const why = cause instanceof Error ? cause.message : String(cause);
    const text = `${folder} cannot be written: ${why}. What is there stays readable.`;
    options.onFailure(new ContractError("TAPE_WRITE_FAILED", text, { cause }));
  };
  const wake = (): void => {
    running ??= drain()
      .catch(fail)
      .finally(() => {
        running = null;
        if (queue.length > 0 && !isOver) wake();
      });
  };
  const lineOf = (ch: Channel, d: unknown, c?: string): Line => {
    lastMs = Math.max(lastMs, clock.nowMs());
    const record: TapeRecord = c === undefined ? { t: lastMs, ch, d } : { t: lastMs, ch, c, d };
    return { t: lastMs, channel: ch, line: tapeLine(record) };
  };
  const push = (line: Line): void => {
    queue.push(line);
    queuedChars += line.line.length;
    counts.records += 1;
    wake();
  };
  /** Gaps go past the bound: they are few, and without them the tape would lie. */
  const gap = (d: TapeGap): void => {
    if (isOver) return;
    counts.gaps += 1;
    push(lineOf("recorder.gap", d));
  };
  const endOverflow = ({ sinceMs, dropped }: NonNullable<typeof overflow>): void => {
    overflow = null;
    gap(queueGap(sinceMs, clock.nowMs(), dropped));
    options.onResumed();
  };
  const flushing = clock.every(FLUSH_MS, () => {
    series.flush().catch(fail);
  });

  return {
    take: (channel, payload, connection) => {
      if (isOver) return;
      if (overflow !== null) {
        overflow.dropped += 1;
        counts.dropped += 1;
        return;
      }
      const line = lineOf(channel, payload, connection);
      if (queuedChars + line.line.length <= queueCharsMax) return push(line);
      overflow = { sinceMs: line.t, dropped: 1 };
      counts.dropped += 1;
      gap(queueGap(line.t, null, 0));
    },
    gap,
    tokens: series.tokens,
    counts: () => ({ ...counts, ...series.size() }),
    end: async (why) => {
      flushing.cancel();
      while (running !== null) await running;
      if (isOver) return;
      await series.seal({ ms: clock.nowMs(), why }).catch(fail);
      isOver = true;
    },
  };
}

const queueGap = (sinceMs: number, untilMs: number | null, dropped: number): TapeGap => ({
  why: "QUEUE_FULL",
  of: null,
  tokens: null,
  sinceMs,
  untilMs,
  dropped,
  detail: "the disk is slower than what arrives",
});
