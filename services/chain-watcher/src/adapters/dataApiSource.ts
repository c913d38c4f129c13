/**
 * Leaders' fills from the Data API: late and without a place in the block, but every row, maker fills included.
 *
 * 1. One request is one page of one leader. Requests are bounded by the budget of the reader that `api` uses.
 * 2. A failed request changes no position: its window is asked for again.
 * 3. Positions are in memory only; after a start the last `overlapMs` are read again. The chain is the truth.
 * 4. Rows are told again as long as the overlap holds them: the receiver counts, and what it missed it hears again.
 */
import type { Clock, Timer } from "@slipstream/actor/clock";
import type { Address } from "@slipstream/contracts/ids";
import { backoffMs } from "@slipstream/polymarket/backoff";
import { type DataApi, FILLS_PAGE_MAX, type FillFeed, type FillPage } from "@slipstream/polymarket/dataApi";
import type { FillBatch } from "../core/fillRow.ts";
import { countableBatches, fillRow } from "./fillRows.ts";
import { afterPage, nextWindow, type Position, startPosition } from "./paging.ts";
import { nextTurn, type Polled, paceFor } from "./schedule.ts";
import type { LeaderFillSource } from "./source.ts";

export type DataApiSourceOptions = {
  readonly api: Pick<DataApi, "fills">;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly onRows: (batch: FillBatch) => void;
  /** Each leader who traded lately is asked this often, as far as the budget reaches. */
  readonly pollMs: number;
  /** So much before the newest row is read again each time. */
  readonly overlapMs: number;
  /** What the budget of `api` grants. */
  readonly requestsPerSecond: number;
  readonly feed?: FillFeed;
  readonly pageLimit?: number;
};

/** Answers take some 100 ms: enough to use up the budget, few enough to stop asking when the venue does not answer. */
const REQUESTS_MAX = 4;
const AFTER_FAILURE = { firstMs: 500, capMs: 30_000 };

type Followed = { -readonly [K in keyof Polled]: Polled[K] } & { position: Position; flaw: string | null };

export function createDataApiSource(options: DataApiSourceOptions): LeaderFillSource {
  const { api, clock, onRows, pollMs, overlapMs, requestsPerSecond } = options;
  const { feed = "activity", pageLimit = FILLS_PAGE_MAX } = options;
  const followed = new Map<Address, Followed>();
  let timer: Timer | null = null;
  let turn = 0;
  let asking = 0;
  let failures = 0;
  let failure: string | null = null;
  let resumeMs = Number.NEGATIVE_INFINITY;
  let answered = false;
  let stopped = false;

  const ask = async (leader: Address, one: Followed): Promise<void> => {
    const window = nextWindow(one.position, clock.nowMs(), pageLimit);
    const page = await api.fills(leader, feed, window);
    if (stopped || followed.get(leader) !== one) return;
    const nowMs = clock.nowMs();
    const read = afterPage(one.position, window, page, { nowMs, overlapMs });
    const whole = page.fills.filter((row) => row.tsEventMs >= read.countedFromSeconds * 1_000);
    const rows = whole.map((row) => fillRow("data_api", row));
    for (const batch of countableBatches(rows, nowMs)) onRows(batch);
    one.flaw = flawOf(page, read.cutSecond);
    one.position = read.position;
    one.unfinished = read.position.endSeconds !== null;
    one.tradedMs = read.position.newestSeconds === null ? null : read.position.newestSeconds * 1_000;
  };
  const begin = (leader: Address, one: Followed): void => {
    turn += 1;
    asking += 1;
    one.busy = true;
    one.askedMs = clock.nowMs();
    ask(leader, one)
      .then(
        () => {
          failures = 0;
          failure = null;
          answered = true;
        },
        (error: unknown) => {
          failure = error instanceof Error ? error.message : String(error);
          resumeMs = clock.nowMs() + backoffMs(AFTER_FAILURE, failures, options.random());
          failures += 1;
        },
      )
      .finally(() => {
        asking -= 1;
        one.busy = false;
        pump();
      });
  };
  const pump = (): void => {
    timer?.cancel();
    timer = null;
    const pace = paceFor({ leaders: followed.size, requestsPerSecond, pollMs });
    while (!stopped && asking < REQUESTS_MAX) {
      const nowMs = clock.nowMs();
      if (nowMs < resumeMs) {
        timer = clock.after(resumeMs - nowMs, pump);
        return;
      }
      const { leader, nextDueMs } = nextTurn(followed, nowMs, turn, pace);
      const one = leader === null ? undefined : followed.get(leader);
      if (leader === null || one === undefined) {
        if (nextDueMs !== null) timer = clock.after(nextDueMs - nowMs, pump);
        return;
      }
      begin(leader, one);
    }
  };

  return {
    follow: (leaders) => {
      for (const leader of followed.keys()) if (!leaders.has(leader)) followed.delete(leader);
      for (const leader of leaders) {
        if (followed.has(leader)) continue;
        const position = startPosition(clock.nowMs(), overlapMs);
        const polled = { askedMs: null, tradedMs: null, unfinished: false, busy: false };
        followed.set(leader, { ...polled, position, flaw: null });
      }
      pump();
    },
    connected: () => answered && failure === null,
    problem: () => {
      if (failure !== null) return `the Data API does not tell fills: ${failure}`;
      for (const [leader, { flaw }] of followed) if (flaw !== null) return `the Data API, ${leader}: ${flaw}`;
      return null;
    },
    stop: () => {
      stopped = true;
      timer?.cancel();
    },
  };
}

function flawOf(page: FillPage, cutSecond: number | null): string | null {
  const [why] = page.unreadable;
  if (why !== undefined) return `${page.unreadable.length} rows cannot be read: ${why}`;
  return cutSecond === null ? null : `second ${cutSecond} has more rows than a page, not all of them are counted`;
}
