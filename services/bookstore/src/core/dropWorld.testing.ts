/**
 * A desk in a world that plays a tape to it as the service does: looks every 100 ms, REST when a book is missing, the stream
 * where REST is no help, an audit of each token from time to time. REST answers from the truth, which is what the whole tape
 * tells, and may lag; the stream opens with what it has told by then.
 * Everything but the market is plain data, so a world can be copied in the middle of a tape.
 */
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import type { MarketEvent } from "@slipstream/polymarket/marketChannel";
import { createDesk, type Desk, type DeskOutput, onAskedAgain, onEvents, onTick, track } from "./desk.ts";
import { snap, tokensToAskAgain, tokensWithoutBook } from "./deskAnswers.ts";
import { onRestBook } from "./deskRest.ts";
import type { FullBook } from "./tokenBook.ts";

/** `t` is when the frame was received, ms. */
export type Frame = { readonly t: number; readonly events: readonly MarketEvent[] };

/** A book of the venue, from the end of one burst to the end of the next. */
export type TrueBook = {
  readonly full: FullBook;
  /** The frame that ended the burst. */
  readonly frame: number;
};
export type Truth = ReadonlyMap<TokenId, readonly TrueBook[]>;

export type World = {
  readonly desk: Desk;
  nowMs: number;
  /** Of the last frame, received or dropped; what the venue had told by then is what a book can be judged by. */
  frame: number;
  readonly restLagMs: number;
  readonly asked: { readonly tokenId: TokenId; readonly answerMs: number; readonly why: "seed" | "audit" }[];
  /** Tokens that were subscribed again, and when they open. */
  readonly opening: Map<TokenId, number>;
  auditedMs: number;
};

export const CONNECTION = "tape";
const LOOK_MS = 100;
const ASK_AGAIN_MS = 500;
/** From subscribing a token again to its book (reference §6.1). */
const OPENING_MS = 300;
/** A request's way there and back. */
const REST_MS = 120;
/** After so long without a frame nothing happens by itself any more but audits. */
const QUIET_MS = 1_600;
export const AUDIT_EVERY_MS = 60_000;

export const tokensOf = (frames: readonly Frame[]): TokenId[] => [
  ...new Set(frames.flatMap(({ events }) => events.flatMap((event) => (event.kind === "book" ? [event.tokenId] : [])))),
];

export type MarketFacts = { readonly market: MarketDefinition; readonly tokens: readonly TokenId[] };

export function createWorld({ market, tokens }: MarketFacts, startMs: number, restLagMs: number): World {
  const desk = createDesk(1, () => market);
  for (const tokenId of tokens) track(desk, tokenId, CONNECTION);
  return { desk, nowMs: startMs, frame: -1, restLagMs, asked: [], opening: new Map(), auditedMs: startMs };
}

export function copyWorld({ desk, ...rest }: World, restLagMs: number): World {
  const { market, ...data } = desk;
  return { ...structuredClone(rest), desk: { ...structuredClone(data), market }, restLagMs };
}

/** What every token's book was at the end of each burst: the whole tape played without a loss. */
export function truthOf(frames: readonly Frame[], facts: MarketFacts): Truth {
  const truth = new Map<TokenId, TrueBook[]>(facts.tokens.map((tokenId) => [tokenId, []]));
  const { desk } = createWorld(facts, 0, 0);
  for (const [frame, { t, events }] of frames.entries()) {
    onEvents(desk, CONNECTION, events, t);
    for (const [tokenId, list] of truth) {
      const book = desk.books.get(tokenId);
      const last = list.at(-1);
      if (book === undefined || book.history.book === null) continue;
      const { tsEventMs, hash } = book.last;
      const isSame = last?.full.hash === hash && last.full.tsEventMs === tsEventMs;
      if (isSame && !names(events, tokenId)) continue;
      if (isSame) list.pop();
      list.push({ full: fullBookOf(desk, tokenId), frame });
    }
  }
  return truth;
}

function fullBookOf(desk: Desk, tokenId: TokenId): FullBook {
  const book = desk.books.get(tokenId);
  const snapshot = snap(desk, tokenId, 0);
  if (book === undefined || snapshot === null || book.market === null) throw new Error(`no book of ${tokenId}`);
  const { conditionId, bids, asks } = snapshot;
  const { minOrderSizeMicro, negRisk, tickMicro } = book.market;
  const lastTradePrice = book.lastTradePrices[0] ?? null;
  return { conditionId, ...book.last, bids, asks, tickMicro, lastTradePrice, minOrderSizeMicro, negRisk };
}

/** True when an event carries something of the token's book. */
export const names = (events: readonly MarketEvent[], tokenId: TokenId): boolean =>
  events.some((event) =>
    event.kind === "book"
      ? event.tokenId === tokenId
      : event.kind === "priceChange" && event.changes.some((change) => change.tokenId === tokenId),
  );

/** The last true book of which `isIn` holds; true books are in order. */
export function lastTrue(list: readonly TrueBook[], isIn: (book: TrueBook) => boolean): TrueBook | undefined {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const book = list[middle];
    if (book !== undefined && isIn(book)) low = middle + 1;
    else high = middle;
  }
  return list[low - 1];
}

/** Lets time pass without a frame. `look` is told what each moment brought. */
export function passTime(
  world: World,
  truth: Truth,
  untilMs: number,
  look: (outputs: readonly DeskOutput[]) => void,
): void {
  const quietMs = world.nowMs + QUIET_MS;
  while (world.nowMs < untilMs) {
    const isBusy = world.nowMs < quietMs || world.asked.length > 0 || !isSettled(world.desk);
    const nextMs = isBusy ? world.nowMs + LOOK_MS : Math.max(world.nowMs + LOOK_MS, world.auditedMs + AUDIT_EVERY_MS);
    world.nowMs = Math.min(untilMs, nextMs);
    look(step(world, truth));
  }
}

const isSettled = ({ books }: Desk): boolean =>
  [...books.values()].every(({ health, burst }) => health === "healthy" && burst === null);

function step(world: World, truth: Truth): DeskOutput[] {
  const { desk, nowMs, asked } = world;
  const outputs = onTick(desk, nowMs);
  for (const { tokenId, answerMs, why } of asked.filter((each) => each.answerMs <= nowMs)) {
    const book = lastTrue(truth.get(tokenId) ?? [], ({ full }) => full.tsEventMs <= answerMs - world.restLagMs);
    if (book !== undefined) outputs.push(...onRestBook(desk, tokenId, book.full, nowMs, why));
  }
  outputs.push(...askStream(world, truth));
  const open = asked.filter((each) => each.answerMs > nowMs);
  for (const tokenId of tokensWithoutBook(desk)) {
    const isAsked = open.some((each) => each.tokenId === tokenId);
    const isWaiting = asked.some((each) => each.tokenId === tokenId);
    if (!isAsked) open.push({ tokenId, answerMs: nowMs + (isWaiting ? ASK_AGAIN_MS : REST_MS), why: "seed" });
  }
  if (nowMs - world.auditedMs >= AUDIT_EVERY_MS) {
    world.auditedMs = nowMs;
    for (const { tokenId, health } of desk.books.values()) {
      if (health === "healthy") open.push({ tokenId, answerMs: nowMs + REST_MS, why: "audit" });
    }
  }
  asked.splice(0, asked.length, ...open);
  return outputs;
}

function askStream({ desk, nowMs, opening, frame }: World, truth: Truth): DeskOutput[] {
  const outputs: DeskOutput[] = [];
  for (const [tokenId, atMs] of opening) {
    const book = lastTrue(truth.get(tokenId) ?? [], (each) => each.frame <= frame);
    if (atMs > nowMs || book === undefined) continue;
    opening.delete(tokenId);
    outputs.push(...onEvents(desk, CONNECTION, [{ kind: "book", tokenId, ...book.full }], nowMs));
  }
  for (const tokenId of tokensToAskAgain(desk)) {
    if (opening.has(tokenId)) continue;
    opening.set(tokenId, nowMs + OPENING_MS);
    outputs.push(...onAskedAgain(desk, tokenId, nowMs));
  }
  return outputs;
}

/** Takes the next frame, `without` what is lost of it. */
export function takeFrame(world: World, frame: Frame, events: readonly MarketEvent[]): DeskOutput[] {
  world.nowMs = Math.max(world.nowMs, frame.t);
  world.frame += 1;
  return onEvents(world.desk, CONNECTION, events, world.nowMs);
}
