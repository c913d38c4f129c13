/**
 * What a tape proves by itself: its books by the venue's hashes and by REST, its time and its chain by their order, and
 * where it says that something is missing. One pass, with the desk that bookstore and replay use. Pure.
 */
import { connectionOf as deskConnection } from "@slipstream/bookstore/core/connection";
import { createDesk, type Desk, onDisconnected, onEvents, onTick, track } from "@slipstream/bookstore/core/desk";
import { onRestBook } from "@slipstream/bookstore/core/deskRest";
import { onRefused } from "@slipstream/bookstore/core/refusals";
import type { TokenBook } from "@slipstream/bookstore/core/tokenBook";
import type { BookHealth } from "@slipstream/contracts/book";
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { type RestBook, readBooks } from "@slipstream/polymarket/clobRest";
import { marketOfGamma } from "@slipstream/polymarket/gamma";
import { createMarketParser, type MarketEvent, type MarketParser } from "@slipstream/polymarket/marketChannel";
import type { TapeRecord } from "@slipstream/sandbox/tape/format";
import { TapeGap, TapeRest } from "@slipstream/sandbox/tape/recording";
import { createChainOrder, type MissingBlocks } from "./chainOrder.ts";
import { createTapeFacts, type TapeFacts } from "./facts.ts";
import { createSilences, type Silence } from "./silences.ts";
import { createDelays } from "./usualDelays.ts";

export type TokenReport = {
  readonly tokenId: TokenId;
  readonly question: string;
  /** Messages that changed or stated the book. */
  readonly updates: number;
  /** Those of them that a proof covers. */
  readonly proved: number;
  /** Bursts whose book had the venue's hash, had it not, and of which nothing can be said. */
  readonly passed: number;
  readonly failed: number;
  readonly unknown: number;
  /** At the end of the tape. */
  readonly health: BookHealth;
  /** Minimum and neg-risk are not on the tape: the usual ones were taken. */
  readonly assumed: boolean;
};

export type CheckReport = {
  readonly records: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly channels: Readonly<Record<string, number>>;
  readonly tokens: readonly TokenReport[];
  /** Frames that no reader understands: the first few, and how many. */
  readonly refused: { readonly count: number; readonly first: readonly string[] };
  /** Times a book stopped being provable, by reason, other than by a gap that the recorder told. */
  readonly breaks: Readonly<Record<string, number>>;
  /** As the recorder told them: one that opened and one that closed are one. */
  readonly gaps: readonly TapeGap[];
  readonly silences: readonly Silence[];
  readonly missingBlocks: readonly MissingBlocks[];
};

export type TapeCheck = {
  take(record: TapeRecord): void;
  end(): CheckReport;
};

const TICK_MS = 100;
/** After so long without a record nothing comes of a tick any more: bursts and doubts are over. */
const STILL_MS = 5_000;
/** Bursts at the end of the tape are over after this. */
const AFTER_MS = 2_000;
const REFUSED_SHOWN = 5;
/** The connection of a tape that names none. */
const ONLY = "tape";

type Seen = { updates: number; bursts: number; hash: string };

/** @param silenceMs - a channel that is quiet for longer is reported. */
export function createTapeCheck({ silenceMs }: { readonly silenceMs: number }): TapeCheck {
  const seen = new Map<TokenId, Seen>();
  const facts = createTapeFacts((tokenId, market) => {
    const book = desk.books.get(tokenId);
    if (book !== undefined) book.market = hashedOf(market);
  });
  const desk: Desk = createDesk(1, (tokenId) => facts.of(tokenId)?.market);
  const parsers = new Map<string, MarketParser>();
  const channels: Record<string, number> = {};
  const refused = { count: 0, first: [] as string[] };
  const gaps: TapeGap[] = [];
  const chain = createChainOrder();
  const delays = createDelays();
  const silences = createSilences(silenceMs);
  let records = 0;
  let firstMs = 0;
  let lastMs = 0;
  let tickedMs = 0;

  const refuse = (what: string): void => {
    refused.count += 1;
    if (refused.first.length < REFUSED_SHOWN) refused.first.push(what);
  };
  const note = (tokenId: TokenId, hash: string): void => {
    const one = seen.get(tokenId) ?? { updates: 0, bursts: 0, hash: "" };
    one.updates += 1;
    if (hash !== "" && hash !== one.hash) {
      one.bursts += 1;
      one.hash = hash;
    }
    seen.set(tokenId, one);
  };
  const meet = (event: MarketEvent, connection: string): void => {
    if (event.kind === "book") {
      note(event.tokenId, event.hash);
      if (event.tickMicro !== null) facts.openingBook({ ...event, tickMicro: event.tickMicro });
      if (desk.books.get(event.tokenId)?.connection !== connection) track(desk, event.tokenId, connection);
    } else if (event.kind === "priceChange") {
      for (const { tokenId, hash } of event.changes) if (desk.books.has(tokenId)) note(tokenId, hash);
    }
  };
  const takeFrame = (text: string, connection: string, t: number): void => {
    const parser = parsers.get(connection) ?? createMarketParser();
    parsers.set(connection, parser);
    const frame = parser.parse(text);
    for (const event of frame.events) meet(event, connection);
    // Receive times are the recorder's, whose clock nobody corrects.
    deskConnection(desk, connection).usualDelayMs = delays.usualMs(connection, frame.events, t);
    onEvents(desk, connection, frame.events, t);
    for (const refusal of frame.refused) {
      refuse(`${refusal.code}: ${refusal.detail.slice(0, 100)}`);
      onRefused(desk, connection, refusal, t);
    }
  };
  const takeRest = (d: unknown, t: number): void => {
    const answer = TapeRest.safeParse(d).data;
    if (answer === undefined || answer.status !== 200 || answer.path !== "/books") return;
    let books: readonly RestBook[];
    try {
      const read = readBooks(JSON.parse(answer.body));
      books = read.books;
      for (const { tokenId, text } of read.unreadable)
        refuse(`clob.rest: book of ${tokenId ?? "?"}: ${text.slice(0, 100)}`);
    } catch (error) {
      return refuse(`clob.rest: ${(error as Error).message.slice(0, 100)}`);
    }
    for (const book of books) {
      facts.restBook(book);
      const health = desk.books.get(book.tokenId)?.health;
      if (health !== undefined) onRestBook(desk, book.tokenId, book, t, whyOf(health));
    }
  };
  const takeGap = (d: unknown, t: number): void => {
    const gap = TapeGap.safeParse(d).data;
    if (gap === undefined) return refuse("recorder.gap: no gap that can be read");
    const opened = gaps.findIndex((one) => one.untilMs === null && one.sinceMs === gap.sinceMs && one.of === gap.of);
    if (gap.untilMs !== null && opened >= 0)
      gaps[opened] = { ...gap, detail: `${gaps[opened]?.detail}; ${gap.detail}` };
    else gaps.push(gap);
    if ((gap.of ?? "clob.market.ws") === "clob.market.ws") loseBooks(desk, gap.tokens, t);
  };

  /** Time passes for the desk as it would have: a doubt that nothing follows ends within a silence, not behind it. */
  const passTo = (t: number): void => {
    if (tickedMs === 0) tickedMs = t - TICK_MS;
    const untilMs = Math.min(t, tickedMs + STILL_MS);
    for (let at = tickedMs + TICK_MS; at < untilMs; at += TICK_MS) onTick(desk, at);
    if (t - tickedMs < TICK_MS) return;
    tickedMs = t;
    onTick(desk, t);
  };

  return {
    take: ({ t, ch, c, d }) => {
      if (records === 0) firstMs = t;
      records += 1;
      lastMs = Math.max(lastMs, t);
      channels[ch] = (channels[ch] ?? 0) + 1;
      silences.heard(ch, c, t);
      passTo(t);
      if (ch === "clob.market.ws" && typeof d === "string") takeFrame(d, c ?? ONLY, t);
      else if (ch === "clob.rest") takeRest(d, t);
      else if (ch === "recorder.gap") takeGap(d, t);
      else if (ch === "chain.head") chain.head(d);
      else if (ch === "gamma.market") {
        const market = marketOfGamma(d, t);
        if ("kind" in market) refuse(`gamma.market: ${market.text.slice(0, 100)}`);
        else facts.market(market);
      }
    },
    end: () => {
      // The end may have cut the last bursts: they can be proved, not disproved.
      const before = new Map([...desk.books].map(([tokenId, { proofs, health }]) => [tokenId, { ...proofs, health }]));
      onTick(desk, lastMs + AFTER_MS);
      const tokens = [...desk.books.values()].map((book) =>
        tokenReport({ ...book, ...endOf(book, before.get(book.tokenId)) }, seen, facts),
      );
      return {
        records,
        firstMs,
        lastMs,
        channels,
        tokens,
        refused,
        breaks: Object.fromEntries([...desk.resyncs].filter(([reason]) => reason !== TOLD)),
        gaps,
        silences: silences.end(lastMs),
        missingBlocks: chain.missing(),
      };
    },
  };
}

const whyOf = (health: BookHealth) => (health === "healthy" ? "audit" : health === "suspect" ? "refresh" : "seed");

/** The desk's word for what a told gap does to a book. */
const TOLD = "connection lost";

/** Takes a told gap as the desk takes a lost connection, for these tokens alone. */
function loseBooks(desk: Desk, tokens: readonly TokenId[] | null, t: number): void {
  const lost = tokens ?? [...desk.books.keys()];
  const connections = new Set(lost.flatMap((tokenId) => desk.books.get(tokenId)?.connection ?? []));
  for (const connection of connections) onDisconnected(desk, connection, t);
}

const hashedOf = ({ conditionId, tickMicro, negRisk, minOrderSizeMicro }: MarketDefinition) => ({
  conditionId,
  tickMicro,
  negRisk,
  minOrderSizeMicro: Number(minOrderSizeMicro),
});

type End = Pick<TokenBook, "proofs" | "health">;

/** What the last tick proved, without what it disproved. */
const endOf = (
  { proofs, health }: End,
  before: { readonly failed: number; readonly health: BookHealth } | undefined,
): End =>
  before === undefined || proofs.failed === before.failed
    ? { proofs, health }
    : { proofs: { ...proofs, failed: before.failed }, health: before.health };

function tokenReport(
  { tokenId, proofs, health }: TokenBook,
  seen: ReadonlyMap<TokenId, Seen>,
  facts: TapeFacts,
): TokenReport {
  const known = facts.of(tokenId);
  const { updates, bursts } = seen.get(tokenId) ?? { updates: 0, bursts: 0 };
  const assumed = known?.assumed !== false;
  // Under an assumption nothing but failures says that the assumption is wrong, not the book.
  const isOpen = assumed && proofs.passed === 0;
  const failed = isOpen ? 0 : proofs.failed;
  return {
    tokenId,
    question: known?.market.question ?? "",
    updates,
    proved: proofs.entries,
    passed: proofs.passed,
    failed,
    unknown: Math.max(0, bursts - proofs.passed - failed),
    health,
    assumed,
  };
}

/** Everything by which a tape is not whole, one sentence each; empty: it is. */
export function complaintsOf(report: CheckReport): string[] {
  const { tokens, refused, breaks, gaps, missingBlocks } = report;
  const frames = report.channels["clob.market.ws"] ?? 0;
  const doubted = tokens.filter(({ health, assumed, passed }) => health === "suspect" && !(assumed && passed === 0));
  return [
    ...(refused.count > 0 ? [`${refused.count} payloads that cannot be read: ${refused.first.join(" | ")}`] : []),
    ...Object.entries(breaks)
      .filter(([reason]) => isBroken(reason, report))
      .map(([reason, count]) => `books lost their proof ${count} times: ${reason}`),
    // Nothing proved is not proved.
    ...(frames > 0 && !tokens.some(({ passed }) => passed > 0)
      ? [`no book is proved: ${frames} frames, ${tokens.length} books, and no hash of the venue that fits one`]
      : []),
    ...(doubted.length > 0 ? [`${doubted.length} books end with a failed proof`] : []),
    ...gaps.filter((gap) => gap.of !== "chain.log" || !isMended(gap)).map(gapLine),
    ...missingBlocks.map(({ from, to }) => `blocks ${from} to ${to} are missing`),
  ];
}

/** Under assumptions alone a hash says nothing. */
const isBroken = (reason: string, { tokens }: CheckReport): boolean =>
  !(reason === "hash differs" && tokens.every((one) => one.assumed && one.passed === 0));

/** The chain can be read again: a gap of it that was, is none. */
const isMended = ({ untilMs, detail }: TapeGap): boolean =>
  untilMs !== null && (detail.endsWith("nothing is missing") || detail.endsWith("no block was missed"));

function gapLine({ why, of, tokens, sinceMs, untilMs, dropped, detail }: TapeGap): string {
  const length = untilMs === null ? "to the end" : `of ${((untilMs - sinceMs) / 1_000).toFixed(1)} s`;
  const what = [of ?? "every channel", ...(tokens === null ? [] : [`${tokens.length} tokens`])].join(", ");
  const lost = dropped === undefined || dropped === 0 ? "" : `, ${dropped} records dropped`;
  const name = why === "QUEUE_FULL" ? "queue full" : "connection lost";
  return `gap ${length} from ${new Date(sinceMs).toISOString()} (${what}): ${name}${lost}; ${detail}`;
}
