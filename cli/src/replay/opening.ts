/** What a replay's world is told from outside the tape's books: its heads as chain-watcher takes them, and the config. */
import type { Tips } from "@slipstream/chain-watcher/core/messages";
import type { Fact } from "@slipstream/contracts/facts";
import { type Address, factId, type Hash } from "@slipstream/contracts/ids";
import { AccountPolicy } from "@slipstream/contracts/policy";
import type { TapeHead } from "@slipstream/sandbox/tape/addFills";
import { z } from "zod";

export const SECOND_MS = 1_000;

/** `behind`: the block below which everything counts as read. */
export function headOf(head: TapeHead, behind: number): Tips {
  const number = Number(head.number);
  return {
    head: number,
    headHash: head.hash as Hash,
    headTsMs: Number(head.timestamp) * SECOND_MS,
    finalized: number - behind,
    finalizedHash: (behind === 0 ? head.hash : head.parentHash) as Hash,
  };
}

/** What registry would tell: the account and the leaders. */
export function configure(
  log: { append(fact: Fact): void },
  { account, leaders }: { readonly account: AccountPolicy; readonly leaders: readonly Address[] },
  nowMs: number,
): void {
  const say = (key: string, revision: number, value: unknown): void =>
    log.append({
      type: "ConfigChanged",
      v: 1,
      id: factId("ConfigChanged", key, revision),
      key,
      revision,
      value,
      tsEventMs: nowMs,
      tsInitMs: nowMs,
    });
  say(`accounts.${account.account}`, 1, z.encode(AccountPolicy, account));
  leaders.forEach((leader, index) => {
    say(`leaders.${leader}`, index + 2, { leader, enabled: true });
  });
}
