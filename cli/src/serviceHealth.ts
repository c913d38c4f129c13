/** How each service is, from its heartbeats: what `status` judges by, and what the live view shows. */
import { LOCAL_CLOCK } from "@slipstream/actor/serviceClock";
import type { Heartbeat } from "@slipstream/contracts/live";
import { type ServiceName, serviceNames } from "@slipstream/contracts/subjects";
import type { Overview } from "./overview.ts";

export type ServiceHealth =
  | { readonly kind: "silent" }
  | { readonly kind: "problem"; readonly text: string }
  | { readonly kind: "ok" | "starting" }
  /** None of its processes is the owner. */
  | { readonly kind: "other"; readonly role: Heartbeat["role"] };

/** Silent for longer than this is shown as gone. */
const SILENT_MS = 3_000;

/** The heartbeat that stands for a service: its owner's, while it is heard. @param wallMs - real time. */
export function speakerOf(overview: Overview, name: ServiceName, wallMs: number): Heartbeat | undefined {
  const beats = [...overview.heartbeats.values()].filter(
    (beat) => beat.service === name && wallMs - beat.receivedMs < SILENT_MS,
  );
  return beats.find((beat) => beat.role === "owner") ?? beats[0];
}

/** A trouble of the machine's clock, which is told apart from those of a service. */
export const isOfClock = (line: string): boolean => line.startsWith(LOCAL_CLOCK);

export function serviceHealth(overview: Overview, name: ServiceName, wallMs: number): ServiceHealth {
  const speaker = speakerOf(overview, name, wallMs);
  if (speaker === undefined) return { kind: "silent" };
  const problem = speaker.problems.find((line) => !isOfClock(line));
  if (problem !== undefined) return { kind: "problem", text: problem };
  if (speaker.role !== "owner") return { kind: "other", role: speaker.role };
  return { kind: speaker.ready ? "ok" : "starting" };
}

/** In a word; what a problem is stands on a line of its own. */
export function healthText(health: ServiceHealth): string {
  switch (health.kind) {
    case "problem":
      return "!";
    case "other":
      return health.role;
    default:
      return health.kind;
  }
}

/** Services nobody hears. @param wallMs - real time. */
export const silentServices = (overview: Overview, wallMs: number): ServiceName[] =>
  serviceNames.filter((name) => serviceHealth(overview, name, wallMs).kind === "silent");
