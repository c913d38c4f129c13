/** Edits the configuration: one write to the `config` bucket; registry makes it a fact. */
import type { Bus } from "@slipstream/actor/bus";
import type { Address } from "@slipstream/contracts/ids";
import {
  AccountPolicy,
  type FollowFrom,
  LeaderConfig,
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

/** @param follow - null: from now on, and somebody who is followed already stays as he is. */
export async function addLeader(
  bus: Bus,
  leader: Address,
  { label, follow }: { readonly label: string; readonly follow: FollowFrom | null },
): Promise<"added" | "kept"> {
  const bucket = await bus.kvm.open(buckets.config);
  const key = `leaders.${leader}`;
  const present = await bucket.get(key);
  const known = configOf(present);
  if (known?.enabled === true && follow === null) return "kept";
  const name = label === "" ? known?.label : label;
  const wanted: LeaderConfig = {
    leader,
    enabled: true,
    ...(name === undefined ? {} : { label: name }),
    ...(follow === null ? {} : { follow }),
  };
  await bucket.put(key, JSON.stringify(wanted));
  return "added";
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
function configOf(entry: { readonly operation: string; string(): string } | null): LeaderConfig | null {
  if (entry === null || entry.operation !== "PUT") return null;
  try {
    return LeaderConfig.safeParse(JSON.parse(entry.string())).data ?? null;
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
