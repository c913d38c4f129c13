/** `hb.<service>.<instance>` each real second: what others reckon silence, lag and permission by. */
import { Heartbeat } from "@slipstream/contracts/live";
import { type ServiceName, subjects } from "@slipstream/contracts/subjects";
import { z } from "zod";
import type { Bus } from "./bus.ts";
import type { Clock } from "./clock.ts";
import { toldProblems } from "./problems.ts";
import type { ServiceStatus } from "./service.ts";

const EVERY_MS = 1_000;

export function startHeartbeat({
  bus,
  name,
  instance,
  clock,
  status,
}: {
  readonly bus: Bus;
  readonly name: ServiceName;
  readonly instance: string;
  readonly clock: Clock;
  readonly status: () => ServiceStatus;
}): { stop(): void } {
  const beat = (): void => {
    // What is published without a link is lost anyway.
    if (!bus.connected() || bus.nc.isClosed()) return;
    bus.nc.publish(subjects.heartbeat(name, instance), JSON.stringify(z.encode(Heartbeat, of(status()))));
  };
  const of = ({ role, ready, lastSeq, lagging, problems, ...more }: ServiceStatus): Heartbeat => ({
    type: "Heartbeat",
    v: 1,
    service: name,
    instance,
    role: role === "owner" ? "owner" : role === "draining" || role === "stopped" ? "draining" : "standby",
    ready,
    factSeq: lastSeq,
    decisionSeq: more.decisionSeq ?? null,
    lagMs: more.lagMs ?? null,
    problems: toldProblems(lagging ? ["behind the log", ...problems] : problems),
    gauges: { ...more.gauges },
    ...(more.effective === undefined ? {} : { effective: more.effective }),
    tsInitMs: clock.nowMs(),
  });
  beat();
  // Silence is measured in real time, so a tape played faster does not make services look dead.
  const timer = setInterval(beat, EVERY_MS);
  return { stop: () => clearInterval(timer) };
}
