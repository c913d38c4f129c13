/** The one filter that finds every fill of a leader: OrderFilled with him as maker, on every exchange. */
import type { Address } from "@slipstream/contracts/ids";
import { ORDER_FILLED_V1, ORDER_FILLED_V2 } from "@slipstream/polymarket/topics";
import type { ExchangeTable } from "@slipstream/polymarket/versions";
import { walletTopics } from "@slipstream/polymarket/walletTopics";

export type FillFilter = { readonly address: readonly string[]; readonly topics: readonly unknown[] };

export function fillFilters(exchanges: ExchangeTable, leaders: Iterable<Address>): FillFilter[] {
  const address = exchanges.rows.map((row) => row.address);
  return walletTopics([...leaders].sort()).map((makers) => ({
    address,
    topics: [[ORDER_FILLED_V1, ORDER_FILLED_V2], null, makers],
  }));
}
