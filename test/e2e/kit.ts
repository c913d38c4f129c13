/** Runs the real command as a person does, in a folder of its own. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive, type RunningProcess } from "@slipstream/actor/process";
import { makeFolder, removeFolder, startCounted } from "@slipstream/testkit/processes";
import { until } from "@slipstream/testkit/until";
import type { RunReport } from "../../cli/src/report.ts";

const root = join(import.meta.dirname, "..", "..");

export type Run = {
  readonly home: string;
  readonly process: RunningProcess;
  /** Pids by name; waits until `name` is there and lives. */
  pid(name: string): Promise<number>;
  natsUrl(): string;
  sandboxUrl(): string;
  /** Resolves with the exit code. */
  exitCode(): Promise<number | null>;
  report(): RunReport;
  output(): string;
  /** Ends what is left and removes the folder. */
  clean(): Promise<void>;
};

type RunRecord = { natsUrl: string | null; sandboxUrl: string | null; children: Record<string, number> };

/** A command of a person beside a run, in a process of its own. */
export const slipstream = (run: Run, ...args: readonly string[]): Promise<{ code: number; text: string }> =>
  new Promise((resolve) => {
    const env = { ...process.env, SLIPSTREAM_HOME: run.home };
    execFile(process.execPath, [join(root, "cli/src/main.ts"), ...args], { env }, (error, stdout, stderr) => {
      const code = typeof error?.code === "number" ? error.code : error === null ? 0 : -1;
      resolve({ code, text: `${stdout}${stderr}`.trim() });
    });
  });

/** For runs that wait for an exit in the market of an entry: it must not end in between. */
export const FIXED_MARKETS = { SANDBOX_CHURN: "off" } as const;
/** All the time that a machine with busy cores needs: for services to start before a tape does, and for the end. */
const patience = { TAPE_LEAD_SECONDS: "20", SETTLE_SECONDS_MAX: "300" };

/** @param args - of `slipstream`; `--report` is added. */
export async function startRun(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  home?: string,
): Promise<Run> {
  const folder = home ?? makeFolder("run");
  const reportFile = join(folder, "report.json");
  const process = await startCounted({
    name: "slipstream",
    command: globalThis.process.execPath,
    args: [join(root, "cli/src/main.ts"), ...args, "--report", reportFile],
    env: { ...globalThis.process.env, ...patience, SLIPSTREAM_HOME: folder, ...env },
  });
  const record = (): RunRecord | null => {
    const file = join(folder, "run.json");
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as RunRecord) : null;
  };
  return {
    home: folder,
    process,
    pid: async (name) => {
      const alive = (): boolean => {
        if (process.exit() !== undefined) throw new Error(`the run has ended:\n${process.outputTail()}`);
        const pid = record()?.children[name];
        return pid !== undefined && isAlive(pid);
      };
      await until(alive, { what: `${name} to run` });
      return record()?.children[name] ?? 0;
    },
    natsUrl: () => record()?.natsUrl ?? "",
    sandboxUrl: () => record()?.sandboxUrl ?? "",
    exitCode: async () => (await process.exited).code,
    report: () => JSON.parse(readFileSync(reportFile, "utf8")) as RunReport,
    output: () => process.outputTail(),
    clean: async () => {
      await process.terminate(60_000);
      if (home === undefined) removeFolder(folder);
    },
  };
}

/** Ends a run as Ctrl-C does. @returns its exit code and its report. */
export async function endRun(run: Run): Promise<RunReport & { readonly code: number | null }> {
  process.kill(run.process.pid, "SIGINT");
  const code = await run.exitCode();
  return { code, ...run.report() };
}

/** Against hanging only: whole runs are slow on a machine with busy cores. */
const RUN_MS_MAX = 600_000;

/** As testkit's `until`, while a run lives. @throws Error with its output when it has ended instead. */
export async function inRun<T>(run: Run, condition: () => T | Promise<T>, what: string) {
  const met = until(condition, { what, timeoutMs: RUN_MS_MAX });
  met.catch(() => undefined);
  const ended = run.process.exited.then((): never => {
    throw new Error(`the run ended while it was to bring ${what}:\n${run.output()}`);
  });
  return Promise.race([met, ended]);
}
