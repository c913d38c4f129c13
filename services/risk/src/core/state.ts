/** What risk knows, folded from the log: causes that facts state, and the decisions that stand. */

import type { FactOf } from "@slipstream/contracts/facts";
import type { RiskScope } from "@slipstream/contracts/facts/risk";
import type { AccountId, Address, TokenId } from "@slipstream/contracts/ids";
import type { SharesMicro } from "@slipstream/contracts/money";

/** A decision and its place in the log. */
export type Standing = { readonly decision: FactOf<"RiskDecision">; readonly seq: number };

export type RiskState = {
  /** Halts by a person, by scope key; only a person's resume of the same scope ends them. */
  readonly operatorHalts: Map<string, { readonly scope: RiskScope; readonly who: string; readonly why: string }>;
  /** By account and token. */
  readonly discrepancies: Map<
    string,
    { readonly account: AccountId; readonly tokenId: TokenId; readonly differenceMicro: SharesMicro }
  >;
  /** Positions whose numbers contradict each other, by account and token. */
  readonly impossible: Map<string, { readonly account: AccountId; readonly tokenId: TokenId }>;
  /** Accounts whose own books contradict each other, by account and token (or `purse`), until a person resumes them. */
  readonly broken: Map<
    string,
    {
      readonly account: AccountId;
      readonly tokenId: TokenId | null;
      readonly expectedMicro: bigint;
      readonly actualMicro: bigint;
    }
  >;
  /** Accounts whose balances come from the venue's index, because no node answers. */
  readonly degraded: Set<AccountId>;
  /** Who is followed. */
  readonly leaders: Set<Address>;
  /** Open gaps by id, with the scope that the watcher names. */
  readonly gaps: Map<string, string>;
  /** Newest head of the chain and when its block was made. */
  head: { readonly blockNumber: number; readonly tsMs: number } | null;
  /** Last decision per scope key; scopes that are normal again leave, the global one stays. */
  readonly standing: Map<string, Standing>;
  /** Decisions so far per kind of scope: makes ids unique. */
  readonly decided: Map<RiskScope["kind"], number>;
  /** Sequence of the newest decision; 0 before the first. The executor must have applied it. */
  decisionSeq: number;
};

export const GLOBAL: RiskScope = { kind: "global", id: "*" };
export const keyOf = (scope: RiskScope): string => `${scope.kind}.${scope.id}`;

export const initialState = (): RiskState => ({
  operatorHalts: new Map(),
  discrepancies: new Map(),
  impossible: new Map(),
  broken: new Map(),
  degraded: new Set(),
  leaders: new Set(),
  gaps: new Map(),
  head: null,
  standing: new Map(),
  decided: new Map(),
  decisionSeq: 0,
});
