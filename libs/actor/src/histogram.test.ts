import { expect, test } from "vitest";
import { createHistogram } from "./histogram.ts";

test("counts by bound, in the format of Prometheus", () => {
  const histogram = createHistogram([1, 10]);
  for (const value of [0.5, 1, 3, 40]) histogram.observe(value);
  expect(histogram.text("m", 'service="x"')).toBe(
    [
      "# TYPE m histogram",
      'm_bucket{service="x",le="1"} 2',
      'm_bucket{service="x",le="10"} 3',
      'm_bucket{service="x",le="+Inf"} 4',
      'm_sum{service="x"} 44.5',
      'm_count{service="x"} 4',
      "",
    ].join("\n"),
  );
});

test("a quantile is the bound that holds so many", () => {
  const histogram = createHistogram([1, 10, 100]);
  expect(histogram.quantile(0.5)).toBeNull();
  for (const value of [1, 5, 5, 50]) histogram.observe(value);
  expect([0.25, 0.5, 0.9].map(histogram.quantile)).toEqual([1, 10, 100]);
  histogram.observe(1_000);
  expect(histogram.quantile(1)).toBe(Number.POSITIVE_INFINITY);
});
