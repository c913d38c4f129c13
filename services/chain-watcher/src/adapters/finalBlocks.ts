/** Reads final blocks completely: fills, other acts, and on demand what orders really paid. */
import { TransientError } from "@slipstream/contracts/errors";
import type { Address } from "@slipstream/contracts/ids";
import type { BlocksRead, CostFound, ObservedAct } from "../core/messages.ts";
import { observedActs } from "./acts.ts";
import { costsOf } from "./costs.ts";
import { fillFilters, isFillOf, moveFilters, moversOf } from "./fillFilter.ts";
import { checkMissing } from "./missing.ts";
import type { Cycle, ReadingOptions } from "./readingTypes.ts";

export type FinalBlocks = {
  readonly blocks: Omit<BlocksRead, "type">;
  readonly acts: readonly ObservedAct[];
  /** Once the fills are in the log. */
  readonly costs: () => Promise<Omit<CostFound, "type">[]>;
};

export type Asked = { readonly leaders: ReadonlySet<Address>; readonly fromBlock: number; readonly toBlock: number };

/** Reads the next blocks of `asked`, perhaps not all of them. @throws TransientError when the chain was not the same. */
export async function readFinal(options: ReadingOptions, { node }: Cycle, asked: Asked): Promise<FinalBlocks> {
  const { emptyCheck, observe, exchanges, state, nowMs, settings } = options;
  const { leaders, fromBlock } = asked;
  const { reader } = node;
  const choice = { exchanges: exchanges(), leaders, wholeAbove: settings.wholeAbove };
  const tsSeenMs = nowMs();
  const read = await reader.range([fillFilters(choice), moveFilters(choice)], fromBlock, asked.toBlock);
  const [fillLogs = [], moveLogs = []] = read.logs;
  const logs = fillLogs.filter((log) => isFillOf(leaders, log));
  const { toBlock } = read;
  const last = await reader.header(toBlock);
  for (const log of [...logs, ...moveLogs]) {
    if (Number(log.blockNumber) !== toBlock || log.blockHash === last.hash) continue;
    throw new TransientError("RPC_REFUSED", `final block ${toBlock} was replaced while it was read`);
  }
  await checkMissing(node, state(), { fromBlock, toBlock, leaders, logs, headers: [last] });
  await emptyCheck.check(node, [last], fillFilters(choice), fillLogs);
  const fills = await observe(logs, tsSeenMs);
  const moves = moveLogs.filter((log) => moversOf(leaders, log).length > 0);
  const { blockMs, receipt } = reader;
  const acts = await observedActs(distinct(moves), { leaders, exchanges: exchanges(), blockMs, receipt });
  return {
    blocks: { fromBlock, toBlock, leaders, fills, finalTsMs: last.tsMs },
    acts,
    costs: () =>
      settings.exactCosts
        ? costsOf(logs, { state, exchanges: exchanges(), receipt, onUnknown: options.onCostUnknown })
        : Promise.resolve([]),
  };
}

/** What was read and posted was decided by nobody, or not to its end: the shard may have had another owner meanwhile. */
export const notInTheLog = ({ fromBlock, toBlock }: Pick<Asked, "fromBlock" | "toBlock">): TransientError =>
  new TransientError("BUS_UNREACHABLE", `what blocks ${fromBlock} to ${toBlock} show is not in the log: read again`);

/** A transfer between two leaders comes by both filters. */
const distinct = <T extends { readonly blockHash: string; readonly logIndex: string }>(logs: readonly T[]): T[] => [
  ...new Map(logs.map((log) => [`${log.blockHash}:${log.logIndex}`, log])).values(),
];
