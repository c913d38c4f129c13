/** Which fill an observation is: the same log again, the same transaction elsewhere, or a new one. */
import { type LeaderFillId, leaderFillId } from "@slipstream/contracts/ids";
import type { KnownFill } from "./fillBook.ts";
import type { ObservedFill } from "./messages.ts";
import type { WatcherState } from "./state.ts";

/** What makes two fills of one transaction the same but for their ordinal. */
export const contentOf = (fill: {
  readonly txHash: string;
  readonly leader: string;
  readonly tokenId: string;
  readonly side: string;
  readonly sharesMicro: bigint;
}): string => `${fill.txHash}|${fill.leader}|${fill.tokenId}|${fill.side}|${fill.sharesMicro}`;

export type Observation = { readonly id: LeaderFillId; readonly ordinal: number; readonly seen: ObservedFill };

export type Ordinal = { readonly id: LeaderFillId; readonly ordinal: number };

type Content = Omit<Parameters<typeof leaderFillId>[0], "chainId" | "ordinal">;

/** Route, each chain and the checks ask for the same ids: an observation keeps its own. */
const idsOf = new WeakMap<Content, { readonly chainId: number; readonly byOrdinal: LeaderFillId[] }>();

export function idOf(chainId: number, seen: Content, ordinal: number): LeaderFillId {
  const known = idsOf.get(seen);
  const ids = known?.chainId === chainId ? known : { chainId, byOrdinal: [] };
  const id = ids.byOrdinal[ordinal] ?? leaderFillId({ ...seen, chainId, ordinal });
  ids.byOrdinal[ordinal] = id;
  if (ids !== known) idsOf.set(seen, ids);
  return id;
}

/** The known fills of that content, by ordinal from 0. */
function eachOrdinal(state: WatcherState, chainId: number, seen: Content): Ordinal[] {
  const found: Ordinal[] = [];
  for (let ordinal = 0; ; ordinal++) {
    const id = idOf(chainId, seen, ordinal);
    if (!state.fills.byId.has(id)) return found;
    found.push({ id, ordinal });
  }
}

const isSamePlace = (known: KnownFill | undefined, seen: ObservedFill): boolean =>
  known?.blockHash === seen.blockHash && known.logIndex === seen.logIndex;

export const isSameLog = (known: KnownFill | undefined, seen: ObservedFill): boolean =>
  known?.status === "ON_CHAIN" && isSamePlace(known, seen);

/**
 * Gives each observation its identity: a log that is known keeps its own, also when its block was gone and is back; one of known content that was elsewhere before
 * (its transaction returned in another block, or another source told of it first) takes that identity; the rest count on.
 */
export function identify(state: WatcherState, chainId: number, fills: readonly ObservedFill[]): Observation[] {
  const taken = new Set<LeaderFillId>();
  const observations: Observation[] = [];
  const ordered = [...fills].sort((a, b) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex);
  const open: ObservedFill[] = [];
  for (const seen of ordered) {
    const exact = eachOrdinal(state, chainId, seen).find(({ id }) => isSamePlace(state.fills.byId.get(id), seen));
    if (exact === undefined) open.push(seen);
    else if (!taken.has(exact.id)) {
      taken.add(exact.id);
      observations.push({ ...exact, seen });
    }
  }
  for (const seen of open) {
    const known = eachOrdinal(state, chainId, seen);
    const free = known.find(({ id }) => !taken.has(id) && state.fills.byId.get(id)?.blockHash !== seen.blockHash);
    let ordinal = free?.ordinal ?? known.length;
    while (taken.has(idOf(chainId, seen, ordinal))) ordinal++;
    const id = idOf(chainId, seen, ordinal);
    taken.add(id);
    observations.push({ id, ordinal, seen });
  }
  return observations;
}
