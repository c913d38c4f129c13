/** Runs the real command as a person does, in a folder of its own. */
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

type RunRecord = { natsUrl: string; sandboxUrl: string | null; children: Record<string, number> };

/** For runs that wait for an exit in the market of an entry: it must not end in between. */
export const FIXED_MARKETS = { SANDBOX_CHURN: "off" } as const;

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
    env: { ...globalThis.process.env, SLIPSTREAM_HOME: folder, ...env },
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
      await until(alive, { what: `${name} to run`, timeoutMs: 30_000 });
      return record()?.children[name] ?? 0;
    },
    natsUrl: () => record()?.natsUrl ?? "",
    sandboxUrl: () => record()?.sandboxUrl ?? "",
    exitCode: async () => (await process.exited).code,
    report: () => JSON.parse(readFileSync(reportFile, "utf8")) as RunReport,
    output: () => process.outputTail(),
    clean: async () => {
      await process.terminate(15_000);
      if (home === undefined) removeFolder(folder);
    },
  };
}

/** Lets the run go on: what these tests do to it is a matter of when, not of a state to wait for. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
