/**
 * A consumer's copy of one token's book, fed with BookUpdate and TradePrint messages of core NATS, which may go missing.
 * Continuity is proved by (epoch, seq); what is missing is asked for, never guessed.
 *
 * Modes of continuity: `unknown` (no book yet, or none since the link was lost) → `healthy` ⇄ `gap` (a message is missing; the old book is kept but not
 * trusted). While not healthy, messages are buffered and joined to the snapshot that was asked for.
 *
 * Invariants
 * 1. In `healthy` every change of the epoch up to `seq` has been applied, once, in order.
 * 2. A message of an older epoch never changes anything: its sender has lost the book.
 * 3. Whatever was missed is a hole in the history, also when the next book is of the same epoch.
 */
import type {
  BookDelta,
  BookHealth,
  BookSnapshot,
  BookStatus,
  BookUpdate,
  QuoteTier,
  TradePrint,
} from "@slipstream/contracts/book";
import { assertNever } from "@slipstream/contracts/errors";
import {
  type BookHistory,
  createHistory,
  openEpoch,
  openHole,
  recordClosing,
  recordLevel,
  recordTick,
  recordTrade,
  resumeEpoch,
} from "./history.ts";
import { type FlatLevels, isRefusal } from "./ladder.ts";

export type ReplicaMode = "unknown" | "healthy" | "gap";

export type ReplicaEffect = {
  readonly kind: "requestSnapshot";
  readonly tokenId: string;
  readonly reason: "noBook" | "missedUpdate" | "newEpoch" | "refusedUpdate" | "noAnswer";
};

type Waiting = BookDelta | BookStatus | TradePrint;

export type Replica = {
  readonly tokenId: string;
  readonly history: BookHistory;
  mode: ReplicaMode;
  epoch: string;
  /** Of the last update applied. */
  seq: number;
  /** The bookstore's own verdict on the book. */
  health: BookHealth;
  /** The venue connection the book is read from: the key of its clock. */
  connection: string;
  /** Receive time of the newest message by the bookstore's clock. */
  lastSeenMs: number;
  /** The watermark of its connection as it was heard last, and as it had been heard when its newest message was applied. */
  watermarkMs: number;
  provenMs: number;
  /** What arrived since continuity was lost, for the snapshot to be joined to. */
  buffer: Waiting[];
  /** When a snapshot was last asked for; null when none is awaited. */
  askedAtMs: number | null;
};

/** Some seconds of a busy token; when more arrives before the snapshot, a newer snapshot is asked for. */
const BUFFER_MAX = 1_024;
const ASK_AGAIN_AFTER_MS = 500;

export function createReplica(options: {
  readonly tokenId: string;
  readonly retentionMs?: number;
  readonly bytesMax?: number;
}): Replica {
  return {
    tokenId: options.tokenId,
    history: createHistory(options),
    mode: "unknown",
    epoch: "0.0",
    seq: -1,
    health: "dead",
    connection: "",
    lastSeenMs: 0,
    watermarkMs: Number.POSITIVE_INFINITY,
    provenMs: Number.POSITIVE_INFINITY,
    buffer: [],
    askedAtMs: null,
  };
}

/** Asks for the first snapshot, and again while one is awaited. Call it after subscribing and on a timer. */
export function onReplicaTimer(replica: Replica, nowMs: number): ReplicaEffect[] {
  if (replica.mode === "healthy") return [];
  if (replica.askedAtMs === null) return ask(replica, nowMs, "noBook");
  return nowMs - replica.askedAtMs >= ASK_AGAIN_AFTER_MS ? ask(replica, nowMs, "noAnswer") : [];
}

/**
 * The link to the bus was lost: what came on it meanwhile is missing, and on a quiet book no later sequence would tell.
 * The timer asks for a snapshot.
 */
export function onReplicaLinkLost(replica: Replica): void {
  loseBook(replica);
  replica.mode = "unknown";
  replica.buffer = [];
  replica.askedAtMs = null;
}

/**
 * Takes a message of `md.book` or `md.trade`, or the answer to a snapshot request.
 * @param watermarkMs - of the book's connection, as `md.clock` told it last; omitted: whatever is applied is proved.
 */
export function onReplicaMessage(
  replica: Replica,
  message: BookUpdate | TradePrint,
  nowMs: number,
  watermarkMs: number = Number.POSITIVE_INFINITY,
): ReplicaEffect[] {
  replica.watermarkMs = watermarkMs;
  const age = compareEpochs(message.epoch, replica.epoch);
  if (age < 0) return [];
  switch (message.type) {
    case "BookSnapshot":
      return onSnapshot(replica, message, nowMs);
    case "BookDelta":
    case "BookStatus":
      if (replica.mode !== "healthy") return wait(replica, message, nowMs);
      return onUpdate(replica, message, nowMs);
    case "TradePrint":
      if (replica.mode === "healthy" && age === 0) applyTrade(replica, message);
      else keep(replica, message);
      return [];
    default:
      return assertNever(message);
  }
}

/** Up to which age a quote is fresh, and up to which it is worth being asked for again; older ones are not known. */
export type QuoteAges = { readonly freshMsMax: number; readonly softStaleMsMax: number };
export const defaultQuoteAges: QuoteAges = { freshMsMax: 2_000, softStaleMsMax: 5_000 };

/** @param ageMs - since the last proof of life of the book's connection, or since REST said the same. */
export function quoteTier(ageMs: number, ages: QuoteAges = defaultQuoteAges): QuoteTier {
  if (ageMs <= ages.freshMsMax) return "FRESH";
  return ageMs <= ages.softStaleMsMax ? "SOFT_STALE" : "HARD_STALE";
}

/** Orders epochs `<lease revision>.<n>`: negative when `a` is older. */
export function compareEpochs(a: string, b: string): number {
  if (a === b) return 0;
  const [aRevision = 0, aN = 0] = a.split(".").map(Number);
  const [bRevision = 0, bN = 0] = b.split(".").map(Number);
  return aRevision - bRevision || aN - bN;
}

function onSnapshot(replica: Replica, snapshot: BookSnapshot, nowMs: number): ReplicaEffect[] {
  // In `healthy` an old copy says nothing new; in `gap` what was missed came after it, and the timer asks again.
  if (replica.mode !== "unknown" && snapshot.epoch === replica.epoch && snapshot.seq <= replica.seq) return [];
  const { epoch, seq, tsEventMs, tickMicro, bids, asks } = snapshot;
  loseBook(replica);
  const result = openEpoch(replica.history, { epoch, seq, tsEventMs, tickMicro, bids, asks });
  if (isRefusal(result)) return lose(replica, nowMs, "refusedUpdate");
  const waiting = replica.buffer;
  replica.mode = "healthy";
  replica.epoch = epoch;
  replica.seq = seq;
  replica.health = snapshot.health;
  replica.buffer = [];
  replica.askedAtMs = null;
  seen(replica, snapshot);
  applyHealth(replica, snapshot);
  const effects: ReplicaEffect[] = [];
  for (const message of waiting) {
    // A print from before the snapshot belongs to the hole.
    if (message.type === "TradePrint" && message.epoch === epoch && message.seq < seq) continue;
    effects.push(...onReplicaMessage(replica, message, nowMs, replica.watermarkMs));
  }
  return effects;
}

function onUpdate(replica: Replica, update: BookDelta | BookStatus, nowMs: number): ReplicaEffect[] {
  if (update.epoch === replica.epoch) {
    if (update.type === "BookStatus" && update.seq === replica.seq) return onStatus(replica, update);
    if (update.seq <= replica.seq) return [];
    if (update.seq === replica.seq + 1) {
      if (update.type === "BookStatus") return onStatus(replica, update);
      return applyDelta(replica, update) ? [] : lose(replica, nowMs, "refusedUpdate");
    }
  }
  keep(replica, update);
  return lose(replica, nowMs, update.epoch === replica.epoch ? "missedUpdate" : "newEpoch");
}

function onStatus(replica: Replica, status: BookStatus): ReplicaEffect[] {
  replica.seq = status.seq;
  replica.health = status.health;
  seen(replica, status);
  applyHealth(replica, status);
  return [];
}

/** A suspect book is most likely right and its changes still count, unless it says that it is unknown. */
function applyHealth(replica: Replica, message: BookStatus | BookSnapshot): void {
  if (message.type === "BookStatus" && message.closedMs !== null) recordClosing(replica.history, message.closedMs);
  const isUnknown = message.health === "resyncing" || message.health === "dead" || message.unknown === true;
  if (isUnknown) openHole(replica.history, message.type === "BookStatus" ? message.knownThroughMs : undefined);
  else resumeEpoch(replica.history, message);
}

function applyDelta(replica: Replica, delta: BookDelta): boolean {
  if (!applyLevels(replica, delta, "BUY", delta.bids) || !applyLevels(replica, delta, "SELL", delta.asks)) return false;
  // A level off the ladder has brought a finer tick by itself; what is stated is the truth in the end.
  recordTick(replica.history, delta, delta.tickMicro);
  replica.seq = delta.seq;
  seen(replica, delta);
  return true;
}

function applyLevels(replica: Replica, delta: BookDelta, side: "BUY" | "SELL", levels: FlatLevels): boolean {
  for (let at = 0; at < levels.length; at += 2) {
    const result = recordLevel(replica.history, delta, side, levels[at] ?? Number.NaN, levels[at + 1] ?? Number.NaN);
    if (isRefusal(result)) return false;
  }
  return true;
}

function applyTrade(replica: Replica, print: TradePrint): void {
  recordTrade(replica.history, print, print.side, print.priceMicro, Number(print.sizeMicro));
  seen(replica, print);
}

function seen(replica: Replica, message: BookUpdate | TradePrint): void {
  replica.connection = message.connection;
  replica.lastSeenMs = Math.max(replica.lastSeenMs, message.tsInitMs);
  // A print has no sequence of its own: an update before it may be missing.
  if (message.type !== "TradePrint") replica.provenMs = replica.watermarkMs;
}

/**
 * Messages may be missing after the newest one that was applied. That one may be stamped ahead (a tick, a first book), and
 * one that says that the book is unknown from before it may be among the missing.
 */
function loseBook({ history, provenMs }: Replica): void {
  openHole(history, Math.min(history.lastTsMs - 1, provenMs));
}

function lose(replica: Replica, nowMs: number, reason: ReplicaEffect["reason"]): ReplicaEffect[] {
  loseBook(replica);
  if (replica.mode === "healthy") replica.mode = "gap";
  return ask(replica, nowMs, reason);
}

function ask(replica: Replica, nowMs: number, reason: ReplicaEffect["reason"]): ReplicaEffect[] {
  replica.askedAtMs = nowMs;
  return [{ kind: "requestSnapshot", tokenId: replica.tokenId, reason }];
}

function wait(replica: Replica, message: BookDelta | BookStatus, nowMs: number): ReplicaEffect[] {
  keep(replica, message);
  return replica.askedAtMs === null ? ask(replica, nowMs, "noBook") : [];
}

function keep(replica: Replica, message: Waiting): void {
  replica.buffer.push(message);
  // The oldest go first: a snapshot that answers later is newer than they are, else a gap is found and it is asked again.
  if (replica.buffer.length > BUFFER_MAX) replica.buffer.shift();
}
