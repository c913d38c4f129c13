/** Counts of observations by size, in the shape Prometheus reads. */

export type Histogram = {
  /** Milliseconds, or whatever the bounds are in. */
  observe(value: number): void;
  count(): number;
  /** The smallest bound that at least this part of the observations does not exceed; null without observations. */
  quantile(part: number): number | null;
  /** `# TYPE` line and samples. `labels` as in `service="x"`. */
  text(metric: string, labels: string): string;
};

/** From a millisecond to ten minutes. */
const LATENCY_BOUNDS_MS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 600_000];

export function createHistogram(bounds: readonly number[] = LATENCY_BOUNDS_MS): Histogram {
  const counts = new Array<number>(bounds.length + 1).fill(0);
  let sum = 0;
  let count = 0;
  return {
    observe: (value) => {
      const at = bounds.findIndex((bound) => value <= bound);
      const bucket = at < 0 ? bounds.length : at;
      counts[bucket] = (counts[bucket] ?? 0) + 1;
      sum += value;
      count += 1;
    },
    count: () => count,
    quantile: (part) => {
      if (count === 0) return null;
      let reached = 0;
      for (const [at, bound] of bounds.entries()) {
        reached += counts[at] ?? 0;
        if (reached >= part * count) return bound;
      }
      return Number.POSITIVE_INFINITY;
    },
    text: (metric, labels) => {
      const lines = [`# TYPE ${metric} histogram`];
      let reached = 0;
      for (const [at, bound] of bounds.entries()) {
        reached += counts[at] ?? 0;
        lines.push(`${metric}_bucket{${labels},le="${bound}"} ${reached}`);
      }
      lines.push(`${metric}_bucket{${labels},le="+Inf"} ${count}`, `${metric}_sum{${labels}} ${sum}`);
      lines.push(`${metric}_count{${labels}} ${count}`);
      return `${lines.join("\n")}\n`;
    },
  };
}
