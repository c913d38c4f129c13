/**
 * What an overview lets go of. A run without a report is watched for days, so it keeps counters, what is open and the last
 * lines; one that is judged at its end keeps what its report is made of, without what only a line of the view shows.
 */
import type { FactOf } from "@slipstream/contracts/facts";
import type { Overview } from "./overview.ts";

/** Lines kept for the live view. */
export const RECENT = 50;
/** Ended entries that may still be spoken of: told twice, taken back by a reorg, ordered again. */
const SPOKEN_OF = 500;
/** Samples of the quantiles that are shown. */
const SAMPLES = 1_000;
/** Readings of leaders' wallets, by leader and token. */
const HOLDINGS_MAX = 5_000;
const TRIM_EVERY = 256;

/** To be called after each fact. */
export function trimOverview(overview: Overview): void {
  overview.untrimmed += 1;
  if (overview.keeps === "all" || overview.untrimmed < TRIM_EVERY) return;
  overview.untrimmed = 0;
  const { fills, attempts, orders, executionFills, settlements, positions, leaderHoldings, latencies } = overview;
  const shownFills = new Set([...overview.recentFills, ...overview.recentAttempts.map(({ fill }) => fill)]);
  keepNewest(fills, SPOKEN_OF, (id) => shownFills.has(id));
  const isOpen = (id: string): boolean => orders.get(id as never)?.end === null;
  keepNewest(attempts, SPOKEN_OF, (_, { trades }) => trades.some(isOpen));
  keepNewest(orders, SPOKEN_OF, (_, { end }) => end === null);
  keepNewest(executionFills, SPOKEN_OF);
  keepNewest(settlements, SPOKEN_OF);
  keepNewest(positions, SPOKEN_OF, (_, position) => !isEmpty(position));
  keepNewest(leaderHoldings, HOLDINGS_MAX);
  for (const samples of Object.values(latencies)) samples.splice(0, samples.length - SAMPLES);
}

const isEmpty = (position: FactOf<"PositionChanged">): boolean =>
  position.effectiveMicro === 0n &&
  position.confirmedMicro === 0n &&
  position.reservedBuysMicro === 0n &&
  position.pendingBuysMicro === 0n &&
  position.claimableMicro === 0n;

/** Deletes the oldest beyond `count`, but for those that have to stay. */
function keepNewest<K, V>(map: Map<K, V>, count: number, stays: (key: K, value: V) => boolean = () => false): void {
  let beyond = map.size - count;
  for (const [key, value] of map) {
    if (beyond <= 0) return;
    beyond -= 1;
    if (!stays(key, value)) map.delete(key);
  }
}

/** A fill as the report and the view read it. */
export type ToldFill = Pick<
  FactOf<"LeaderFill">,
  | "leaderFillId"
  | "leader"
  | "occurrence"
  | "role"
  | "side"
  | "tokenId"
  | "sharesMicro"
  | "priceMicro"
  | "blockNumber"
  | "blockHash"
  | "logIndex"
  | "historical"
  | "tsEventMs"
>;
export const toldFill = (fill: FactOf<"LeaderFill">): ToldFill => ({
  ...{ leaderFillId: fill.leaderFillId, leader: fill.leader, occurrence: fill.occurrence, role: fill.role },
  ...{ side: fill.side, tokenId: fill.tokenId, sharesMicro: fill.sharesMicro, priceMicro: fill.priceMicro },
  ...{ blockNumber: fill.blockNumber, blockHash: fill.blockHash, logIndex: fill.logIndex },
  ...{ historical: fill.historical, tsEventMs: fill.tsEventMs },
});

/** An order's intent as the report and the view read it. */
export type ToldIntent = Pick<
  FactOf<"OrderIntent">,
  "attemptId" | "kind" | "side" | "tokenId" | "sizeMicro" | "limitPriceMicro" | "tsDecidedMs" | "tsSignalMs"
>;
export const toldIntent = (intent: FactOf<"OrderIntent">): ToldIntent => ({
  ...{ attemptId: intent.attemptId, kind: intent.kind, side: intent.side, tokenId: intent.tokenId },
  ...{ sizeMicro: intent.sizeMicro, limitPriceMicro: intent.limitPriceMicro },
  ...{ tsDecidedMs: intent.tsDecidedMs, tsSignalMs: intent.tsSignalMs },
});
