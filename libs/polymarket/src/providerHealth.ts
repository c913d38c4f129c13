/**
 * What is known of one provider of nodes, and how good it is. Pure: times come in, nothing is asked.
 *
 * 1. LAGGING: its head has been too far behind the best one for some time, or went back further than a reorg goes. It
 *    lasts at least `lagHoldMs`, so that an address with several nodes behind it does not flicker.
 * 2. FAILING: several failures in a row. It rests, longer each time, and then may be tried once.
 * 3. QUARANTINED: it lied. Each further lie doubles the time.
 */

export type ProviderState = "HEALTHY" | "LAGGING" | "FAILING" | "QUARANTINED";

export type HealthPolicy = {
  /** Blocks behind the best head that are usual. */
  readonly lagBlocksMax: number;
  /** How long it may be further behind. */
  readonly lagMs: number;
  readonly lagHoldMs: number;
  /** The deepest reorg: a head may go back so far. */
  readonly reorgBlocksMax: number;
  /** Failures in a row that make it FAILING. */
  readonly failuresMax: number;
  readonly restFirstMs: number;
  readonly restMsMax: number;
  readonly quarantineFirstMs: number;
  readonly quarantineMsMax: number;
  /** Without a lie for so long, the next one counts as the first. */
  readonly liesForgottenMs: number;
};

/** A block takes 1.5 to 2 s; reorgs of more than some 30 blocks have not been seen since finality takes seconds. */
export const healthPolicy: HealthPolicy = {
  lagBlocksMax: 8,
  lagMs: 10_000,
  lagHoldMs: 30_000,
  reorgBlocksMax: 64,
  failuresMax: 3,
  restFirstMs: 2_000,
  restMsMax: 60_000,
  quarantineFirstMs: 60_000,
  quarantineMsMax: 3_600_000,
  liesForgottenMs: 6 * 3_600_000,
};

/** Steady times in ms. */
export type ProviderHealth = {
  /** The last head it said. */
  readonly head: number | null;
  readonly headAtMs: number;
  /** Behind the best head for longer than usual since. */
  readonly behindSinceMs: number | null;
  readonly laggingUntilMs: number | null;
  readonly failuresInRow: number;
  /** Failures, each worth less the longer ago. */
  readonly recentFailures: number;
  readonly failedAtMs: number;
  /** FAILING: not tried before. */
  readonly restsUntilMs: number;
  readonly latencyMs: number | null;
  readonly lies: number;
  readonly liedAtMs: number;
  readonly quarantinedUntilMs: number | null;
};

export const unknownHealth: ProviderHealth = {
  head: null,
  headAtMs: 0,
  behindSinceMs: null,
  laggingUntilMs: null,
  failuresInRow: 0,
  recentFailures: 0,
  failedAtMs: 0,
  restsUntilMs: 0,
  latencyMs: null,
  lies: 0,
  liedAtMs: 0,
  quarantinedUntilMs: null,
};

const LATENCY_WEIGHT = 0.2;
const FAILURE_HALF_LIFE_MS = 30_000;

export const stateOf = (health: ProviderHealth, policy: HealthPolicy, nowMs: number): ProviderState => {
  if (health.quarantinedUntilMs !== null && nowMs < health.quarantinedUntilMs) return "QUARANTINED";
  if (health.failuresInRow >= policy.failuresMax) return "FAILING";
  return health.laggingUntilMs === null ? "HEALTHY" : "LAGGING";
};

/** @param tookMs - of one small call; null: not measured, or not to be compared. */
export function afterAnswer(health: ProviderHealth, tookMs: number | null): ProviderHealth {
  const before = health.latencyMs;
  const latencyMs = tookMs === null ? before : before === null ? tookMs : before + LATENCY_WEIGHT * (tookMs - before);
  return { ...health, failuresInRow: 0, latencyMs };
}

export function afterFailure(health: ProviderHealth, policy: HealthPolicy, nowMs: number): ProviderHealth {
  const failuresInRow = health.failuresInRow + 1;
  const rests = Math.min(policy.restMsMax, policy.restFirstMs * 2 ** Math.min(failuresInRow - policy.failuresMax, 30));
  return {
    ...health,
    failuresInRow,
    recentFailures: failuresNow(health, nowMs) + 1,
    failedAtMs: nowMs,
    restsUntilMs: failuresInRow < policy.failuresMax ? 0 : nowMs + rests,
  };
}

const failuresNow = ({ recentFailures, failedAtMs }: ProviderHealth, nowMs: number): number =>
  recentFailures * 0.5 ** ((nowMs - failedAtMs) / FAILURE_HALF_LIFE_MS);

export function afterLie(health: ProviderHealth, policy: HealthPolicy, nowMs: number): ProviderHealth {
  const lies = (nowMs - health.liedAtMs > policy.liesForgottenMs ? 0 : health.lies) + 1;
  const timeMs = Math.min(policy.quarantineMsMax, policy.quarantineFirstMs * 2 ** Math.min(lies - 1, 30));
  return { ...health, lies, liedAtMs: nowMs, quarantinedUntilMs: nowMs + timeMs };
}

/** @param bestHead - of all providers, this head included. */
export function afterHead(
  health: ProviderHealth,
  policy: HealthPolicy,
  seen: { readonly head: number; readonly bestHead: number; readonly nowMs: number },
): ProviderHealth {
  const { head, bestHead, nowMs } = seen;
  const wentBack = health.head !== null && head < health.head - policy.reorgBlocksMax;
  const isBehind = bestHead - head > policy.lagBlocksMax;
  const behindSinceMs = isBehind ? (health.behindSinceMs ?? nowMs) : null;
  const lags = wentBack || (behindSinceMs !== null && nowMs - behindSinceMs >= policy.lagMs);
  let { laggingUntilMs } = health;
  if (lags) laggingUntilMs = nowMs + policy.lagHoldMs;
  else if (!isBehind && laggingUntilMs !== null && nowMs >= laggingUntilMs) laggingUntilMs = null;
  return { ...health, head, headAtMs: nowMs, behindSinceMs, laggingUntilMs };
}

/** FAILING, and not to be tried yet. */
export const isResting = (health: ProviderHealth, policy: HealthPolicy, nowMs: number): boolean =>
  stateOf(health, policy, nowMs) === "FAILING" && nowMs < health.restsUntilMs;

/** What a failure and a block of lag weigh against waiting time. */
const FAILURE_COST_MS = 1_000;
const LAG_COST_MS = 100;
const LAG_BLOCKS_COUNTED = 100;
/** Of one never asked: as good as a usual public node. */
const LATENCY_UNKNOWN_MS = 200;

/** Returns how good it is beside others of the same state; less is better, in ms of waiting. */
export function costOf(health: ProviderHealth, bestHead: number | null, nowMs: number): number {
  const lag = health.head === null || bestHead === null ? 0 : Math.min(bestHead - health.head, LAG_BLOCKS_COUNTED);
  const failures = failuresNow(health, nowMs) * FAILURE_COST_MS;
  return (health.latencyMs ?? LATENCY_UNKNOWN_MS) + failures + Math.max(0, lag) * LAG_COST_MS;
}

/**
 * Returns the rank of its state; less is better. A late node says what is true but old. One that lied answers, and is
 * checked; one that fails says nothing, and goes before it only when its rest is over.
 */
export function rankOf(health: ProviderHealth, policy: HealthPolicy, nowMs: number): number {
  switch (stateOf(health, policy, nowMs)) {
    case "HEALTHY":
      return 0;
    case "LAGGING":
      return 1;
    case "FAILING":
      return isResting(health, policy, nowMs) ? 4 : 2;
    case "QUARANTINED":
      return 3;
  }
}
