/** The folder of one local run: the bus's store, the logs, and who is running. */
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { birthOf, isAlive } from "@slipstream/actor/process";
import { ContractError } from "@slipstream/contracts/errors";

export type RunRecord = {
  /** null: not known yet. */
  readonly natsUrl: string | null;
  /** Control address of the sandbox; null with the real venue. */
  readonly sandboxUrl: string | null;
  /** The supervisor. */
  readonly pid: number;
  /** Everything it started and that runs, by name. */
  readonly children: Readonly<Record<string, number>>;
};

/** As it stands in the file: with what tells each process from a later one of the same id. */
type StoredRecord = RunRecord & { readonly births: Readonly<Record<string, string | null>> };

export type RunFolder = {
  readonly path: string;
  readonly logs: string;
  file(...parts: string[]): string;
  read(): StoredRecord | null;
  /**
   * Makes the folder this process's, so that no other run begins in it.
   * @throws ContractError CONFIG_INVALID when another process was quicker.
   */
  claim(record: RunRecord): void;
  /** Writes what has changed. @throws what the file system says. */
  write(record: RunRecord): void;
  clear(): void;
};

export function openRunFolder(path: string): RunFolder {
  const recordFile = join(path, "run.json");
  const read = (): StoredRecord | null => {
    if (!existsSync(recordFile)) return null;
    try {
      return JSON.parse(readFileSync(recordFile, "utf8")) as StoredRecord;
    } catch {
      return null;
    }
  };
  const prepare = (record: RunRecord): string => {
    mkdirSync(path, { recursive: true });
    const file = `${recordFile}.${record.pid}`;
    const pids = [record.pid, ...Object.values(record.children)];
    const births = Object.fromEntries(pids.map((pid) => [pid, birthOf(pid)]));
    writeFileSync(file, `${JSON.stringify({ ...record, births } satisfies StoredRecord, null, 2)}\n`);
    return file;
  };
  return {
    path,
    logs: join(path, "logs"),
    file: (...parts) => {
      mkdirSync(join(path, ...parts.slice(0, -1)), { recursive: true });
      return join(path, ...parts);
    },
    read,
    claim: (record) => {
      const file = prepare(record);
      try {
        const before = read();
        if (livingOf(before).supervisor) throw runningAlready(before?.pid ?? 0);
        rmSync(recordFile, { force: true });
        // Unlike a rename it does not replace what somebody else has put there in between.
        linkSync(file, recordFile);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EEXIST") throw runningAlready(read()?.pid ?? 0);
        throw error;
      } finally {
        rmSync(file, { force: true });
      }
    },
    write: (record) => renameSync(prepare(record), recordFile),
    clear: () => rmSync(recordFile, { force: true }),
  };
}

const runningAlready = (pid: number): ContractError =>
  new ContractError(
    "CONFIG_INVALID",
    `Slipstream is running already (process ${pid}). Look at it with: npm run slipstream -- status. Stop it with Ctrl-C in its terminal.`,
  );

/** Pids of a record that still live: a run in progress, or what a killed supervisor left behind. */
export function livingOf(record: StoredRecord | null): { supervisor: boolean; children: [string, number][] } {
  if (record === null) return { supervisor: false, children: [] };
  // Ids are given again: another program that has one of ours now is neither a run nor to be ended.
  const lives = (pid: number): boolean => {
    const birth = record.births?.[pid] ?? null;
    return isAlive(pid) && (birth === null || birth === birthOf(pid));
  };
  return {
    supervisor: lives(record.pid),
    children: Object.entries(record.children).filter(([, pid]) => lives(pid)),
  };
}
