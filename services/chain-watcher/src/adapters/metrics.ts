/** What the watcher measures of itself: how late fills are, who told first and by how much, how fast ranges are read. */
import { createHistogram, type Histogram } from "@slipstream/actor/histogram";
import type { FactOf } from "@slipstream/contracts/facts";
import type { FillSource } from "@slipstream/contracts/facts/chain";

export type WatcherMetrics = {
  /** A fill of ours was told: block time → seen → published. */
  told(fill: FactOf<"LeaderFill">): void;
  sighted(fact: FactOf<"LeaderFillSighted">): void;
  range(): void;
  /** A block whose fills nobody could prove to be complete. */
  unproven(): void;
  gauges(): Record<string, number>;
  histograms(): Record<string, Histogram>;
};

const MINUTE_MS = 60_000;
const sources: readonly FillSource[] = ["chain", "data_api", "rtds"];

export function createMetrics(steadyMs: () => number): WatcherMetrics {
  const blockToSeen = createHistogram();
  const seenToPublished = createHistogram();
  const later = new Map(sources.map((source) => [source, createHistogram()]));
  const first = new Map<FillSource, number>();
  /** When somebody else than the chain told first, until the chain does. */
  const firstSeenMs = new Map<string, number>();
  let ranges: number[] = [];
  let confirmed = 0;
  let unproven = 0;

  const recent = (): number[] => {
    const since = steadyMs() - MINUTE_MS;
    ranges = ranges.filter((atMs) => atMs > since);
    return ranges;
  };
  return {
    told: (fill) => {
      if (fill.historical) return;
      const earlierMs = firstSeenMs.get(fill.leaderFillId);
      if (fill.occurrence === 0) {
        first.set(fill.source, (first.get(fill.source) ?? 0) + 1);
        blockToSeen.observe(Math.max(0, fill.tsSeenMs - fill.tsEventMs));
        seenToPublished.observe(Math.max(0, fill.tsInitMs - fill.tsSeenMs));
        if (fill.blockNumber === null) firstSeenMs.set(fill.leaderFillId, fill.tsSeenMs);
      } else if (earlierMs !== undefined && fill.blockNumber !== null) {
        firstSeenMs.delete(fill.leaderFillId);
        confirmed += 1;
        later.get("chain")?.observe(Math.max(0, fill.tsSeenMs - earlierMs));
      }
    },
    sighted: ({ source, laterMs }) => later.get(source)?.observe(laterMs),
    range: () => void recent().push(steadyMs()),
    unproven: () => {
      unproven += 1;
    },
    gauges: () => ({
      unprovenBlocks: unproven,
      rangesPerMinute: recent().length,
      firstByChain: first.get("chain") ?? 0,
      firstByDataApi: first.get("data_api") ?? 0,
      firstByRtds: first.get("rtds") ?? 0,
      confirmedByChain: confirmed,
    }),
    histograms: () => ({
      blockToSeenMs: blockToSeen,
      seenToPublishedMs: seenToPublished,
      chainLaterMs: later.get("chain") ?? createHistogram(),
      dataApiLaterMs: later.get("data_api") ?? createHistogram(),
      rtdsLaterMs: later.get("rtds") ?? createHistogram(),
    }),
  };
}
