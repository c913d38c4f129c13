/** The node's socket, for speed: logs as they come and new heads. What it loses, the range reader finds. */
import type { Clock, Timer } from "@slipstream/actor/clock";
import type { Address } from "@slipstream/contracts/ids";
import { backoffMs, RECONNECT } from "@slipstream/polymarket/backoff";
import { connectRpcSocket, type RpcSocket } from "@slipstream/polymarket/rpc";
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
  const { clock, random, onDown } = options;
  let followed: ReadonlySet<Address> = new Set();
  let socket: RpcSocket | null = null;
  let retry: Timer | null = null;
  let failures = 0;
  let stopped = false;
  let lastHeadMs = clock.steadyMs();
  /** Counts up with every connection wanted: an older one knows that it is not. */
  let turn = 0;

  const later = (reason: string): void => {
    if (stopped) return;
    onDown(reason);
    retry?.cancel();
    retry = clock.after(backoffMs(RECONNECT, failures, random()), open);
    failures += 1;
  };
  const open = (): void => {
    const mine = ++turn;
    socket?.close();
    socket = null;
    if (stopped) return;
    const wanted = (): boolean => turn === mine;
    connect(options, followed, wanted, () => {
      lastHeadMs = clock.steadyMs();
      failures = 0;
    }).then(
      (connected) => {
        if (!wanted()) return connected.close();
        socket = connected;
        lastHeadMs = clock.steadyMs();
        options.onHead();
        void connected.closed.then((reason) => {
          if (!wanted()) return;
          socket = null;
          later(reason);
        });
      },
      (error: unknown) => {
        if (wanted()) later(error instanceof Error ? error.message : String(error));
      },
    );
  };
  const silence = setInterval(() => {
    if (socket !== null && clock.steadyMs() - lastHeadMs > SILENCE_MS) socket.close();
  }, SILENCE_CHECK_MS);
  open();

  return {
    follow: (leaders) => {
      if (leaders.size === followed.size && [...leaders].every((leader) => followed.has(leader))) return;
      followed = new Set(leaders);
      open();
    },
    connected: () => socket !== null,
    stop: () => {
      stopped = true;
      turn += 1;
      clearInterval(silence);
      retry?.cancel();
      socket?.close();
    },
  };
}

async function connect(
  { url, timeoutMs, exchanges, onLog, onHead }: LiveLogsOptions,
  followed: ReadonlySet<Address>,
  isWanted: () => boolean,
  onAlive: () => void,
): Promise<RpcSocket> {
  const socket = await connectRpcSocket(url, { timeoutMs });
  try {
    for (const filter of fillFilters(exchanges(), followed)) {
      await socket.subscribe(["logs", filter], (notice) => {
        const log = WireLog.safeParse(notice);
        if (log.success && isWanted()) onLog(log.data);
      });
    }
    await socket.subscribe(["newHeads"], () => {
      onAlive();
      if (isWanted()) onHead();
    });
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}
