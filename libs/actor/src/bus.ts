/**
 * The connection to the bus. It reconnects for ever; whoever publishes learns of a lost link at once, because the
 * client keeps nothing that is published while it is down.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { ContractError, TransientError } from "@slipstream/contracts/errors";
import type { Logger } from "pino";

export type Bus = {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly kvm: Kvm;
  connected(): boolean;
  /** Resolves while the link is up, at once or at the next reconnect. */
  whenConnected(): Promise<void>;
  /** Calls back when the link is lost or back; returns how to stop. */
  onLink(call: (link: "lost" | "back") => void): () => void;
  /** Resolves when the connection is closed for good, by `drain` or by an error. */
  readonly closed: Promise<Error | undefined>;
  /** Sends what is buffered and closes. Harmless the second time. */
  drain(): Promise<void>;
};

export type BusOptions = {
  readonly url: string;
  /** Shows in the server's list of connections. */
  readonly name: string;
  readonly logger: Logger;
  /** Ends the waiting for a broker that is not there yet. */
  readonly signal?: AbortSignal;
  /** Tries again and again for so many ms, then gives up; absent: waits as long as it takes. */
  readonly withinMs?: number;
};

const RECONNECT_WAIT_MS = 100;
const RECONNECT_JITTER_MS = 50;
/** A half-open link dies after two of these. */
const PING_MS = 5_000;
const JETSTREAM_TIMEOUT_MS = 5_000;
/** How often a waiting start says what it waits for. */
const WAITING_NOTICE_MS = 5_000;

/** The oldest server whose features we use do what they say: older ones accept settings and ignore them. */
const SERVER_VERSION_MIN = "2.11.0";

/**
 * Connects and waits for the broker as long as it takes, saying so, or only as long as it is told to.
 * @throws ContractError SERVER_TOO_OLD for a server below 2.11 or without JetStream, BUS_UNREACHABLE when `signal` or
 * `withinMs` ends the waiting or the address or the credentials are wrong.
 */
export async function connectBus(options: BusOptions): Promise<Bus> {
  const { logger } = options;
  const nc = await dial(options);
  try {
    checkServer(nc);
  } catch (error) {
    await nc.close();
    throw error;
  }
  const jsm = await jetstreamManager(nc, { timeout: JETSTREAM_TIMEOUT_MS, checkAPI: false });
  const js = jetstream(nc, { timeout: JETSTREAM_TIMEOUT_MS });
  const listeners = new Set<(link: "lost" | "back") => void>();
  let up = true;
  const turn = (link: "lost" | "back"): void => {
    if (up === (link === "back")) return;
    up = link === "back";
    for (const call of [...listeners]) call(link);
  };
  void watchStatus(nc, logger, turn);
  const closed = nc.closed().then((error) => {
    turn("lost");
    return error instanceof Error ? error : undefined;
  });
  return {
    nc,
    js,
    jsm,
    kvm: new Kvm(js),
    connected: () => up,
    onLink: (call) => {
      listeners.add(call);
      return () => listeners.delete(call);
    },
    whenConnected: () =>
      new Promise((resolve) => {
        if (up) return resolve();
        const call = (link: "lost" | "back"): void => {
          if (link === "lost") return;
          listeners.delete(call);
          resolve();
        };
        listeners.add(call);
      }),
    closed,
    drain: async () => {
      if (nc.isClosed()) return;
      // A drain needs the server's answer; without a link there is nothing to wait for.
      await (up && !nc.isDraining() ? nc.drain() : nc.close());
    },
  };
}

/**
 * Waits for an answer of the bus, but not over the loss of the link: what was asked then is never answered, and the
 * client would wait for its time-out.
 * @throws TransientError BUS_UNREACHABLE when the link is lost before the answer came.
 */
export function overLink<T>(bus: Bus, ask: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const lost = (): void => reject(new TransientError("BUS_UNREACHABLE", "the link to nats-server was lost"));
    if (!bus.connected()) return lost();
    const off = bus.onLink((link) => link === "lost" && lost());
    ask().then(resolve, reject).finally(off);
  });
}

async function dial({ url, name, logger, signal, withinMs }: BusOptions): Promise<NatsConnection> {
  const servers = url.split(",");
  logger.info({ url }, "connecting to nats-server");
  const notice = setInterval(
    () => logger.warn({ url }, "waiting for nats-server: nothing answers yet, is it running?"),
    WAITING_NOTICE_MS,
  );
  const options = {
    servers,
    name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    reconnectJitter: RECONNECT_JITTER_MS,
    pingInterval: PING_MS,
    maxPingOut: 2,
    noAsyncTraces: true,
  };
  try {
    const connecting =
      withinMs === undefined ? connect({ ...options, waitOnFirstConnect: true }) : connectedWithin(withinMs, options);
    if (signal !== undefined) await connectedOrAborted(connecting, signal);
    return await connecting;
  } catch (cause) {
    if (cause instanceof ContractError) throw cause;
    throw new ContractError("BUS_UNREACHABLE", `cannot use nats-server at ${url}: ${String(cause)}`, { cause });
  } finally {
    clearInterval(notice);
  }
}

/** A client that waits by itself (`waitOnFirstConnect`) never ends, and keeps its process. */
async function connectedWithin(
  withinMs: number,
  options: NonNullable<Parameters<typeof connect>[0]> & { readonly servers: readonly string[] },
): Promise<NatsConnection> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const leftMs = Math.max(1, deadline - performance.now());
    try {
      return await connect({ ...options, timeout: Math.ceil(leftMs / options.servers.length) });
    } catch (error) {
      if (performance.now() + RECONNECT_WAIT_MS >= deadline) throw error;
      await pause(RECONNECT_WAIT_MS);
    }
  }
}

/** @throws ContractError BUS_UNREACHABLE when `signal` comes first; what connects later is closed. */
async function connectedOrAborted(connecting: Promise<NatsConnection>, signal: AbortSignal): Promise<void> {
  let stop: () => void = () => undefined;
  const aborted = new Promise<"aborted">((resolve) => {
    stop = () => resolve("aborted");
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  const first = await Promise.race([connecting, aborted]);
  signal.removeEventListener("abort", stop);
  if (first !== "aborted") return;
  void connecting.then((nc) => nc.close()).catch(() => undefined);
  throw new ContractError("BUS_UNREACHABLE", "stopped while waiting for nats-server");
}

/**
 * Checks what the server says of itself.
 * @throws ContractError SERVER_TOO_OLD
 */
function checkServer(nc: NatsConnection): void {
  const version = nc.info?.version ?? "unknown";
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part, 10) || 0);
  if (major < 2 || (major === 2 && minor < 11)) {
    throw new ContractError(
      "SERVER_TOO_OLD",
      `nats-server ${version} is too old: ${SERVER_VERSION_MIN} or newer is needed. Older servers accept settings that they then ignore.`,
    );
  }
  if (nc.info?.jetstream !== true) {
    throw new ContractError(
      "STREAM_CONFIG_REFUSED",
      "nats-server runs without JetStream: start it with `-js` or a jetstream block in its configuration",
    );
  }
}

async function watchStatus(nc: NatsConnection, logger: Logger, turn: (link: "lost" | "back") => void): Promise<void> {
  for await (const status of nc.status()) {
    switch (status.type) {
      case "disconnect":
        logger.warn({ server: status.server }, "bus link lost");
        turn("lost");
        break;
      case "reconnect":
        logger.info({ server: status.server }, "bus link back");
        turn("back");
        break;
      case "error":
        logger.error({ err: status.error }, "bus error");
        break;
      case "ldm":
      case "staleConnection":
      case "slowConsumer":
        logger.warn({ status: status.type }, "bus status");
        break;
      default:
        logger.debug({ status: status.type }, "bus status");
    }
  }
}
