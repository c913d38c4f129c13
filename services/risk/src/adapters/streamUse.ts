/** How full the log is. */
import type { Bus } from "@slipstream/actor/bus";
import { streams } from "@slipstream/contracts/subjects";

export type StreamUse = {
  /** Percent of the bytes allowed, as last read; null: never read, or without a limit. */
  percent(): number | null;
  stop(): void;
};

/** A log fills over days. */
const EVERY_MS = 10_000;

export function watchStreamUse(bus: Bus): StreamUse {
  let percent: number | null = null;
  const read = async (): Promise<void> => {
    if (!bus.connected()) return;
    const { config, state } = await bus.jsm.streams.info(streams.facts);
    percent = config.max_bytes > 0 ? (state.bytes / config.max_bytes) * 100 : null;
  };
  // A broker that does not answer shows elsewhere; the last value stays.
  const readQuietly = (): void => void read().catch(() => undefined);
  readQuietly();
  const timer = setInterval(readQuietly, EVERY_MS);
  return { percent: () => percent, stop: () => clearInterval(timer) };
}
