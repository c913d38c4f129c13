/** Stories for tests: the executor's core on a small log, without shell, books or inventory unless a test plays them. */
import type { ClockQuality } from "@slipstream/actor/clock";
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import type { MarketDefinition } from "@slipstream/contracts/market";
import type { AccountPolicy } from "@slipstream/contracts/policy";
import { subjectOf } from "@slipstream/contracts/subjects";
import { executorCore } from "./core.ts";
import {
  denial,
  grant,
  leaderFact,
  market,
  only,
  policyFact,
  price,
  quote,
  riskFact,
  START_MS,
  shares,
  tokenId,
  usdc,
} from "./facts.testing.ts";
import type { ExecutorMessage, ExecutorRequest } from "./messages.ts";
import type { ExecutorState } from "./state.ts";
import { defaultLimits, type ExecutorLimits, type ExecutorView, type Quote } from "./view.ts";

export type Story = {
  facts: Fact[];
  /** Own facts only. */
  own: Fact[];
  requests: ExecutorRequest[];
  state(): ExecutorState;
  view: ViewParts;
  viewNow(): ExecutorView;
  /** A fact of somebody else: folded, then decided on, and so are the facts that follow. */
  tell(...facts: Fact[]): void;
  /** A message of the shell. */
  say(message: ExecutorMessage): void;
  /** Folds without deciding, as recovery does. */
  fold(...facts: Fact[]): void;
  owed(): ExecutorMessage[];
};
export type ViewParts = {
  nowMs: number;
  market: MarketDefinition | null;
  quote: Quote | null;
  /** Of the market's second token. */
  otherQuote: Quote | null;
  riskHeartbeatAgeMs: number | null;
  riskDecisionSeq: number | null;
  chainLagMs: number | null;
  localHalt: boolean;
  clock: ClockQuality | null;
  limits: ExecutorLimits;
};

/** @param inventory - answers each intent; default: grants it all. */
export function story(inventory: "grants" | "silent" | "denies" = "grants"): Story {
  let state = executorCore.initial();
  const parts: ViewParts = {
    ...{
      nowMs: START_MS,
      market,
      quote,
      otherQuote: null,
      riskHeartbeatAgeMs: 500,
      riskDecisionSeq: 0,
      chainLagMs: 1_000,
    },
    localHalt: false,
    clock: { offsetMs: 0, uncertaintyMs: 0 },
    limits: defaultLimits,
  };
  const all: Fact[] = [];
  const own: Fact[] = [];
  const requests: ExecutorRequest[] = [];
  const view = (): ExecutorView => ({
    ...parts,
    market: (id) => (parts.market?.tokens.some((token) => token.tokenId === id) === true ? parts.market : null),
    quote: (id) => (id === tokenId ? parts.quote : parts.otherQuote),
  });
  const fold = (fact: Fact) => {
    all.push(fact);
    const recorded = { seq: all.length, subject: subjectOf(fact), fence: 1, fact };
    state = executorCore.evolve(state, recorded);
    return recorded;
  };
  const run = (message: Parameters<typeof executorCore.route>[2]): void => {
    for (const chain of executorCore.route(state, view(), message)) {
      const decision = executorCore.decide(state, view(), message, chain);
      for (const fact of decision.facts) {
        if (subjectOf(fact) !== chain) throw new Error(`${fact.type} is not on its chain`);
        own.push(fact);
        const recorded = fold(fact);
        run({ type: "Fact", recorded });
        if (fact.type === "OrderIntent") answer(fact);
      }
      requests.push(...decision.requests);
    }
  };
  const tell = (fact: Fact): void => run({ type: "Fact", recorded: fold(fact) });
  const answer = (intent: FactOf<"OrderIntent">): void => {
    if (inventory === "grants") tell(grant(intent));
    if (inventory === "denies") tell(denial(intent));
  };
  return {
    ...{ facts: all, own, requests, view: parts },
    state: () => state,
    viewNow: view,
    tell: (...facts) => facts.forEach(tell),
    say: run,
    fold: (...facts) => facts.forEach((fact) => void fold(fact)),
    owed: () => [...executorCore.owed(state, view())],
  };
}

/** Everything is well: a leader, an account, risk is normal. */
export function goodStory(
  over: Partial<AccountPolicy> = {},
  inventory: "grants" | "silent" | "denies" = "grants",
): Story {
  const made = story(inventory);
  made.tell(leaderFact(), policyFact(over), riskFact("normal", 1));
  return made;
}

/** The venue fills the newest order. */
export function fillOrder(of: Story, size: number, at = 0.5, n = 0): void {
  const order = only(of.own, "OrderIntent").at(-1);
  if (order === undefined) throw new Error("there is no order to fill");
  const sizeMicro = shares(size);
  const { orderId } = order;
  const event = { kind: "fill" as const, orderId, tokenId, atMs: of.view.nowMs, n, priceMicro: price(at), sizeMicro };
  const money = { usdcMicro: usdc(size * at), feeMicro: usdc(0), liquiditySide: "taker" as const };
  of.say({ type: "VenueReport", orderId, events: [{ ...event, ...money }] });
}

export const endOrder = (of: Story, kind: "expired" | "canceled" | "blind"): void => {
  const order = only(of.own, "OrderIntent").at(-1);
  if (order === undefined) throw new Error("there is no order to end");
  const { orderId } = order;
  of.say({ type: "VenueReport", orderId, events: [{ kind, orderId, tokenId, atMs: of.view.nowMs }] });
};
