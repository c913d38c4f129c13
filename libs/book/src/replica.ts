/**
 * A consumer's copy of one token's book, fed with BookUpdate and TradePrint messages of core NATS, which may go missing
 * and which anybody on the bus may send. Continuity is proved by (epoch, seq); what is missing is asked for, never
 * guessed, and what the bookstore's own answer does not know was never said by it.
 *
 * Modes of continuity: `unknown` (no book yet, or none since the link was lost) → `healthy` ⇄ `gap` (a message is missing; the old book is kept but not
 * trusted). While not healthy, messages are buffered and joined to the snapshot that was asked for.
 *
 * Invariants
 * 1. In `healthy` every change of the epoch up to `seq` has been applied, once, in order.
 * 2. A message of an older epoch never changes anything: its sender has lost the book.
 * 3. Whatever was missed is a hole in the history, also when the next book is of the same epoch.
 * 4. A book is taken from an answer only. A published snapshot of a newer epoch, a sequence that leaps, and a second
 *    update of one sequence are reasons to ask; what had come when it was asked and is beyond the answer is forged, and
 *    dropped.
 */
import type {
  BookDelta,
  BookHealth,
  BookSnapshot,
  BookStatus,
  BookUpdate,
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
import { type FlatLevels, flatLevels, isRefusal } from "./ladder.ts";

export type ReplicaMode = "unknown" | "healthy" | "gap";

export type ReplicaEffect = {
  readonly kind: "requestSnapshot";
  readonly tokenId: string;
  readonly reason: "noBook" | "missedUpdate" | "newEpoch" | "refusedUpdate" | "doubledUpdate" | "noAnswer";
  /** To be handed back with the answer. */
  readonly asked: Asked;
};

/** What was known when a book was asked for. */
export type Asked = {
  /** Messages kept until then. */
  readonly kept: number;
  readonly epoch: string;
  readonly seq: number;
};

type Waiting = { readonly n: number; readonly message: BookUpdate | TradePrint };

export type Replica = {
  readonly tokenId: string;
  readonly history: BookHistory;
  mode: ReplicaMode;
  epoch: string;
  /** Of the last update applied. */
  seq: number;
  /** Of the answer it was built on: later updates up to `seq` were applied, each once. */
  baseSeq: number;
  /** The bookstore's own verdict on the book. */
  health: BookHealth;
  /** The venue connection the book is read from: the key of its clock. */
  connection: string;
  /** Receive time of the newest message by the bookstore's clock. */
  lastSeenMs: number;
  /** The watermark of its connection as it was heard last, and as it had been heard when its newest message was applied. */
  watermarkMs: number;
  provenMs: number;
  /** What arrived since continuity was lost, for the answer to be joined to. */
  buffer: Waiting[];
  /** Messages ever kept, and how many when continuity was lost. */
  kept: number;
  keptWhenLost: number;
  /** When a snapshot was last asked for; null when none is awaited. */
  askedAtMs: number | null;
  /** False when the last question was refused: the next message is a reason to ask again. */
  isAwaiting: boolean;
  /** Messages dropped because the bookstore's answer did not know them. */
  forged: number;
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
    baseSeq: -1,
    health: "dead",
    connection: "",
    lastSeenMs: 0,
    watermarkMs: Number.POSITIVE_INFINITY,
    provenMs: Number.POSITIVE_INFINITY,
    buffer: [],
    kept: 0,
    keptWhenLost: 0,
    askedAtMs: null,
    isAwaiting: false,
    forged: 0,
  };
}

/** What an answer to a question that is asked now is to be handed back with. */
export const askedNow = ({ kept, epoch, seq }: Replica): Asked => ({ kept, epoch, seq });

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
  replica.isAwaiting = false;
}

/**
 * Takes a message of `md.book` or `md.trade`. One of another token is ignored.
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
  if (age < 0 || message.tokenId !== replica.tokenId) return [];
  switch (message.type) {
    case "BookSnapshot":
      // One of the running epoch says nothing that its changes do not.
      if (age === 0) return [];
      // Its levels are never read; a flood of them must not fill the memory.
      return onUpdate(replica, { ...message, bids: [], asks: [] }, nowMs);
    case "BookDelta":
    case "BookStatus":
      return onUpdate(replica, message, nowMs);
    case "TradePrint":
      if (replica.mode === "healthy" && age === 0) applyTrade(replica, message);
      else keep(replica, message);
      return [];
    default:
      return assertNever(message);
  }
}

/**
 * Takes the bookstore's answer to a question, with what was known when it was asked.
 * @param watermarkMs - as for {@link onReplicaMessage}.
 */
export function onReplicaAnswer(
  replica: Replica,
  answer: BookSnapshot,
  asked: Asked,
  nowMs: number,
  watermarkMs: number = Number.POSITIVE_INFINITY,
): ReplicaEffect[] {
  // A lower epoch: its sender has lost the book.
  if (compareEpochs(answer.epoch, replica.epoch) < 0 || answer.tokenId !== replica.tokenId) return [];
  if (!isOfUse(replica, answer, asked)) return [];
  replica.watermarkMs = watermarkMs;
  const { epoch, seq, tsEventMs, tickMicro, bids, asks } = answer;
  loseBook(replica);
  // Whoever told of the market's end, or did not, in this epoch knows best; another owner may not have heard of it.
  if (answer.closedMs != null || (answer.closedMs === null && epoch === replica.epoch))
    replica.history.closedTsMs = answer.closedMs;
  const result = openEpoch(replica.history, { epoch, seq, tsEventMs, tickMicro, bids, asks });
  if (isRefusal(result)) return lose(replica, nowMs, "refusedUpdate");
  const waiting = replica.buffer.filter(({ n, message }) => n > asked.kept || !isBeyond(message, answer));
  replica.forged += replica.buffer.length - waiting.length;
  replica.mode = "healthy";
  replica.epoch = epoch;
  replica.seq = seq;
  replica.baseSeq = seq;
  replica.health = answer.health;
  replica.buffer = [];
  replica.askedAtMs = null;
  replica.isAwaiting = false;
  seen(replica, answer);
  applyHealth(replica, answer);
  const effects: ReplicaEffect[] = [];
  for (const { message } of waiting) {
    // A print from before the snapshot belongs to the hole.
    if (message.type === "TradePrint" && message.epoch === epoch && message.seq < seq) continue;
    effects.push(...onReplicaMessage(replica, message, nowMs, watermarkMs));
  }
  return effects;
}

/** The bookstore has no book yet, or did not answer: asks again at once when something came meanwhile, else the timer does. */
export function onReplicaRefused(replica: Replica, asked: Asked, nowMs: number): ReplicaEffect[] {
  if (replica.mode === "healthy") return [];
  replica.isAwaiting = false;
  return replica.kept > asked.kept ? ask(replica, nowMs, "newEpoch") : [];
}

/** Orders epochs `<lease revision>.<n>`: negative when `a` is older. */
export function compareEpochs(a: string, b: string): number {
  if (a === b) return 0;
  const [aRevision = 0, aN = 0] = a.split(".").map(Number);
  const [bRevision = 0, bN = 0] = b.split(".").map(Number);
  return aRevision - bRevision || aN - bN;
}

const isBeyond = (message: { readonly epoch: string; readonly seq: number }, of: Replica | BookSnapshot): boolean =>
  (compareEpochs(message.epoch, of.epoch) || message.seq - of.seq) > 0;

function isOfUse(replica: Replica, answer: BookSnapshot, asked: Asked): boolean {
  if (replica.mode === "unknown" || isBeyond(answer, replica)) return true;
  // Not newer: what was missed came after it, unless it was asked for after the loss. Then nothing was missed.
  if (replica.mode === "gap") return asked.kept >= replica.keptWhenLost;
  // The bookstore is never behind what it published, and at one sequence there is one book.
  const wasAhead = asked.epoch === answer.epoch && answer.seq < asked.seq;
  return wasAhead || (answer.seq === replica.seq && !isSameBook(replica, answer));
}

function isSameBook({ history: { book, tickMicro } }: Replica, answer: BookSnapshot): boolean {
  const isSame = (own: FlatLevels, other: FlatLevels): boolean =>
    own.length === other.length && own.every((value, at) => value === other[at]);
  if (book === null || tickMicro !== answer.tickMicro) return false;
  return isSame(flatLevels(book, "BUY"), answer.bids) && isSame(flatLevels(book, "SELL"), answer.asks);
}

function onUpdate(replica: Replica, update: BookUpdate, nowMs: number): ReplicaEffect[] {
  if (replica.mode !== "healthy") return wait(replica, update, nowMs);
  const { epoch, seq } = replica;
  if (update.epoch !== epoch || update.type === "BookSnapshot") return lose(replica, nowMs, "newEpoch", update);
  if (update.seq > seq + 1) return lose(replica, nowMs, "missedUpdate", update);
  // The answer has it.
  if (update.seq <= replica.baseSeq) return [];
  // Core NATS doubles nothing: one of the two was not the bookstore's.
  if (update.seq <= seq) return lose(replica, nowMs, "doubledUpdate");
  if (update.type === "BookStatus") return onStatus(replica, update);
  return applyDelta(replica, update) ? [] : lose(replica, nowMs, "refusedUpdate");
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

function lose(
  replica: Replica,
  nowMs: number,
  reason: ReplicaEffect["reason"],
  update: BookUpdate | null = null,
): ReplicaEffect[] {
  loseBook(replica);
  if (replica.mode === "healthy") replica.mode = "gap";
  if (update !== null) keep(replica, update);
  replica.keptWhenLost = replica.kept;
  return ask(replica, nowMs, reason);
}

function ask(replica: Replica, nowMs: number, reason: ReplicaEffect["reason"]): ReplicaEffect[] {
  replica.askedAtMs = nowMs;
  replica.isAwaiting = true;
  return [{ kind: "requestSnapshot", tokenId: replica.tokenId, reason, asked: askedNow(replica) }];
}

function wait(replica: Replica, message: BookUpdate, nowMs: number): ReplicaEffect[] {
  keep(replica, message);
  return replica.isAwaiting ? [] : ask(replica, nowMs, "noBook");
}

function keep(replica: Replica, message: BookUpdate | TradePrint): void {
  replica.kept += 1;
  replica.buffer.push({ n: replica.kept, message });
  // The oldest go first: a snapshot that answers later is newer than they are, else a gap is found and it is asked again.
  if (replica.buffer.length > BUFFER_MAX) replica.buffer.shift();
}
