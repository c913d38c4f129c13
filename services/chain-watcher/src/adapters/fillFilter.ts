/**
 * The filters that find every fill of leaders: OrderFilled with one of them as maker, on every exchange. Above a number of
 * leaders all fills are asked for and chosen here, so that the cost does not grow with them any more.
 */
import type { Address } from "@slipstream/contracts/ids";
import { actFilters } from "@slipstream/polymarket/acts";
import type { LogFilter } from "@slipstream/polymarket/logFilter";
import { ORDER_FILLED_V1, ORDER_FILLED_V2, TRANSFER_BATCH, TRANSFER_SINGLE } from "@slipstream/polymarket/topics";
import { CONDITIONAL_TOKENS, type ExchangeTable, POSITION_MANAGER } from "@slipstream/polymarket/versions";
import { walletTopics } from "@slipstream/polymarket/walletTopics";

type Topics = { readonly topics: readonly string[] };

export type FilterChoice = {
  readonly exchanges: ExchangeTable;
  readonly leaders: ReadonlySet<Address>;
  /** More leaders than this: everything is asked for. */
  readonly wholeAbove: number;
};

const isWhole = ({ leaders, wholeAbove }: FilterChoice): boolean => leaders.size > wholeAbove;
const MAKER = 2;
const ADDRESS_CHARS = 40;

/** The wallet in a topic, lower case; undefined when the log has no such topic. */
const walletIn = ({ topics }: Topics, position: number): Address | undefined => {
  const topic = topics[position];
  return topic === undefined ? undefined : (`0x${topic.slice(-ADDRESS_CHARS).toLowerCase()}` as Address);
};

export function fillFilters(choice: FilterChoice): LogFilter[] {
  const address = choice.exchanges.rows.map((row) => row.address);
  const signatures = [ORDER_FILLED_V1, ORDER_FILLED_V2];
  if (isWhole(choice)) return [{ address, topics: [signatures] }];
  return walletTopics([...choice.leaders].sort()).map((makers) => ({ address, topics: [signatures, null, makers] }));
}

export const isFillOf = (leaders: ReadonlySet<Address>, log: Topics): boolean => {
  const maker = walletIn(log, MAKER);
  return maker !== undefined && leaders.has(maker);
};

/** The filters that find every movement of outcome tokens from or to leaders. */
export function moveFilters(choice: FilterChoice): LogFilter[] {
  if (!isWhole(choice)) return actFilters([...choice.leaders].sort());
  return [{ address: [CONDITIONAL_TOKENS, POSITION_MANAGER], topics: [[TRANSFER_SINGLE, TRANSFER_BATCH]] }];
}

/** Leaders from or to whom a transfer went. */
export const moversOf = (leaders: ReadonlySet<Address>, log: Topics): Address[] =>
  [walletIn(log, 2), walletIn(log, 3)].filter((wallet) => wallet !== undefined && leaders.has(wallet)) as Address[];
