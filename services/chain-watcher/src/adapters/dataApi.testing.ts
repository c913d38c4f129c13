/** A Data API that lives on a test's clock: rows appear late and in any order, answers take time, some fail. */
import type { Clock } from "@slipstream/actor/clock";
import { TransientError } from "@slipstream/contracts/errors";
import { type Address, ConditionId, Hash, TokenId } from "@slipstream/contracts/ids";
import { priceMicro, type Side, sharesMicro } from "@slipstream/contracts/money";
import type { DataApi, FillPage } from "@slipstream/polymarket/dataApi";
import type { TradeRow } from "@slipstream/polymarket/tradeRow";
import type { FillBatch, FillRow } from "../core/fillRow.ts";

/** Numbers in [0, 1) that follow from `seed` (a linear congruence: good enough to vary a test). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A row is listed from `listedMs` on; null in place of a fill: a reward. */
export type ListedRow = {
  readonly user: Address;
  readonly seconds: number;
  readonly listedMs: number;
  readonly fill: TradeRow | null;
};

export function testFill(row: {
  readonly user: Address;
  readonly seconds: number;
  readonly tx: number;
  readonly token?: number;
  readonly side?: Side;
  readonly shares?: number;
}): TradeRow {
  const { token = 7, side = "BUY", shares = 10 } = row;
  return {
    wallet: row.user,
    txHash: Hash.parse(`0x${row.tx.toString(16).padStart(64, "0")}`),
    tokenId: TokenId.parse(String(token)),
    conditionId: ConditionId.parse(`0x${"dd".repeat(32)}`),
    side,
    sharesMicro: sharesMicro(BigInt(shares) * 1_000_000n),
    priceMicro: priceMicro(500_000),
    usdcMicro: null,
    exact: true,
    exactShares: true,
    tsEventMs: row.seconds * 1_000,
    raw: `${row.tx} ${token} ${side} ${shares}`,
  };
}

export const contentOf = (row: TradeRow | FillRow): string =>
  `${"wallet" in row ? row.wallet : row.leader}|${row.txHash}|${row.tokenId}|${row.side}|${row.sharesMicro}`;

/** How often each content is there. */
export function countsOf(rows: readonly (TradeRow | FillRow)[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(contentOf(row), (counts.get(contentOf(row)) ?? 0) + 1);
  return counts;
}

/** What batches vouch for: the largest count of each content. */
export function vouchedBy(batches: readonly FillBatch[]): Map<string, number> {
  const vouched = new Map<string, number>();
  for (const batch of batches) {
    for (const [content, count] of countsOf(batch.rows)) {
      const told = batch.countable ? count : 1;
      vouched.set(content, Math.max(vouched.get(content) ?? 0, told));
    }
  }
  return vouched;
}

export type FakeDataApi = Pick<DataApi, "fills"> & { readonly asked: Address[]; failing: boolean };

export function fakeDataApi(options: {
  readonly rows: readonly ListedRow[];
  readonly clock: Clock;
  readonly random: () => number;
  readonly answerMsMax?: number;
  readonly failureRate?: number;
}): FakeDataApi {
  const { rows, clock, random, answerMsMax = 0, failureRate = 0 } = options;
  const page = (user: Address, start: number, end: number, limit: number): FillPage => {
    const inside = rows.filter(
      (row) => row.user === user && row.listedMs <= clock.nowMs() && row.seconds >= start && row.seconds <= end,
    );
    const listed = inside
      .map((row) => ({ row, tie: random() }))
      .sort((a, b) => b.row.seconds - a.row.seconds || a.tie - b.tie)
      .slice(0, limit)
      .map(({ row }) => row);
    return {
      listed: listed.length,
      listedSeconds: listed.map((row) => row.seconds),
      fills: listed.flatMap((row) => (row.fill === null ? [] : [row.fill])),
      unreadable: [],
    };
  };
  const pause = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));
  const api: FakeDataApi = {
    asked: [],
    failing: false,
    fills: async (user, _feed, { startSeconds, endSeconds, limit }) => {
      api.asked.push(user);
      // The list is looked at somewhere between question and answer.
      await pause(random() * answerMsMax);
      if (api.failing || random() < failureRate) throw new TransientError("VENUE_REFUSED", "/activity answered 429");
      const answer = page(user, startSeconds, endSeconds, limit);
      await pause(random() * answerMsMax);
      return answer;
    },
  };
  return api;
}
