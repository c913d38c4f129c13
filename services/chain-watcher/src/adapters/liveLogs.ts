/** The node's socket, for speed: logs as they come and new heads. What it loses, the range reader finds. */
import type { Clock } from "@slipstream/actor/clock";
import type { Address } from "@slipstream/contracts/ids";
import { keepRpcSocket } from "@slipstream/polymarket/keptRpcSocket";
import type { ExchangeTable } from "@slipstream/polymarket/versions";
import { isWithin } from "../core/roster.ts";
import { fillFilters, isFillOf } from "./fillFilter.ts";
import { WireLog } from "./wire.ts";

export type LiveLogsOptions = {
  readonly urls: readonly string[];
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly exchanges: () => ExchangeTable;
  /** More leaders than this: all fills are heard and chosen here. */
  readonly wholeAbove: number;
  readonly onLog: (log: WireLog) => void;
  /** A new head, and each new connection: time to read the range behind the cursor. */
  readonly onHead: () => void;
  readonly onDown: (reason: string) => void;
};

export type LiveLogs = {
  /** Follows exactly these wallets from now on. */
  follow(leaders: ReadonlySet<Address>): void;
  connected(): boolean;
  /** Why it was lost last. */
  problem(): string;
  stop(): void;
};

/**
 * Blocks come every second or two: a socket that shows none for so many usual intervals is dead, whatever it says. How
 * long an interval is it learns from the heads themselves, within bounds.
 */
const SILENT_INTERVALS = 5;
const SILENCE_MS_MIN = 3_000;
const SILENCE_MS_MAX = 15_000;
const SILENCE_CHECK_MS = 500;
/** Weight of the newest interval in the usual one. */
const CADENCE_WEIGHT = 0.2;
const CADENCE_MS_FIRST = 2_000;

export function watchLiveLogs(options: LiveLogsOptions): LiveLogs {
  const { clock, exchanges, onLog, onHead } = options;
  let followed: ReadonlySet<Address> = new Set();
  let lastHeadMs = clock.steadyMs();
  let cadenceMs = CADENCE_MS_FIRST;
  let lastReason = "not connected yet";
  const silenceMs = (): number => Math.min(SILENCE_MS_MAX, Math.max(SILENCE_MS_MIN, SILENT_INTERVALS * cadenceMs));
  const kept = keepRpcSocket({
    ...options,
    isNeeded: () => true,
    subscribe: async (socket, link) => {
      const choice = { exchanges: exchanges(), leaders: followed, wholeAbove: options.wholeAbove };
      for (const filter of fillFilters(choice)) {
        await socket.subscribe(["logs", filter], (notice) => {
          const log = WireLog.safeParse(notice);
          if (log.success && link.isCurrent() && isFillOf(followed, log.data)) onLog(log.data);
        });
      }
      await socket.subscribe(["newHeads"], () => {
        if (!link.isCurrent()) return;
        const nowMs = clock.steadyMs();
        cadenceMs += CADENCE_WEIGHT * (nowMs - lastHeadMs - cadenceMs);
        lastHeadMs = nowMs;
        link.proven();
        onHead();
      });
    },
    onDown: (reason) => {
      lastReason = reason;
      options.onDown(reason);
    },
    onUp: () => {
      lastHeadMs = clock.steadyMs();
      onHead();
    },
  });
  const silence = setInterval(() => {
    if (clock.steadyMs() - lastHeadMs > silenceMs()) kept.drop();
  }, SILENCE_CHECK_MS);
  kept.reopen();

  return {
    follow: (leaders) => {
      if (leaders.size === followed.size && isWithin(leaders, followed)) return;
      followed = leaders;
      kept.reopen();
    },
    connected: kept.connected,
    problem: () => lastReason,
    stop: () => {
      clearInterval(silence);
      kept.stop();
    },
  };
}
