/** `slipstream start`: everything on this machine, with a live view; ends by Ctrl-C or after `--for`. */
import { writeFileSync } from "node:fs";
import type { Bus } from "@slipstream/actor/bus";
import { timerMs } from "@slipstream/actor/clock";
import { type Markets, watchMarkets } from "@slipstream/actor/markets";
import { provision } from "@slipstream/actor/provision";
import { ContractError } from "@slipstream/contracts/errors";
import type { Address } from "@slipstream/contracts/ids";
import type { Pending } from "@slipstream/contracts/live";
import pino from "pino";
import type { CliSettings } from "../config.ts";
import { addLeader, type LeaderRow, listLeaders, seedAccount } from "../configBucket.ts";
import { connectCli } from "../connection.ts";
import { defaultAccount } from "../defaults.ts";
import { followLog } from "../follow.ts";
import { fitHeight, renderLiveView } from "../liveView.ts";
import { checkOutput, makeHome } from "../outputFile.ts";
import { readPending } from "../readPending.ts";
import { fillLine } from "../replay/replay.ts";
import { buildReport, isGood, type RunReport } from "../report.ts";
import { livingOf, type RunFolder } from "../runFolder.ts";
import type { Environment } from "../serviceEnv.ts";
import { settleAndAudit, settledPending } from "../settle.ts";
import { type Stack, startStack, type TapeWorld } from "../stack.ts";
import { sendFault } from "../worldClient.ts";

export type StartOptions = {
  /** Served in place of a venue; its leaders are followed unless some are named. */
  readonly tape: TapeWorld | null;
  /** Real wallets; empty: the sandbox. */
  readonly leaders: readonly Address[];
  readonly forMs: number | null;
  readonly reportFile: string | null;
  /** Our own fills, one line each as replay writes them. */
  readonly fillsFile: string | null;
  readonly settings: CliSettings;
  readonly folder: RunFolder;
  readonly env: Environment;
  /** Ends the run early; Ctrl-C. */
  readonly signal: AbortSignal;
};

/** Services drain within this, so that Ctrl-C takes less than ten seconds. */
const DRAIN_MS = 8_000;
/** The bus was started with everything else of the run. */
const BUS_READY_MS = 30_000;
const REPAINT_MS = 500;
const PLAIN_EVERY_MS = 5_000;
const PENDING_EVERY_MS = 2_500;
const ROWS = 8;

/** @returns the exit code: 0 when the run ended well and, with `--for`, agrees with the chain. */
export async function runStart(options: StartOptions): Promise<number> {
  const { settings, folder } = options;
  if (settings.EXECUTION_MODE === "live") {
    throw new ContractError("CONFIG_INVALID", "EXECUTION_MODE=live: live trading is not built yet. Allowed: paper.");
  }
  checkOutput("--report", options.reportFile);
  checkOutput("--fills-out", options.fillsFile);
  makeHome(folder.path);
  refuseSecondRun(folder);
  let fatal: Error | null = null;
  const failed = new AbortController();
  const stack = await startStack({
    ...options,
    say,
    onFatal: (error) => {
      fatal = error;
      failed.abort();
    },
  });
  try {
    const bus = await connectCli(stack.natsUrl, BUS_READY_MS);
    try {
      const report = await runServices(bus, stack, options, failed.signal);
      if (fatal !== null) throw fatal;
      return report === null || isGood(report) ? 0 : 1;
    } finally {
      await bus.drain();
    }
  } finally {
    await endStack(stack, folder);
  }
}

/** @returns null when the run ended before its time or has none. */
async function runServices(
  bus: Bus,
  stack: Stack,
  options: StartOptions,
  failed: AbortSignal,
): Promise<RunReport | null> {
  await provision(bus.jsm);
  await seedAccount(bus, defaultAccount);
  const known = await listLeaders(bus);
  const isNamed = options.leaders.length > 0;
  for (const { address, label } of toFollow(stack.leaders, known, isNamed)) {
    await addLeader(bus, address, { label, follow: null });
  }
  for (const line of [...besidesLines(stack.leaders, known), ...(isNamed ? [] : removedLines(stack.leaders, known))]) {
    say(line);
  }
  await stack.startServices();
  const isJudged = options.forMs !== null || options.reportFile !== null || options.fillsFile !== null;
  const following = await followLog(bus, stack.worldMs, isJudged ? "all" : "recent");
  const markets = await watchMarkets(bus, pino({ level: "silent" }));
  const view = showView(bus, stack, following.overview, markets);
  try {
    await waitForEnd(options, failed);
  } finally {
    view.stop();
  }
  const report =
    options.forMs === null || failed.aborted ? null : await finish(bus, stack, following, markets, options);
  await markets.stop();
  await following.stop();
  return report;
}

type Told = { readonly address: Address };

/**
 * Whom a run begins to follow. Who is followed already keeps the label a person gave him, and whom a person removed stays
 * removed, unless a person names him now.
 */
export const toFollow = <T extends Told>(told: readonly T[], known: readonly LeaderRow[], isNamed: boolean): T[] =>
  told.filter(({ address }) => {
    const row = known.find(({ leader }) => leader === address);
    return row === undefined || (isNamed && row.whenRemoved !== null);
  });

/** Leaders of the local world whom a person removed. */
export const removedLines = (told: readonly Told[], known: readonly LeaderRow[]): string[] =>
  known
    .filter(({ leader, whenRemoved }) => whenRemoved !== null && told.some(({ address }) => address === leader))
    .map(({ leader }) => `removed before, so not followed: ${leader}; npm run slipstream -- leaders add ${leader}`);

/** Whom a run follows that it was not told to, from an earlier one in the same folder. */
export const besidesLines = (told: readonly Told[], known: readonly LeaderRow[]): string[] =>
  known
    .filter(({ leader, whenRemoved }) => whenRemoved === null && !told.some(({ address }) => address === leader))
    .map(({ leader, label }) => {
      const who = label === "" ? leader : `${leader} (${label})`;
      return `still followed from before: ${who}; to end it: npm run slipstream -- leaders remove ${leader}`;
    });

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** @throws ContractError when a run of this folder is in progress. */
function refuseSecondRun(folder: RunFolder): void {
  const record = folder.read();
  const { supervisor, children } = livingOf(record);
  if (supervisor) {
    throw new ContractError(
      "CONFIG_INVALID",
      `Slipstream is running already (process ${record?.pid}). Look at it with: npm run slipstream -- status. Stop it with Ctrl-C in its terminal.`,
    );
  }
  for (const [name, pid] of children) {
    say(`ending ${name}, left behind by a run that was killed`);
    process.kill(pid, "SIGTERM");
  }
}

function waitForEnd({ forMs, signal }: StartOptions, failed: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = forMs === null ? undefined : setTimeout(resolve, timerMs(forMs));
    // A timer left behind would keep the process for the rest of the time.
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    for (const source of [signal, failed]) {
      if (source.aborted) end();
      source.addEventListener("abort", end, { once: true });
    }
  });
}

function showView(
  bus: Bus,
  stack: Stack,
  overview: Parameters<typeof renderLiveView>[0],
  markets: Markets,
): { stop(): void } {
  const painted = process.stdout.isTTY === true;
  let pending: Pending | null | undefined;
  const asked = setInterval(async () => {
    pending = await readPending(bus);
  }, PENDING_EVERY_MS);
  const paint = (): void => {
    const text = renderLiveView(overview, {
      nowMs: stack.worldMs(Date.now()),
      wallMs: Date.now(),
      width: process.stdout.columns ?? 140,
      rows: ROWS,
      market: (tokenId) => markets.byToken.get(tokenId),
      ...(pending === undefined ? {} : { pending }),
      title: `Slipstream · ${stack.title} · logs in ${stack.shownLogs} · Ctrl-C ends`,
    });
    process.stdout.write(painted ? `\x1b[H\x1b[2J${fitHeight(text, process.stdout.rows)}\n` : `${text}\n\n`);
  };
  const timer = setInterval(paint, painted ? REPAINT_MS : PLAIN_EVERY_MS);
  return {
    stop: () => {
      clearInterval(timer);
      clearInterval(asked);
      paint();
    },
  };
}

async function finish(
  bus: Bus,
  stack: Stack,
  following: Awaited<ReturnType<typeof followLog>>,
  markets: Markets,
  options: StartOptions,
): Promise<RunReport> {
  say("time is over: letting what is under way settle");
  if (stack.sandboxUrl !== null && options.tape === null)
    await sendFault(stack.sandboxUrl, { kind: "pauseActors", on: true });
  const quietMsMax = options.settings.SETTLE_SECONDS_MAX * 1_000;
  const found = await settleAndAudit(following.overview, stack.rpcHttpUrls, quietMsMax);
  const pending = await settledPending(following.overview, () => readPending(bus), quietMsMax);
  const { faults, errors } = stack.incidents();
  const report = buildReport(following.overview, found, {
    faults,
    errors: [...errors, ...following.unreadable],
    isClosed: (tokenId) => markets.byToken.get(tokenId)?.closed === true,
    pending,
  });
  if (options.fillsFile !== null) {
    const lines = [...following.overview.executionFills.values()].map((fill) => `${fillLine(fill)}\n`);
    writeFileSync(options.fillsFile, lines.join(""));
  }
  if (options.reportFile !== null) {
    writeFileSync(options.reportFile, `${JSON.stringify(report, null, 2)}\n`);
    say(`report written to ${options.reportFile}`);
  }
  const { leaderFills, attempts, executionFills, missed, duplicated } = report;
  say(
    `${leaderFills} leader fills, ${attempts.trade} copied, ${attempts.skip} skipped, ${executionFills} fills of our own, missed ${missed}, duplicated ${duplicated}`,
  );
  for (const error of report.errors) say(`not well: ${error}`);
  return report;
}

async function endStack(stack: Stack, folder: RunFolder): Promise<void> {
  say("draining services");
  const killed = await stack.stop(DRAIN_MS);
  if (killed.length > 0) say(`had to be killed: ${killed.join(", ")} (nothing is lost: the log has every fact)`);
  say(`saved: the log, positions and configuration in ${stack.shownHome}; the next start goes on from there`);
  folder.clear();
}
