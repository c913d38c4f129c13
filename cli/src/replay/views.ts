/** What the cores of a replay see: the tape's balances, markets and books in place of nodes, registry and replicas. */
import type { BalanceSyncMessage, BalanceSyncRequest, BalanceSyncView } from "@slipstream/balance-sync/core/messages";
import { tickOf } from "@slipstream/book/history";
import { bestAsk, bestBid } from "@slipstream/book/ladder";
import type { Desk } from "@slipstream/bookstore/core/desk";
import type { AccountId, Hash, TokenId } from "@slipstream/contracts/ids";
import type { AccountValue } from "@slipstream/contracts/live";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { defaultLimits, type ExecutorView, type Quote } from "@slipstream/executor/core/view";
import type { InventoryState } from "@slipstream/inventory/core/state";
import { markOf, valueAccount } from "@slipstream/inventory/core/valuation";
import { CONDITIONAL_TOKENS } from "@slipstream/polymarket/versions";
import type { TapeHead } from "@slipstream/sandbox/tape/addFills";
import type { TapeBalances } from "@slipstream/sandbox/tape/balances";
import { SECOND_MS } from "./opening.ts";

/** A tape's balances are by token: which contract keeps one makes no difference. */
export const balancesView = (nowMs: number): BalanceSyncView => ({
  nowMs,
  startedMs: 0,
  own: [],
  phase: "observe",
  ledgerOf: () => CONDITIONAL_TOKENS,
  market: () => null,
});

export function readBalances(
  request: BalanceSyncRequest,
  head: TapeHead | null,
  balances: TapeBalances,
): BalanceSyncMessage | null {
  // A tape has no wallets of ours, so nobody asks the index.
  if (head === null || request.type !== "ReadBalances") return null;
  const blockNumber = Number(head.number);
  return {
    type: "BalancesRead",
    block: { blockNumber, blockHash: head.hash as Hash, tsMs: Number(head.timestamp) * SECOND_MS },
    source: request.source,
    readings: request.pairs.map((pair) => ({
      ...pair,
      sharesMicro: balances.at(pair.owner, pair.tokenId, blockNumber),
    })),
    purses: [],
    complete: request.complete,
    afterReorg: request.afterReorg,
  };
}

export function executorView(
  nowMs: number,
  head: TapeHead | null,
  byToken: ReadonlyMap<TokenId, MarketDefinition>,
  desk: Desk,
): Omit<ExecutorView, "riskDecisionSeq"> {
  return {
    nowMs,
    market: (tokenId) => byToken.get(tokenId) ?? null,
    quote: (tokenId) => quoteOf(desk, tokenId),
    riskHeartbeatAgeMs: 0,
    chainLagMs: head === null ? null : Math.max(0, nowMs - Number(head.timestamp) * SECOND_MS),
    localHalt: false,
    // The tape's time is the world's.
    clock: { offsetMs: 0, uncertaintyMs: 0 },
    limits: defaultLimits,
  };
}

/** The connection of a tape never goes silent: its quotes are as fresh as the tape. */
function quoteOf(desk: Desk, tokenId: TokenId): Quote | null {
  const book = desk.books.get(tokenId);
  const live = book?.history.book;
  if (book === undefined || live === null || live === undefined) return null;
  return {
    bestBidMicro: bestBid(live),
    bestAskMicro: bestAsk(live),
    tickMicro: tickOf(book.history),
    ageMs: 0,
    epoch: book.epoch,
    seq: book.seq,
    health: book.health,
    // A tape is one source; its books are proved by their hashes.
    second: { bestAskMicro: bestAsk(live), ageMs: 0 },
  };
}

/** As inventory's shell tells it every second; a mark needs a book that is healthy. */
export function accountValue(inventory: InventoryState, of: AccountId, desk: Desk, nowMs: number): AccountValue | null {
  const account = inventory.accounts.get(of);
  const value =
    account === undefined
      ? null
      : valueAccount(account, (tokenId) => {
          const quote = quoteOf(desk, tokenId);
          return quote === null || quote.health !== "healthy" ? null : markOf({ ...quote, tsMs: nowMs });
        });
  return value === null ? null : { type: "AccountValue", v: 1, account: of, ...value, tsInitMs: nowMs };
}
