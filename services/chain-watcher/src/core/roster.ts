/**
 * Who is followed, by shard: an index of the leaders, so that what a block costs does not grow with them. Derived and not
 * saved: it is made once for a map of leaders and kept with each change of it.
 *
 * 1. A set that was handed out never changes: who gets the same one again knows that nobody came or went.
 */
import { type Address, shardOf } from "@slipstream/contracts/ids";
import type { LeaderState } from "./state.ts";

type Leaders = Map<Address, LeaderState>;

type Roster = {
  readonly byShard: Map<string, ReadonlySet<Address>>;
  /** Enabled, and not followed yet. */
  readonly waiting: Set<Address>;
  /** Enabled, with a past that is not read to its end. */
  readonly withPast: Set<Address>;
  /** Unions of shards, until somebody comes or goes. */
  readonly unions: Map<string, ReadonlySet<Address>>;
};

/** Shards of a replica change seldom, and the final pass asks for a few groups of them. */
const UNIONS_MAX = 128;
const nobody: ReadonlySet<Address> = new Set();
const rosters = new WeakMap<Leaders, Roster>();

/** His fills are told: he is followed, or was removed and what was bought after him is not gone yet. */
export const isRead = ({ enabled, leaving, joined }: LeaderState): boolean => (enabled || leaving) && joined !== null;

function rosterOf(leaders: Leaders): Roster {
  const known = rosters.get(leaders);
  if (known !== undefined) return known;
  const byShard = new Map<string, Set<Address>>();
  const roster: Roster = { byShard, waiting: new Set(), withPast: new Set(), unions: new Map() };
  for (const [leader, state] of leaders) {
    note(roster, leader, state);
    if (!isRead(state)) continue;
    const shard = shardOf(leader);
    const mates = byShard.get(shard);
    if (mates === undefined) byShard.set(shard, new Set([leader]));
    else mates.add(leader);
  }
  rosters.set(leaders, roster);
  return roster;
}

function note({ waiting, withPast }: Roster, leader: Address, { enabled, joined, backfill }: LeaderState): void {
  if (enabled && joined === null) waiting.add(leader);
  else waiting.delete(leader);
  if (enabled && joined !== null && backfill !== null) withPast.add(leader);
  else withPast.delete(leader);
}

/** The only way in which a leader's state changes. */
export function putLeader(leaders: Leaders, leader: Address, state: LeaderState): void {
  const roster = rosterOf(leaders);
  leaders.set(leader, state);
  note(roster, leader, state);
  const shard = shardOf(leader);
  const mates = roster.byShard.get(shard) ?? nobody;
  if (mates.has(leader) === isRead(state)) return;
  const changed = new Set(mates);
  if (isRead(state)) changed.add(leader);
  else changed.delete(leader);
  if (changed.size === 0) roster.byShard.delete(shard);
  else roster.byShard.set(shard, changed);
  roster.unions.clear();
}

/** Leaders of the shards, whose fills are told now. */
export function followedIn(leaders: Leaders, isOurs: (shard: string) => boolean): ReadonlySet<Address> {
  const { byShard, unions } = rosterOf(leaders);
  const ours = [...byShard.keys()].filter(isOurs);
  const [only] = ours;
  if (only === undefined) return nobody;
  if (ours.length === 1) return byShard.get(only) ?? nobody;
  const key = ours.join();
  const known = unions.get(key);
  if (known !== undefined) return known;
  const union = new Set<Address>();
  for (const shard of ours) for (const leader of byShard.get(shard) ?? nobody) union.add(leader);
  if (unions.size >= UNIONS_MAX) unions.clear();
  unions.set(key, union);
  return union;
}

/** Shards in which somebody is followed, with those who are. */
export const followedByShard = (leaders: Leaders): ReadonlyMap<string, ReadonlySet<Address>> =>
  rosterOf(leaders).byShard;

/** Who is to be followed and is not yet. */
export const waitingOf = (leaders: Leaders): ReadonlySet<Address> => rosterOf(leaders).waiting;

/** Whose past is not read to its end. */
export const withPastOf = (leaders: Leaders): ReadonlySet<Address> => rosterOf(leaders).withPast;

/** True when all of `part` are in `whole`. */
export function isWithin(part: ReadonlySet<Address>, whole: ReadonlySet<Address>): boolean {
  if (part === whole) return true;
  for (const leader of part) if (!whole.has(leader)) return false;
  return true;
}
