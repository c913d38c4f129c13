/** Who was heard and when. Only the owner of a service speaks for it: a standby that lives does no work. */
import type { Heartbeat } from "@slipstream/contracts/live";
import type { ServiceName } from "@slipstream/contracts/subjects";

export type Heard = {
  readonly instance: string;
  /** Real, steady time of receipt. */
  readonly steadyMs: number;
  readonly lagMs: number | null;
  /** By how much its world time may be off; null: it does not know. */
  readonly clockUncertaintyMs: number | null;
};

export type HeartbeatBoard = {
  hear(heartbeat: Heartbeat, steadyMs: number): void;
  /** The newest heartbeat of a ready owner; null: none since the start. */
  seen(service: ServiceName): Heard | null;
  /** The fact at which a service stopped because it cannot read it; null: none. */
  stuckAt(service: ServiceName): number | null;
};

export function createHeartbeatBoard(): HeartbeatBoard {
  const newest = new Map<ServiceName, Heard>();
  const stuck = new Map<ServiceName, number>();
  return {
    hear: ({ service, instance, role, ready, lagMs, problems, gauges }, steadyMs) => {
      const seq = stuckSeq(problems);
      if (seq !== null) stuck.set(service, seq);
      // One ready owner is enough to be heard; who works his way up to it is not there yet.
      if (role !== "owner" || !ready) return;
      if (seq === null) stuck.delete(service);
      const clockUncertaintyMs = gauges["clockUncertaintyMs"] ?? null;
      newest.set(service, { instance, steadyMs, lagMs, clockUncertaintyMs });
    },
    seen: (service) => newest.get(service) ?? null,
    stuckAt: (service) => stuck.get(service) ?? null,
  };
}

/** The words of the actor runtime for a fact that it cannot read. */
function stuckSeq(problems: readonly string[]): number | null {
  for (const text of problems) {
    const seq = /^stopped at fact (\d+)\b/.exec(text)?.[1];
    if (seq !== undefined) return Number(seq);
  }
  return null;
}
