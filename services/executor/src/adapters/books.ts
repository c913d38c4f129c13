/**
 * Replicas of the books the executor needs, from the bus. A token is wanted, then subscribed, then joined to a snapshot
 * of the bookstore; what is missed in between is found by (epoch, seq) and asked for again.
 */

import { ask } from "@slipstream/actor/ask";
import type { Bus } from "@slipstream/actor/bus";
import type { Clock } from "@slipstream/actor/clock";
import type { ServiceContext } from "@slipstream/actor/service";
import { tickOf } from "@slipstream/book/history";
import { bestAsk, bestBid } from "@slipstream/book/ladder";
import {
  type Asked,
  askedNow,
  createReplica,
  onReplicaAnswer,
  onReplicaLinkLost,
  onReplicaMessage,
  onReplicaRefused,
  onReplicaTimer,
  type Replica,
  type ReplicaEffect,
} from "@slipstream/book/replica";
import { BookClock, type BookSnapshot, BookUpdate, TradePrint } from "@slipstream/contracts/book";
import type { TokenId } from "@slipstream/contracts/ids";
import type { PriceMicro } from "@slipstream/contracts/money";
import { readJson } from "@slipstream/contracts/readJson";
import { subjects } from "@slipstream/contracts/subjects";
import type { z } from "zod";
import type { executorEnv } from "../config.ts";
import type { Quote } from "../core/view.ts";
import type { KnownBook } from "../paper/desk.ts";

type Subscription = ReturnType<Bus["nc"]["subscribe"]>;

export type Books = {
  /** Replaces the wanted tokens; those no longer wanted are dropped. */
  want(tokenIds: ReadonlySet<TokenId>): void;
  /** Wants one more token, now. */
  touch(tokenId: TokenId): void;
  /** Asks the bookstore to read a token from the venue again. */
  refresh(tokenId: TokenId): void;
  quote(tokenId: TokenId): Quote | null;
  known(tokenId: TokenId): KnownBook | null;
  /** Tokens with a replica, and those of them whose book is continuous. */
  counts(): { readonly wanted: number; readonly healthy: number };
  stop(): void;
};

export type BooksOptions = {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly logger: ServiceContext<typeof executorEnv>["logger"];
  /** A connection's clock has moved: orders on its tokens may go on. */
  readonly onClock: (connection: string) => void;
};

const SNAP_TIMEOUT_MS = 1_000;
/** Real time: how often replicas that wait are looked at. */
const LOOK_MS = 50;
/** Whatever our clock may be off: a book of a later time would hide all that follows, and a watermark would pass orders. */
const AHEAD_MS_MAX = 60_000;
/** Names of connections that are remembered: hundreds of replicas' worth. */
const CLOCKS_MAX = 10_000;
/** The bookstore drops a token some time after the last request. */
const TRACK_EVERY_MS = 5_000;
const TRACK_MAX = 500;

type Followed = {
  readonly replica: Replica;
  readonly subscriptions: Subscription[];
  /** When its newest message came, by our clock: what the bookstore stamps with its own may be ahead of us. */
  receivedMs: number;
  /** The best offer after REST was read for it, and when that was, by our clock. */
  second: { readonly bestAskMicro: PriceMicro | null; readonly atMs: number } | null;
};
type ConnectionClock = { watermarkMs: number; seenMs: number };

export function startBooks({ bus, clock, logger, onClock }: BooksOptions): Books {
  const followed = new Map<TokenId, Followed>();
  const clocks = new Map<string, ConnectionClock>();
  let fresh = new Set<TokenId>();

  const watermarkOf = ({ replica }: Followed): number => clocks.get(replica.connection)?.watermarkMs ?? 0;
  const perform = (effects: readonly ReplicaEffect[]): void => {
    for (const { tokenId, asked } of effects) void snap(tokenId as TokenId, "snap", asked);
  };
  const snap = async (tokenId: TokenId, operation: "snap" | "refresh", asked: Asked): Promise<void> => {
    const answer = await ask(bus, "bookstore", operation, { tokenId }, SNAP_TIMEOUT_MS);
    const one = followed.get(tokenId);
    if (one === undefined) return;
    const nowMs = clock.nowMs();
    if (!answer.ok) return operation === "snap" ? perform(onReplicaRefused(one.replica, asked, nowMs)) : undefined;
    const book = answer.value;
    if (book.tokenId !== tokenId || isAhead(book.tsEventMs)) return;
    one.receivedMs = nowMs;
    if (operation === "refresh") one.second = secondOf(book, nowMs);
    const { forged } = one.replica;
    perform(onReplicaAnswer(one.replica, book, asked, nowMs, watermarkOf(one)));
    if (one.replica.forged > forged) logger.warn({ tokenId }, "book messages that the bookstore does not know of");
  };
  const isAhead = (tsMs: number): boolean => clock.quality() !== null && tsMs > clock.nowMs() + AHEAD_MS_MAX;
  const subscribe = (subject: string, call: (text: string) => void): Subscription =>
    bus.nc.subscribe(subject, { callback: (error, message) => (error === null ? call(message.string()) : undefined) });

  const follow = (tokenId: TokenId): void => {
    if (followed.has(tokenId)) return;
    const replica = createReplica({ tokenId });
    const one: Followed = { replica, subscriptions: [], receivedMs: 0, second: null };
    const read = (schema: z.ZodType<BookUpdate | TradePrint>) => (text: string) => {
      const message = readJson(schema, text);
      if (message === null || isAhead(message.tsEventMs)) {
        return logger.warn({ tokenId }, "book message cannot be read");
      }
      one.receivedMs = clock.nowMs();
      perform(onReplicaMessage(replica, message, one.receivedMs, watermarkOf(one)));
    };
    one.subscriptions.push(subscribe(subjects.book(tokenId), read(BookUpdate)));
    one.subscriptions.push(subscribe(subjects.trade(tokenId), read(TradePrint)));
    followed.set(tokenId, one);
    fresh.add(tokenId);
    track([tokenId]);
    perform(onReplicaTimer(replica, clock.nowMs()));
  };
  const drop = (tokenId: TokenId): void => {
    for (const subscription of followed.get(tokenId)?.subscriptions ?? []) close(subscription);
    followed.delete(tokenId);
  };
  const track = (tokenIds: readonly TokenId[]): void => {
    for (let at = 0; at < tokenIds.length; at += TRACK_MAX) {
      void ask(bus, "bookstore", "track", { tokenIds: tokenIds.slice(at, at + TRACK_MAX) }, SNAP_TIMEOUT_MS);
    }
  };

  const clockSubscription = subscribe(subjects.bookClock, (text) => {
    const beat = readJson(BookClock, text);
    if (beat === null || isAhead(beat.watermarkMs)) return;
    const oldest = clocks.has(beat.connection) || clocks.size < CLOCKS_MAX ? undefined : clocks.keys().next().value;
    if (oldest !== undefined) clocks.delete(oldest);
    clocks.set(beat.connection, { watermarkMs: beat.watermarkMs, seenMs: Math.min(beat.tsInitMs, clock.nowMs()) });
    onClock(beat.connection);
  });
  const stopWatching = bus.onLink((link) => {
    if (link === "lost") for (const { replica } of followed.values()) onReplicaLinkLost(replica);
  });
  const looks = setInterval(() => {
    if (!bus.connected()) return;
    const nowMs = clock.nowMs();
    for (const { replica } of followed.values()) perform(onReplicaTimer(replica, nowMs));
  }, LOOK_MS);
  const tracks = setInterval(() => track([...followed.keys()]), TRACK_EVERY_MS);

  return {
    touch: follow,
    want: (tokenIds) => {
      // What was touched since the last time is in the caller's state by the next.
      for (const tokenId of followed.keys()) if (!tokenIds.has(tokenId) && !fresh.has(tokenId)) drop(tokenId);
      fresh = new Set();
      for (const tokenId of tokenIds) follow(tokenId);
    },
    refresh: (tokenId) => {
      const replica = followed.get(tokenId)?.replica;
      if (replica !== undefined) void snap(tokenId, "refresh", askedNow(replica));
    },
    quote: (tokenId) => {
      const one = followed.get(tokenId);
      return one === undefined ? null : quoteOf(one, clocks.get(one.replica.connection), clock.nowMs());
    },
    known: (tokenId) => {
      const replica = followed.get(tokenId)?.replica;
      const beat = replica === undefined ? undefined : clocks.get(replica.connection);
      return replica === undefined || beat === undefined
        ? null
        : { history: replica.history, watermarkMs: beat.watermarkMs };
    },
    counts: () => {
      const replicas = [...followed.values()].map(({ replica }) => replica);
      return { wanted: replicas.length, healthy: replicas.filter(({ mode }) => mode === "healthy").length };
    },
    stop: () => {
      clearInterval(looks);
      clearInterval(tracks);
      stopWatching();
      close(clockSubscription);
      for (const tokenId of [...followed.keys()]) drop(tokenId);
    },
  };
}

/** A book that is itself in doubt says nothing. */
function secondOf({ health, asks }: BookSnapshot, atMs: number): Followed["second"] {
  return health === "healthy" ? { bestAskMicro: (asks[0] ?? null) as PriceMicro | null, atMs } : null;
}

function quoteOf(followed: Followed, beat: ConnectionClock | undefined, nowMs: number): Quote | null {
  const { replica, receivedMs, second } = followed;
  const { book } = replica.history;
  if (replica.mode === "unknown" || book === null) return null;
  return {
    bestBidMicro: bestBid(book),
    bestAskMicro: bestAsk(book),
    tickMicro: tickOf(replica.history),
    ageMs: Math.max(0, Math.round(nowMs - Math.max(Math.min(replica.lastSeenMs, receivedMs), beat?.seenMs ?? 0))),
    epoch: replica.epoch,
    seq: replica.seq,
    health: replica.mode === "gap" ? "gap" : replica.health,
    second: second === null ? null : { bestAskMicro: second.bestAskMicro, ageMs: Math.max(0, nowMs - second.atMs) },
  };
}

const close = (subscription: Subscription): void => {
  if (!subscription.isClosed()) subscription.unsubscribe();
};
