/** Decisions of chain-watcher: observations of the chain become facts, each fill once. */
import { type Decision, type FactMessage, nothing } from "@slipstream/actor/core";
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import { factId, type LeaderFillId, leaderFillId } from "@slipstream/contracts/ids";
import { type ChainSubject, partitionFor, subjects } from "@slipstream/contracts/subjects";
import type { FollowingStarts, ObservedFill, RangeRead, WatcherMessage, WatcherView } from "./messages.ts";
import { contentOf, type KnownFill, type WatcherState } from "./state.ts";

/** One reader of all leaders: one chain of progress. */
export const SHARD = "all";
export const progressChain = subjects.chain(SHARD);

type Observation = { readonly id: LeaderFillId; readonly ordinal: number; readonly seen: ObservedFill };

const chainOf = (fill: Pick<ObservedFill, "conditionId" | "tokenId" | "leader">): ChainSubject =>
  subjects.leaderFill(partitionFor(fill.conditionId, fill.tokenId), fill.leader);

/** The chain of an observation: that of the known fill, which may have been published before its market was known. */
const chainOfObservation = (state: WatcherState, { id, seen }: Observation): ChainSubject =>
  chainOf(state.fills.get(id) ?? seen);

export function route(
  state: WatcherState,
  view: WatcherView,
  message: WatcherMessage | FactMessage,
): readonly ChainSubject[] {
  switch (message.type) {
    case "FillsSeen":
      return unique(identify(state, view, message.fills).map((item) => chainOfObservation(state, item)));
    case "FillsRemoved":
      return unique(removedBy(state, message.logs).map(([, fill]) => chainOf(fill)));
    case "RangeRead": {
      const observed = identify(state, view, message.fills);
      const chains = observed.map((item) => chainOfObservation(state, item));
      const affected = [...vanished(state, message, observed), ...hopeless(state, message)];
      return unique([...chains, ...affected.map(([, fill]) => chainOf(fill)), progressChain]);
    }
    case "FollowingStarts":
      return [progressChain];
    case "Fact":
      return [];
  }
}

export function decide(
  state: WatcherState,
  view: WatcherView,
  message: WatcherMessage | FactMessage,
  chain: ChainSubject,
): Decision<never> {
  switch (message.type) {
    case "FillsSeen": {
      const observed = identify(state, view, message.fills);
      return { facts: fillFacts(state, view, observed, chain), requests: [] };
    }
    case "FillsRemoved": {
      const facts = removedBy(state, message.logs)
        .filter(([, fill]) => chainOf(fill) === chain)
        .map(([id, fill]) => reverted(id, fill, view));
      return { facts, requests: [] };
    }
    case "RangeRead":
      return { facts: rangeFacts(state, view, message, chain), requests: [] };
    case "FollowingStarts":
      if (state.progress !== null) return nothing;
      return { facts: [progressFact(message, message.finalized, 0, view)], requests: [] };
    case "Fact":
      return nothing;
  }
}

function rangeFacts(state: WatcherState, view: WatcherView, message: RangeRead, chain: ChainSubject): Fact[] {
  const observed = identify(state, view, message.fills);
  if (chain === progressChain) return progressFacts(state, view, message, observed);
  const facts: Fact[] = vanished(state, message, observed)
    .filter(([, fill]) => chainOf(fill) === chain)
    .map(([id, fill]) => reverted(id, fill, view));
  facts.push(...fillFacts(state, view, observed, chain));
  for (const [id, fill] of hopeless(state, message)) {
    if (chainOf(fill) === chain) facts.push(retracted(id, fill, view));
  }
  return facts;
}

/**
 * The watermark moves only when each fill of the range is in the log already: this decision may run before those of the
 * fills' chains, then the next reading of the same blocks moves it.
 */
function progressFacts(
  state: WatcherState,
  view: WatcherView,
  message: RangeRead,
  observed: readonly Observation[],
): Fact[] {
  const complete = observed.every(({ id, seen }) => isSameLog(state.fills.get(id), seen));
  if (!complete || state.progress === null || vanished(state, message, observed).length > 0) return [];
  if (message.fromBlock > state.progress.cursor + 1) return [];
  const cursor = Math.max(state.progress.cursor, Math.min(message.toBlock, message.finalized));
  const { progress } = state;
  const moved = cursor > progress.cursor || message.head !== progress.head || message.headHash !== progress.headHash;
  return moved ? [progressFact(message, cursor, state.openGaps.size, view)] : [];
}

/**
 * Gives each observation its identity: a log that is known keeps its own; one of known content that was elsewhere
 * before (its transaction returned in another block) takes that identity; the rest count on.
 */
function identify(state: WatcherState, view: WatcherView, fills: readonly ObservedFill[]): Observation[] {
  const taken = new Set<LeaderFillId>();
  const observations: Observation[] = [];
  const ordered = [...fills].sort((a, b) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex);
  const idOf = (seen: ObservedFill, ordinal: number): LeaderFillId =>
    leaderFillId({ ...seen, chainId: view.chainId, ordinal });
  const open: ObservedFill[] = [];
  for (const seen of ordered) {
    const exact = eachOrdinal(state, seen, idOf).find(({ id }) => isSameLog(state.fills.get(id), seen));
    if (exact === undefined) open.push(seen);
    else if (!taken.has(exact.id)) {
      taken.add(exact.id);
      observations.push({ ...exact, seen });
    }
  }
  for (const seen of open) {
    const known = eachOrdinal(state, seen, idOf);
    const free = known.find(({ id }) => !taken.has(id) && state.fills.get(id)?.blockHash !== seen.blockHash);
    let ordinal = free?.ordinal ?? known.length;
    while (taken.has(idOf(seen, ordinal))) ordinal++;
    const id = idOf(seen, ordinal);
    taken.add(id);
    observations.push({ id, ordinal, seen });
  }
  return observations;
}

function eachOrdinal(
  state: WatcherState,
  seen: ObservedFill,
  idOf: (seen: ObservedFill, ordinal: number) => LeaderFillId,
): { id: LeaderFillId; ordinal: number }[] {
  const found: { id: LeaderFillId; ordinal: number }[] = [];
  for (let ordinal = 0; ; ordinal++) {
    const id = idOf(seen, ordinal);
    if (!state.fills.has(id)) return found;
    found.push({ id, ordinal });
  }
}

const isSameLog = (known: KnownFill | undefined, seen: ObservedFill): boolean =>
  known?.status === "ON_CHAIN" && known.blockHash === seen.blockHash && known.logIndex === seen.logIndex;

/** New fills and returned ones; a move to another block that nobody announced is a revert and a return. */
function fillFacts(
  state: WatcherState,
  view: WatcherView,
  observed: readonly Observation[],
  chain: ChainSubject,
): Fact[] {
  const facts: Fact[] = [];
  for (const item of observed) {
    const { id, ordinal, seen } = item;
    const known = state.fills.get(id);
    if (!state.leaders.has(seen.leader) || isSameLog(known, seen) || chainOfObservation(state, item) !== chain)
      continue;
    if (known?.status === "ON_CHAIN") facts.push(reverted(id, known, view));
    const occurrence = known === undefined ? 0 : known.occurrence + 1;
    facts.push({
      ...seen,
      // The market of the first publication stays: it decides the chain.
      conditionId: known === undefined ? seen.conditionId : known.conditionId,
      type: "LeaderFill",
      v: 1,
      id: factId("LeaderFill", id, occurrence),
      leaderFillId: id,
      occurrence,
      ordinal,
      chainId: view.chainId,
      historical: seen.tsSeenMs - seen.tsEventMs > view.historicalAgeMs,
      tsInitMs: view.nowMs,
    });
  }
  return facts;
}

type KnownEntry = readonly [LeaderFillId, KnownFill];

function removedBy(state: WatcherState, logs: readonly { blockHash: string; logIndex: number }[]): KnownEntry[] {
  const removed = new Set(logs.map((log) => `${log.blockHash}:${log.logIndex}`));
  return [...state.fills].filter(
    ([, fill]) => fill.status === "ON_CHAIN" && removed.has(`${fill.blockHash}:${fill.logIndex}`),
  );
}

/** Fills that the log says are in the range but the chain no longer shows there, whether or not it said so. */
function vanished(state: WatcherState, range: RangeRead, observed: readonly Observation[]): KnownEntry[] {
  const present = new Set(observed.map(({ id }) => id));
  return [...state.fills].filter(
    ([id, fill]) =>
      fill.status === "ON_CHAIN" &&
      fill.blockNumber >= range.fromBlock &&
      fill.blockNumber <= range.toBlock &&
      state.leaders.has(fill.leader) &&
      !present.has(id),
  );
}

/** Reverted fills whose block finality has passed: they did not come back. */
function hopeless(state: WatcherState, range: RangeRead): KnownEntry[] {
  const present = new Set(range.fills.map(contentOf));
  return [...state.fills].filter(
    ([, fill]) => fill.status === "REVERTED" && fill.blockNumber <= range.finalized && !present.has(fill.content),
  );
}

const reference = (id: LeaderFillId, fill: KnownFill) => ({
  v: 1 as const,
  leaderFillId: id,
  occurrence: fill.occurrence,
  leader: fill.leader,
  tokenId: fill.tokenId,
  conditionId: fill.conditionId,
  blockNumber: fill.blockNumber,
  blockHash: fill.blockHash,
});

const reverted = (id: LeaderFillId, fill: KnownFill, view: WatcherView): FactOf<"LeaderFillReverted"> => ({
  ...reference(id, fill),
  type: "LeaderFillReverted",
  id: factId("LeaderFillReverted", id, fill.occurrence),
  tsEventMs: view.nowMs,
  tsInitMs: view.nowMs,
});

const retracted = (id: LeaderFillId, fill: KnownFill, view: WatcherView): FactOf<"LeaderFillRetracted"> => ({
  ...reference(id, fill),
  type: "LeaderFillRetracted",
  id: factId("LeaderFillRetracted", id, fill.occurrence),
  reason: "REORGED_OUT",
  tsEventMs: view.nowMs,
  tsInitMs: view.nowMs,
});

function progressFact(
  at: RangeRead | FollowingStarts,
  cursor: number,
  openGaps: number,
  view: WatcherView,
): FactOf<"ChainProgress"> {
  const { head, headHash, headTsMs, finalized, finalizedHash } = at;
  return {
    type: "ChainProgress",
    v: 1,
    id: factId("ChainProgress", `${SHARD}.${head}.${headHash.slice(2, 18)}.${cursor}`),
    shard: SHARD,
    head,
    headHash,
    headTsMs,
    finalized,
    finalizedHash,
    cursor,
    openGaps,
    tsEventMs: headTsMs,
    tsInitMs: view.nowMs,
  };
}

const unique = <T>(items: readonly T[]): T[] => [...new Set(items)];
