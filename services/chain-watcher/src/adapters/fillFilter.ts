/** The one filter that finds every fill of a leader: OrderFilled with him as maker, on every exchange. */
import type { Address } from "@slipstream/contracts/ids";
import { ORDER_FILLED_V1, ORDER_FILLED_V2 } from "@slipstream/polymarket/topics";
import type { ExchangeTable } from "@slipstream/polymarket/versions";
import { topicOf } from "./wire.ts";

/** Providers refuse filters with more topics than some hundreds. */
const LEADERS_PER_FILTER = 200;

export type FillFilter = { readonly address: readonly string[]; readonly topics: readonly unknown[] };

export function fillFilters(exchanges: ExchangeTable, leaders: Iterable<Address>): FillFilter[] {
  const list = [...leaders].sort();
  const address = exchanges.rows.map((row) => row.address);
  const filters: FillFilter[] = [];
  for (let start = 0; start < list.length; start += LEADERS_PER_FILTER) {
    const makers = list.slice(start, start + LEADERS_PER_FILTER).map(topicOf);
    filters.push({ address, topics: [[ORDER_FILLED_V1, ORDER_FILLED_V2], null, makers] });
  }
  return filters;
}
