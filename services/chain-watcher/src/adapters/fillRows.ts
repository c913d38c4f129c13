/** Rows of the venue in the normal form, grouped as they may be counted. Pure. */
import type { TradeRow } from "@slipstream/polymarket/tradeRow";
import type { FillBatch, FillRow, RowSource } from "../core/fillRow.ts";

export function fillRow(source: RowSource, { wallet, ...row }: TradeRow): FillRow {
  return { source, leader: wallet, ...row };
}

/**
 * Groups rows that one answer listed side by side. A transaction is in one block: while the index moves one to another
 * block after a reorg it may list it at two times, and those rows are told in two batches, never added up.
 * @returns oldest first; rows of a batch in an order that does not depend on how they were listed.
 */
export function countableBatches(rows: readonly FillRow[], tsSeenMs: number): FillBatch[] {
  const groups = new Map<string, FillRow[]>();
  for (const row of rows) {
    const key = `${row.leader}|${row.txHash}|${row.tsEventMs}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  const batches = [...groups.values()].flatMap((group): FillBatch[] => {
    const [first] = group;
    if (first === undefined) return [];
    const { source, leader, txHash } = first;
    return [{ source, leader, txHash, countable: true, rows: group.sort(byContent), tsSeenMs }];
  });
  return batches.sort((a, b) => timeOf(a) - timeOf(b));
}

const timeOf = (batch: FillBatch): number => batch.rows[0]?.tsEventMs ?? 0;
const textOf = (row: FillRow): string => `${row.tokenId}|${row.side}|${row.sharesMicro}|${row.raw}`;
const byContent = (a: FillRow, b: FillRow): number => (textOf(a) < textOf(b) ? -1 : textOf(a) > textOf(b) ? 1 : 0);
