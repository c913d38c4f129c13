/** Edits the configuration: one write to the `config` bucket; registry makes it a fact. */
import type { Bus } from "@slipstream/actor/bus";
import { ContractError } from "@slipstream/contracts/errors";
import type { Address } from "@slipstream/contracts/ids";
import {
  AccountPolicy,
  type FollowFrom,
  type LeaderConfig,
  readConfig,
  type WhenRemoved,
  whenRemovedOf,
} from "@slipstream/contracts/policy";
import { buckets } from "@slipstream/contracts/subjects";
import { z } from "zod";

export type LeaderRow = {
  readonly leader: Address;
  readonly label: string;
  /** null: he is followed. */
  readonly whenRemoved: WhenRemoved | null;
};

/** Creates the account unless one of that name is there; an existing one is never overwritten. */
export async function seedAccount(bus: Bus, account: AccountPolicy): Promise<"created" | "kept"> {
  const bucket = await bus.kvm.open(buckets.config);
  const key = `accounts.${account.account}`;
  const present = await bucket.get(key);
  if (present !== null && present.operation === "PUT") return "kept";
  await bucket.put(key, JSON.stringify(z.encode(AccountPolicy, account)));
  return "created";
}

/**
 * @param label - empty: the one he has.
 * @param follow - null: from now on, and somebody who is followed already stays as he is but for a new label.
 * @throws ContractError CONFIG_INVALID for what registry would refuse.
 */
export async function addLeader(
  bus: Bus,
  leader: Address,
  { label, follow }: { readonly label: string; readonly follow: FollowFrom | null },
): Promise<"added" | "renamed" | "kept"> {
  const bucket = await bus.kvm.open(buckets.config);
  const key = `leaders.${leader}`;
  const known = configOf(await bucket.get(key));
  const goesOn = known?.enabled === true && follow === null;
  const name = label === "" ? known?.label : label;
  if (goesOn && name === known.label) return "kept";
  const from = goesOn ? known.follow : (follow ?? undefined);
  const wanted: LeaderConfig = {
    leader,
    enabled: true,
    ...(name === undefined ? {} : { label: name }),
    ...(from === undefined ? {} : { follow: from }),
  };
  const read = readConfig(key, wanted);
  if (!read.ok) throw new ContractError("CONFIG_INVALID", read.text);
  await bucket.put(key, JSON.stringify(wanted));
  return goesOn ? "renamed" : "added";
}

/**
 * Says that a leader is not followed any more and what becomes of what was bought after him. The key stays, because it says
 * so: whoever deletes it says `follow`. Repeating it with another word changes that.
 */
export async function removeLeader(
  bus: Bus,
  leader: Address,
  whenRemoved: WhenRemoved,
): Promise<"removed" | "unknown" | "kept"> {
  const bucket = await bus.kvm.open(buckets.config);
  const present = await bucket.get(`leaders.${leader}`);
  const config = configOf(present);
  if (config === null) return "unknown";
  if (!config.enabled && whenRemovedOf(config) === whenRemoved) return "kept";
  const { label, follow } = config;
  const wanted: LeaderConfig = {
    ...{ leader, enabled: false, whenRemoved },
    ...(label === undefined ? {} : { label }),
    ...(follow === undefined ? {} : { follow }),
  };
  await bucket.put(`leaders.${leader}`, JSON.stringify(wanted));
  return "removed";
}

/** null: there is no such key, or what it says cannot be read. */
function configOf(
  entry: { readonly key: string; readonly operation: string; string(): string } | null,
): LeaderConfig | null {
  if (entry === null || entry.operation !== "PUT") return null;
  try {
    const read = readConfig(entry.key, JSON.parse(entry.string()));
    return read.ok && read.config.kind === "leaders" ? read.config.config : null;
  } catch {
    return null;
  }
}

export async function listLeaders(bus: Bus): Promise<LeaderRow[]> {
  const bucket = await bus.kvm.open(buckets.config);
  const rows: LeaderRow[] = [];
  for await (const key of await bucket.keys("leaders.>")) {
    const config = configOf(await bucket.get(key));
    if (config === null) continue;
    rows.push({ leader: config.leader, label: config.label ?? "", whenRemoved: whenRemovedOf(config) });
  }
  return rows.sort((a, b) => a.leader.localeCompare(b.leader));
}

/** Names of the accounts that are configured. */
export async function listAccounts(bus: Bus): Promise<string[]> {
  const bucket = await bus.kvm.open(buckets.config);
  const names: string[] = [];
  for await (const key of await bucket.keys("accounts.>")) names.push(key.slice("accounts.".length));
  return names.sort();
}
