/**
 * The chains there can be, and whose they are: by the subject alone, before anything of a message is read. `subjectOf`
 * never answers another subject, so what lies on another one is no fact, whatever it says.
 */
import { RiskScopeKind } from "./facts/risk.ts";
import { AccountId, Address, LEADER_SHARDS, PARTITIONS } from "./ids.ts";
import { ALL_SHARDS, type ServiceName } from "./subjects.ts";

/** `null`: written by people, who have no lease. */
export type ChainWriter = ServiceName | null;
type Kind = { readonly writer: ChainWriter; readonly tokens: readonly ((token: string) => boolean)[] };

const twoDigits =
  (below: number) =>
  (token: string): boolean =>
    /^\d\d$/.test(token) && Number(token) < below;
const isPartition = twoDigits(PARTITIONS);
const isShard = twoDigits(LEADER_SHARDS);
const isAddress = (token: string): boolean => Address.safeParse(token).success;
const isAccount = (token: string): boolean => AccountId.safeParse(token).success;
const isOneOf =
  (...words: readonly string[]) =>
  (token: string): boolean =>
    words.includes(token);

const kinds: Readonly<Record<string, Kind>> = {
  leaderfill: { writer: "chain-watcher", tokens: [isPartition, isAddress] },
  chain: { writer: "chain-watcher", tokens: [(token) => token === ALL_SHARDS || isShard(token)] },
  balance: { writer: "balance-sync", tokens: [(token) => isAddress(token) || isAccount(token)] },
  resolution: { writer: "balance-sync", tokens: [isPartition] },
  exec: { writer: "executor", tokens: [isPartition, isAccount] },
  position: { writer: "inventory", tokens: [isAccount] },
  risk: { writer: "risk", tokens: [isOneOf(...RiskScopeKind.options)] },
};
const byPeople = isOneOf("operator", "skip");

/**
 * @returns who writes the chain `subject`; "none": no fact can lie there.
 */
export function writerOf(subject: string): ChainWriter | "none" {
  const [root, kind = "", version, ...tokens] = subject.split(".");
  if (root !== "evt" || version !== "v1") return "none";
  if (kind === "control") {
    const [token = ""] = tokens;
    if (tokens.length !== 1) return "none";
    return token === "config" ? "registry" : byPeople(token) ? null : "none";
  }
  const known = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  const fits = known?.tokens.length === tokens.length && known.tokens.every((is, n) => is(tokens[n] ?? ""));
  return fits ? known.writer : "none";
}
