/** `slipstream start`: everything on this machine, with a live view; ends by Ctrl-C or after `--for`. */
import type { Bus } from "@slipstream/actor/bus";
import { timerMs } from "@slipstream/actor/clock";
import { type Markets, watchMarkets } from "@slipstream/actor/markets";
import { endProcess } from "@slipstream/actor/process";
import { startProvisioner } from "@slipstream/actor/provisioner";
import { ContractError } from "@slipstream/contracts/errors";
import type { Address } from "@slipstream/contracts/ids";
import type { Pending } from "@slipstream/contracts/live";
import pino from "pino";
import type { CliSettings } from "../config.ts";
import { addLeader, type LeaderRow, listLeaders, seedAccount } from "../configBucket.ts";
import { connectCli } from "../connection.ts";
import { defaultAccount } from "../defaults.ts";
import { finishRun } from "../finishRun.ts";
import { followLog } from "../follow.ts";
import { fitHeight, renderLiveView } from "../liveView.ts";
import { checkOutput, makeHome } from "../outputFile.ts";
import { readPending } from "../readPending.ts";
import { isGood, type RunReport } from "../report.ts";
import { livingOf, type RunFolder } from "../runFolder.ts";
import { say } from "../say.ts";
import type { Environment } from "../serviceEnv.ts";
import { type Stack, startStack, type TapeWorld } from "../stack.ts";

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
/** What a killed run left behind may take so long to save what it has. */
const LEFT_BEHIND_MS = 20_000;
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
  await takeFolder(folder);
  try {
    return await runTaken(options);
  } finally {
    folder.clear();
  }
}

/** As `runStart`, in a folder that is this run's. */
async function runTaken(options: StartOptions): Promise<number> {
  let fatal: Error | null = null;
  const failed = new AbortController();
  const stack = await startStack({
    ...options,
    say,
    onFatal: (error) => {
      fatal = error;
      failed.abort(error);
    },
  });
  try {
    const bus = await connectCli({ urls: [stack.natsUrl], withinMs: BUS_READY_MS });
    try {
      const report = await runServices(bus, stack, options, failed.signal);
      if (fatal !== null) throw fatal;
      return report === null || isGood(report) ? 0 : 1;
    } finally {
      await bus.drain();
    }
  } finally {
    await endStack(stack);
  }
}

/** @returns null when the run ended before its time or has none. */
async function runServices(
  bus: Bus,
  stack: Stack,
  options: StartOptions,
  failed: AbortSignal,
): Promise<RunReport | null> {
  const provisioner = await startProvisioner({ bus, logger: pino({ level: "silent" }), say });
  const stopDisk = stack.watchDisk(bus);
  try {
    return await runProvisioned(bus, stack, options, failed);
  } finally {
    stopDisk();
    await provisioner.stop();
  }
}

/** As `runServices`, on a bus that has everything and keeps it. */
async function runProvisioned(
  bus: Bus,
  stack: Stack,
  options: StartOptions,
  failed: AbortSignal,
): Promise<RunReport | null> {
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
  const report = isJudged ? await finishRun(bus, { stack, following, markets, failed }, options) : null;
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

/**
 * Makes the folder this run's, when no other is in progress and nothing of a killed one is left: what is left is ended, and
 * waited for, as it may be writing what this run is about to read.
 * @throws ContractError CONFIG_INVALID when a run of this folder is in progress.
 */
async function takeFolder(folder: RunFolder): Promise<void> {
  const { children } = livingOf(folder.read());
  folder.claim({ natsUrl: null, sandboxUrl: null, pid: process.pid, children: {} });
  await Promise.all(
    children.map(async ([name, pid]) => {
      say(`ending ${name}, left behind by a run that was killed`);
      await endProcess(pid, LEFT_BEHIND_MS);
    }),
  );
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

async function endStack(stack: Stack): Promise<void> {
  say("draining services");
  const killed = await stack.stop(DRAIN_MS);
  if (killed.length > 0) say(`had to be killed: ${killed.join(", ")} (nothing is lost: the log has every fact)`);
  say(`saved: the log, positions and configuration in ${stack.shownHome}; the next start goes on from there`);
}
