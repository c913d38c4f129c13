/**
 * Loses one thing of a tape at a time, a whole frame or one change, and says what became of it. A drop ends as
 *
 * - `detected`: a doubt about the book was told, and REST made it whole again;
 * - `harmless`: wherever a hash could be compared, the book equalled the venue's: the change was overwritten in its own
 *   burst or by the next message, or it had changed nothing;
 * - `unseen`: the venue said nothing of the token afterwards, and the tape ended before an audit;
 * - `missed`: the book differed where a hash could be compared, and nobody was told.
 *
 * `wrongAndHealthy` counts moments at rest (no burst is open, the last message of the token is newer than the drop) at
 * which a book that is called healthy differs from the venue's.
 */
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketEvent } from "@slipstream/polymarket/marketChannel";
import type { DeskOutput } from "./desk.ts";
import { snap } from "./deskAnswers.ts";
import {
  AUDIT_EVERY_MS,
  copyWorld,
  createWorld,
  type Frame,
  lastTrue,
  type MarketFacts,
  names,
  passTime,
  type Truth,
  takeFrame,
  truthOf,
  type World,
} from "./dropWorld.testing.ts";

export type Drop = {
  readonly frame: number;
  /** Of the frame's events; null: the whole frame. */
  readonly event: number | null;
  readonly change: number | null;
};

export type Fate = {
  readonly drop: Drop;
  readonly end: "detected" | "harmless" | "unseen" | "missed";
  readonly by: "hash" | "audit" | null;
  /** From the drop to the doubt, by our clock and by the venue's. */
  readonly detectedAfterMs: number;
  readonly venueMs: number;
  /** Messages of the token from the drop to the doubt. */
  readonly messages: number;
  /** From the first message that could tell to the doubt. */
  readonly delayMs: number;
  /** From the doubt to a book that equals the venue's again. */
  readonly wholeAfterMs: number;
  readonly resynced: boolean;
  readonly wrongAndHealthy: number;
};

/** Everything of a tape that can be lost after its books are open. */
export function dropsOf(frames: readonly Frame[], tokens: readonly TokenId[]): Drop[] {
  const opened = tokens.map((tokenId) => frames.findIndex(({ events }) => names(events, tokenId)));
  const drops: Drop[] = [];
  for (let frame = Math.max(...opened) + 1; frame < frames.length; frame++) {
    const events = frames[frame]?.events ?? [];
    if (tokens.some((tokenId) => names(events, tokenId))) drops.push({ frame, event: null, change: null });
    for (const [event, each] of events.entries()) {
      if (each.kind !== "priceChange") continue;
      for (const change of each.changes.keys()) drops.push({ frame, event, change });
    }
  }
  return drops;
}

function withoutDrop(events: readonly MarketEvent[], drop: Drop): MarketEvent[] {
  if (drop.event === null) return [];
  return events.map((event, index) =>
    index === drop.event && event.kind === "priceChange"
      ? { ...event, changes: event.changes.filter((_, at) => at !== drop.change) }
      : event,
  );
}

/** Long enough for two audits, the second of them late enough for what REST had first. */
const WATCH_MS = 2 * AUDIT_EVERY_MS + 20_000;
/** Once whole again, so long a look is enough. */
const REST_OF_LOOK_MS = 4_000;

/**
 * Tells the fate of each drop, in the order of the tape.
 * @param circumstances - of the n-th drop: how far REST is behind, and whether the search for the trade price was used
 *   up right before it, so that only likely prices are tried.
 */
export function fatesOf(
  frames: readonly Frame[],
  facts: MarketFacts,
  drops: readonly Drop[],
  circumstances: (n: number) => { readonly restLagMs: number; readonly searched: boolean },
): Fate[] {
  const truth = truthOf(frames, facts);
  const world = createWorld(facts, frames[0]?.t ?? 0, 0);
  const fates: Fate[] = [];
  let at = 0;
  for (const drop of [...drops].sort((a, b) => a.frame - b.frame)) {
    for (; at < drop.frame; at++) playOne(world, truth, frames, at, null, () => {});
    const { restLagMs, searched } = circumstances(fates.length);
    const copy = copyWorld(world, restLagMs);
    if (searched) for (const book of copy.desk.books.values()) book.fullSearchMs = copy.nowMs;
    fates.push(fateOf(copy, truth, frames, drop));
  }
  return fates;
}

/** Plays the tape as it is. Returns what was told of its books beside changes: nothing, if all is well. */
export function playUntouched(frames: readonly Frame[], facts: MarketFacts): { doubts: DeskOutput[]; proofs: number } {
  const truth = truthOf(frames, facts);
  const world = createWorld(facts, frames[0]?.t ?? 0, 0);
  const doubts: DeskOutput[] = [];
  const look = (outputs: readonly DeskOutput[]): void => {
    for (const output of outputs) if (output.type === "BookStatus") doubts.push(output);
  };
  for (const at of frames.keys()) playOne(world, truth, frames, at, null, look);
  passTime(world, truth, world.nowMs + WATCH_MS, look);
  const proofs = [...world.desk.books.values()].reduce((sum, book) => sum + book.proofs.passed, 0);
  return { doubts, proofs };
}

function playOne(
  world: World,
  truth: Truth,
  frames: readonly Frame[],
  at: number,
  drop: Drop | null,
  look: (outputs: readonly DeskOutput[]) => void,
): void {
  const frame = frames[at];
  if (frame === undefined) return;
  passTime(world, truth, frame.t, look);
  look(takeFrame(world, frame, drop === null ? frame.events : withoutDrop(frame.events, drop)));
}

/** What one token's book went through after a drop. */
type Watch = {
  readonly tokenId: TokenId;
  readonly dropMs: number;
  readonly dropVenueMs: number;
  messages: number;
  tellableMs: number;
  differed: boolean;
  doubt: { readonly atMs: number; readonly venueMs: number; readonly messages: number; by: "hash" | "audit" } | null;
  wholeMs: number;
  resynced: boolean;
  wrongAndHealthy: number;
};

function fateOf(world: World, truth: Truth, frames: readonly Frame[], drop: Drop): Fate {
  const lost = frames[drop.frame];
  if (lost === undefined) throw new Error(`no frame ${drop.frame}`);
  const kept = withoutDrop(lost.events, drop);
  const venueMs = Math.max(0, ...lost.events.map(({ tsEventMs }) => tsEventMs ?? 0));
  const watches: Watch[] = [...truth.keys()]
    .filter((tokenId) => countOf(lost.events, tokenId) !== countOf(kept, tokenId))
    .map((tokenId) => ({
      tokenId,
      dropMs: lost.t,
      dropVenueMs: venueMs,
      messages: 0,
      tellableMs: 0,
      differed: false,
      doubt: null,
      wholeMs: 0,
      resynced: false,
      wrongAndHealthy: 0,
    }));
  const lookAt = (outputs: readonly DeskOutput[]): void => {
    for (const watch of watches) observe(world, truth, watch, outputs);
  };
  playOne(world, truth, frames, drop.frame, drop, lookAt);
  // A message that was lost in part still carries the hash of all of it.
  for (const watch of watches) if (names(kept, watch.tokenId)) heard(watch, world);
  for (let at = drop.frame + 1; at < frames.length && !isOver(watches, world); at++) {
    playOne(world, truth, frames, at, null, lookAt);
    for (const watch of watches) if (names(frames[at]?.events ?? [], watch.tokenId)) heard(watch, world);
  }
  if (!isOver(watches, world)) passTime(world, truth, world.nowMs + WATCH_MS, lookAt);
  return sumUp(drop, watches);
}

const countOf = (events: readonly MarketEvent[], tokenId: TokenId): number =>
  events.reduce((sum, event) => {
    if (event.kind === "book") return sum + (event.tokenId === tokenId ? 1 : 0);
    return event.kind === "priceChange"
      ? sum + event.changes.filter((change) => change.tokenId === tokenId).length
      : sum;
  }, 0);

function heard(watch: Watch, world: World): void {
  watch.messages += 1;
  if (watch.tellableMs === 0) watch.tellableMs = world.nowMs;
}

const isOver = (watches: readonly Watch[], world: World): boolean =>
  watches.every((watch) => {
    if (watch.doubt !== null) return watch.wholeMs > 0 && world.nowMs - watch.wholeMs > REST_OF_LOOK_MS;
    return watch.tellableMs > 0 && world.nowMs - watch.dropMs > WATCH_MS;
  });

function observe(world: World, truth: Truth, watch: Watch, outputs: readonly DeskOutput[]): void {
  const book = world.desk.books.get(watch.tokenId);
  if (book === undefined) return;
  for (const output of outputs) {
    if (output.type === "BookClock" || output.tokenId !== watch.tokenId) continue;
    if (output.type === "BookSnapshot" && watch.doubt !== null) watch.resynced = true;
    if (output.type !== "BookStatus" || output.health === "healthy" || watch.doubt !== null) continue;
    const venueMs = (world.desk.connections.get(book.connection)?.lastEventMs ?? 0) - watch.dropVenueMs;
    const by = output.reason.includes("REST") ? "audit" : "hash";
    watch.doubt = { atMs: world.nowMs, venueMs, messages: watch.messages, by };
  }
  // Between the frames of a burst nobody can say what the book should be.
  const last = lastTrue(truth.get(watch.tokenId) ?? [], (each) => each.frame <= world.frame);
  if (last?.full.hash !== book.last.hash) return;
  const own = snap(world.desk, watch.tokenId, world.nowMs);
  const isEqual = own !== null && isSame(own.bids, last.full.bids) && isSame(own.asks, last.full.asks);
  if (!isEqual) watch.wholeMs = 0;
  else if (watch.doubt !== null && book.health === "healthy" && watch.wholeMs === 0) watch.wholeMs = world.nowMs;
  if (isEqual || watch.tellableMs === 0) return;
  watch.differed = true;
  if (book.burst === null && book.health === "healthy") watch.wrongAndHealthy += 1;
}

const isSame = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((value, at) => value === b[at]);

function sumUp(drop: Drop, watches: readonly Watch[]): Fate {
  // The one that was found first tells: a consumer asks for both tokens of a market when one is in doubt.
  const doubted = watches.filter(({ doubt }) => doubt !== null);
  const [first] = doubted.sort((a, b) => (a.doubt?.atMs ?? 0) - (b.doubt?.atMs ?? 0));
  const differed = watches.filter((watch) => watch.differed);
  const isMissed = differed.some(({ doubt }) => doubt === null);
  const isUnseen = watches.some(({ doubt, tellableMs }) => doubt === null && tellableMs === 0);
  const doubt = first?.doubt ?? null;
  return {
    drop,
    end: isMissed ? "missed" : doubt !== null ? "detected" : isUnseen ? "unseen" : "harmless",
    by: doubt?.by ?? null,
    detectedAfterMs: doubt === null ? 0 : doubt.atMs - (first?.dropMs ?? 0),
    venueMs: doubt?.venueMs ?? 0,
    messages: doubt?.messages ?? 0,
    delayMs: doubt === null ? 0 : Math.max(0, doubt.atMs - (first?.tellableMs ?? 0)),
    wholeAfterMs: Math.max(
      0,
      ...doubted.map((watch) =>
        watch.wholeMs === 0 ? Number.POSITIVE_INFINITY : watch.wholeMs - (watch.doubt?.atMs ?? 0),
      ),
    ),
    resynced: doubted.every((watch) => watch.resynced || watch.wholeMs > 0),
    wrongAndHealthy: watches.reduce((sum, watch) => sum + watch.wrongAndHealthy, 0),
  };
}
