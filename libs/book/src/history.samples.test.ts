/**
 * A minute of a book, asked at every millisecond at which something changed and between, against full copies of it: on
 * the tapes made here and on recordings, where there are any.
 */
import { parseMicro, type Side } from "@slipstream/contracts/money";
import { framesOf, sampleTapes, type TapeSample } from "@slipstream/testkit/samples";
import { expect, test } from "vitest";
import { type BookHistory, createHistory, openEpoch, recordLevel, recordSnapshot } from "./history.ts";
import { bookAt } from "./historyAnswers.ts";
import { flatLevels } from "./ladder.ts";
import { type NaiveBook, naiveBook } from "./naive.testing.ts";

/** Fits every price of the tapes. */
const TICK = 1_000;
const RETENTION_MS = 60_000;
/** Less than the history keeps: every moment of the tape is asked for. */
const LOOK_EVERY_MS = 50_000;

type WireLevel = { price: string; size: string };
type WireEvent = {
  event_type: string;
  asset_id: string;
  timestamp: string;
  bids: WireLevel[];
  asks: WireLevel[];
  price_changes: (WireLevel & { asset_id: string; side: Side })[];
};

const micro = (text: string): number => Number(parseMicro(text));
const flat = (levels: WireLevel[]): number[] => levels.flatMap(({ price, size }) => [micro(price), micro(size)]);

const eventsOf = (tape: TapeSample): WireEvent[] =>
  framesOf(tape).flatMap(({ d }): WireEvent[] => {
    if (d.trim() === "") return [];
    const parsed: WireEvent | WireEvent[] = JSON.parse(d);
    return Array.isArray(parsed) ? parsed : [parsed];
  });

/** The history under test and, beside it, a full copy of the book per message. */
type Token = {
  readonly history: BookHistory;
  naive: NaiveBook;
  lookedMs: number;
  readonly copies: { readonly tsMs: number; readonly bids: number[]; readonly asks: number[] }[];
};

function newToken(tokenId: string): Token {
  const history = createHistory({ tokenId, retentionMs: RETENTION_MS });
  openEpoch(history, { epoch: "1.0", seq: 0, tsEventMs: 0, tickMicro: TICK, bids: [], asks: [] });
  return { history, naive: naiveBook(), lookedMs: 0, copies: [] };
}

function take(token: Token, event: WireEvent, seq: number): void {
  const at = { seq, tsEventMs: Number(event.timestamp) };
  if (event.event_type === "book") {
    recordSnapshot(token.history, at, flat(event.bids), flat(event.asks));
    token.naive = naiveBook();
    for (const [side, levels] of [["BUY", event.bids] as const, ["SELL", event.asks] as const]) {
      for (const { price, size } of levels) token.naive.set({ side, priceMicro: micro(price), sizeMicro: micro(size) });
    }
  } else {
    for (const { asset_id, side, price, size } of event.price_changes) {
      if (asset_id !== token.history.tokenId) continue;
      recordLevel(token.history, at, side, micro(price), micro(size));
      token.naive.set({ side, priceMicro: micro(price), sizeMicro: micro(size) });
    }
  }
  const tsMs = Math.max(at.tsEventMs, token.copies.at(-1)?.tsMs ?? 0);
  token.copies.push({ tsMs, bids: token.naive.flat("BUY"), asks: token.naive.flat("SELL") });
}

/** Asks for each moment of the minute before now. Returns how many answers were compared. */
function look({ history, copies }: Token): number {
  const fromMs = history.lastTsMs - RETENTION_MS;
  while ((copies[1]?.tsMs ?? Number.POSITIVE_INFINITY) < fromMs) copies.shift();
  const first = copies.findLastIndex(({ tsMs }) => tsMs <= fromMs);
  // Of messages with one time the last counts.
  const moments = copies.slice(Math.max(0, first)).filter(({ tsMs }, at, all) => all[at + 1]?.tsMs !== tsMs);
  let compared = 0;
  for (const [at, { tsMs, bids, asks }] of moments.entries()) {
    const next = moments[at + 1]?.tsMs ?? tsMs + 1;
    for (const askedMs of new Set([tsMs, next - 1])) {
      if (askedMs < fromMs) continue;
      const answer = bookAt(history, askedMs);
      if (answer.kind !== "book") return expect.fail(`the book at ${askedMs} is known, got ${answer.kind}`);
      expect([flatLevels(answer.book, "BUY"), flatLevels(answer.book, "SELL")]).toEqual([bids, asks]);
      compared += 1;
    }
  }
  return compared;
}

test.each(sampleTapes)("$name: the book at any time of the last minute", (tape) => {
  const tokens = new Map<string, Token>();
  let compared = 0;
  let messages = 0;
  for (const event of eventsOf(tape)) {
    const named =
      event.event_type === "book"
        ? [event.asset_id]
        : event.event_type === "price_change"
          ? event.price_changes.map((change) => change.asset_id)
          : [];
    for (const tokenId of new Set(named)) {
      const token = tokens.get(tokenId) ?? newToken(tokenId);
      tokens.set(tokenId, token);
      messages += 1;
      take(token, event, messages);
      if (token.history.lastTsMs - token.lookedMs < LOOK_EVERY_MS) continue;
      token.lookedMs = token.history.lastTsMs;
      compared += look(token);
    }
  }
  for (const token of tokens.values()) compared += look(token);
  // Each message once, if it was not followed by one of the same millisecond.
  expect(compared).toBeGreaterThan(messages / 2);
});
