/** The report of a run: what happened, and whether it agrees with the chain. Shape: README, "Report". */
import type { Address, LeaderFillId, TokenId } from "@slipstream/contracts/ids";
import type { Pending } from "@slipstream/contracts/live";
import { type LeftBehind, leftBehind } from "./leftBehind.ts";
import type { OrderEntry, Overview } from "./overview.ts";
import { paperHoldings } from "./paperHoldings.ts";

/** A fill of a followed wallet as the chain itself shows it, read independently of chain-watcher. */
export type ChainFill = {
  readonly leader: Address;
  readonly blockHash: string;
  readonly blockNumber: number;
  readonly logIndex: number;
};

export type Quantiles = { readonly p50: number; readonly p90: number; readonly p99: number };
export type RunReport = {
  leaderFills: number;
  attempts: { trade: number; skip: number; byReason: Record<string, number> };
  orders: number;
  executionFills: number;
  /** Fills on the chain that no living LeaderFill tells, and living fills without an attempt. */
  missed: number;
  /** Fills told twice, attempts or executions made twice. */
  duplicated: number;
  /** Money once nothing is open: what inventory has, what it may spend, and what our own fills leave of the funding. */
  purses: { account: string; collateral: string; available: string; ledger: string }[];
  /** What each account is worth at the end: realized net of fees, unrealized at marks; `null` mark: at cost. */
  money: {
    account: string;
    funding: string | null;
    equity: string;
    cash: string;
    claimable: string;
    realized: string;
    fees: string;
    unrealized: string;
    positions: {
      tokenId: string;
      shares: string;
      cost: string;
      value: string;
      markMicro: number | null;
      markMs: number | null;
    }[];
  }[];
  positions: { account: string; tokenId: string; confirmed: string; effective: string; chain: string }[];
  /** Resolved markets that paid us: settlements, and what they paid. */
  settled: { count: number; payout: string };
  /** Held although the market is closed: not resolved on the chain yet, or not told. */
  unpaid: { account: string; tokenId: string; effective: string }[];
  /** Lots whose leader holds nothing of the token any more, and what becomes of them. */
  leftBehind: { account: string; leader: string; tokenId: string; shares: string; why: LeftBehind["why"] }[];
  latencyMs: { seenToPublished: Quantiles; publishedToDecided: Quantiles; decidedToPlaced: Quantiles };
  /** Orders filled in parts or only in part, and orders that ended by their time to live. */
  partialFills: number;
  ttlCancels: number;
  /** Exits of leaders that were followed later than LATE_EXIT_MS: after an outage, a halt, or for want of a buyer. */
  lateExits: number;
  /** Leader fills that a reorg took back and that came again, and that never did. */
  returned: number;
  retracted: number;
  faults: string[];
  errors: string[];
};

const LATE_EXIT_MS = 5_000;

/** Nearest-rank quantiles in ms, one decimal; zeros without samples. */
export function quantiles(samples: readonly number[]): Quantiles {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (q: number): number => Math.round((sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0) * 10) / 10;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}

const place = (fill: { blockHash: string | null; logIndex: number | null }): string =>
  `${fill.blockHash}:${fill.logIndex}`;

const isUpTo = ({ blockNumber }: { blockNumber: number | null }, block: number): boolean =>
  blockNumber !== null && blockNumber <= block;

/** Differences between the log and the chain, each a sentence; none when they agree. */
export type Audit = { missed: string[]; phantom: string[]; duplicated: string[] };

/**
 * Compares the log with the chain.
 * @param due - fills on the chain that had to be told: of wallets followed by then, in these blocks.
 * @param chain - every fill on the chain of any of the wallets in these blocks, also from before they were followed.
 * @param range - what is judged. A fill of the log from before it is not doubted.
 */
export function audit(
  overview: Overview,
  due: readonly ChainFill[],
  chain: readonly ChainFill[],
  { fromBlock, toBlock: upToBlock }: { readonly fromBlock: number; readonly toBlock: number },
): Audit {
  const result: Audit = { missed: [], phantom: [], duplicated: [] };
  const told = new Map<string, LeaderFillId[]>();
  for (const [id, { fill, status, firstPublications }] of overview.fills) {
    if (firstPublications > 1) result.duplicated.push(`leader fill ${id} was told ${firstPublications} times`);
    if (status === "ON_CHAIN") told.set(place(fill), [...(told.get(place(fill)) ?? []), id]);
  }
  const onChain = new Set(chain.map(place));
  for (const fill of due) {
    const ids = told.get(place(fill)) ?? [];
    if (ids.length === 0)
      result.missed.push(`fill of ${fill.leader} in block ${fill.blockNumber}, log ${fill.logIndex}`);
    if (ids.length > 1) result.duplicated.push(`one log is told as ${ids.length} fills: ${ids.join(", ")}`);
  }
  for (const { fill, status } of overview.fills.values()) {
    const isJudged = isUpTo(fill, upToBlock) && !isUpTo(fill, fromBlock - 1);
    if (status === "ON_CHAIN" && isJudged && !onChain.has(place(fill))) {
      result.phantom.push(`fill ${fill.leaderFillId} of block ${fill.blockNumber} is not on the chain`);
    }
  }
  auditAttempts(overview, upToBlock, result);
  return result;
}

function auditAttempts(overview: Overview, upToBlock: number, result: Audit): void {
  const byFill = new Map<string, number>();
  for (const attempt of overview.attempts.values()) {
    const key = `${attempt.account}|${attempt.leaderFillId}`;
    byFill.set(key, (byFill.get(key) ?? 0) + 1);
    if (attempt.doubled > 0) result.duplicated.push(`attempt on ${key} has ${attempt.doubled} orders too many`);
  }
  for (const [key, count] of byFill) if (count > 1) result.duplicated.push(`${count} attempts on ${key}`);
  for (const { fill, status } of overview.fills.values()) {
    if (fill.historical || status !== "ON_CHAIN" || !isUpTo(fill, upToBlock)) continue;
    for (const account of overview.accounts.keys()) {
      if (!byFill.has(`${account}|${fill.leaderFillId}`)) {
        result.missed.push(`fill ${fill.leaderFillId} has no attempt of account ${account}`);
      }
    }
  }
  if (overview.duplicatedExecutionFills > 0) {
    result.duplicated.push(`${overview.duplicatedExecutionFills} execution fills were told twice`);
  }
  for (const [id, order] of overview.orders) {
    if (order.filledMicro > order.intent.sizeMicro) result.duplicated.push(`order ${id} was filled beyond its size`);
  }
}

/** Positions of inventory beside the paper ledger; `chain` is what our own fills add up to. */
export function positionRows(overview: Overview): RunReport["positions"] {
  const ledger = new Map(paperHoldings(overview).map((item) => [`${item.account}|${item.tokenId}`, item.sharesMicro]));
  const keys = new Set([...ledger.keys(), ...overview.positions.keys()]);
  return [...keys].sort().map((key) => {
    const [account = "", tokenId = ""] = key.split("|");
    const position = overview.positions.get(key);
    return {
      account,
      tokenId,
      confirmed: String(position?.confirmedMicro ?? 0n),
      effective: String(position?.effectiveMicro ?? 0n),
      chain: String(ledger.get(key) ?? 0n),
    };
  });
}

export function purseRows(overview: Overview): RunReport["purses"] {
  return [...overview.purses].flatMap(([account, { ledgerMicro, collateralMicro, availableMicro }]) =>
    collateralMicro === null || availableMicro === null
      ? []
      : [{ account, collateral: `${collateralMicro}`, available: `${availableMicro}`, ledger: `${ledgerMicro}` }],
  );
}

/** Fills of ours from before what they follow: whatever clock was wrong, the result is not true. */
function impossibleFills({ executionFills, orders }: Overview): string[] {
  return [...executionFills.values()].flatMap(({ orderId, tradeId, tsEventMs }) => {
    const signalMs = orders.get(orderId)?.intent.tsSignalMs ?? Number.NEGATIVE_INFINITY;
    return tsEventMs < signalMs ? [`fill ${tradeId} of our own is ${signalMs - tsEventMs} ms before its signal`] : [];
  });
}

const moneyRows = (overview: Overview): RunReport["money"] =>
  [...overview.values.values()].map((value) => ({
    account: value.account,
    funding: value.fundingMicro === null ? null : `${value.fundingMicro}`,
    equity: `${value.equityMicro}`,
    cash: `${value.cashMicro}`,
    claimable: `${value.claimableMicro}`,
    realized: `${value.realizedMicro}`,
    fees: `${value.feesMicro}`,
    unrealized: `${value.unrealizedMicro}`,
    positions: value.positions.map(({ tokenId, sharesMicro: shares, costMicro, valueMicro, mark }) => ({
      ...{ tokenId, shares: `${shares}`, cost: `${costMicro}`, value: `${valueMicro}` },
      ...{ markMicro: mark?.priceMicro ?? null, markMs: mark?.tsMs ?? null },
    })),
  }));

/** Profit must be the change of equity, to the micro, or the books are wrong. */
function unexplainedProfit({ values }: Overview): string[] {
  return [...values.values()].flatMap(({ account, fundingMicro, equityMicro, realizedMicro, unrealizedMicro }) => {
    if (fundingMicro === null) return [];
    const [change, profit] = [equityMicro - fundingMicro, realizedMicro + unrealizedMicro];
    if (change === profit) return [];
    return [`money of ${account}: equity changed by ${change}, realized and unrealized are ${profit} (1e-6 USDC)`];
  });
}

/** Lots of leaders who hold nothing of the token any more, by the newest readings of their wallets. */
export const leftNow = ({ leaderHoldings }: Pick<Overview, "leaderHoldings">, pending: Pending): LeftBehind[] =>
  leftBehind(pending, (leader, tokenId) => leaderHoldings.get(`${leader}|${tokenId}`)?.sharesMicro ?? null);

/** What leaders left behind; a lot that nobody sells any more is an error, and so is not knowing. */
function leftRows({ leaderHoldings }: Overview, pending: Pending | null) {
  if (pending === null) return { rows: [], errors: ["the executor does not say what it holds after whom"] };
  const left = leftNow({ leaderHoldings }, pending);
  return {
    rows: left.map(({ sharesMicro, ...lot }) => ({ ...lot, shares: `${sharesMicro}` })),
    errors: left.flatMap(({ account, leader, tokenId, sharesMicro, why }) =>
      why === "stranded"
        ? [`stranded: ${account} holds ${sharesMicro} (1e-6 shares) of ${tokenId}, which ${leader} has left`]
        : [],
    ),
  };
}

export function buildReport(
  overview: Overview,
  found: Audit,
  run: {
    readonly faults: readonly string[];
    readonly errors: readonly string[];
    readonly isClosed: (tokenId: TokenId) => boolean;
    /** What the executor says; null: it does not answer. */
    readonly pending: Pending | null;
  },
): RunReport {
  const byReason: Record<string, number> = {};
  let skip = 0;
  for (const attempt of overview.attempts.values()) {
    if (attempt.trades.length === 0) skip += 1;
    for (const code of attempt.skips) byReason[code] = (byReason[code] ?? 0) + 1;
  }
  const orders = [...overview.orders.values()];
  const positions = positionRows(overview);
  const disagreements = positions
    .filter((row) => row.confirmed !== row.chain || row.effective !== row.chain)
    .map(
      (row) =>
        `position ${row.account} ${row.tokenId}: confirmed ${row.confirmed}, effective ${row.effective}, chain ${row.chain}`,
    );
  const purses = purseRows(overview);
  for (const row of purses.filter(
    ({ collateral, available, ledger }) => collateral !== ledger || available !== ledger,
  )) {
    disagreements.push(
      `purse ${row.account}: collateral ${row.collateral}, available ${row.available}, ledger ${row.ledger}`,
    );
  }
  disagreements.push(...unexplainedProfit(overview));
  const left = leftRows(overview, run.pending);
  return {
    leaderFills: overview.fills.size,
    attempts: { trade: overview.attempts.size - skip, skip, byReason },
    orders: orders.length,
    executionFills: overview.executionFills.size,
    missed: found.missed.length,
    duplicated: found.duplicated.length,
    purses,
    money: moneyRows(overview),
    positions,
    settled: settledOf(overview),
    unpaid: positions.flatMap(({ account, tokenId, effective }) =>
      effective !== "0" && run.isClosed(tokenId as TokenId) ? { account, tokenId, effective } : [],
    ),
    leftBehind: left.rows,
    latencyMs: {
      seenToPublished: quantiles(overview.latencies.seenToPublished),
      publishedToDecided: quantiles(overview.latencies.publishedToDecided),
      decidedToPlaced: quantiles(overview.latencies.decidedToPlaced),
    },
    partialFills: orders.filter(
      (order) => order.fills > 0 && (order.fills > 1 || order.filledMicro < order.intent.sizeMicro),
    ).length,
    ttlCancels: orders.filter((order) => order.end === "expired").length,
    lateExits: lateExits(orders),
    returned: [...overview.fills.values()].filter(({ returned }) => returned).length,
    retracted: [...overview.fills.values()].filter(({ status }) => status === "RETRACTED").length,
    faults: [...run.faults],
    errors: [
      ...run.errors,
      ...found.missed,
      ...found.duplicated,
      ...found.phantom,
      ...disagreements,
      ...left.errors,
      ...impossibleFills(overview),
    ],
  };
}

/** By their first order: one that rests and gives way has many. */
function lateExits(orders: readonly OrderEntry[]): number {
  const first = new Map<string, number>();
  for (const { intent } of orders) {
    if (intent.kind !== "EXIT") continue;
    const lateMs = intent.tsDecidedMs - intent.tsSignalMs;
    first.set(intent.attemptId, Math.min(lateMs, first.get(intent.attemptId) ?? lateMs));
  }
  return [...first.values()].filter((lateMs) => lateMs > LATE_EXIT_MS).length;
}

function settledOf({ settlements }: Overview): RunReport["settled"] {
  const payout = [...settlements.values()].reduce((sum, { payoutMicro }) => sum + payoutMicro, 0n);
  return { count: settlements.size, payout: String(payout) };
}

/** A run is good when nothing was missed or doubled and the positions agree with the chain. */
export const isGood = (report: RunReport): boolean =>
  report.missed === 0 && report.duplicated === 0 && report.errors.length === 0;
