/**
 * Rows of sources that are not the chain. The first to tell of a fill triggers; of one that is known they only say that
 * they have seen it too.
 *
 * 1. The n-th equal row of a transaction is the fill of ordinal n. Where equal rows may be one told twice, only the first
 *    counts.
 * 2. Once the chain has shown a fill of the trade, rows trigger nothing more of it: the chain shows the rest itself.
 * 3. A row whose shares are not exact can be matched to nothing, so it triggers nothing.
 * 4. Old rows trigger nothing: whatever is behind the signal age is the chain's to tell, and its fill may be forgotten. Nor
 *    do rows from the future: nothing is bought on such a time, and the first word of a fill is the only one that triggers.
 */
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import { factId, type LeaderFillId } from "@slipstream/contracts/ids";
import { averagePrice, notional, type PriceMicro } from "@slipstream/contracts/money";
import type { ChainSubject } from "@slipstream/contracts/subjects";
import type { FillRow } from "./fillRow.ts";
import { chainOf, isShown } from "./fills.ts";
import { contentOf, idOf } from "./identity.ts";
import type { RowsSeen, WatcherView } from "./messages.ts";
import { isFollowed, RETAIN_MS, type WatcherState } from "./state.ts";

/** What is told stays known for longer, by clocks that may differ. */
const ROW_AGE_MS_MAX = RETAIN_MS / 2;
/** As much as the executor takes of a signal that is ahead of its clock. */
const ROW_AHEAD_MS_MAX = 2_000;

type NumberedRow = { readonly id: LeaderFillId; readonly ordinal: number; readonly row: FillRow };

function numbered(view: WatcherView, { rows, countable }: RowsSeen): NumberedRow[] {
  const counts = new Map<string, number>();
  const found: NumberedRow[] = [];
  for (const row of rows) {
    const content = contentOf(row);
    const ordinal = counts.get(content) ?? 0;
    counts.set(content, ordinal + 1);
    if (countable || ordinal === 0) found.push({ id: idOf(view.chainId, row, ordinal), ordinal, row });
  }
  return found;
}

function triggers(state: WatcherState, view: WatcherView, { id, row }: NumberedRow): boolean {
  if (state.fills.byId.has(id) || !isFollowed(state, row.leader)) return false;
  const joinedMs = state.leaders.get(row.leader)?.joined?.tsMs ?? Number.POSITIVE_INFINITY;
  if (!row.exactShares) return false;
  const ageMs = view.nowMs - row.tsEventMs;
  const isRecent = ageMs >= -ROW_AHEAD_MS_MAX && ageMs <= Math.min(view.historicalAgeMs, ROW_AGE_MS_MAX);
  return row.tsEventMs > joinedMs && isRecent && priceOf(row) !== null && !isShown(state, row);
}

export const rowChains = (state: WatcherState, view: WatcherView, message: RowsSeen): ChainSubject[] =>
  numbered(view, message).flatMap((item) => (triggers(state, view, item) ? [chainOf(item.row)] : []));

export function seenFacts(state: WatcherState, view: WatcherView, message: RowsSeen, chain: ChainSubject): Fact[] {
  return numbered(view, message).flatMap((item) => {
    const { id, ordinal, row } = item;
    if (chainOf(row) !== chain || !triggers(state, view, item)) return [];
    const price = priceOf(row);
    if (price === null) return [];
    const fact: FactOf<"LeaderFill"> = {
      type: "LeaderFill",
      v: 1,
      id: factId("LeaderFill", id),
      leaderFillId: id,
      occurrence: 0,
      ordinal,
      chainId: view.chainId,
      leader: row.leader,
      role: "UNKNOWN",
      side: row.side,
      tokenId: row.tokenId,
      conditionId: row.conditionId,
      sharesMicro: row.sharesMicro,
      usdcMicro: row.usdcMicro ?? notional(price, row.sharesMicro, "floor"),
      priceMicro: price,
      feeMicro: null,
      feeUnit: null,
      exchange: null,
      orderHash: null,
      txHash: row.txHash,
      blockNumber: null,
      blockHash: null,
      logIndex: null,
      source: row.source,
      historical: false,
      raw: row.raw,
      tsSeenMs: message.tsSeenMs,
      tsEventMs: row.tsEventMs,
      tsInitMs: view.nowMs,
    };
    return [fact];
  });
}

/** Rows of fills that are known from elsewhere, each source once. */
export function sightedFacts(state: WatcherState, view: WatcherView, message: RowsSeen): Fact[] {
  const facts: Fact[] = [];
  for (const { id, row } of numbered(view, message)) {
    const known = state.fills.byId.get(id);
    if (known === undefined || known.sources.has(row.source)) continue;
    facts.push({
      type: "LeaderFillSighted",
      v: 1,
      id: factId("LeaderFillSighted", `${id}.${row.source}`),
      leaderFillId: id,
      leader: row.leader,
      source: row.source,
      tsSeenMs: message.tsSeenMs,
      laterMs: Math.max(0, message.tsSeenMs - known.firstSeenMs),
      raw: row.raw,
      tsEventMs: row.tsEventMs,
      tsInitMs: view.nowMs,
    });
  }
  return facts;
}

/** Null for a row that says neither price nor cost, or one above 1: nothing can be decided by it. */
function priceOf({ priceMicro: told, usdcMicro, sharesMicro }: FillRow): PriceMicro | null {
  if (told !== null) return told;
  const isSound = usdcMicro !== null && sharesMicro > 0n && usdcMicro <= (sharesMicro as bigint);
  return isSound ? averagePrice(usdcMicro, sharesMicro) : null;
}
