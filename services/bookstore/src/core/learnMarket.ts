import type { Desk } from "./desk.ts";
import type { TokenBook } from "./tokenBook.ts";

/** What the hash covers beside the levels, from the market's definition. */
export function learnMarket(desk: Desk, book: TokenBook): void {
  if (book.market !== null) return;
  const market = desk.market(book.tokenId);
  if (market === undefined) return;
  const { conditionId, tickMicro, negRisk, minOrderSizeMicro } = market;
  if (book.history.tickMicro === 0) book.nextTickMicro ??= tickMicro;
  if (!desk.proves) return;
  book.market = { conditionId, tickMicro, negRisk, minOrderSizeMicro: Number(minOrderSizeMicro) };
}
