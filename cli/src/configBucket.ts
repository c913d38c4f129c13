/** Edits the configuration: one write to the `config` bucket; registry makes it a fact. */
import type { Bus } from "@slipstream/actor/bus";
import type { Address } from "@slipstream/contracts/ids";
import { AccountPolicy, type FollowFrom, LeaderConfig } from "@slipstream/contracts/policy";
import { buckets } from "@slipstream/contracts/subjects";
import { z } from "zod";

export type LeaderRow = { readonly leader: Address; readonly label: string; readonly enabled: boolean };

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
  const isKnown = present !== null && present.operation === "PUT";
  const known = isKnown ? LeaderConfig.safeParse(JSON.parse(present.string())).data : undefined;
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

export async function removeLeader(bus: Bus, leader: Address): Promise<"removed" | "unknown"> {
  const bucket = await bus.kvm.open(buckets.config);
  const present = await bucket.get(`leaders.${leader}`);
  if (present === null || present.operation !== "PUT") return "unknown";
  await bucket.delete(`leaders.${leader}`);
  return "removed";
}

export async function listLeaders(bus: Bus): Promise<LeaderRow[]> {
  const bucket = await bus.kvm.open(buckets.config);
  const rows: LeaderRow[] = [];
  for await (const key of await bucket.keys("leaders.>")) {
    const entry = await bucket.get(key);
    if (entry === null || entry.operation !== "PUT") continue;
    const parsed = LeaderConfig.safeParse(JSON.parse(entry.string()));
    if (parsed.success)
      rows.push({ leader: parsed.data.leader, label: parsed.data.label ?? "", enabled: parsed.data.enabled });
  }
  return rows.sort((a, b) => a.leader.localeCompare(b.leader));
}
