/** Inventory on the log: facts in, facts out, and a timer. Beside that it tells once a second what each account is worth. */
import type { Bus } from "@slipstream/actor/bus";
import { leaseBuckets } from "@slipstream/actor/provision";
import { startActor } from "@slipstream/actor/runtime";
import type { RunningService, ServiceContext } from "@slipstream/actor/service";
import { AccountValue } from "@slipstream/contracts/live";
import { subjects } from "@slipstream/contracts/subjects";
import { z } from "zod";
import { type Marks, startMarks } from "./adapters/marks.ts";
import { type inventoryEnv, limitsOf } from "./config.ts";
import { inventoryCore } from "./core/core.ts";
import type { InventoryState } from "./core/state.ts";
import { valueAccount } from "./core/valuation.ts";

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
    lease: { bucket: leaseBuckets.inventory, key: "inventory" },
    view: () => ({ nowMs: clock.nowMs(), ...limits }),
    perform: async () => null,
    onFatal: fatal,
  });
  const marks = startMarks(bus, clock);
  const ticks = clock.every(TICK_MS, () => {
    actor.post({ type: "Tick" });
    if (actor.status().role === "owner") publishValues({ bus, marks, state: actor.state(), nowMs: clock.nowMs() });
  });
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
      marks.stop();
      await actor.drain();
    },
  };
}

/** Monitoring, not facts: a value that was lost is followed by the next. */
function publishValues(options: {
  readonly bus: Bus;
  readonly marks: Marks;
  readonly state: InventoryState;
  readonly nowMs: number;
}): void {
  const { bus, marks, state, nowMs } = options;
  const values = [...state.accounts.values()].flatMap((account) => {
    const value = valueAccount(account, marks.of);
    return value === null ? [] : [{ account: account.account, ...value }];
  });
  marks.want(new Set(values.flatMap(({ positions }) => positions.map(({ tokenId }) => tokenId))));
  if (!bus.connected()) return;
  for (const value of values) {
    const message = { type: "AccountValue" as const, v: 1 as const, ...value, tsInitMs: nowMs };
    bus.nc.publish(subjects.accountValue(value.account), JSON.stringify(z.encode(AccountValue, message)));
  }
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
