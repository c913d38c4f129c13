/** Messages about one book, for the tests of a replica. */
import type { BookDelta, BookSnapshot, BookStatus, BookUpdate, TradePrint } from "@slipstream/contracts/book";
import { ConditionId, TokenId } from "@slipstream/contracts/ids";
import { type PriceMicro, sharesMicro } from "@slipstream/contracts/money";
import { onReplicaAnswer, onReplicaMessage, type Replica } from "./replica.ts";

export const TICK = 10_000;
const common = {
  v: 1,
  tokenId: TokenId.parse("1"),
  conditionId: ConditionId.parse(`0x${"a1".padStart(64, "0")}`),
  connection: "c1",
} as const;
type At = { epoch?: string; seq: number; tsEventMs?: number };
const stamp = (at: At) => ({ ...common, epoch: "1.0", tsEventMs: 1_000 + at.seq, tsInitMs: 2_000 + at.seq, ...at });

export const snapshot = (at: At, bids: number[] = [400_000, 5], asks: number[] = [600_000, 7]): BookSnapshot => ({
  type: "BookSnapshot",
  ...stamp(at),
  tickMicro: TICK as PriceMicro,
  health: "healthy",
  bids,
  asks,
});
export const delta = (at: At, bids: number[], asks: number[] = []): BookDelta => ({
  type: "BookDelta",
  ...stamp(at),
  tickMicro: TICK as PriceMicro,
  bids,
  asks,
});
export const status = (at: At, health: BookStatus["health"]): BookStatus => ({
  type: "BookStatus",
  ...stamp(at),
  health,
  reason: "test",
  closedMs: null,
});
export const print = (at: At): TradePrint => ({
  type: "TradePrint",
  ...stamp(at),
  priceMicro: 600_000 as PriceMicro,
  sizeMicro: sharesMicro(1n),
  side: "BUY",
});

/** To a consumer whose questions are answered at once: what the bookstore publishes as a book is then its answer, too. */
export function hearPublished(replica: Replica, message: BookUpdate | TradePrint, nowMs: number): void {
  for (const { asked, reason } of onReplicaMessage(replica, message, nowMs)) {
    if (message.type !== "BookSnapshot") throw new Error(`a ${message.type} was a reason to ask: ${reason}`);
    onReplicaAnswer(replica, message, asked, nowMs);
  }
}
