/** What became of orders and what they paid, in the fold that people read. */
import type { FactOf } from "@slipstream/contracts/facts";
import type { AccountId, ClientOrderId } from "@slipstream/contracts/ids";
import { sharesMicro } from "@slipstream/contracts/money";
import type { Overview, Purse } from "./overview.ts";

export function applyExecutionFill(overview: Overview, fill: FactOf<"ExecutionFill">): void {
  if (overview.executionFills.has(fill.tradeId)) {
    overview.duplicatedExecutionFills += 1;
    return;
  }
  overview.executionFills.set(fill.tradeId, fill);
  overview.counts.executionFills += 1;
  const cash = fill.side === "BUY" ? -fill.usdcMicro : fill.usdcMicro;
  purseOf(overview, fill.account).ledgerMicro += cash - fill.feeMicro;
  const order = overview.orders.get(fill.orderId);
  if (order === undefined) return;
  order.filledMicro = sharesMicro(order.filledMicro + fill.sizeMicro);
  order.fills += 1;
  if (fill.leavesMicro === 0n) order.end = "filled";
}

export function purseOf(overview: Overview, account: AccountId): Purse {
  const known = overview.purses.get(account);
  if (known !== undefined) return known;
  const purse: Purse = { ledgerMicro: 0n, collateralMicro: null, availableMicro: null };
  overview.purses.set(account, purse);
  return purse;
}

export function endOrder(overview: Overview, orderId: ClientOrderId, end: string): void {
  const order = overview.orders.get(orderId);
  if (order !== undefined) order.end ??= end;
}
