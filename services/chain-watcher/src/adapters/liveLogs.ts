/** The node's socket, for speed: logs as they come and new heads. What it loses, the range reader finds. */
import type { Clock } from "@slipstream/actor/clock";
import type { Address } from "@slipstream/contracts/ids";
import { keepRpcSocket } from "@slipstream/polymarket/keptRpcSocket";
import type { ExchangeTable } from "@slipstream/polymarket/versions";
import { fillFilters } from "./fillFilter.ts";
import { WireLog } from "./wire.ts";

export type LiveLogsOptions = {
  readonly url: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly exchanges: () => ExchangeTable;
  readonly onLog: (log: WireLog) => void;
  /** A new head, and each new connection: time to read the range behind the cursor. */
  readonly onHead: () => void;
  readonly onDown: (reason: string) => void;
};

export type LiveLogs = {
  /** Follows exactly these wallets from now on. */
  follow(leaders: ReadonlySet<Address>): void;
  connected(): boolean;
  stop(): void;
};

/** Blocks come every second or two: a socket that shows none for this long is dead, whatever it says. */
const SILENCE_MS = 10_000;
const SILENCE_CHECK_MS = 1_000;

export function watchLiveLogs(options: LiveLogsOptions): LiveLogs {
  const { clock, exchanges, onLog, onHead } = options;
  let followed: ReadonlySet<Address> = new Set();
  let lastHeadMs = clock.steadyMs();
  const kept = keepRpcSocket({
    ...options,
    isNeeded: () => true,
    subscribe: async (socket, link) => {
      for (const filter of fillFilters(exchanges(), followed)) {
        await socket.subscribe(["logs", filter], (notice) => {
          const log = WireLog.safeParse(notice);
          if (log.success && link.isCurrent()) onLog(log.data);
        });
      }
      await socket.subscribe(["newHeads"], () => {
        if (!link.isCurrent()) return;
        lastHeadMs = clock.steadyMs();
        link.proven();
        onHead();
      });
    },
    onUp: () => {
      lastHeadMs = clock.steadyMs();
      onHead();
    },
  });
  const silence = setInterval(() => {
    if (clock.steadyMs() - lastHeadMs > SILENCE_MS) kept.drop();
  }, SILENCE_CHECK_MS);
  kept.reopen();

  return {
    follow: (leaders) => {
      if (leaders.size === followed.size && [...leaders].every((leader) => followed.has(leader))) return;
      followed = new Set(leaders);
      kept.reopen();
    },
    connected: kept.connected,
    stop: () => {
      clearInterval(silence);
      kept.stop();
    },
  };
}
