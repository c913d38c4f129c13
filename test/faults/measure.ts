/** How late fills were told, and the table that a run prints. */
import type { Fact } from "@slipstream/contracts/facts";
import type { Hash } from "@slipstream/contracts/ids";
import type { Verdict } from "./judge.ts";

export type Quantiles = { readonly p50: number; readonly p99: number };
export type Latency = {
  readonly fills: number;
  /** From the moment the block was made, which is finer than its time. */
  readonly blockToSeenMs: Quantiles;
  readonly seenToPublishedMs: Quantiles;
};

/** Nearest rank; zeros without samples. */
function quantilesOf(samples: readonly number[]): Quantiles {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}

/** Of the first telling of each fill. @param counts - which transactions are meant. */
export function latencyOf(
  facts: readonly Fact[],
  minedMs: ReadonlyMap<Hash, number>,
  counts: (txHash: Hash) => boolean,
): Latency {
  const [toSeen, toPublished]: [number[], number[]] = [[], []];
  for (const fact of facts) {
    if (fact.type !== "LeaderFill" || fact.occurrence !== 0 || !counts(fact.txHash)) continue;
    const mined = minedMs.get(fact.txHash);
    if (mined === undefined) continue;
    toSeen.push(fact.tsSeenMs - mined);
    toPublished.push(fact.tsInitMs - fact.tsSeenMs);
  }
  return { fills: toSeen.length, blockToSeenMs: quantilesOf(toSeen), seenToPublishedMs: quantilesOf(toPublished) };
}

const LINES_MAX = 10;

/** What is wrong, a line each, none when all is well. */
export function complaintsOf({ missed, doubled, phantom, wrong }: Verdict): string[] {
  return Object.entries({ missed, doubled, phantom, wrong }).flatMap(([kind, lines]) => [
    ...lines.slice(0, LINES_MAX).map((line) => `${kind}: ${line}`),
    ...(lines.length > LINES_MAX ? [`${kind}: … and ${lines.length - LINES_MAX} more`] : []),
  ]);
}

/** Rows of two columns. */
export const table = (rows: readonly (readonly [string, string | number])[]): string => {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join("\n");
};

export const verdictRows = ({ counts, missed, doubled, phantom, wrong }: Verdict): [string, string | number][] => {
  const { chain, data_api: dataApi, rtds } = counts.firstBy;
  return [
    ["leaders' fills on the chain", counts.onChain],
    ["missed", missed.length],
    ["doubled", doubled.length],
    ["phantom after finality", phantom.length],
    ["amounts or places not as logged", wrong.length],
    ["told first by", `chain ${chain}, live feed ${rtds}, Data API ${dataApi}`],
    ["confirmed by the chain after another", counts.confirmed],
    ["seen by a further source", counts.sighted],
    ["reverted · returned · retracted", `${counts.reverted} · ${counts.returned} · ${counts.retracted}`],
    ["disputed", `${counts.disputed}, ${counts.disputedInVain} of them in vain`],
  ];
};

export const latencyRow = (name: string, latency: Latency): [string, string] => [
  name,
  `${latency.fills} fills: block → seen p50 ${latency.blockToSeenMs.p50} p99 ${latency.blockToSeenMs.p99} ms, ` +
    `seen → published p50 ${latency.seenToPublishedMs.p50} p99 ${latency.seenToPublishedMs.p99} ms`,
];
