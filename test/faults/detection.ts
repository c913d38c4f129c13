/** Detection under every fault of its sources, one after the other and several at a time, judged by the chain. */
import { setTimeout as pause } from "node:timers/promises";
import { timerMs } from "@slipstream/actor/clock";
import type { Hash } from "@slipstream/contracts/ids";
import { createRandom } from "@slipstream/sandbox/actors/random";
import { until } from "@slipstream/testkit/until";
import { createInjector, type Injector } from "./inject.ts";
import { inFaultWorld } from "./inWorld.ts";
import { isClean, judge, type Verdict } from "./judge.ts";
import type { Log } from "./log.ts";
import { complaintsOf, type Latency, latencyOf, latencyRow, table, verdictRows } from "./measure.ts";
import { isQuiet, type PlanShape, planFaults } from "./plan.ts";
import { createTrader } from "./trader.ts";
import { readTruth } from "./truth.ts";
import type { FaultWorld, FaultWorldOptions } from "./world.ts";

export type DetectionOptions = {
  readonly seed: string;
  readonly shape: Omit<PlanShape, "nodes">;
  readonly blockTimeMs: number;
  /** Of leaders, on the chain at the end at least. */
  readonly fillsMin: number;
  readonly transactionsPerBlock: number;
  readonly leaders: number;
  readonly seenDeadlineMs: number;
  /** One market is unknown to the watcher, as long as registry is down. */
  readonly untold: boolean;
  readonly say: (line: string) => void;
};
export type DetectionResult = {
  readonly verdict: Verdict;
  readonly overall: Latency;
  readonly undisturbed: Latency;
  readonly done: Injector["done"];
  readonly text: string;
  readonly clean: boolean;
};

const NODES = 3;
const BEYOND_DEEPEST = 4;
/** Against hanging only. */
const SETTLE_MS_MAX = 300_000;

const depths = (deepest: number): number[] => Array.from({ length: deepest }, (_, n) => n + 1);

/** More than 5,000 fills, reorgs of each depth from 1 to 20. */
export const fullDetection: Omit<DetectionOptions, "seed" | "say"> = {
  shape: {
    calm: 20,
    hold: 10,
    every: 12,
    depths: depths(20),
    reorgEvery: 4,
    absence: { blocks: 45, quiet: 5 },
    mixed: 140,
    apiLateMs: 30_000,
  },
  ...{ blockTimeMs: 500, fillsMin: 5_000, transactionsPerBlock: 3, leaders: 24, seenDeadlineMs: 20_000, untold: false },
};
/** Each fault once. */
export const shortDetection: Omit<DetectionOptions, "seed" | "say"> = {
  shape: { calm: 8, hold: 5, every: 3, depths: [1, 8, 20], reorgEvery: 4, absence: null, mixed: 12, apiLateMs: 30_000 },
  ...{ blockTimeMs: 200, fillsMin: 300, transactionsPerBlock: 1, leaders: 12, seenDeadlineMs: 15_000, untold: false },
};

export async function runDetection(options: DetectionOptions): Promise<DetectionResult> {
  const { seed, shape, say } = options;
  const settings: FaultWorldOptions = {
    seed,
    leaders: options.leaders,
    nodes: NODES,
    untold: options.untold,
    finalityDepth: Math.max(...shape.depths) + BEYOND_DEEPEST,
    settings: {
      ...{ TRIGGER_MODE: "both", RTDS_ENABLED: "true", EXACT_COSTS: "true" },
      ...{ CHAIN_POLL_MS: "250", CHAIN_TIMEOUT_MS: "2000", CHAIN_PROGRESS_MS: "1000", GAP_BLOCKS: "40" },
      ...{ DATA_API_POLL_MS: "1000", DATA_API_REQUESTS_PER_SECOND: "20", DATA_API_OVERLAP_MS: "60000" },
      SEEN_DEADLINE_MS: String(options.seenDeadlineMs),
    },
  };
  return inFaultWorld(settings, say, (world, log) => runIn(world, log, options));
}

async function runIn(world: FaultWorld, log: Log, options: DetectionOptions): Promise<DetectionResult> {
  const { seed, shape, blockTimeMs, fillsMin, transactionsPerBlock, say } = options;
  const { chain, leaders } = world;
  const plan = planFaults(createRandom(`${seed}|plan`), { ...shape, nodes: NODES });
  const injector = createInjector(world, plan, createRandom(`${seed}|faults`));
  const random = createRandom(`${seed}|trades`);
  const trader = createTrader({ ...world, random, seed, leaderChance: 0.8 });
  const watcher = await world.startWatcher("one");
  await world.follow();
  await chain.mine();
  await until(() => log.joined() === leaders.length, { what: "all leaders to be followed" }).catch((cause) => {
    throw new Error(`the watcher does not follow:\n${watcher.outputTail()}`, { cause });
  });
  const fromBlock = (await chain.mine()).number;
  const undisturbed = new Set<Hash>();
  let dueMs = performance.now();
  let block = 0;
  while (block < plan.blocks || world.fills.ofLeaders().length < fillsMin) {
    if (watcher.exit() !== undefined) break;
    block += 1;
    if (!isQuiet(plan, block)) await trader.trade(transactionsPerBlock);
    const { txHashes } = await chain.mine();
    const isWell = await injector.at(block);
    if (isWell && block <= shape.calm) for (const txHash of txHashes) undisturbed.add(txHash);
    if (block % 50 === 0) say(`block ${block} of ${plan.blocks}, ${world.fills.ofLeaders().length} fills`);
    dueMs = Math.max(dueMs + blockTimeMs, performance.now());
    await pause(timerMs(dueMs - performance.now()));
  }
  injector.clear();
  const toBlock = chain.head().number;
  const endMs = performance.now();
  const isSettled = (): boolean => log.cursor() >= toBlock && log.open() === 0;
  while (!isSettled() && watcher.exit() === undefined && performance.now() - endMs < SETTLE_MS_MAX) {
    await chain.mine();
    await pause(Math.min(blockTimeMs, 200));
  }
  await log.caughtUp();
  const truth = await readTruth(chain.rpcHttpUrl, new Set(leaders.map(({ address }) => address)), {
    fromBlock,
    toBlock: chain.head().number,
  });
  const facts = log.stored.map(({ fact }) => fact);
  const verdict = judge(facts, truth);
  const overall = latencyOf(facts, world.minedMs, () => true);
  const calm = latencyOf(facts, world.minedMs, (txHash) => undisturbed.has(txHash));
  const { done, reorgs } = injector;
  const isRunning = watcher.exit() === undefined;
  if (!isRunning || !isClean(verdict)) say(watcher.outputTail());
  const text = table([
    ["seed", seed],
    ["blocks", `${toBlock - fromBlock + 1}, ${truth.length} fills of ${leaders.length} leaders`],
    ...verdictRows(verdict),
    ["faults", [...done].map(([kind, times]) => `${kind} ${times}`).join(", ")],
    ["reorgs", `deepest ${reorgs.depthMax}, ${reorgs.dropped} transactions never came back`],
    latencyRow("latency while all was well", calm),
    latencyRow("latency in all", overall),
    ["settled after the last fault", isSettled() ? `${Math.round((performance.now() - endMs) / 1_000)} s` : "NOT"],
  ]);
  for (const line of complaintsOf(verdict)) say(line);
  const clean = isClean(verdict) && isSettled() && isRunning && truth.length >= fillsMin;
  return { verdict, overall, undisturbed: calm, done, text, clean };
}
