/** Watchers that share the leaders: one is killed, one stopped for a while, one added, one ended. Judged by the chain. */
import { setTimeout as pause } from "node:timers/promises";
import type { RunningProcess } from "@slipstream/actor/process";
import { LEADER_SHARDS } from "@slipstream/contracts/ids";
import { createRandom } from "@slipstream/sandbox/actors/random";
import { until } from "@slipstream/testkit/until";
import { inFaultWorld } from "./inWorld.ts";
import { isClean, judge, type Verdict } from "./judge.ts";
import type { Log } from "./log.ts";
import { complaintsOf, latencyOf, latencyRow, table, verdictRows } from "./measure.ts";
import { ownersAt, shardsOf, type Takeover, takeoverOf } from "./takeover.ts";
import { createTrader } from "./trader.ts";
import { readTruth } from "./truth.ts";
import type { FaultWorld, FaultWorldOptions } from "./world.ts";

export type ReplicasOptions = {
  readonly seed: string;
  readonly leaders: number;
  readonly blockTimeMs: number;
  readonly transactionsPerBlock: number;
  /** Longer than a lease lives; it stays stopped until its shards have gone to others in any case. */
  readonly stoppedMs: number;
  /** Between two incidents, when all is well. */
  readonly restMs: number;
  /** Kill one and stop another at the same moment. */
  readonly together: boolean;
  readonly say: (line: string) => void;
};
export type ReplicasResult = {
  readonly verdict: Verdict;
  readonly takeovers: Readonly<Record<"killed" | "stopped" | "ended", Takeover>>;
  readonly text: string;
  /** Nothing wrong, whatever it took. */
  readonly clean: boolean;
  /** Each shard was owned again within TAKEOVER_MS_MAX: true of a machine that has time for it. */
  readonly inTime: boolean;
};

const TAKEOVER_MS_MAX = 15_000;
/** Of leaders, and the reading of heads. */
const SHARDS = LEADER_SHARDS + 1;
/** Against hanging only. */
const SETTLE_MS_MAX = 300_000;

export const fullReplicas: Omit<ReplicasOptions, "seed" | "say"> = {
  ...{ leaders: 300, blockTimeMs: 500, transactionsPerBlock: 2, stoppedMs: 20_000, restMs: 5_000, together: false },
};
export const shortReplicas: Omit<ReplicasOptions, "seed" | "say"> = {
  ...{ leaders: 80, blockTimeMs: 400, transactionsPerBlock: 1, stoppedMs: 0, restMs: 500, together: true },
};

export async function runReplicas(options: ReplicasOptions): Promise<ReplicasResult> {
  const { seed, leaders, say } = options;
  const settings: FaultWorldOptions = {
    ...{ seed, leaders, nodes: 2, finalityDepth: 8, untold: false },
    settings: {
      ...{ TRIGGER_MODE: "both", RTDS_ENABLED: "true", SEEN_DEADLINE_MS: "30000" },
      ...{ CHAIN_POLL_MS: "250", CHAIN_TIMEOUT_MS: "2000", CHAIN_PROGRESS_MS: "1000" },
      DATA_API_REQUESTS_PER_SECOND: "10",
    },
  };
  return inFaultWorld(settings, say, (world, log) => runIn(world, log, options));
}

async function runIn(world: FaultWorld, log: Log, options: ReplicasOptions): Promise<ReplicasResult> {
  const { seed, say } = options;
  const { chain, leaders } = world;
  const watchers: [RunningProcess, RunningProcess, RunningProcess] = await Promise.all([
    world.startWatcher("one"),
    world.startWatcher("two"),
    world.startWatcher("three"),
  ]);
  await world.follow();
  await chain.mine();
  await until(() => log.joined() === leaders.length && isShared(log, ["one", "two", "three"]), {
    what: "three watchers to share the leaders",
  });
  const fromBlock = (await chain.mine()).number;
  const trading = startTrading(world, options);
  let incidents: Incidents;
  try {
    incidents = await playIncidents({ world, log, watchers, options });
  } finally {
    await trading.stop();
  }
  const toBlock = chain.head().number;
  const endMs = performance.now();
  const isSettled = (): boolean => log.cursor() >= toBlock && log.open() === 0;
  while (!isSettled() && performance.now() - endMs < SETTLE_MS_MAX) {
    await chain.mine();
    await pause(100);
  }
  await log.caughtUp();
  const range = { fromBlock, toBlock: chain.head().number };
  const truth = await readTruth(chain.rpcHttpUrl, new Set(leaders.map(({ address }) => address)), range);
  const facts = log.stored.map(({ fact }) => fact);
  const verdict = judge(facts, truth);
  for (const line of complaintsOf(verdict)) say(line);
  const { killedMs, stoppedMs, endedMs, survivors } = incidents;
  const takeovers = {
    killed: takeoverOf(log.stored, "one", killedMs),
    stopped: takeoverOf(log.stored, "two", stoppedMs),
    ended: takeoverOf(log.stored, "three", endedMs),
  };
  const broken = survivors.filter((one) => one.exit() !== undefined);
  for (const one of broken) say(`${one.name} has ended by itself:\n${one.outputTail()}`);
  const text = table([
    ["seed", seed],
    ["leaders", `${leaders.length} in ${LEADER_SHARDS} shards, ${range.toBlock - fromBlock + 1} blocks`],
    ...verdictRows(verdict),
    takeoverRow("killed by -9", takeovers.killed),
    takeoverRow(`stopped for ${options.stoppedMs / 1_000} s or longer`, takeovers.stopped),
    takeoverRow("told to end", takeovers.ended),
    latencyRow(
      "latency in all",
      latencyOf(facts, world.minedMs, () => true),
    ),
    ["settled after the last incident", isSettled() ? `${Math.round((performance.now() - endMs) / 1_000)} s` : "NOT"],
  ]);
  const ends = Object.values(takeovers);
  const inTime = ends.every(({ slowestMs }) => slowestMs <= TAKEOVER_MS_MAX);
  const isOwned = ends.every(({ waiting }) => waiting.length === 0);
  const clean = isClean(verdict) && isSettled() && isOwned && broken.length === 0;
  return { verdict, takeovers, text, clean, inTime };
}

/** Fills go on, whatever happens. */
function startTrading(world: FaultWorld, options: ReplicasOptions): { stop(): Promise<void> } {
  const { seed, blockTimeMs, transactionsPerBlock } = options;
  const trader = createTrader({ ...world, random: createRandom(`${seed}|trades`), seed, leaderChance: 0.9 });
  let stopped = false;
  const run = async (): Promise<void> => {
    while (!stopped) {
      await Promise.all([pause(blockTimeMs), trader.trade(transactionsPerBlock).then(world.chain.mine)]);
    }
  };
  const running = run();
  return {
    stop: async () => {
      stopped = true;
      await running;
    },
  };
}

type Incidents = {
  readonly killedMs: number;
  readonly stoppedMs: number;
  readonly endedMs: number;
  /** Who must be alive at the end. */
  readonly survivors: readonly RunningProcess[];
};

async function playIncidents(stage: {
  readonly world: FaultWorld;
  readonly log: Log;
  readonly watchers: readonly [RunningProcess, RunningProcess, RunningProcess];
  readonly options: ReplicasOptions;
}): Promise<Incidents> {
  const { world, log, options } = stage;
  const { say } = options;
  const [one, two, three] = stage.watchers;
  const isTakenOver = (instance: string, sinceMs: number): Promise<unknown> =>
    until(() => takeoverOf(log.stored, instance, sinceMs).waiting.length === 0, {
      what: `the shards of ${instance} to be taken over`,
    });
  const isSharedBy = (instances: readonly string[]): Promise<unknown> =>
    until(() => isShared(log, instances), { what: `${instances.join(", ")} to share` });

  await pause(options.restMs);
  const killedMs = Date.now();
  say("one is killed");
  await one.kill9();
  if (!options.together) {
    await isTakenOver("one", killedMs);
    await pause(options.restMs);
  }
  const stoppedMs = Date.now();
  say("two is stopped");
  two.child.kill("SIGSTOP");
  await Promise.all([pause(options.stoppedMs), isTakenOver("one", killedMs), isTakenOver("two", stoppedMs)]);
  two.child.kill("SIGCONT");
  say("two goes on");
  await isSharedBy(["two", "three"]);
  await pause(options.restMs);
  say("four comes");
  const four = await world.startWatcher("four");
  await isSharedBy(["two", "three", "four"]);
  await pause(options.restMs);
  const endedMs = Date.now();
  say("three is told to end");
  await three.terminate();
  await isTakenOver("three", endedMs);
  await isSharedBy(["two", "four"]);
  await pause(options.restMs);
  return { killedMs, stoppedMs, endedMs, survivors: [two, four] };
}

/** Each of them has its share, and nobody else anything. */
function isShared(log: Log, instances: readonly string[]): boolean {
  const owners = ownersAt(log.stored);
  const least = Math.floor(SHARDS / instances.length);
  const held = instances.map((instance) => shardsOf(owners, instance).length);
  return owners.size === SHARDS && held.every((count) => count >= least) && held.reduce((a, b) => a + b) === SHARDS;
}

const takeoverRow = (name: string, { shards, waiting, slowestMs, medianMs }: Takeover): [string, string] => [
  `takeover, ${name}`,
  `${shards} shards, the slowest after ${(slowestMs / 1_000).toFixed(1)} s, half of them after ` +
    `${(medianMs / 1_000).toFixed(1)} s${waiting.length === 0 ? "" : `, NOT: ${waiting.join(" ")}`}`,
];
