/** A run on a disk of its own that becomes full: nothing is traded, nothing ends, and it goes on when there is room. */
import { spawnSync } from "node:child_process";
import { appendFileSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { expectNoLeaks, makeFolder, removeFolder } from "@slipstream/testkit/processes";
import { afterAll, afterEach, expect, test } from "vitest";
import { endRun, inRun, type Run, slipstream, startRun } from "./kit.ts";
import { type Log, readLog } from "./log.ts";

const disks: string[] = [];
/** A small disk in memory, where this user may mount one. */
function mountDisk(sizeMb: number): string | null {
  const folder = makeFolder("disk");
  const options = ["-t", "tmpfs", "-o", `size=${sizeMb}m`, "tmpfs", folder];
  if (process.platform === "linux" && spawnSync("mount", options).status === 0) {
    disks.push(folder);
    return folder;
  }
  removeFolder(folder);
  return null;
}
function unmount(folder: string): void {
  spawnSync("umount", ["--lazy", folder]);
  removeFolder(folder);
}
const canMount = ((): boolean => {
  const folder = mountDisk(1);
  if (folder !== null) unmount(folder);
  return folder !== null;
})();

afterEach(() => {
  for (const folder of disks.splice(0)) unmount(folder);
});
afterAll(expectNoLeaks);

const MB = 1_000_000;
const NEEDED_MB = 24;
const env = { SANDBOX_PACE: "fast", STORE_FREE_MB_MIN: String(NEEDED_MB) };

const freeMb = (folder: string): number => {
  const { bavail, bsize } = statfsSync(folder);
  return (bavail * bsize) / MB;
};
/** Leaves so much on the disk; 0: not a byte. */
function fill(folder: string, leaveMb: number): void {
  const file = join(folder, "filler");
  try {
    while (freeMb(folder) > leaveMb + 1) appendFileSync(file, Buffer.alloc(MB));
    while (leaveMb === 0) appendFileSync(file, Buffer.alloc(512));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
}
const empty = (folder: string): void => rmSync(join(folder, "filler"));

const trades = (run: Run, log: Log, what: string) => async (): Promise<void> => {
  const seq = await log.end();
  await inRun(run, () => log.since(seq, "OrderIntent").length > 0, what);
};
const statusIs = (run: Run, pattern: RegExp) =>
  inRun(run, async () => pattern.test((await slipstream(run, "status")).text), `status ${pattern}`);

test.runIf(canMount)(
  "a disk that fills up halts trading with the numbers, and trading goes on when there is room",
  async () => {
    const home = mountDisk(256) ?? "";
    const run = await startRun(["start", "--for", "60m"], env, home);
    try {
      await run.pid("executor");
      expect(run.output()).toMatch(
        /disk of .*: \d+ MB free; log and states grow to \d+ MB at most.* It may become full/,
      );
      const log = await readLog(run.natsUrl());
      try {
        await trades(run, log, "trading")();
        // While there is some room the log has the halt.
        fill(home, NEEDED_MB / 2);
        const isHalt = ({ level }: { level: string }): boolean => level === "halt";
        const start = await log.end();
        await inRun(run, () => log.since(start, "RiskDecision").some(isHalt), "risk's halt");
        await statusIs(run, /^risk HALT: DISK_FULL \(\d+ MB free where the log is, 24 MB needed\)/m);
        const halted = await log.end();
        await inRun(run, () => log.since(halted, "ExecutionAttempt").length > 0, "a fill that is not copied");
        expect(log.since(halted, "OrderIntent")).toEqual([]);
        // Without any, no fact is taken.
        fill(home, 0);
        await statusIs(run, /^risk HALT: DISK_FULL/m);
        await inRun(run, async () => !(await takesFacts(run)), "a log that takes nothing");
        await statusIs(run, /^risk HALT: DISK_FULL/m);
        empty(home);
        await inRun(run, () => takesFacts(run), "a log that takes facts again");
        await trades(run, log, "trading after the full disk")();
        await statusIs(run, /^risk NORMAL/m);
      } finally {
        await log.stop();
      }
      expect(await endRun(run), run.output()).toMatchObject({ missed: 0, duplicated: 0 });
    } finally {
      await run.clean();
    }
  },
);

/** By a person's command, which changes nothing where nobody is halted. */
async function takesFacts(run: Run): Promise<boolean> {
  const { code } = await slipstream(run, "resume", "--account", "paper");
  return code === 0;
}

test.runIf(canMount)("a run that ends on a full disk has its report all the same", async () => {
  const home = mountDisk(256) ?? "";
  const run = await startRun(["start", "--for", "60m"], { ...env, SETTLE_SECONDS_MAX: "5" }, home);
  try {
    await run.pid("executor");
    const log = await readLog(run.natsUrl());
    await trades(run, log, "trading")();
    await log.stop();
    fill(home, 0);
    await statusIs(run, /^risk HALT: DISK_FULL/m);
    fill(home, 0);
    process.kill(run.process.pid, "SIGINT");
    await run.exitCode();
    // Whoever ends leaves some room, so it may be in its place; else it is printed.
    // Of what is printed only the end is kept here.
    const printed = /"faults": \[[\s\S]*"errors": \[/.test(run.output());
    if (!printed) expect(run.report().leaderFills, run.output()).toBeGreaterThan(0);
  } finally {
    await run.clean();
  }
});

test.runIf(canMount)("a start without enough room says how much there is and how much is needed", async () => {
  const home = mountDisk(16) ?? "";
  const run = await startRun(["start", "--for", "60m"], env, home);
  expect(await run.exitCode()).toBe(1);
  expect(run.output()).toMatch(
    /too little room to start. disk of .*: \d+ MB free.* below 24 MB free \(STORE_FREE_MB_MIN\)/,
  );
  await run.clean();
});
