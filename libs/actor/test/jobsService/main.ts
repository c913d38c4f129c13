/** The jobs core as a process of its own, with an outside world in a file and places where it kills itself. */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { serve } from "@slipstream/actor/ask";
import { startActor } from "@slipstream/actor/runtime";
import { runService } from "@slipstream/actor/service";
import { integer } from "@slipstream/contracts/env";
import { z } from "zod";
import {
  type Job,
  type JobsMessage,
  type JobsRequest,
  type JobsState,
  type JobsView,
  jobsCore,
  keyOf,
} from "../jobs.ts";

const settings = {
  EFFECTS_FILE: z.string(),
  /** Job at which the process ends itself by -9, and where. */
  DIE_AT: z.enum(["intent", "effect"]).optional(),
  DIE_JOB: integer(0).default(0),
  SLOW_MS: integer(0).default(0),
  SAVE_EVERY_FACTS: integer(1).default(20_000),
};

await runService({
  name: "inventory",
  settings,
  env: process.env,
  build: async ({ settings: own, instance, bus, clock, logger, fatal }) => {
    const dieAt = (where: "intent" | "effect", job: Job): void => {
      if (own.DIE_AT === where && own.DIE_JOB === job.n) process.kill(process.pid, "SIGKILL");
    };
    const actor = await startActor<JobsState, JobsView, JobsMessage, JobsRequest>({
      core: jobsCore,
      bus,
      clock,
      logger,
      instance,
      lease: { bucket: "leases_fast", key: "jobs" },
      view: () => ({ bonus: 7 }),
      latch: (job) => {
        dieAt("intent", job);
        return { open: true };
      },
      perform: async (job) => {
        if (own.SLOW_MS > 0) await pause(own.SLOW_MS);
        // The outside world knows what it has done: it is asked before anything is repeated.
        const known = existsSync(own.EFFECTS_FILE) ? readFileSync(own.EFFECTS_FILE, "utf8").split("\n") : [];
        if (!known.includes(keyOf(job))) appendFileSync(own.EFFECTS_FILE, `${keyOf(job)}\n`);
        dieAt("effect", job);
        return { type: "Done", job };
      },
      onFatal: fatal,
      save: { everyFacts: own.SAVE_EVERY_FACTS },
    });
    const stop = serve(bus, "balance-sync", "now", () => ({
      ok: true,
      value: { blockNumber: actor.state().done.size },
    }));
    return {
      status: () => ({ ...actor.status(), gauges: { jobsDone: actor.state().done.size } }),
      drain: async () => {
        stop();
        await actor.drain();
      },
    };
  },
});
