/** The live view as text: a pure function of the overview, so `start`, `status` and tests show the same. */
import type { FactOf } from "@slipstream/contracts/facts";
import type { Address, ClientOrderId, TokenId } from "@slipstream/contracts/ids";
import type { AccountValue, Pending } from "@slipstream/contracts/live";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { formatMicro, notional, ZERO_SHARES } from "@slipstream/contracts/money";
import { serviceNames } from "@slipstream/contracts/subjects";
import { riskText } from "./effectiveRisk.ts";
import type { Overview } from "./overview.ts";
import { pendingLines } from "./pendingLines.ts";
import { problemLines, wrapped } from "./problemLines.ts";
import { quantiles } from "./report.ts";
import { healthText, isOfClock, serviceHealth, speakerOf } from "./serviceHealth.ts";

export type ViewOptions = {
  /** The world's time; a tape's while one is played. */
  readonly nowMs: number;
  /** Real time, in which services are silent. */
  readonly wallMs: number;
  /** Columns of the terminal. */
  readonly width: number;
  /** Rows per list. */
  readonly rows: number;
  readonly market: (tokenId: TokenId) => MarketDefinition | undefined;
  /** First line: what is being watched. */
  readonly title: string;
  /** What the executor says is pending; null: it does not answer; absent: it was not asked. */
  readonly pending?: Pending | null;
};

/** Addresses and tokens; a name is short already. */
const short = (id: string): string => (id.length > 12 ? `${id.slice(0, 6)}…${id.slice(-4)}` : id);
const clockText = (ms: number): string => new Date(ms).toISOString().slice(11, 19);
const shares = (micro: bigint): string => formatMicro((micro / 10_000n) * 10_000n);
const usd = (micro: bigint): string =>
  `${micro < 0n ? "-" : ""}$${formatMicro(((micro < 0n ? -micro : micro) / 10_000n) * 10_000n)}`;
const price = (micro: number): string => formatMicro(micro);

/** Renders the whole view, one string with line breaks and no colours. */
export function renderLiveView(overview: Overview, options: ViewOptions): string {
  const lines = [
    options.title,
    ...wrapped(headLine(overview, options), options.width),
    serviceLine(overview, options),
    ...problemLines(overview, options),
    ...clockLines(overview, options),
    "",
    ...leaderLines(overview, options),
    "",
    ...fillLines(overview, options),
    "",
    ...attemptLines(overview, options),
    "",
    ...positionLines(overview, options),
    ...(options.pending === undefined
      ? []
      : pendingLines(stillOpen(options.pending, overview), { ...options, ...namesOf(options) })),
    "",
    latencyLine(overview),
  ];
  return lines.map((line) => (line.length > options.width ? `${line.slice(0, options.width - 1)}…` : line)).join("\n");
}

/** The executor was asked some seconds ago: orders that have ended since are not shown as waiting. */
function stillOpen(pending: Pending | null, { orders }: Overview): Pending | null {
  if (pending === null) return null;
  const isOpen = ({ orderId }: Pending["exits"][number]): boolean =>
    orderId === null || (orders.get(orderId)?.end ?? null) === null;
  return { ...pending, exits: pending.exits.filter(isOpen) };
}

/**
 * The first lines, which say whether all is well, on a terminal that is too low for all of them.
 * @param height - rows of the terminal.
 */
export function fitHeight(text: string, height: number): string {
  const lines = text.split("\n");
  if (lines.length < height) return text;
  const kept = lines.slice(0, Math.max(1, height - 2));
  return [...kept, `… and ${lines.length - kept.length} lines that a higher terminal shows`].join("\n");
}

function headLine(overview: Overview, { nowMs, wallMs }: ViewOptions): string {
  const { progress } = overview;
  const head =
    progress === null
      ? "no block yet"
      : `block ${progress.head}, ${Math.max(0, Math.round((nowMs - progress.headTsMs) / 1000))} s old, finalized ${progress.finalized}`;
  return `risk ${riskText(overview, { nowMs, wallMs, short })} | ${head}${behindText(overview)} | log ${overview.lastSeq}`;
}

/** What the watchers have yet to read of an absence and of leaders' pasts. */
function behindText(overview: Overview): string {
  const gauge = (name: string): number => {
    const watchers = [...overview.heartbeats.values()].filter(({ service }) => service === "chain-watcher");
    return Math.max(0, ...watchers.map(({ gauges }) => gauges[name] ?? 0));
  };
  const absence = gauge("gapBlocks");
  const past = gauge("backfillBlocks");
  return [
    absence === 0 ? "" : `, ${absence} blocks of an absence to be read`,
    past === 0 ? "" : `, ${past} blocks of leaders' pasts to be read`,
  ].join("");
}

function serviceLine(overview: Overview, { wallMs }: ViewOptions): string {
  return `services ${serviceNames.map((name) => `${name} ${healthText(serviceHealth(overview, name, wallMs))}`).join(" · ")}`;
}

/** A machine's clock is a trouble of all its processes: said once, with the names of those that say the same. */
function clockLines(overview: Overview, { wallMs }: ViewOptions): string[] {
  const byKind = new Map<string, { readonly line: string; readonly names: string[] }>();
  for (const name of serviceNames) {
    const line = speakerOf(overview, name, wallMs)?.problems.find(isOfClock);
    if (line === undefined) continue;
    // Each process measures by itself, so the numbers differ a little.
    const kind = line.replaceAll(/\d+/g, "");
    const group = byKind.get(kind) ?? { line, names: [] };
    group.names.push(name);
    byKind.set(kind, group);
  }
  return [...byKind.values()].map(({ line, names }) => {
    return `clock ! ${line} (${names.length === serviceNames.length ? "all" : names.join(", ")})`;
  });
}

function leaderLines(overview: Overview, { rows }: ViewOptions): string[] {
  const count: ReadonlyMap<Address, number> = overview.counts.byLeader;
  const leaders = [...overview.leaders].filter(([, leader]) => leader.enabled);
  const list = leaders.slice(0, rows).map(([address, leader]) => {
    return `  ${short(address)}  ${leader.label.padEnd(16)} ${count.get(address) ?? 0} fills`;
  });
  const more = leaders.length > rows ? [`  … and ${leaders.length - rows} more`] : [];
  return [
    `LEADERS ${leaders.length}`,
    ...(list.length === 0 ? ["  none: npm run slipstream -- leaders add 0x…"] : list),
    ...more,
  ];
}

function fillLines(overview: Overview, options: ViewOptions): string[] {
  const recent = overview.recentFills.slice(-options.rows).reverse();
  const list = recent.flatMap((id) => {
    const entry = overview.fills.get(id);
    if (entry === undefined) return [];
    const { fill, status } = entry;
    const what = `${fill.side.padEnd(4)} ${shares(fill.sharesMicro)} @ ${price(fill.priceMicro)}`;
    const mark = status === "ON_CHAIN" ? "" : ` [${status.toLowerCase()}]`;
    return [
      `  ${clockText(fill.tsEventMs)} ${short(fill.leader)} ${what.padEnd(26)} ${fill.role.toLowerCase().padEnd(7)} ${outcome(fill.tokenId, options)}${mark}`,
    ];
  });
  return [`LEADER FILLS ${overview.counts.fills}`, ...(list.length === 0 ? ["  waiting for the first one"] : list)];
}

function attemptLines(overview: Overview, options: ViewOptions): string[] {
  const { attempts, traded, executionFills } = overview.counts;
  const head = `COPY ATTEMPTS ${attempts} (${traded} traded, ${attempts - traded} skipped), ${executionFills} fills of our own`;
  const recent = overview.recentAttempts.slice(-options.rows).reverse();
  const list = recent.map(
    ({ account, text, fill, atMs }) =>
      `  ${clockText(atMs)} ${account.padEnd(8)} ${attemptText(overview, { text, fill }, options)}`,
  );
  return [head, ...list];
}

const ORDER = "order ";
type Attempt = Pick<Overview["recentAttempts"][number], "text" | "fill">;

function attemptText(overview: Overview, { text, fill: id }: Attempt, options: ViewOptions): string {
  const order = text.startsWith(ORDER) ? overview.orders.get(text.slice(ORDER.length) as ClientOrderId) : undefined;
  if (order === undefined) {
    // What a leader did otherwise than by a fill is not among the fills.
    const fill = overview.fills.get(id)?.fill;
    return fill === undefined ? text : `${text}  ${short(fill.leader)} ${fill.side} ${outcome(fill.tokenId, options)}`;
  }
  const { intent } = order;
  const want =
    `${intent.kind.toLowerCase()} ${intent.side} ${shares(intent.sizeMicro)} ≤ ${price(intent.limitPriceMicro)}`.replace(
      "≤",
      intent.side === "BUY" ? "≤" : "≥",
    );
  const state = order.end ?? (order.placedMs === null ? "asked" : "open");
  return `${want.padEnd(34)} filled ${shares(order.filledMicro).padEnd(9)} ${state.padEnd(10)} ${outcome(intent.tokenId, options)}`;
}

function positionLines(overview: Overview, options: ViewOptions): string[] {
  const held = [...overview.positions.values()].filter(
    ({ effectiveMicro, reservedBuysMicro, claimableMicro }) =>
      effectiveMicro !== 0n || reservedBuysMicro !== 0n || claimableMicro !== 0n,
  );
  const list = held.slice(-options.rows).map((position) => {
    const pending = position.pendingBuysMicro - position.pendingSellsMicro;
    const worth = worthText(overview, position, options);
    return `  ${position.account.padEnd(8)} ${shares(position.effectiveMicro).padEnd(10)} cost ${usd(position.costMicro).padEnd(9)} ${worth.padEnd(34)} confirmed ${shares(position.confirmedMicro)}${pending === 0n ? "" : ` pending ${shares(pending)}`}${endText(position, options)}  ${outcome(position.tokenId, options)}`;
  });
  return [
    ...[...overview.values.values()].map((value) => moneyLine(value, options)),
    `POSITIONS ${held.length}`,
    ...list,
  ];
}

/** How far a position is whose market has ended; empty while it trades. */
function endText({ claimableMicro, tokenId }: FactOf<"PositionChanged">, { market }: ViewOptions): string {
  if (claimableMicro !== 0n) return ` claimable ${usd(claimableMicro)}`;
  return market(tokenId)?.closed === true ? " closed, not paid yet" : "";
}

const signed = (micro: bigint): string => (micro > 0n ? `+${usd(micro)}` : usd(micro));

/** What an account is worth, and how old the oldest price in it is. */
function moneyLine(value: AccountValue, { nowMs }: ViewOptions): string {
  const marks = value.positions.flatMap(({ mark }) => (mark === null ? [] : [mark.tsMs]));
  const oldest = marks.length === 0 ? "" : `, oldest price ${ageText(nowMs - Math.min(...marks))}`;
  const owed = value.claimableMicro === 0n ? "" : `, claimable ${usd(value.claimableMicro)}`;
  const unpriced = value.unmarked === 0 ? "" : `, ${value.unmarked} not priced, at cost`;
  return `MONEY ${value.account}: equity ${usd(value.equityMicro)}, cash ${usd(value.cashMicro)}${owed}, realized ${signed(value.realizedMicro)} (after fees of ${usd(value.feesMicro)}), unrealized ${signed(value.unrealizedMicro)}${oldest}${unpriced}`;
}

function worthText(
  overview: Overview,
  { account, tokenId, effectiveMicro, costMicro }: FactOf<"PositionChanged">,
  { nowMs }: ViewOptions,
): string {
  const valued = overview.values.get(account)?.positions.find((position) => position.tokenId === tokenId);
  if (valued === undefined || valued.mark === null) return "not priced";
  const { mark } = valued;
  // What inventory valued a second ago may have been fewer shares than the line's.
  const worthMicro = notional(mark.priceMicro, effectiveMicro > 0n ? effectiveMicro : ZERO_SHARES, "floor");
  return `worth ${usd(worthMicro)} ${signed(worthMicro - costMicro)} @ ${price(mark.priceMicro)} ${ageText(nowMs - mark.tsMs)}`;
}

const ageText = (ms: number): string => `${Math.max(0, Math.round(ms / 1_000))} s old`;

function latencyLine({ latencies }: Overview): string {
  const part = (name: string, samples: readonly number[]): string => {
    const { p50, p99 } = quantiles(samples);
    return `${name} ${p50}/${p99}`;
  };
  return `latency p50/p99 ms: ${part("seen → published", latencies.seenToPublished)} · ${part("published → decided", latencies.publishedToDecided)} · ${part("decided → placed", latencies.decidedToPlaced)}`;
}

const namesOf = (options: ViewOptions) => ({ short, outcome: (tokenId: TokenId) => outcome(tokenId, options) });

function outcome(tokenId: TokenId, { market }: ViewOptions): string {
  const definition = market(tokenId);
  if (definition === undefined) return `token ${tokenId.slice(0, 8)}…`;
  const token = definition.tokens.find((item) => item.tokenId === tokenId);
  return `${token?.outcome ?? "?"} · ${definition.question}`;
}
