/**
 * Starts the processes of a local run, starts them again when they die, and ends them in order.
 *
 * Invariants
 * 1. A process that ends without being told to is started again, after a pause that grows while it keeps dying.
 * 2. One that says its settings or its input are wrong (exit code 1 shortly after its start, three times) ends the run.
 * 3. At the end services drain first, then the world around them, the bus last.
 */
import { readFileSync } from "node:fs";
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

export type SupervisorEvent =
  | { readonly kind: "started"; readonly name: string; readonly pid: number }
  | { readonly kind: "died"; readonly name: string; readonly how: string };

export type Supervisor = {
  start(spec: ProcessSpec): Promise<RunningProcess>;
  pids(): Record<string, number>;
  /** Drains tier by tier; resolves with the names that had to be killed. */
  stop(graceMs: number): Promise<string[]>;
};

const RESTART_MS_MIN = 100;
const RESTART_MS_MAX = 5_000;
/** An end sooner than this after the start counts as a failed start. */
const FAILED_START_MS = 5_000;
const FAILED_STARTS_MAX = 3;

type Child = { spec: ProcessSpec; running: RunningProcess; failedStarts: number };

/**
 * @param onEvent - told of each start and each unexpected end.
 * @param onFatal - a process cannot be started; the error says why, with the end of its log.
 */
export function createSupervisor(
  onEvent: (event: SupervisorEvent) => void,
  onFatal: (error: Error) => void,
): Supervisor {
  const children = new Map<string, Child>();
  let stopping = false;

  const launch = async (spec: ProcessSpec): Promise<RunningProcess> => {
    const { name, command, args, env, logFile } = spec;
    const running = await startProcess({ name, command, args, env, logFile, ipc: true, detached: true });
    onEvent({ kind: "started", name, pid: running.pid });
    return running;
  };

  const watch = (child: Child): void => {
    const startedMs = performance.now();
    void child.running.exited.then(async ({ code, signal }) => {
      if (stopping || children.get(child.spec.name) !== child) return;
      onEvent({ kind: "died", name: child.spec.name, how: signal ?? `exit code ${code}` });
      const quick = performance.now() - startedMs < FAILED_START_MS;
      child.failedStarts = quick && signal === null ? child.failedStarts + 1 : 0;
      if (code === 1 && child.failedStarts >= FAILED_STARTS_MAX) {
        onFatal(
          new ContractError("CONFIG_INVALID", `${child.spec.name} does not start:\n${logTail(child.spec.logFile)}`),
        );
        return;
      }
      const pauseMs = Math.min(RESTART_MS_MAX, RESTART_MS_MIN * 2 ** child.failedStarts);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      if (stopping) return;
      child.running = await launch(child.spec);
      watch(child);
    });
  };

  return {
    start: async (spec) => {
      const child: Child = { spec, running: await launch(spec), failedStarts: 0 };
      children.set(spec.name, child);
      watch(child);
      return child.running;
    },
    pids: () => Object.fromEntries([...children].map(([name, child]) => [name, child.running.pid])),
    stop: async (graceMs) => {
      stopping = true;
      const killed: string[] = [];
      for (const tier of [2, 1, 0]) {
        const group = [...children.values()].filter((child) => child.spec.tier === tier);
        const ends = await Promise.all(group.map((child) => child.running.terminate(graceMs)));
        ends.forEach((end, index) => {
          if (end.signal === "SIGKILL") killed.push(group[index]?.spec.name ?? "");
        });
      }
      return killed;
    },
  };
}

const TAIL_LINES = 12;

/** The last lines of a log, for an error message. */
export function logTail(file: string): string {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
  } catch {
    return "(no log)";
  }
}
