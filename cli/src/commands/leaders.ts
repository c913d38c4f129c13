/** `slipstream leaders add|remove|list`: who is followed. */

import { ContractError } from "@slipstream/contracts/errors";
import type { Address } from "@slipstream/contracts/ids";
import type { HeldLot } from "@slipstream/contracts/live";
import { readAddress } from "@slipstream/contracts/namedAddress";
import { FollowFrom, type WhenRemoved } from "@slipstream/contracts/policy";
import { addLeader, type LeaderRow, listLeaders, removeLeader } from "../configBucket.ts";
import { type BusAddress, withBus } from "../connection.ts";
import { readPending } from "../readPending.ts";
import { lookUpIndex, lookUpWallet } from "../walletLookUp.ts";
import { fetchWorld } from "../worldClient.ts";

/** A profile's page by the wallet. By a name there is one as well, and whose it is no documented endpoint tells. */
const PROFILE = /^(?:https?:\/\/)?(?:www\.)?polymarket\.com\/(?:[a-z]{2}\/)?profile\/(0x[0-9a-fA-F]{40})(?:[/?#].*)?$/;
const NAMED = /^@|polymarket\.com\//;

/** @throws ContractError ID_INVALID for a text that is no wallet address and no profile page of one. */
export function parseLeaders(texts: readonly string[]): Address[] {
  const parts = texts.flatMap((text) => text.split(",")).map((part) => part.trim());
  return parts
    .filter((part) => part !== "")
    .map((part) => {
      const read = readAddress(PROFILE.exec(part)?.[1] ?? part);
      if (read.ok) return read.address;
      if (NAMED.test(part) && !PROFILE.test(part)) {
        throw new ContractError(
          "ID_INVALID",
          `"${part}" is a name, and whose wallet it is cannot be looked up: open the profile and give the address (0x…) that stands there`,
        );
      }
      throw new ContractError("ID_INVALID", `"${part}" is no wallet: ${read.text}`);
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

/** The words of `leaders remove`: at most one of them; none is `exits`. */
export type RemoveWords = { readonly exits: boolean; readonly close: boolean; readonly keep: boolean };

/** @throws ContractError CONFIG_INVALID when more than one is said. */
export function parseWhenRemoved({ exits, close, keep }: RemoveWords): WhenRemoved {
  if ([exits, close, keep].filter(Boolean).length > 1) {
    throw new ContractError("CONFIG_INVALID", "leaders remove: one of --exits, --close and --keep");
  }
  return close ? "close" : keep ? "keep" : "follow";
}

const REMOVED: Readonly<Record<WhenRemoved, string>> = {
  follow: "what was bought after him is followed until he has sold it",
  close: "what was bought after him is sold now, as the policy `exits` of each account says",
  keep: "what was bought after him is kept: nothing sells it any more",
};

/** One line for `leaders list`. @param lots - null: the executor does not answer. */
export function leaderLine({ leader, label, whenRemoved }: LeaderRow, lots: readonly HeldLot[] | null): string {
  return `${leader}  ${stateText(whenRemoved, lots?.filter((lot) => lot.leader === leader) ?? null)}  ${label}`.trimEnd();
}

function stateText(whenRemoved: WhenRemoved | null, lots: readonly HeldLot[] | null): string {
  if (whenRemoved === null) return "followed";
  if (lots === null) return `removed (${whenRemoved}; the executor does not say what is left)`;
  const count = (list: readonly HeldLot[]): string => `${list.length} ${list.length === 1 ? "lot" : "lots"}`;
  const dust = lots.filter(({ isDust }) => isDust);
  const left = lots.filter(({ isDust }) => !isDust);
  const rest = dust.length === 0 ? "" : `, ${count(dust)} of dust`;
  if (left.length === 0) return `removed${dust.length === 0 ? "" : ` (${count(dust)} of dust)`}`;
  if (whenRemoved === "keep") return `removed (${count(left)} kept${rest})`;
  return `${whenRemoved === "close" ? "closing" : "leaving"} (${count(left)}${rest})`;
}

/** Leaders who were removed and whose key is gone, as long as something of theirs is left. */
function keyless(rows: readonly LeaderRow[], lots: readonly HeldLot[] | null): LeaderRow[] {
  const named = new Set(rows.map(({ leader }) => leader));
  const others = new Map((lots ?? []).map(({ leader, whenRemoved }) => [leader, whenRemoved ?? "follow"]));
  return [...others].flatMap(([leader, whenRemoved]) =>
    named.has(leader) ? [] : [{ leader, label: "", whenRemoved }],
  );
}

async function remove(at: BusAddress, leaders: readonly Address[], whenRemoved: WhenRemoved): Promise<number> {
  return withBus(at, async (bus) => {
    let unknown = 0;
    for (const leader of leaders) {
      const result = await removeLeader(bus, leader, whenRemoved);
      if (result === "unknown") unknown += 1;
      const text = result === "kept" ? "is removed already" : "is no longer followed";
      console.log(result === "unknown" ? `${leader} was not followed` : `${leader} ${text}: ${REMOVED[whenRemoved]}`);
    }
    return unknown === 0 ? 0 : 1;
  });
}

export async function runLeaders(
  at: BusAddress,
  args: readonly string[],
  options: {
    readonly label: string;
    readonly from: string | undefined;
    readonly fromSandbox: string | undefined;
    readonly removed: RemoveWords;
    /** Where wallets that are added are looked up; null: of a sandbox or a tape, whose wallets no index knows. */
    readonly dataApiUrl: string | null;
  },
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
      return withBus(at, async (bus) => {
        for (const { address, label } of named) {
          const result = await addLeader(bus, address, { label, follow });
          const already = `${address} is followed already`;
          const said = { added: `following ${address}`, renamed: `${already}, now as ${label}`, kept: already };
          console.log(said[result]);
        }
        if (options.dataApiUrl === null || options.fromSandbox !== undefined) return 0;
        const index = lookUpIndex(options.dataApiUrl);
        for (const { address } of named) {
          const found = await lookUpWallet(index, address, Date.now());
          if (found !== null) console.log(found);
        }
        return 0;
      });
    }
    case "remove":
      if (leaders.length === 0) throw new ContractError("ID_INVALID", "leaders remove needs at least one wallet");
      return remove(at, leaders, parseWhenRemoved(options.removed));
    case "list":
    case undefined:
      return withBus(at, async (bus) => {
        const named = await listLeaders(bus);
        const lots = (await readPending(bus))?.lots ?? null;
        const rows = [...named, ...keyless(named, lots)];
        for (const row of rows) console.log(leaderLine(row, lots));
        if (rows.length === 0) console.log("nobody is followed: leaders add 0x…");
        return 0;
      });
    default:
      throw new ContractError("CONFIG_INVALID", `leaders ${verb}: one of add, remove, list`);
  }
}
