/** `slipstream leaders add|remove|list`: who is followed. */
import { ContractError } from "@slipstream/contracts/errors";
import { Address } from "@slipstream/contracts/ids";
import { FollowFrom } from "@slipstream/contracts/policy";
import { addLeader, listLeaders, removeLeader } from "../configBucket.ts";
import { withBus } from "../connection.ts";
import { fetchWorld } from "../worldClient.ts";

/** @throws ContractError ID_INVALID for a text that is no wallet address. */
export function parseLeaders(texts: readonly string[]): Address[] {
  const parts = texts.flatMap((text) => text.split(",")).map((part) => part.trim());
  return parts
    .filter((part) => part !== "")
    .map((part) => {
      const parsed = Address.safeParse(part.toLowerCase());
      if (parsed.success) return parsed.data;
      throw new ContractError("ID_INVALID", `"${part}" is no wallet: 0x and 40 hexadecimal digits`);
    });
}

/**
 * Where following begins: `now`, a block, or so many days ago as `30d`; null when not asked for.
 * @throws ContractError CONFIG_INVALID for another text.
 */
export function parseFollow(text: string | undefined): FollowFrom | null {
  if (text === undefined) return null;
  const days = /^(\d{1,3})d$/.exec(text)?.[1];
  const wanted =
    text === "now"
      ? { kind: "now" }
      : days === undefined
        ? { kind: "block", block: /^\d+$/.test(text) ? Number(text) : text }
        : { kind: "days", days: Number(days) };
  const parsed = FollowFrom.safeParse(wanted);
  if (parsed.success) return parsed.data;
  throw new ContractError("CONFIG_INVALID", `--from ${text}: now, a block, or 1d to 365d`);
}

export async function runLeaders(
  natsUrl: string,
  args: readonly string[],
  options: { readonly label: string; readonly from: string | undefined; readonly fromSandbox: string | undefined },
): Promise<number> {
  const [verb, ...rest] = args;
  const leaders = parseLeaders(rest);
  switch (verb) {
    case "add": {
      const named =
        options.fromSandbox === undefined
          ? leaders.map((address) => ({ address, label: options.label }))
          : (await fetchWorld(options.fromSandbox)).leaders;
      if (named.length === 0) throw new ContractError("ID_INVALID", "leaders add needs at least one wallet");
      const follow = parseFollow(options.from);
      return withBus(natsUrl, async (bus) => {
        for (const { address, label } of named) {
          const result = await addLeader(bus, address, { label, follow });
          console.log(result === "added" ? `following ${address}` : `${address} is followed already`);
        }
        return 0;
      });
    }
    case "remove":
      if (leaders.length === 0) throw new ContractError("ID_INVALID", "leaders remove needs at least one wallet");
      return withBus(natsUrl, async (bus) => {
        let unknown = 0;
        for (const leader of leaders) {
          const result = await removeLeader(bus, leader);
          if (result === "unknown") unknown += 1;
          console.log(result === "removed" ? `no longer following ${leader}` : `${leader} was not followed`);
        }
        return unknown === 0 ? 0 : 1;
      });
    case "list":
    case undefined:
      return withBus(natsUrl, async (bus) => {
        const rows = await listLeaders(bus);
        for (const row of rows) console.log(`${row.leader}  ${row.enabled ? "followed" : "paused"}  ${row.label}`);
        if (rows.length === 0) console.log("nobody is followed: leaders add 0x…");
        return 0;
      });
    default:
      throw new ContractError("CONFIG_INVALID", `leaders ${verb}: one of add, remove, list`);
  }
}
