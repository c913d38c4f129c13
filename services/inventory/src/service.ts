/** Inventory on the log. It asks nobody anything: facts in, facts out, and a timer. */
import { startActor } from "@slipstream/actor/runtime";
import type { RunningService, ServiceContext } from "@slipstream/actor/service";
import { type inventoryEnv, limitsOf } from "./config.ts";
import { inventoryCore } from "./core/core.ts";
import type { InventoryState } from "./core/state.ts";

/** Ages and differences are measured in tens of seconds. */
const TICK_MS = 1_000;

export async function buildInventory(context: ServiceContext<typeof inventoryEnv>): Promise<RunningService> {
  const { bus, clock, logger, instance, settings, fatal } = context;
  const limits = limitsOf(settings);
  const actor = await startActor({
    core: inventoryCore,
    bus,
    clock,
    logger,
    instance,
    lease: { bucket: "leases_fast", key: "inventory" },
    view: () => ({ nowMs: clock.nowMs(), ...limits }),
    perform: async () => null,
    onFatal: fatal,
  });
  const ticks = clock.every(TICK_MS, () => actor.post({ type: "Tick" }));
  return {
    status: () => {
      const status = actor.status();
      return {
        ...status,
        problems: [...status.problems, ...problemsOf(actor.state())],
        gauges: gaugesOf(actor.state()),
      };
    },
    drain: async () => {
      ticks.cancel();
      await actor.drain();
    },
  };
}

const problemsOf = ({ accounts }: InventoryState): string[] =>
  [...accounts.values()].flatMap(({ account, degraded }) =>
    degraded ? `balances of the account ${account} are the Data API's, no node answers` : [],
  );

function gaugesOf(state: InventoryState): Record<string, number> {
  const accounts = [...state.accounts.values()];
  const count = (of: (account: (typeof accounts)[number]) => number): number =>
    accounts.reduce((sum, account) => sum + of(account), 0);
  return {
    accounts: accounts.length,
    degradedAccounts: accounts.filter(({ degraded }) => degraded).length,
    positions: count(({ positions }) => [...positions.values()].filter((held) => held.tradedMicro > 0n).length),
    openOrders: count(({ orders }) => orders.size),
    pendingFills: count(({ positions }) =>
      [...positions.values()].reduce(
        (sum, { fills }) => sum + fills.filter((fill) => fill.absorbedMicro < fill.sizeMicro).length,
        0,
      ),
    ),
  };
}
