/**
 * A node's socket that is opened again whenever it is lost. Nothing is replayed by a node: whoever uses it reads what
 * the gap may have held.
 *
 * 1. At most one socket counts. A notice of an older one, still on its way, is told by `isCurrent`.
 * 2. Waits between tries grow until `proven` says that a socket is good.
 */
import { backoffMs, RECONNECT } from "./backoff.ts";
import { connectRpcSocket, type RpcSocket } from "./rpc.ts";
import type { WireClock } from "./wireClock.ts";

export type RpcLink = {
  /** False as soon as another socket is wanted in this one's place. */
  isCurrent(): boolean;
  /** The socket is good: the next wait starts from the beginning. */
  proven(): void;
};

export type KeptRpcSocket = {
  /** Gives up the socket that is there and opens one anew, with its subscriptions. */
  reopen(): void;
  /** Gives up the socket that is there for good reason; it is reported as down and opened again after a wait. */
  drop(): void;
  connected(): boolean;
  stop(): void;
};

export type KeptRpcSocketOptions = {
  /** Several: the next one is tried after a loss. */
  readonly urls: readonly string[];
  readonly timeoutMs: number;
  readonly clock: WireClock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Asked at each opening: false leaves it closed until the next `reopen`. */
  readonly isNeeded: () => boolean;
  /** Subscribes on a fresh socket; when it throws, the socket is closed and another one tried. */
  readonly subscribe: (socket: RpcSocket, link: RpcLink) => Promise<void>;
  readonly onUp: () => void;
  readonly onDown: (reason: string) => void;
};

/** Opens nothing until the first `reopen`. */
export function keepRpcSocket(options: KeptRpcSocketOptions): KeptRpcSocket {
  let socket: RpcSocket | null = null;
  let retry: { cancel(): void } | null = null;
  let failures = 0;
  let losses = 0;
  let stopped = false;
  /** Counts up with every socket wanted: an older one knows that it is not. */
  let turn = 0;

  const later = (reason: string): void => {
    if (stopped) return;
    options.onDown(reason);
    retry?.cancel();
    retry = options.clock.after(backoffMs(RECONNECT, failures, options.random()), reopen);
    failures += 1;
    losses += 1;
  };
  const onOpened = (opened: RpcSocket, link: RpcLink): void => {
    if (!link.isCurrent()) return opened.close();
    socket = opened;
    options.onUp();
    void opened.closed.then((reason) => {
      if (!link.isCurrent()) return;
      socket = null;
      later(reason);
    });
  };
  const reopen = (): void => {
    turn += 1;
    const mine = turn;
    retry?.cancel();
    socket?.close();
    socket = null;
    if (stopped || !options.isNeeded()) return;
    const link: RpcLink = {
      isCurrent: () => turn === mine,
      proven: () => {
        failures = 0;
      },
    };
    const url = options.urls[losses % options.urls.length] ?? "";
    subscribed(options, url, link).then(
      (opened) => onOpened(opened, link),
      (error: unknown) => {
        if (link.isCurrent()) later(error instanceof Error ? error.message : String(error));
      },
    );
  };

  return {
    reopen,
    drop: () => socket?.close(),
    connected: () => socket !== null,
    stop: () => {
      stopped = true;
      turn += 1;
      retry?.cancel();
      socket?.close();
    },
  };
}

async function subscribed(options: KeptRpcSocketOptions, url: string, link: RpcLink): Promise<RpcSocket> {
  const socket = await connectRpcSocket(url, { timeoutMs: options.timeoutMs });
  try {
    await options.subscribe(socket, link);
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}
