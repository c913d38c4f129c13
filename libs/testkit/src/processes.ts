/** What tests started and must leave behind them: nothing. Processes and folders made here are counted. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAlive, type ProcessOptions, type RunningProcess, startProcess } from "@slipstream/actor/process";

const processes = new Set<RunningProcess>();
const folders = new Set<string>();

/** `startProcess`, counted by `expectNoLeaks`. */
export async function startCounted(options: ProcessOptions): Promise<RunningProcess> {
  const running = await startProcess(options);
  processes.add(running);
  return running;
}

/** Makes an empty folder below the system's temporary one, counted by `expectNoLeaks`; end it by `removeFolder`. */
export function makeFolder(purpose: string): string {
  const folder = mkdtempSync(join(tmpdir(), `slipstream-${purpose}-`));
  folders.add(folder);
  return folder;
}

/** Removes a folder of `makeFolder` with all that is in it; harmless when it is gone. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

/**
 * For `afterAll`: every process started in this test file is gone and every folder removed. What is left is ended
 * first, so that one leak does not disturb the next file.
 * @throws Error that lists the leaks.
 */
export async function expectNoLeaks(): Promise<void> {
  const leaks: string[] = [];
  for (const running of processes) {
    if (running.exit() === undefined && isAlive(running.pid)) {
      leaks.push(`process ${running.name} (${running.pid})`);
      await running.kill9();
    }
  }
  for (const folder of folders) {
    if (existsSync(folder)) {
      leaks.push(`folder ${folder}`);
      removeFolder(folder);
    }
  }
  processes.clear();
  folders.clear();
  if (leaks.length > 0) throw new Error(`left behind: ${leaks.join(", ")}`);
}
