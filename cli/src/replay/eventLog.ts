/**
 * What became of each signal, in venue order: attempts, placements, fills, ends, resolutions, settlements. One line each for
 * `--events-out`, and the counts of the printed summary.
 *
 * The order is total: by venue time (of a decision: the time it was made); at the same millisecond
 * 1. attempts, 2. ends of orders that were placed before it, unless a fill ended them, 3. fills of those orders,
 * 4. placements, 5. fills of the orders placed in it, 6. all other ends, 7. resolutions, 8. settlements;
 * then by the sequence of the log. It is the paper engine's: what ends makes room, then the book moves, then orders come.
 */
import type { FactOf, Recorded } from "@slipstream/contracts/facts";
import type { ClientOrderId } from "@slipstream/contracts/ids";
import { type SharesMicro, sharesMicro, subtractToZero, ZERO_SHARES } from "@slipstream/contracts/money";

/** How an order ended. */
export type OrderEnd = "filled" | "expired" | "canceled" | "denied" | "abandoned" | "rejected";

type Order = {
  readonly intent: FactOf<"OrderIntent">;
  /** As inventory granted it; as it was asked for until then. */
  sizeMicro: SharesMicro;
  filledMicro: SharesMicro;
  placedMs: number | null;
  fills: number;
  end: { readonly kind: OrderEnd; readonly reason: string | null } | null;
};

/** A line of `--events-out`. `seq`: of the fact in the log. Amounts are bigints here and integer strings on the line. */
export type ReplayEvent = {
  readonly atMs: number;
  readonly seq: number;
  readonly event: "attempt" | "placed" | "fill" | "end" | "resolution" | "settlement";
  /** Its place among events of the same millisecond. */
  readonly rank: number;
  readonly told: Readonly<Record<string, unknown>>;
};

export type Counts = Record<string, number>;
export type ReplayCounts = {
  readonly orders: {
    readonly decided: number;
    readonly placed: number;
    readonly filled: number;
    /** Ended, or still open, with a part of it filled. */
    readonly partly: number;
    readonly expired: number;
    /** By reason. */
    readonly canceled: Counts;
    readonly denied: Counts;
    readonly abandoned: Counts;
    readonly rejected: Counts;
    readonly open: number;
  };
  /** Reasons of skips: one skip may have several. */
  readonly skips: Counts;
  readonly fills: { readonly maker: number; readonly taker: number };
  readonly settlements: number;
};

export type EventLog = {
  take(recorded: Recorded): void;
  /** In venue order. */
  events(): readonly ReplayEvent[];
  counts(): ReplayCounts;
};

const RANK = { attempt: 1, endBefore: 2, fillBefore: 3, placed: 4, fill: 5, end: 6, resolution: 7, settlement: 8 };

export function createEventLog(): EventLog {
  const orders = new Map<ClientOrderId, Order>();
  const events: ReplayEvent[] = [];
  const skips: Counts = {};
  const fills = { maker: 0, taker: 0 };

  const tell = ({ seq, event, atMs, rank }: Omit<ReplayEvent, "told">, told: ReplayEvent["told"]): void => {
    events.push({ atMs, seq, event, rank, told });
  };
  const attempt = (seq: number, fact: FactOf<"ExecutionAttempt"> | FactOf<"OrderIntent">): void => {
    const isTrade = fact.type === "OrderIntent";
    const { attemptId, account, leader, leaderFillId, kind, tokenId, conditionId, outcome } = fact;
    const { ratioMicro, targetMicro, limitMicro, exitShare, used, tsSignalMs, tsSignalPublishedMs } = fact;
    tell(
      { seq, event: "attempt", rank: RANK.attempt, atMs: isTrade ? fact.tsDecidedMs : fact.tsEventMs },
      {
        ...{ attemptId, account, leader, leaderFillId, kind, tokenId, conditionId, outcome },
        reasons: isTrade ? [] : fact.reasons,
        ...{ ratioMicro, targetMicro, limitMicro },
        ...(isTrade
          ? { orderId: fact.orderId, side: fact.side, sizeMicro: fact.sizeMicro, bucketUsed: fact.bucketUsed }
          : { unfollowed: fact.unfollowed, bucketAddMicro: fact.bucketAddMicro }),
        ...{ exitShare, used, tsSignalMs, tsSignalPublishedMs },
      },
    );
  };
  const placed = (seq: number, fact: FactOf<"OrderAccepted">): void => {
    const order = orders.get(fact.orderId);
    if (order === undefined || order.placedMs !== null) return;
    order.placedMs = fact.tsPlacedMs;
    const { account, leaderFillId, tokenId, conditionId, kind, side, limitPriceMicro, timeInForce } = order.intent;
    const { ttlMs, tsDecidedMs } = order.intent;
    tell(
      { seq, event: "placed", rank: RANK.placed, atMs: fact.tsPlacedMs },
      {
        ...{ orderId: fact.orderId, account, leaderFillId, tokenId, conditionId, kind, side, limitPriceMicro },
        ...{ sizeMicro: order.sizeMicro, askedMicro: order.intent.sizeMicro, timeInForce, ttlMs, tsDecidedMs },
      },
    );
  };
  const end = (
    seq: number,
    atMs: number,
    {
      orderId,
      kind,
      reason,
      detail,
    }: { orderId: ClientOrderId; kind: OrderEnd; reason: string | null; detail?: unknown },
  ): void => {
    const order = orders.get(orderId);
    if (order === undefined || order.end !== null) return;
    order.end = { kind, reason };
    const { account, leaderFillId, tokenId, conditionId } = order.intent;
    const wasThere = order.placedMs !== null && order.placedMs < atMs && kind !== "filled";
    tell(
      { seq, event: "end", rank: wasThere ? RANK.endBefore : RANK.end, atMs },
      {
        ...{ orderId, account, leaderFillId, tokenId, conditionId, end: kind, reason },
        ...(detail === undefined ? {} : { detail }),
        ...{ filledMicro: order.filledMicro, leavesMicro: subtractToZero(order.sizeMicro, order.filledMicro) },
        fills: order.fills,
      },
    );
  };
  const filled = (seq: number, fact: FactOf<"ExecutionFill">): void => {
    const order = orders.get(fact.orderId);
    if (order === undefined) return;
    const { orderId, tradeId, account, leaderFillId, tokenId, conditionId, kind, side, priceMicro, sizeMicro } = fact;
    const { usdcMicro, feeMicro, liquiditySide, leavesMicro, tsEventMs } = fact;
    const wasThere = order.placedMs !== null && order.placedMs < tsEventMs;
    fills[liquiditySide] += 1;
    tell(
      { seq, event: "fill", rank: wasThere ? RANK.fillBefore : RANK.fill, atMs: tsEventMs },
      {
        ...{ orderId, tradeId, n: order.fills, account, leaderFillId, tokenId, conditionId, kind, side },
        ...{ priceMicro, sizeMicro, usdcMicro, feeMicro, liquiditySide, leavesMicro },
      },
    );
    order.fills += 1;
    order.filledMicro = sharesMicro(order.filledMicro + sizeMicro);
    if (leavesMicro === 0n) end(seq, tsEventMs, { orderId, kind: "filled", reason: null });
  };

  const take = ({ seq, fact }: Recorded): void => {
    switch (fact.type) {
      case "ExecutionAttempt":
        for (const { code } of fact.reasons) count(skips, code);
        return attempt(seq, fact);
      case "OrderIntent":
        if (orders.has(fact.orderId)) return;
        orders.set(fact.orderId, {
          ...{ intent: fact, sizeMicro: fact.sizeMicro, filledMicro: ZERO_SHARES, placedMs: null, fills: 0, end: null },
        });
        return attempt(seq, fact);
      case "ReservationGranted": {
        const order = orders.get(fact.orderId);
        if (order !== undefined) order.sizeMicro = fact.sizeMicro;
        return;
      }
      case "OrderAccepted":
        return placed(seq, fact);
      case "ExecutionFill":
        return filled(seq, fact);
      case "OrderExpired":
        return end(seq, fact.tsEventMs, { orderId: fact.orderId, kind: "expired", reason: null });
      case "OrderCanceled":
        return end(seq, fact.tsEventMs, { orderId: fact.orderId, kind: "canceled", reason: fact.reason });
      case "OrderAbandoned":
        return end(seq, fact.tsEventMs, { orderId: fact.orderId, kind: "abandoned", reason: fact.reason });
      case "OrderDenied": {
        const { orderId, reason } = fact;
        return end(seq, fact.tsEventMs, { orderId, kind: "denied", reason: reason.code, detail: reason });
      }
      case "OrderRejected": {
        const { orderId, code, text } = fact;
        return end(seq, fact.tsEventMs, { orderId, kind: "rejected", reason: code, detail: text });
      }
      case "ConditionResolved": {
        const { conditionId, payoutNumerators, payoutDenominator, blockNumber, source } = fact;
        const told = { conditionId, payoutNumerators, payoutDenominator, blockNumber, source };
        return tell({ seq, event: "resolution", rank: RANK.resolution, atMs: fact.tsEventMs }, told);
      }
      case "PositionSettled": {
        const { type: _type, v: _v, id: _id, tsEventMs, tsInitMs: _tsInitMs, ...told } = fact;
        return tell({ seq, event: "settlement", rank: RANK.settlement, atMs: tsEventMs }, told);
      }
      default:
        return;
    }
  };
  return {
    take,
    events: () => events.toSorted((a, b) => a.atMs - b.atMs || a.rank - b.rank || a.seq - b.seq),
    counts: () => countsOf([...orders.values()], { skips, fills, events }),
  };
}

const count = (counts: Counts, name: string): void => {
  counts[name] = (counts[name] ?? 0) + 1;
};

function countsOf(
  orders: readonly Order[],
  seen: { readonly skips: Counts; readonly fills: ReplayCounts["fills"]; readonly events: readonly ReplayEvent[] },
): ReplayCounts {
  const by = (kind: OrderEnd): Counts => {
    const counts: Counts = {};
    for (const { end } of orders) if (end?.kind === kind) count(counts, end.reason ?? kind);
    return counts;
  };
  const ended = (kind: OrderEnd): number => orders.filter(({ end }) => end?.kind === kind).length;
  return {
    orders: {
      decided: orders.length,
      placed: orders.filter(({ placedMs }) => placedMs !== null).length,
      filled: ended("filled"),
      partly: orders.filter(({ fills, end }) => fills > 0 && end?.kind !== "filled").length,
      expired: ended("expired"),
      canceled: by("canceled"),
      denied: by("denied"),
      abandoned: by("abandoned"),
      rejected: by("rejected"),
      open: orders.filter(({ end }) => end === null).length,
    },
    skips: { ...seen.skips },
    fills: { ...seen.fills },
    settlements: seen.events.filter(({ event }) => event === "settlement").length,
  };
}

/** One line for `--events-out`: prices as integers, amounts as integer strings, all 1e-6. */
export const eventLine = ({ atMs, seq, event, told }: ReplayEvent): string =>
  JSON.stringify({ atMs, seq, event, ...told }, (_key, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value,
  );

/** The counts in words, for people. */
export function countLines({ orders, skips, fills, settlements }: ReplayCounts): string[] {
  const ends = [
    `${orders.expired} expired`,
    ...(["canceled", "denied", "abandoned", "rejected"] as const).map((kind) => `${listed(orders[kind])} ${kind}`),
    ...(orders.open > 0 ? [`${orders.open} still open`] : []),
  ];
  return [
    `orders: ${orders.decided} decided, ${orders.placed} placed, ${orders.filled} filled, ${orders.partly} partly; ${ends.join(", ")}`,
    `fills: ${fills.taker} as taker, ${fills.maker} as maker; ${settlements} positions settled`,
    `skips: ${listed(skips)}`,
  ];
}

/** `3 (FAK_REMAINDER 2, BLIND 1)`; names in the order of the alphabet. */
function listed(counts: Counts): string {
  const names = Object.keys(counts).sort();
  const total = names.reduce((sum, name) => sum + (counts[name] ?? 0), 0);
  return names.length === 0 ? "0" : `${total} (${names.map((name) => `${name} ${counts[name]}`).join(", ")})`;
}
