/** What the executor needs to know of other services' heartbeats: risk's life and newest decision, the watcher's lag. */
import type { Bus } from "@slipstream/actor/bus";
import { listen } from "@slipstream/actor/listen";
import { Heartbeat } from "@slipstream/contracts/live";
import { subjects } from "@slipstream/contracts/subjects";

export type Neighbours = {
  /** Real milliseconds since risk's owner was heard; null: never. */
  riskAgeMs(): number | null;
  riskDecisionSeq(): number | null;
  chainLagMs(): number | null;
  /** Resolves when risk and the watcher have been heard, at the latest after `timeoutMs` of real time. */
  whenHeard(timeoutMs: number): Promise<void>;
  stop(): void;
};

/** @param steadyMs - real, steady time: a tape that is played faster does not make a service look dead. */
export function listenToNeighbours(bus: Bus, steadyMs: () => number): Neighbours {
  let risk: { readonly atMs: number; readonly decisionSeq: number | null } | null = null;
  let chainLagMs: number | null = null;
  const { promise: heard, resolve: bothHeard } = Promise.withResolvers<void>();
  const hear = (beat: Heartbeat): void => {
    if (beat.role !== "owner") return;
    if (beat.service === "risk") {
      risk = { atMs: steadyMs(), decisionSeq: beat.decisionSeq };
    }
    if (beat.service === "chain-watcher") chainLagMs = beat.lagMs;
    if (risk !== null && chainLagMs !== null) bothHeard();
  };
  const stop = listen(bus, subjects.allHeartbeats, Heartbeat, hear);
  return {
    riskAgeMs: () => (risk === null ? null : Math.round(steadyMs() - risk.atMs)),
    riskDecisionSeq: () => risk?.decisionSeq ?? null,
    chainLagMs: () => chainLagMs,
    whenHeard: async (timeoutMs) => {
      const timer = setTimeout(bothHeard, timeoutMs);
      await heard;
      clearTimeout(timer);
    },
    stop,
  };
}
