/** Filters of `eth_getLogs` on our side: which logs match, and which blocks may hold one. */
import { type Bloom, mayContainAsked } from "./bloom.ts";

/** As `eth_getLogs` takes it, without blocks: each place matches anything (null), one value or one of several. */
export type LogFilter = {
  readonly address: readonly string[];
  readonly topics: readonly (null | string | readonly string[])[];
};
/** The part of a node's log that is looked at. */
export type LogOfBlock = {
  readonly address: string;
  readonly topics: readonly string[];
  readonly blockHash: string;
};

const sameHex = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
const choices = (place: string | readonly string[]): readonly string[] => (typeof place === "string" ? [place] : place);

/** Says whether a node with the log has to give it for the filter. */
export function matches(filter: LogFilter, log: Pick<LogOfBlock, "address" | "topics">): boolean {
  if (!filter.address.some((address) => sameHex(address, log.address))) return false;
  return filter.topics.every((place, index) => {
    const topic = log.topics[index];
    if (topic === undefined) return false;
    return place === null || choices(place).some((choice) => sameHex(choice, topic));
  });
}

/**
 * Returns the filter narrowed to what may be in a block with this bloom; null when surely nothing of it is. Which
 * address goes with which topic the bloom does not know.
 */
export function narrowed(filter: LogFilter, bloom: Bloom): LogFilter | null {
  const possible = (values: readonly string[]): string[] => values.filter((value) => mayContainAsked(bloom, value));
  const address = possible(filter.address);
  const topics = filter.topics.map((place) => (place === null ? null : possible(choices(place))));
  return address.length === 0 || topics.some((place) => place?.length === 0) ? null : { address, topics };
}
