/** Messages about one book, for the tests of a replica. */
import type { BookDelta, BookSnapshot, BookStatus, TradePrint } from "@slipstream/contracts/book";
import { ConditionId, TokenId } from "@slipstream/contracts/ids";
import { type PriceMicro, sharesMicro } from "@slipstream/contracts/money";

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
