/**
 * A small core for tests: each job (a ConfigChanged fact, as if a person asked for it) becomes an intent that carries
 * what the decision took from the view, then one effect outside, then its outcome.
 */
import type { Core, FactMessage } from "@slipstream/actor/core";
import type { Fact, Recorded } from "@slipstream/contracts/facts";
import { type AccountId, factId, type TokenId } from "@slipstream/contracts/ids";
import type { SharesMicro, UsdcMicro } from "@slipstream/contracts/money";
import { subjects } from "@slipstream/contracts/subjects";

export type Job = { readonly account: AccountId; readonly n: number };
export type JobsState = {
  readonly jobs: Map<string, Job>;
  readonly intents: Map<string, Job>;
  readonly done: Set<string>;
  readonly total: Map<AccountId, bigint>;
};
export type JobsView = { readonly bonus: number };
export type JobsMessage = { readonly type: "Decide" | "Perform" | "Done"; readonly job: Job };
export type JobsRequest = Job;

export const keyOf = ({ account, n }: Job): string => `${account}.${n}`;
export const accountA = "a" as AccountId;

export const jobFact = (n: number, account: AccountId = accountA): Fact => ({
  type: "ConfigChanged",
  v: 1,
  id: factId("ConfigChanged", `jobs.${account}.${n}`),
  tsEventMs: 1,
  tsInitMs: 1,
  key: `jobs.${account}`,
  revision: n,
  value: { account },
});

const intentFact = ({ account, n }: Job, bonus: number): Fact => ({
  type: "AccountFunded",
  v: 1,
  id: factId("AccountFunded", `${account}.${n}`),
  tsEventMs: 1,
  tsInitMs: 1,
  account,
  collateralMicro: BigInt(bonus) as UsdcMicro,
  configRevision: n,
});

/** The intent of account A's job `n`, as somebody else may write it. */
export const funded = (n: number, amount = 1): Fact => intentFact({ account: accountA, n }, amount);

const doneFact = ({ account, n }: Job): Fact => ({
  type: "ForceReconciled",
  v: 1,
  id: factId("ForceReconciled", `${account}.${n}`),
  tsEventMs: 1,
  tsInitMs: 1,
  account,
  tokenId: String(n) as TokenId,
  differenceMicro: 0n as SharesMicro,
  reason: "done",
});

const jobOf = (message: JobsMessage | FactMessage): Job | null => {
  if (message.type !== "Fact") return message.job;
  const { fact } = message.recorded;
  return fact.type === "ConfigChanged" ? jobIn(fact) : null;
};
const jobIn = (fact: Extract<Fact, { type: "ConfigChanged" }>): Job => ({
  account: fact.key.slice("jobs.".length) as AccountId,
  n: fact.revision,
});

export const jobsCore: Core<JobsState, JobsView, JobsMessage, JobsRequest> = {
  service: "inventory",
  stateVersion: 1,
  initial: () => ({ jobs: new Map(), intents: new Map(), done: new Set(), total: new Map() }),
  folds: new Set(["ConfigChanged", "AccountFunded", "ForceReconciled"]),
  evolve: (state, { fact }: Recorded) => {
    if (fact.type === "ConfigChanged") {
      const job = jobIn(fact);
      state.jobs.set(keyOf(job), job);
    } else if (fact.type === "AccountFunded") {
      const job = { account: fact.account, n: fact.configRevision };
      if (state.intents.has(keyOf(job))) return state;
      state.intents.set(keyOf(job), job);
      state.total.set(fact.account, (state.total.get(fact.account) ?? 0n) + fact.collateralMicro);
    } else if (fact.type === "ForceReconciled") {
      state.done.add(`${fact.account}.${fact.tokenId}`);
    }
    return state;
  },
  route: (_state, _view, message) => {
    const job = jobOf(message);
    return job === null ? [] : [subjects.position(job.account)];
  },
  decide: (state, view, message) => {
    const job = jobOf(message);
    if (job === null) return { facts: [], requests: [] };
    const intended = state.intents.has(keyOf(job));
    const done = state.done.has(keyOf(job));
    switch (message.type) {
      case "Perform":
        return { facts: [], requests: done ? [] : [job] };
      case "Done":
        return { facts: done ? [] : [doneFact(job)], requests: [] };
      default:
        return intended ? { facts: [], requests: [] } : { facts: [intentFact(job, view.bonus)], requests: [job] };
    }
  },
  owed: (state) => {
    const owed: JobsMessage[] = [];
    for (const [key, job] of state.jobs) {
      if (!state.intents.has(key)) owed.push({ type: "Decide", job });
      else if (!state.done.has(key)) owed.push({ type: "Perform", job });
    }
    return owed;
  },
  chains: (state) => [...new Set([...state.jobs.values()].map(({ account }) => subjects.position(account)))],
};
