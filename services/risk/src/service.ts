/** Risk on the log: hears heartbeats, looks several times a second, publishes when a decision changes. */
import { listen } from "@slipstream/actor/listen";
import { leaseBuckets } from "@slipstream/actor/provision";
import { startActor } from "@slipstream/actor/runtime";
import type { RunningService, ServiceContext } from "@slipstream/actor/service";
import { listenToStoreRoom } from "@slipstream/actor/storeRoom";
import { Heartbeat, type StoreRoom } from "@slipstream/contracts/live";
import { subjects } from "@slipstream/contracts/subjects";
import { watchStreamUse } from "./adapters/streamUse.ts";
import { limitsOf, type riskEnv } from "./config.ts";
import { riskCore } from "./core/core.ts";
import { logProblem } from "./core/logOutlook.ts";
import type { RiskState } from "./core/state.ts";
import { createRiskWatch } from "./core/watch.ts";

const LOOK_MS = 250;

export async function buildRisk(context: ServiceContext<typeof riskEnv>): Promise<RunningService> {
  const { bus, clock, logger, instance, settings, fatal } = context;
  // Standbys listen and look as well, so a take-over judges from the first moment.
  const watch = createRiskWatch(limitsOf(settings), clock.steadyMs());
  const stopListening = listen(bus, subjects.allHeartbeats, Heartbeat, (heartbeat) =>
    watch.board.hear(heartbeat, clock.steadyMs()),
  );
  const stream = watchStreamUse(bus);
  let room: StoreRoom | null = null;
  const stopRoom = listenToStoreRoom(bus, (told) => {
    room = told;
  });
  const actor = await startActor({
    core: riskCore,
    bus,
    clock,
    logger,
    instance,
    lease: { bucket: leaseBuckets.risk, key: "risk" },
    view: () => watch.view(clock.nowMs()),
    perform: async () => null,
    onFatal: fatal,
  });
  // Silence is measured in real time, whatever the speed of a tape.
  const looks = setInterval(() => {
    const streamUsedPercent = stream.percent();
    watch.look(actor.state(), { nowMs: clock.nowMs(), steadyMs: clock.steadyMs(), streamUsedPercent, room });
    actor.post({ type: "Tick" });
  }, LOOK_MS);
  return {
    status: () => {
      const { decisionSeq } = actor.state();
      const status = actor.status();
      const use = stream.use();
      const filling = use === null ? null : logProblem(use, settings.RISK_STREAM_DEGRADE_PERCENT);
      const problems = filling === null ? status.problems : [...status.problems, filling];
      return {
        ...status,
        problems,
        decisionSeq,
        gauges: { ...gaugesOf(actor.state()), settled: Number(watch.view(clock.nowMs()).settled) },
      };
    },
    drain: async () => {
      clearInterval(looks);
      stopListening();
      stream.stop();
      stopRoom();
      await actor.drain();
    },
  };
}

function gaugesOf(state: RiskState): Record<string, number> {
  const levels = [...state.standing.values()].map(({ decision }) => decision.level);
  return {
    scopesHalted: levels.filter((level) => level === "halt").length,
    scopesDegraded: levels.filter((level) => level === "degrade").length,
  };
}
