/** What every service's `main.ts` does the same way. */
import { commonEnv } from "@slipstream/contracts/env";
import type { ServiceName } from "@slipstream/contracts/subjects";
import type { Logger } from "pino";
import type { z } from "zod";
import type { Bus } from "./bus.ts";
import type { Clock } from "./clock.ts";

/** Settings every service has, beside its own. */
export type CommonSettings = z.infer<z.ZodObject<typeof commonEnv>>;

export type ServiceContext<Shape extends z.ZodRawShape> = {
  readonly name: ServiceName;
  readonly instance: string;
  readonly settings: CommonSettings & z.infer<z.ZodObject<Shape>>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly bus: Bus;
  /** Ends the process: exit 75 for a TransientError, 1 for anything else. Pass it to `startActor` as `onFatal`. */
  readonly fatal: (error: Error) => void;
};

/** What the heartbeat, readiness and the metrics say of a service. An `ActorStatus` has the first five. */
export type ServiceStatus = {
  readonly role: "recovering" | "standby" | "owner" | "draining" | "stopped";
  readonly ready: boolean;
  readonly lastSeq: number;
  readonly lagging: boolean;
  readonly problems: readonly string[];
  /** Age of the newest thing it should know about; null (default) when it has none. */
  readonly lagMs?: number | null;
  /** Only risk: sequence of its newest decision. */
  readonly decisionSeq?: number | null;
  readonly gauges?: Readonly<Record<string, number>>;
};

export type RunningService = {
  status(): ServiceStatus;
  /** Stops what the service started, its actor first. The bus is still connected; it is closed afterwards. */
  drain(): Promise<void>;
};

export type ServiceOptions<Shape extends z.ZodRawShape> = {
  readonly name: ServiceName;
  /** The service's own settings, a zod shape over text as in `contracts/env.ts`; the common ones are added. */
  readonly settings: Shape;
  /** `process.env`, read only in main.ts. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly build: (context: ServiceContext<Shape>) => Promise<RunningService>;
};

/** Runs a service until a signal or an error ends it. Resolves after the exit code is set. */
export function runService<Shape extends z.ZodRawShape>(options: ServiceOptions<Shape>): Promise<void> {
  return Promise.reject(new Error(`not yet: ${options.name}, ${Object.keys(commonEnv)}`));
}
