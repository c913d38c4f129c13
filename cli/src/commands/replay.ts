/** `slipstream replay TAPE …` */
import { writeFileSync } from "node:fs";
import { ContractError } from "@slipstream/contracts/errors";
import type { Address } from "@slipstream/contracts/ids";
import { loadTape } from "@slipstream/sandbox/tape/format";
import { defaultAccount } from "../defaults.ts";
import { checkOutput } from "../outputFile.ts";
import { countLines, eventLine } from "../replay/eventLog.ts";
import { fillLine, replay } from "../replay/replay.ts";
import { isGood } from "../report.ts";

export type ReplayOptions = {
  readonly tape: string | undefined;
  readonly leaders: readonly Address[];
  readonly latencyMs: number | null;
  /** Only so much of the tape's time; null: all of it. */
  readonly forMs: number | null;
  readonly reportFile: string | null;
  readonly fillsFile: string | null;
  readonly eventsFile: string | null;
};

/** @returns 0 when nothing was missed or doubled and the positions agree with the paper ledger. */
export async function runReplay(options: ReplayOptions): Promise<number> {
  if (options.tape === undefined)
    throw new ContractError("CONFIG_INVALID", "replay needs a tape: slipstream replay TAPE");
  checkOutput("--report", options.reportFile);
  checkOutput("--fills-out", options.fillsFile);
  checkOutput("--events-out", options.eventsFile);
  const whole = await loadTape(options.tape, { onTruncated: console.error });
  const endMs = options.forMs === null ? Number.POSITIVE_INFINITY : (whole[0]?.t ?? 0) + options.forMs;
  const tape = whole.filter(({ t }) => t <= endMs);
  const submitLatencyMs = options.latencyMs ?? defaultAccount.submitLatencyMs;
  const startedMs = performance.now();
  const result = replay({ tape, leaders: options.leaders, account: { ...defaultAccount, submitLatencyMs } });
  const seconds = (performance.now() - startedMs) / 1_000;
  for (const line of result.assumed) console.error(`assumed, as the tape does not say: ${line}`);
  const { report, proofs, counts, lateFrames, assumed } = result;
  if (options.fillsFile !== null)
    writeFileSync(options.fillsFile, result.fills.map((fill) => `${fillLine(fill)}\n`).join(""));
  if (options.eventsFile !== null)
    writeFileSync(options.eventsFile, result.events.map((event) => `${eventLine(event)}\n`).join(""));
  if (options.reportFile !== null) {
    const whole = { ...report, replay: { ...counts, lateFrames, assumed } };
    writeFileSync(options.reportFile, `${JSON.stringify(whole, null, 2)}\n`);
  }
  console.error(
    `${tape.length} records in ${seconds.toFixed(2)} s; books proved by hash ${proofs.passed} times, not ${proofs.failed} times; ${lateFrames} frames came late`,
  );
  console.error(
    `${report.leaderFills} leader fills, ${report.attempts.trade} copied, ${report.attempts.skip} skipped, ${report.executionFills} fills of our own, missed ${report.missed}, duplicated ${report.duplicated}`,
  );
  for (const line of countLines(counts)) console.error(line);
  for (const error of report.errors) console.error(`not well: ${error}`);
  return isGood(report) ? 0 : 1;
}
