/**
 * What goes wrong, and when: a script made of a seed alone. Blocks are counted by the run, from 1.
 *
 * 1. First each fault by itself, one after the other; then reorgs of each depth; then whatever comes, several at a time.
 * 2. At most one node lies at a time: against nodes that lie with one voice there is no truth to be had.
 */
import type { Random } from "@slipstream/sandbox/actors/random";

export type NodeFault =
  | { readonly kind: "silent" | "outage" | "lie" | "duplicateLogs" | "noRemovedLogs"; readonly node: number }
  | { readonly kind: "lag" | "rangeLimit"; readonly node: number; readonly blocks: number };
export type VenueFault =
  | { readonly kind: "apiLate"; readonly ms: number }
  | { readonly kind: "apiShuffle" | "rtdsDouble" | "rtdsSilent" };
/** Lasts for a while. */
export type LastingFault = NodeFault | VenueFault;
/** Happens once. */
export type MomentaryFault =
  | { readonly kind: "dropSockets"; readonly node: number }
  | { readonly kind: "refuseLogs"; readonly node: number; readonly count: number }
  | { readonly kind: "apiErrors"; readonly status: number; readonly count: number }
  | { readonly kind: "rtdsLose" | "rtdsInvent"; readonly count: number }
  | { readonly kind: "rtdsDrop" }
  /** `drops`: so many transactions of leaders never come back. */
  | { readonly kind: "reorg"; readonly depth: number; readonly drops: number };
export type FaultKind = LastingFault["kind"] | MomentaryFault["kind"];

export type LastingStep = { readonly fromBlock: number; readonly toBlock: number; readonly fault: LastingFault };
export type MomentaryStep = { readonly atBlock: number; readonly fault: MomentaryFault };
export type Plan = {
  readonly lasting: readonly LastingStep[];
  readonly momentary: readonly MomentaryStep[];
  /** Blocks without trades, both ends belong to them. */
  readonly quiet: readonly { readonly fromBlock: number; readonly toBlock: number }[];
  /** The last block in which something is wrong. */
  readonly blocks: number;
};

export type PlanShape = {
  readonly nodes: number;
  /** Blocks before the first fault: what it is like when all is well. */
  readonly calm: number;
  /** How long a fault by itself lasts, and until the next one begins after its begin. */
  readonly hold: number;
  readonly every: number;
  readonly depths: readonly number[];
  readonly reorgEvery: number;
  /**
   * Blocks for which no node answers; the first one is back before the others, and lies. In the `quiet` blocks before and
   * in as many last ones nobody trades: nothing that is known or new gives the liar away. Null: no such part.
   */
  readonly absence: { readonly blocks: number; readonly quiet: number } | null;
  /** Blocks of the last part. */
  readonly mixed: number;
  readonly apiLateMs: number;
};

const allNodes = (shape: PlanShape): number[] => Array.from({ length: shape.nodes }, (_, node) => node);
/** The node that is read while all is well: the first one. */
const FIRST = 0;

export function planFaults(random: Random, shape: PlanShape): Plan {
  const lasting: LastingStep[] = [];
  const momentary: MomentaryStep[] = [];
  let block = shape.calm + 1;
  for (const faults of each(shape)) {
    for (const fault of faults) {
      if (isLasting(fault)) lasting.push({ fromBlock: block, toBlock: block + shape.hold - 1, fault });
      else momentary.push({ atBlock: block, fault });
    }
    block += shape.every;
  }
  block += shape.hold;
  for (const depth of shape.depths) {
    momentary.push({ atBlock: block, fault: { kind: "reorg", depth, drops: random.integer(0, 2) } });
    block += shape.reorgEvery;
  }
  const quiet: Plan["quiet"][number][] = [];
  if (shape.absence !== null) {
    quiet.push({ fromBlock: block, toBlock: block + shape.absence.quiet - 1 });
    block += shape.absence.quiet;
    const toBlock = block + shape.absence.blocks - 1;
    quiet.push({ fromBlock: toBlock - shape.absence.quiet + 1, toBlock: toBlock + shape.hold });
    for (const node of allNodes(shape)) {
      const back = node === FIRST ? toBlock : toBlock + shape.hold - 1;
      lasting.push({ fromBlock: block, toBlock: back, fault: { kind: "outage", node } });
    }
    lasting.push({ fromBlock: block, toBlock: toBlock + shape.hold, fault: { kind: "lie", node: FIRST } });
    block = toBlock + shape.hold + 1;
  }
  const last = block + shape.mixed;
  let honestFrom = block;
  for (; block < last; block += random.integer(1, 4)) {
    const fault = anyFault(random, shape);
    if (!isLasting(fault)) {
      momentary.push({ atBlock: block, fault });
      continue;
    }
    const toBlock = Math.min(last, block + random.integer(2, 2 * shape.hold));
    if (fault.kind === "lie" && block < honestFrom) continue;
    if (fault.kind === "lie") honestFrom = toBlock + 1;
    lasting.push({ fromBlock: block, toBlock, fault });
  }
  return { lasting, momentary, quiet, blocks: last };
}

/** What lasts in a block. */
export const lastingAt = (plan: Plan, block: number): LastingFault[] =>
  plan.lasting.flatMap(({ fromBlock, toBlock, fault }) => (block >= fromBlock && block <= toBlock ? fault : []));

export const isQuiet = ({ quiet }: Plan, block: number): boolean =>
  quiet.some(({ fromBlock, toBlock }) => block >= fromBlock && block <= toBlock);

export const momentaryAt = (plan: Plan, block: number): MomentaryFault[] =>
  plan.momentary.flatMap(({ atBlock, fault }) => (atBlock === block ? fault : []));

const momentaryKinds: ReadonlySet<FaultKind> = new Set<MomentaryFault["kind"]>([
  ...(["dropSockets", "refuseLogs", "apiErrors", "rtdsLose", "rtdsInvent", "rtdsDrop", "reorg"] as const),
]);
const isLasting = (fault: LastingFault | MomentaryFault): fault is LastingFault => !momentaryKinds.has(fault.kind);

/** Each fault once; what stands in one list begins together. */
function each(shape: PlanShape): (LastingFault | MomentaryFault)[][] {
  const nodes = allNodes(shape);
  return [
    nodes.map((node) => ({ kind: "dropSockets", node })),
    [{ kind: "silent", node: FIRST }],
    [{ kind: "outage", node: FIRST }],
    nodes.map((node) => ({ kind: "outage", node })),
    nodes.map((node) => ({ kind: "rangeLimit", node, blocks: 3 })),
    [{ kind: "refuseLogs", node: FIRST, count: 5 }],
    [{ kind: "lag", node: FIRST, blocks: 5 }],
    [{ kind: "lag", node: FIRST, blocks: 16 }],
    [{ kind: "lie", node: FIRST }],
    nodes.map((node) => ({ kind: "duplicateLogs", node })),
    [...nodes.map((node) => ({ kind: "noRemovedLogs" as const, node })), { kind: "reorg", depth: 2, drops: 1 }],
    [{ kind: "apiLate", ms: shape.apiLateMs }],
    [{ kind: "apiErrors", status: 500, count: 8 }],
    [{ kind: "apiShuffle" }],
    [{ kind: "rtdsDouble" }],
    [{ kind: "rtdsSilent" }],
    [{ kind: "rtdsDrop" }],
    [{ kind: "rtdsLose", count: 10 }],
    [{ kind: "rtdsInvent", count: 3 }],
    // Others tell first, and then the chain has it not.
    [...nodes.map((node) => ({ kind: "outage" as const, node })), { kind: "reorg", depth: 3, drops: 2 }],
  ];
}

function anyFault(random: Random, shape: PlanShape): LastingFault | MomentaryFault {
  const node = random.integer(0, shape.nodes - 1);
  const draw = random.integer(0, 15);
  switch (draw) {
    case 0:
      return { kind: "dropSockets", node };
    case 1:
      return { kind: "silent", node };
    case 2:
    case 3:
      return { kind: "outage", node };
    case 4:
      return { kind: "rangeLimit", node, blocks: random.integer(1, 4) };
    case 5:
      return { kind: "refuseLogs", node, count: random.integer(1, 10) };
    case 6:
      return { kind: "lag", node, blocks: random.integer(2, 20) };
    case 7:
      return { kind: "lie", node };
    case 8:
      return { kind: random.chance(0.5) ? "duplicateLogs" : "noRemovedLogs", node };
    case 9:
      return { kind: "apiLate", ms: random.integer(0, shape.apiLateMs) };
    case 10:
      return random.chance(0.5)
        ? { kind: "apiErrors", status: random.pick([429, 500, 503]) ?? 500, count: random.integer(1, 10) }
        : { kind: "apiShuffle" };
    case 11:
      return { kind: random.chance(0.5) ? "rtdsDouble" : "rtdsSilent" };
    case 12:
      return random.chance(0.3) ? { kind: "rtdsDrop" } : { kind: "rtdsLose", count: random.integer(1, 20) };
    case 13:
      return { kind: "rtdsInvent", count: random.integer(1, 4) };
    default:
      return { kind: "reorg", depth: random.pick(shape.depths) ?? 1, drops: random.integer(0, 3) };
  }
}
