/** The folder of one local run: the bus's store, the logs, and who is running. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive } from "@slipstream/actor/process";

export type RunRecord = {
  readonly mode: "sandbox" | "polygon" | "tape";
  readonly natsUrl: string;
  /** Control address of the sandbox; null with the real venue. */
  readonly sandboxUrl: string | null;
  /** The supervisor. */
  readonly pid: number;
  /** Everything it started, by name. */
  readonly children: Readonly<Record<string, number>>;
};

export type RunFolder = {
  readonly path: string;
  readonly logs: string;
  file(...parts: string[]): string;
  read(): RunRecord | null;
  write(record: RunRecord): void;
  clear(): void;
};

export function openRunFolder(path: string): RunFolder {
  const recordFile = join(path, "run.json");
  return {
    path,
    logs: join(path, "logs"),
    file: (...parts) => {
      mkdirSync(join(path, ...parts.slice(0, -1)), { recursive: true });
      return join(path, ...parts);
    },
    read: () => {
      if (!existsSync(recordFile)) return null;
      try {
        return JSON.parse(readFileSync(recordFile, "utf8")) as RunRecord;
      } catch {
        return null;
      }
    },
    write: (record) => {
      mkdirSync(path, { recursive: true });
      writeFileSync(`${recordFile}.new`, `${JSON.stringify(record, null, 2)}\n`);
      renameSync(`${recordFile}.new`, recordFile);
    },
    clear: () => rmSync(recordFile, { force: true }),
  };
}

/** Pids of a record that still live: a run in progress, or what a killed supervisor left behind. */
export function livingOf(record: RunRecord | null): { supervisor: boolean; children: [string, number][] } {
  if (record === null) return { supervisor: false, children: [] };
  return {
    supervisor: isAlive(record.pid),
    children: Object.entries(record.children).filter(([, pid]) => isAlive(pid)),
  };
}
