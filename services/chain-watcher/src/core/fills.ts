/** What observations of one leader's fills on the chain say: told, moved, gone, never come. */
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import { type Address, factId, type LeaderFillId, shardOf } from "@slipstream/contracts/ids";
import { type ChainSubject, partitionFor, subjects } from "@slipstream/contracts/subjects";
import { entriesOf, fillsBetween, fillsOf, type KnownFill } from "./fillBook.ts";
import { identify, isSameLog, type Observation } from "./identity.ts";
import type { BlocksRead, FillsRemoved, ObservedFill, WatcherView } from "./messages.ts";
import { isFollowed, RETAIN_BLOCKS, type WatcherState } from "./state.ts";

export type KnownEntry = readonly [LeaderFillId, KnownFill];

export const chainOf = (fill: Pick<KnownFill, "conditionId" | "tokenId" | "leader">): ChainSubject =>
  subjects.leaderFill(partitionFor(fill.conditionId, fill.tokenId), fill.leader);

/** The chain of an observation: that of the known fill, which may have been published before its market was known. */
const chainOfObservation = (state: WatcherState, { id, seen }: Observation): ChainSubject =>
  chainOf(state.fills.byId.get(id) ?? seen);

/** The chains of fills, for `route`. */
export const chainsOfFills = (state: WatcherState, view: WatcherView, fills: readonly ObservedFill[]): ChainSubject[] =>
  identify(state, view.chainId, fills).map((item) => chainOfObservation(state, item));

/**
 * The live rules: a leader's fills count from the block on from which he is followed, and never where what was told may be
 * forgotten.
 */
export const isTold = (state: WatcherState, { leader, blockNumber }: ObservedFill): boolean =>
  isFollowed(state, leader) &&
  blockNumber >= (state.leaders.get(leader)?.joined?.toldFrom ?? 0) &&
  blockNumber >= (state.progress.get(shardOf(leader))?.cursor ?? 0) - RETAIN_BLOCKS;

export type Observed = {
  readonly fills: readonly ObservedFill[];
  readonly chain: ChainSubject;
  /**
   * live: perhaps not all of their transactions yet. blocks: all of them. past: all of them, read behind the live fills
   * and historical, whatever their age.
   */
  readonly of: "live" | "blocks" | "past";
};

/** New fills and returned ones; a move to another block that nobody announced is a revert and a return. */
export function fillFacts(state: WatcherState, view: WatcherView, { fills, chain, of }: Observed): Fact[] {
  const facts: Fact[] = [];
  const isPast = of === "past";
  const observations = identify(state, view.chainId, fills);
  const shown = new Set(observations.map(({ id }) => id));
  for (const item of observations) {
    const { id, ordinal, seen } = item;
    const known = state.fills.byId.get(id);
    const isWanted = isPast ? isFollowed(state, seen.leader) : known !== undefined || isTold(state, seen);
    if (!isWanted || isSameLog(known, seen) || chainOfObservation(state, item) !== chain) continue;
    const isDisputed = known === undefined && isToldOtherwise(state, seen, shown);
    // The log that another source told of may be the next to come: whether it does, the whole block says in a moment.
    if (isDisputed && of === "live") continue;
    if (known?.status === "ON_CHAIN") facts.push(reverted(id, known, view));
    const isOld = seen.tsSeenMs - seen.tsEventMs > view.historicalAgeMs;
    facts.push({
      ...seen,
      // The market of the first publication stays: it decides the chain.
      conditionId: known === undefined ? seen.conditionId : known.conditionId,
      type: "LeaderFill",
      v: 1,
      id: factId("LeaderFill", id, known === undefined ? 0 : known.occurrence + 1),
      leaderFillId: id,
      occurrence: known === undefined ? 0 : known.occurrence + 1,
      ordinal,
      chainId: view.chainId,
      historical: isPast || isOld,
      ...(isDisputed ? { disputed: true } : {}),
      tsInitMs: view.nowMs,
    });
  }
  return facts;
}

const isSameTrade = (a: KnownFill, b: Pick<KnownFill, "txHash" | "tokenId" | "side">): boolean =>
  a.txHash === b.txHash && a.tokenId === b.tokenId && a.side === b.side;

/** Another source has told, and perhaps somebody copied, a fill of this very trade that the chain does not show. */
const isToldOtherwise = (state: WatcherState, seen: ObservedFill, shown: ReadonlySet<LeaderFillId>): boolean =>
  fillsOf(state.fills, seen.leader).some(
    ([id, fill]) => fill.status === "SEEN" && !shown.has(id) && isSameTrade(fill, seen),
  );

/** Whether the chain has shown a fill of this trade: then it shows the others itself. */
export const isShown = (
  state: WatcherState,
  trade: Pick<KnownFill, "leader" | "txHash" | "tokenId" | "side">,
): boolean => fillsOf(state.fills, trade.leader).some(([, fill]) => fill.status !== "SEEN" && isSameTrade(fill, trade));

export function removedBy(state: WatcherState, logs: FillsRemoved["logs"]): KnownEntry[] {
  return logs.flatMap(({ blockNumber, blockHash, logIndex }) =>
    fillsBetween(state.fills, blockNumber, blockNumber).filter(
      ([, fill]) => fill.status === "ON_CHAIN" && fill.blockHash === blockHash && fill.logIndex === logIndex,
    ),
  );
}

/** Fills that the log says are in the range but the chain no longer shows there, whether or not it said so. */
export function vanished(state: WatcherState, view: WatcherView, range: BlocksRead): KnownEntry[] {
  const candidates = fillsBetween(state.fills, range.fromBlock, range.toBlock).filter(
    ([, { status, leader }]) => status === "ON_CHAIN" && range.leaders.has(leader) && isFollowed(state, leader),
  );
  const present = presentIn(state, view, range, candidates);
  return candidates.filter(([id]) => !present.has(id));
}

/** Which fills the blocks show, of the leaders of some candidates. */
function presentIn(
  state: WatcherState,
  view: WatcherView,
  range: BlocksRead,
  candidates: readonly KnownEntry[],
): Set<LeaderFillId> {
  if (candidates.length === 0) return new Set();
  const concerned = new Set(candidates.map(([, { leader }]) => leader));
  const fills = range.fills.filter(({ leader }) => concerned.has(leader));
  return new Set(identify(state, view.chainId, fills).map(({ id }) => id));
}

/** What did not come back before finality passed its block, and what never came in time. */
export function hopeless(state: WatcherState, view: WatcherView, range: BlocksRead): KnownEntry[] {
  const { finalTsMs, leaders, toBlock } = range;
  if (finalTsMs === null || state.fills.open.size === 0) return [];
  const due = entriesOf(state.fills, state.fills.open).filter(([, fill]) => {
    if (!leaders.has(fill.leader)) return false;
    if (fill.blockNumber !== null) return fill.blockNumber <= toBlock;
    return fill.tsEventMs + view.seenDeadlineMs <= finalTsMs;
  });
  const present = presentIn(state, view, range, due);
  return due.filter(([id]) => !present.has(id));
}

/** Everything a range of blocks says on one chain. */
export function blockFacts(state: WatcherState, view: WatcherView, range: BlocksRead, chain: ChainSubject): Fact[] {
  const own = ofChain(range, chain);
  const facts: Fact[] = vanished(state, view, own)
    .filter(([, fill]) => chainOf(fill) === chain)
    .map(([id, fill]) => reverted(id, fill, view));
  facts.push(...fillFacts(state, view, { fills: own.fills, chain, of: "blocks" }));
  for (const [id, fill] of hopeless(state, view, own))
    if (chainOf(fill) === chain) facts.push(retracted(id, fill, view));
  return facts;
}

/** The part of a range that concerns the leader of a chain: decisions cost what their leader trades, not what all do. */
function ofChain(range: BlocksRead, chain: ChainSubject): BlocksRead {
  const leader = chain.slice(chain.lastIndexOf(".") + 1) as Address;
  return { ...range, leaders: new Set(range.leaders.has(leader) ? [leader] : []), fills: fillsByLeader(range, leader) };
}

const grouped = new WeakMap<object, Map<Address, ObservedFill[]>>();

/** A message's fills of one leader; grouped once for each message. */
export function fillsByLeader(message: { readonly fills: readonly ObservedFill[] }, leader: Address): ObservedFill[] {
  const known = grouped.get(message) ?? new Map<Address, ObservedFill[]>();
  if (known.size === 0) {
    for (const fill of message.fills) known.set(fill.leader, [...(known.get(fill.leader) ?? []), fill]);
    grouped.set(message, known);
  }
  return known.get(leader) ?? [];
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

export const reverted = (id: LeaderFillId, fill: KnownFill, view: WatcherView): FactOf<"LeaderFillReverted"> => ({
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
  reason: fill.blockNumber === null ? "NOT_ON_CHAIN" : "REORGED_OUT",
  tsEventMs: view.nowMs,
  tsInitMs: view.nowMs,
});
