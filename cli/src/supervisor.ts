/**
 * Starts the processes of a local run, starts them again when they die, and ends them in order.
 *
 * Invariants
 * 1. A process that ends without being told to is started again, after a pause that grows while it keeps dying.
 * 2. One that says its settings or its input are wrong (exit code 1 shortly after its start, three times) ends the run.
 * 3. At the end services drain first, then the world around them, the bus last.
 */
import { readFileSync, statSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { type RunningProcess, startProcess } from "@slipstream/actor/process";
import { ContractError } from "@slipstream/contracts/errors";

export type ProcessSpec = {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logFile: string;
  /** Later tiers end first. */
  readonly tier: 0 | 1 | 2;
};

/** Told when what it speaks of is so: after `started`, `pids` has the new id. */
export type SupervisorEvent =
  | { readonly kind: "started"; readonly name: string; readonly pid: number }
  | { readonly kind: "died"; readonly name: string; readonly how: string };

export type Supervisor = {
  start(spec: ProcessSpec): Promise<RunningProcess>;
  /** Ends a process in good order and starts it again, which is no fault of it. Nothing while it is not running. */
  restart(name: string): Promise<void>;
  /** Of those that run. */
  pids(): Record<string, number>;
  /** Drains tier by tier; resolves with the names that had to be killed. */
  stop(graceMs: number): Promise<string[]>;
};

const RESTART_MS_MIN = 100;
const RESTART_MS_MAX = 5_000;
/** An end sooner than this after the start counts as a failed start. */
const FAILED_START_MS = 5_000;
const FAILED_STARTS_MAX = 3;

type Child = {
  readonly spec: ProcessSpec;
  running: RunningProcess | null;
  /** Where its log began at the newest start: what stands before is of other starts. */
  logFrom: number;
  failedStarts: number;
  restarting: boolean;
};

/**
 * @param onEvent - told of each start and each unexpected end.
 * @param onFatal - a process cannot be started; the error says why, with the end of its log.
 * @param isExcused - asked when a process does not start: true while something outside, as a full disk, may be the reason,
 * and it is tried on.
 */
export function createSupervisor(
  onEvent: (event: SupervisorEvent) => void,
  onFatal: (error: Error) => void,
  isExcused: () => Promise<boolean> = () => Promise.resolve(false),
): Supervisor {
  const children = new Map<string, Child>();
  let stopping = false;

  const launch = async (child: Child): Promise<RunningProcess> => {
    const { name, command, args, env, logFile } = child.spec;
    child.logFrom = sizeOf(logFile);
    const running = await startProcess({ name, command, args, env, logFile, ipc: true, detached: true });
    child.running = running;
    onEvent({ kind: "started", name, pid: running.pid });
    void watch(child, running);
    return running;
  };

  const watch = async (child: Child, running: RunningProcess): Promise<void> => {
    const startedMs = performance.now();
    const { code, signal } = await running.exited;
    if (stopping || child.running !== running) return;
    const { name, logFile } = child.spec;
    child.running = null;
    if (child.restarting) {
      child.restarting = false;
      await again(child);
      return;
    }
    onEvent({ kind: "died", name, how: signal ?? `exit code ${code}` });
    const quick = performance.now() - startedMs < FAILED_START_MS;
    child.failedStarts = quick && signal === null ? child.failedStarts + 1 : 0;
    if (code === 1 && child.failedStarts >= FAILED_STARTS_MAX && !(await isExcused())) {
      onFatal(new ContractError("CONFIG_INVALID", `${name} does not start:\n${logTail(logFile, child.logFrom)}`));
      return;
    }
    await again(child);
  };

  /** Also when the system cannot start it just now, for want of memory or disk. */
  const again = async (child: Child): Promise<void> => {
    for (;;) {
      await pause(Math.min(RESTART_MS_MAX, RESTART_MS_MIN * 2 ** child.failedStarts));
      if (stopping) return;
      try {
        await launch(child);
        return;
      } catch (error) {
        child.failedStarts += 1;
        onEvent({ kind: "died", name: child.spec.name, how: error instanceof Error ? error.message : String(error) });
      }
    }
  };

  return {
    start: async (spec) => {
      const child: Child = { spec, running: null, logFrom: 0, failedStarts: 0, restarting: false };
      children.set(spec.name, child);
      return launch(child);
    },
    restart: async (name) => {
      const child = children.get(name);
      if (child === undefined || child.running === null || stopping) return;
      child.restarting = true;
      await child.running.terminate();
    },
    pids: () =>
      Object.fromEntries(
        [...children].flatMap(([name, { running }]) =>
          running === null || running.exit() !== undefined ? [] : [[name, running.pid]],
        ),
      ),
    stop: async (graceMs) => {
      stopping = true;
      const killed: string[] = [];
      for (const tier of [2, 1, 0]) {
        const group = [...children.values()].filter((child) => child.spec.tier === tier);
        const ends = await Promise.all(group.map((child) => child.running?.terminate(graceMs)));
        ends.forEach((end, index) => {
          if (end?.signal === "SIGKILL") killed.push(group[index]?.spec.name ?? "");
        });
      }
      return killed;
    },
  };
}

const TAIL_LINES = 12;

/** Of a file in bytes; 0 when there is none. */
export const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/** The last lines of a log behind its first `from` bytes, for an error message. */
export function logTail(file: string, from: number): string {
  try {
    return readFileSync(file).subarray(from).toString("utf8").trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
  } catch {
    return "(no log)";
  }
}
