/** How full the log is. */
import type { Bus } from "@slipstream/actor/bus";
import { streams } from "@slipstream/contracts/subjects";
import type { LogUse } from "../core/logOutlook.ts";

export type StreamUse = {
  /** As last read; null: never read. */
  use(): LogUse | null;
  /** Percent of the bytes allowed, as last read; null: never read, or without a limit. */
  percent(): number | null;
  stop(): void;
};

/** A log fills over days. */
const EVERY_MS = 10_000;
const NANOS = 1_000_000;

export function watchStreamUse(bus: Bus): StreamUse {
  let use: LogUse | null = null;
  const read = async (): Promise<void> => {
    if (!bus.connected()) return;
    const { config, state } = await bus.jsm.streams.info(streams.facts);
    const { bytes } = state;
    const spanMs = bytes === 0 ? 0 : Date.parse(String(state.last_ts)) - Date.parse(String(state.first_ts));
    use = { bytes, bytesMax: config.max_bytes, spanMs, ageMsMax: config.max_age / NANOS };
  };
  // A broker that does not answer shows elsewhere; the last value stays.
  const readQuietly = (): void => void read().catch(() => undefined);
  readQuietly();
  const timer = setInterval(readQuietly, EVERY_MS);
  return {
    use: () => use,
    percent: () => (use === null || use.bytesMax <= 0 ? null : (use.bytes / use.bytesMax) * 100),
    stop: () => clearInterval(timer),
  };
}
