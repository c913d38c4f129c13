/** Does to a world what the plan says. */

import { Hash } from "@slipstream/contracts/ids";
import type { Random } from "@slipstream/sandbox/actors/random";
import { type FaultKind, type LastingFault, lastingAt, type MomentaryFault, momentaryAt, type Plan } from "./plan.ts";
import type { FaultWorld } from "./world.ts";

export type Injector = {
  /** Begins and ends what is due in this block. @returns whether all is well during it. */
  at(block: number): Promise<boolean>;
  /** Ends everything. */
  clear(): void;
  /** How often each fault was done. */
  readonly done: ReadonlyMap<FaultKind, number>;
  /** Blocks taken back by reorgs, the deepest one, and the transactions that never came back. */
  readonly reorgs: { depthMax: number; dropped: number };
};

export function createInjector(world: FaultWorld, plan: Plan, random: Random): Injector {
  const done = new Map<FaultKind, number>();
  const reorgs = { depthMax: 0, dropped: 0 };
  const count = ({ kind }: { readonly kind: FaultKind }): void => void done.set(kind, (done.get(kind) ?? 0) + 1);
  const reorg = async (depth: number, drops: number): Promise<void> => {
    const newest = world.chain.head().number;
    const concerned = world.fills.ofLeaders().filter(({ blockNumber }) => blockNumber > newest - depth);
    const transactions = [...new Set(concerned.map(({ txHash }) => txHash))];
    const drop = new Set<Hash>();
    for (let n = 0; n < drops && transactions.length > 0; n++) {
      const txHash = random.pick(transactions);
      if (txHash !== undefined) drop.add(txHash);
    }
    const { dropped } = await world.chain.faults.reorg(depth, { drop: [...drop] });
    reorgs.depthMax = Math.max(reorgs.depthMax, depth);
    reorgs.dropped += dropped.length;
  };
  return {
    done,
    reorgs,
    at: async (block) => {
      const lasting = lastingAt(plan, block);
      setSwitches(world, lasting);
      for (const step of plan.lasting) if (step.fromBlock === block) count(step.fault);
      const momentary = momentaryAt(plan, block);
      for (const fault of momentary) {
        count(fault);
        if (fault.kind === "reorg") await reorg(fault.depth, fault.drops);
        else doNow(world, fault, random);
      }
      return lasting.length === 0 && momentary.length === 0;
    },
    clear: () => {
      setSwitches(world, []);
      for (const { faults } of world.nodes) faults.refuseLogs(0);
      world.dataApi.refuse(0, 0);
    },
  };
}

function setSwitches({ nodes, dataApi, rtds }: FaultWorld, lasting: readonly LastingFault[]): void {
  for (const [n, { faults }] of nodes.entries()) {
    const has = (kind: LastingFault["kind"]): boolean =>
      lasting.some((fault) => fault.kind === kind && "node" in fault && fault.node === n);
    const blocksOf = (kind: "lag" | "rangeLimit"): number[] =>
      lasting.flatMap((fault) => (fault.kind === kind && fault.node === n ? fault.blocks : []));
    const limits = blocksOf("rangeLimit");
    faults.setOutage(has("outage"));
    faults.setSilent(has("silent"));
    faults.setHiddenLogs(has("lie"));
    faults.setDuplicateLogs(has("duplicateLogs"));
    faults.setRemovedLogs(!has("noRemovedLogs"));
    faults.setLagBlocks(Math.max(0, ...blocksOf("lag")));
    faults.setMaxRange(limits.length === 0 ? null : Math.min(...limits));
  }
  const late = lasting.flatMap((fault) => (fault.kind === "apiLate" ? fault.ms : []));
  const isOn = (kind: LastingFault["kind"]): boolean => lasting.some((fault) => fault.kind === kind);
  dataApi.setLag(Math.max(0, ...late));
  dataApi.shuffle(isOn("apiShuffle"));
  rtds.double(isOn("rtdsDouble"));
  rtds.silence(isOn("rtdsSilent"));
}

function doNow(world: FaultWorld, fault: Exclude<MomentaryFault, { kind: "reorg" }>, random: Random): void {
  switch (fault.kind) {
    case "dropSockets":
      return world.nodes[fault.node]?.faults.dropSockets();
    case "refuseLogs":
      return world.nodes[fault.node]?.faults.refuseLogs(fault.count);
    case "apiErrors":
      return world.dataApi.refuse(fault.status, fault.count);
    case "rtdsLose":
      return world.rtds.lose(fault.count);
    case "rtdsDrop":
      return world.rtds.dropSockets();
    case "rtdsInvent": {
      const likely = world.fills.ofLeaders().at(-1);
      if (likely === undefined) return;
      for (let n = 0; n < fault.count; n++) {
        const txHash = Hash.parse(`0x${Array.from({ length: 64 }, () => random.integer(0, 15).toString(16)).join("")}`);
        world.rtds.tell([{ ...likely, txHash, blockMs: Math.floor(Date.now() / 1_000) * 1_000 }]);
      }
    }
  }
}
