/** Decisions of chain-watcher: observations of the chain and of other sources become facts, each fill once. */
import { type Decision, type FactMessage, nothing } from "@slipstream/actor/core";
import type { Fact } from "@slipstream/contracts/facts";
import { shardOf } from "@slipstream/contracts/ids";
import { ALL_SHARDS, type ChainSubject, subjects } from "@slipstream/contracts/subjects";
import {
  blockFacts,
  chainOf,
  chainsOfFills,
  fillFacts,
  fillsByLeader,
  hopeless,
  removedBy,
  reverted,
  vanished,
} from "./fills.ts";
import type { WatcherMessage, WatcherView } from "./messages.ts";
import { rowChains, seenFacts, sightedFacts } from "./rows.ts";
import { costFacts, coveredFacts, gapFacts, headFacts, joinFacts, pastFacts, voidFacts } from "./shardFacts.ts";
import type { WatcherState } from "./state.ts";

type Incoming = WatcherMessage | FactMessage;

const headChain = subjects.chain(ALL_SHARDS);

/** The shard that owns a chain: a leader's fills are of his shard. */
export function shardOfWatcherChain(chain: ChainSubject): string {
  const last = chain.slice(chain.lastIndexOf(".") + 1);
  return last.startsWith("0x") ? shardOf(last as Parameters<typeof shardOf>[0]) : last;
}

export function route(state: WatcherState, view: WatcherView, message: Incoming): readonly ChainSubject[] {
  switch (message.type) {
    case "FillsSeen":
      return unique(chainsOfFills(state, view, message.fills));
    case "FillsRemoved":
      return unique(removedBy(state, message.logs).map(([, fill]) => chainOf(fill)));
    case "RowsSeen":
      return unique([...rowChains(state, view, message), subjects.chain(shardOf(message.leader))]);
    case "BlocksRead": {
      const lost = [...vanished(state, view, message), ...hopeless(state, view, message)];
      return unique([...chainsOfFills(state, view, message.fills), ...lost.map(([, fill]) => chainOf(fill))]);
    }
    case "PastRead":
      return unique([...chainsOfFills(state, view, message.fills), subjects.chain(shardOf(message.leader))]);
    case "ShardCovered":
    case "GapSeen":
    case "GapVoid":
      return [subjects.chain(message.shard)];
    case "LeaderFound":
      return [subjects.chain(shardOf(message.leader))];
    case "CostFound": {
      const fill = state.fills.byId.get(message.leaderFillId);
      return fill === undefined ? [] : [subjects.chain(shardOf(fill.leader))];
    }
    case "HeadSeen":
      return [headChain];
    case "Fact":
      return [];
  }
}

export function decide(
  state: WatcherState,
  view: WatcherView,
  message: Incoming,
  chain: ChainSubject,
): Decision<never> {
  const facts = factsOf(state, view, message, chain);
  return facts.length === 0 ? nothing : { facts, requests: [] };
}

function factsOf(state: WatcherState, view: WatcherView, message: Incoming, chain: ChainSubject): readonly Fact[] {
  switch (message.type) {
    case "FillsSeen":
      return fillFacts(state, view, { fills: message.fills, chain, of: "live" });
    case "FillsRemoved":
      return removedBy(state, message.logs)
        .filter(([, fill]) => chainOf(fill) === chain)
        .map(([id, fill]) => reverted(id, fill, view));
    case "RowsSeen":
      return chain === subjects.chain(shardOf(message.leader))
        ? sightedFacts(state, view, message)
        : seenFacts(state, view, message, chain);
    case "BlocksRead":
      return blockFacts(state, view, message, chain);
    case "PastRead":
      if (chain === subjects.chain(shardOf(message.leader))) return pastFacts(state, view, message);
      return fillFacts(state, view, { fills: fillsByLeader(message, message.leader), chain, of: "past" });
    case "ShardCovered":
      return coveredFacts(state, view, message);
    case "GapSeen":
      return gapFacts(state, view, message);
    case "GapVoid":
      return voidFacts(state, view, message.shard);
    case "LeaderFound":
      return joinFacts(state, view, message);
    case "CostFound":
      return costFacts(state, view, message);
    case "HeadSeen":
      return headFacts(state, view, message);
    case "Fact":
      return [];
  }
}

const unique = <T>(items: readonly T[]): T[] => [...new Set(items)];
