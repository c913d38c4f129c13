/** The end of a run that is judged: what is under way settles, and the report is written. */
import { rmSync, statSync, writeFileSync } from "node:fs";
import type { Bus } from "@slipstream/actor/bus";
import type { Markets } from "@slipstream/actor/markets";
import type { StartOptions } from "./commands/start.ts";
import type { Following } from "./follow.ts";
import { readPending } from "./readPending.ts";
import { fillLine } from "./replay/replay.ts";
import { type Audit, buildReport, type RunReport } from "./report.ts";
import { say } from "./say.ts";
import { settleAndAudit, settledPending } from "./settle.ts";
import type { Stack } from "./stack.ts";
import { sendFault } from "./worldClient.ts";

/** A run that failed has a report of what it came to, and says there why it ended; nothing more is waited for then. */
export async function finishRun(
  bus: Bus,
  {
    stack,
    following,
    markets,
    failed,
  }: {
    readonly stack: Stack;
    readonly following: Following;
    readonly markets: Markets;
    readonly failed: AbortSignal;
  },
  options: StartOptions,
): Promise<RunReport> {
  const failure = failed.reason instanceof Error ? [failed.reason.message] : [];
  say(
    failed.aborted
      ? "the run has failed: its report is of what it came to"
      : "the run ends: letting what is under way settle",
  );
  if (stack.sandboxUrl !== null && options.tape === null) {
    await sendFault(stack.sandboxUrl, { kind: "pauseActors", on: true }).catch((error: unknown) => {
      say(`the sandbox goes on trading: ${error instanceof Error ? error.message : String(error)}`);
    });
  }
  const quietMsMax = failed.aborted ? 0 : options.settings.SETTLE_SECONDS_MAX * 1_000;
  const found = await settleAndAudit(following.overview, stack.rpcHttpUrls, quietMsMax).catch(notAudited);
  const pending = await settledPending(following.overview, () => readPending(bus), quietMsMax);
  const { faults, errors } = stack.incidents();
  const report = buildReport(following.overview, found, {
    faults,
    errors: [...failure, ...errors, ...following.unreadable],
    isClosed: (tokenId) => markets.byToken.get(tokenId)?.closed === true,
    pending,
  });
  if (options.fillsFile !== null) {
    const lines = [...following.overview.executionFills.values()].map((fill) => `${fillLine(fill)}\n`);
    writeOrPrint("fills", options.fillsFile, lines.join(""));
  }
  if (options.reportFile !== null) writeOrPrint("report", options.reportFile, `${JSON.stringify(report, null, 2)}\n`);
  const { leaderFills, attempts, executionFills, missed, duplicated } = report;
  say(
    `${leaderFills} leader fills, ${attempts.trade} copied, ${attempts.skip} skipped, ${executionFills} fills of our own, missed ${missed}, duplicated ${duplicated}`,
  );
  for (const error of report.errors) say(`not well: ${error}`);
  return report;
}

/** A run that cannot ask the chain any more has a report all the same, and is not well. */
const notAudited = (error: unknown): Audit => ({
  missed: [`the chain could not be asked: ${error instanceof Error ? error.message : String(error)}`],
  phantom: [],
  duplicated: [],
});

/** What a run was for is not lost to a full disk. */
export function writeOrPrint(what: string, file: string, text: string): void {
  try {
    writeFileSync(file, text);
    say(`${what} written to ${file}`);
  } catch (error) {
    // Half of it would be taken for all; a device stays.
    if (statSync(file, { throwIfNoEntry: false })?.isFile() === true) rmSync(file, { force: true });
    say(`${file} could not be written (${error instanceof Error ? error.message : String(error)}), so the ${what}:`);
    process.stdout.write(text);
  }
}
