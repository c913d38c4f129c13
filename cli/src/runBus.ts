/**
 * The bus of a local run: where its store is, and that only one nats-server at a time has it open. The server holds a lock
 * on a file beside the store for as long as it lives, however it ends, and one that comes after it waits for that lock.
 */
import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort, waitForPort } from "@slipstream/actor/process";
import { ContractError } from "@slipstream/contracts/errors";
import { seedFolder } from "@slipstream/sandbox/worldFolder";
import type { CliSettings } from "./config.ts";
import type { RunFolder } from "./runFolder.ts";
import type { Environment } from "./serviceEnv.ts";
import type { Supervisor } from "./supervisor.ts";

export type Home = "polygon" | "sandbox" | "tape";
type BusOptions = {
  readonly settings: CliSettings;
  readonly folder: RunFolder;
  readonly env: Environment;
  readonly say: (line: string) => void;
};

const READY_MS = 60_000;
const LOCK_POLL_MS = 100;
const HEALTH_MS = 2_000;

/** Of util-linux, so on any Linux; elsewhere the processes of a killed run are waited for by their ids alone. */
const flock = ["/usr/bin/flock", "/bin/flock"].find((path) => process.platform === "linux" && existsSync(path));
/** Temporary failure: the supervisor starts it again. */
const EXIT_LOCKED = 75;

/** Where the log of a run is kept. A log is of one world: each seed of the sandbox has its own. */
export const storeOf = ({ settings }: Pick<BusOptions, "settings">, home: Home): string =>
  home === "sandbox" ? join(home, seedFolder(settings.SANDBOX_SEED)) : home;

/**
 * Starts nats-server on a port of this machine; resolves when it answers.
 * @throws ContractError CONFIG_INVALID when there is none, or its store stays in use.
 */
export async function startBus(
  supervisor: Supervisor,
  options: BusOptions,
  { port, home }: { readonly port: number; readonly home: Home },
): Promise<RunBus> {
  const { folder, env, settings, say } = options;
  const bin = settings.NATS_SERVER_BIN;
  if (bin === undefined) {
    throw new ContractError(
      "CONFIG_INVALID",
      "NATS_SERVER_BIN is missing: start by `npm start`, which finds or fetches nats-server",
    );
  }
  const world = storeOf(options, home);
  const lockFile = folder.file(world, "nats.lock");
  await untilUnlocked(lockFile, say, READY_MS);
  const store = folder.file(world, "nats");
  // A tape begins anew each time it is played.
  if (home === "tape") rmSync(store, { recursive: true, force: true });
  const configFile = folder.file(world, "nats.conf");
  const healthPort = await freePort();
  writeFileSync(configFile, configText({ port, healthPort, store }));
  const running = await supervisor.start({
    name: "nats-server",
    ...underLock(lockFile, bin, ["-c", configFile]),
    env,
    logFile: folder.file("logs", "nats-server.log"),
    tier: 0,
  });
  await waitForPort(running, port, READY_MS);
  return { store: folder.file(world, "nats"), isStuck: () => isStuck(healthPort) };
}

export type RunBus = {
  /** Folder of the store. */
  readonly store: string;
  /** Whether the server runs, and takes no facts since a write failed: it does so until it is started again. */
  isStuck(): Promise<boolean>;
};

/**
 * The room is watched by us: the server by itself would allow three quarters of what is free at its start, and refuse the
 * streams that were made when there was more.
 */
const configText = ({ port, healthPort, store }: { port: number; healthPort: number; store: string }): string => `
listen: "127.0.0.1:${port}"
http: "127.0.0.1:${healthPort}"
max_payload: 1MB
jetstream {
  store_dir: ${JSON.stringify(store)}
  max_file_store: 1TB
  sync_interval: "always"
}
`;

async function isStuck(healthPort: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${healthPort}/healthz`, { signal: AbortSignal.timeout(HEALTH_MS) });
    return !answer.ok && /write error|not enabled|disabled|resources/i.test(await answer.text());
  } catch {
    // One that does not answer is starting, or not there: the supervisor's business.
    return false;
  }
}

/** The command that runs `command` in its own place (one process, one id) once nobody else holds the lock. */
export function underLock(
  lockFile: string,
  command: string,
  args: readonly string[],
): { readonly command: string; readonly args: readonly string[] } {
  if (flock === undefined) return { command, args };
  const waiting = ["--timeout", String(READY_MS / 1_000), "--conflict-exit-code", String(EXIT_LOCKED)];
  return { command: flock, args: ["--exclusive", "--no-fork", ...waiting, lockFile, command, ...args] };
}

/** @throws ContractError CONFIG_INVALID when somebody holds the lock for longer than `msMax`. */
export async function untilUnlocked(lockFile: string, say: (line: string) => void, msMax: number): Promise<void> {
  const deadline = performance.now() + msMax;
  for (let tries = 0; isLocked(lockFile); tries += 1) {
    if (tries === 0) say("the store is still open in an earlier nats-server: waiting for it to end");
    if (performance.now() > deadline) {
      throw new ContractError(
        "CONFIG_INVALID",
        `another nats-server has the store of this run open (it holds ${lockFile}): end it, or set SLIPSTREAM_HOME to another folder`,
      );
    }
    await pause(LOCK_POLL_MS);
  }
}

function isLocked(lockFile: string): boolean {
  if (flock === undefined) return false;
  const { status } = spawnSync(flock, ["--nonblock", "--conflict-exit-code", String(EXIT_LOCKED), lockFile, "true"]);
  return status === EXIT_LOCKED;
}
