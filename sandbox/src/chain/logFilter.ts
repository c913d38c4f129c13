/** Log filters as eth_subscribe and eth_getLogs take them. Pure. */
import { z } from "zod";
import type { NodeLog } from "./blocks.ts";

/** Nodes of this chain refuse more by default. */
const ALTERNATIVES_MAX = 1_000;
const TOPICS_MAX = 4;

const Hex = z.string().startsWith("0x").toLowerCase();
const Alternatives = z.union([Hex.transform((one) => [one]), z.array(Hex).max(ALTERNATIVES_MAX)]);

/** `address` and `topics` of a filter; other fields pass. An absent or empty position lets everything through. */
export const LogFilter = z.looseObject({
  address: Alternatives.nullish().transform((wanted) => asSet(wanted)),
  topics: z
    .array(Alternatives.nullable().transform((wanted) => asSet(wanted)))
    .max(TOPICS_MAX)
    .nullish()
    .transform((topics) => topics ?? []),
});
export type LogFilter = z.infer<typeof LogFilter>;

function asSet(wanted: readonly string[] | null | undefined): ReadonlySet<string> | null {
  return wanted === null || wanted === undefined || wanted.length === 0 ? null : new Set(wanted);
}

export function matchesFilter(filter: LogFilter, log: NodeLog): boolean {
  if (filter.address !== null && !filter.address.has(log.address.toLowerCase())) return false;
  return filter.topics.every((wanted, position) => {
    if (wanted === null) return true;
    const topic = log.topics[position];
    return topic !== undefined && wanted.has(topic.toLowerCase());
  });
}
