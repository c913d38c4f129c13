/**
 * Shared budgets of requests: in memory for one process, in Redis for all of a machine or cluster.
 *
 * The library counts in fixed windows, the venue in sliding ones: a budget of a whole window could be spent at the end
 * of one and again at the start of the next. Windows of one second keep that error small against the venue's ten.
 */
import { TransientError } from "@slipstream/contracts/errors";
import { Redis } from "ioredis";
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import { pause, type WireClock } from "./wireClock.ts";

export type RateBudget = {
  /**
   * Waits until `cost` requests may be sent.
   * @throws TransientError VENUE_REFUSED when that would take longer than the bound of the budget.
   */
  readonly take: (cost?: number) => Promise<void>;
  /** Closes the connection to Redis. */
  readonly close: () => void;
};

export type BudgetOptions = {
  /** Part of the key in Redis: processes that name the same budget share it. */
  readonly name: string;
  readonly perSecond: number;
  readonly clock: WireClock;
  /** Absent: memory. */
  readonly redisUrl?: string | undefined;
  readonly waitMsMax?: number;
  /** Redis is gone: every process goes on with its own count, `insuredPerSecond` of it. */
  readonly insuredPerSecond?: number;
  readonly onError?: (error: Error) => void;
};

const WINDOW_SECONDS = 1;
const WAIT_MS_MAX = 10_000;

/** Half of what the venue allows per second and address (docs/venue.md, CLOB REST). */
export const VENUE_BUDGETS = {
  clobBooks: 25,
  clobBook: 75,
  clobMarkets: 45,
  gammaMarkets: 15,
  dataTrades: 10,
  dataPositions: 7,
} as const;

export function createRateBudget(options: BudgetOptions): RateBudget {
  const redis = options.redisUrl === undefined ? null : connect(options.redisUrl, options.onError);
  const limiter = limiterOf(options, redis);
  const waitMsMax = options.waitMsMax ?? WAIT_MS_MAX;
  return {
    take: async (cost = 1) => {
      let left = waitMsMax;
      for (;;) {
        const waitMs = await msUntilGranted(limiter, options.name, cost);
        if (waitMs === 0) return;
        if (waitMs > left) {
          throw new TransientError("VENUE_REFUSED", `the request budget ${options.name} is used up for ${waitMs} ms`);
        }
        left -= waitMs;
        await pause(options.clock, waitMs);
      }
    },
    close: () => redis?.disconnect(),
  };
}

function connect(url: string, onError: ((error: Error) => void) | undefined): Redis {
  const redis = new Redis(url, { enableOfflineQueue: false, maxRetriesPerRequest: 1 });
  // Without a listener the process would end; the insurance below goes on meanwhile.
  redis.on("error", (error: Error) => onError?.(error));
  return redis;
}

function limiterOf(options: BudgetOptions, redis: Redis | null): RateLimiterAbstract {
  const window = { duration: WINDOW_SECONDS, keyPrefix: "slipstream-budget" };
  if (redis === null) return new RateLimiterMemory({ ...window, points: options.perSecond });
  const insuranceLimiter = new RateLimiterMemory({
    ...window,
    points: options.insuredPerSecond ?? Math.max(1, Math.floor(options.perSecond / 2)),
  });
  return new RateLimiterRedis({ ...window, storeClient: redis, points: options.perSecond, insuranceLimiter });
}

/** @returns 0 when granted, otherwise how long to wait before asking again. */
async function msUntilGranted(limiter: RateLimiterAbstract, key: string, cost: number): Promise<number> {
  try {
    await limiter.consume(key, Math.min(cost, limiter.points));
    return 0;
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return Math.max(1, refusal.msBeforeNext);
    throw refusal;
  }
}
