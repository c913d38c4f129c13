/** Reads final blocks completely: fills, other acts, and on demand what orders really paid. */
import { TransientError } from "@slipstream/contracts/errors";
import type { Address } from "@slipstream/contracts/ids";
import type { BlocksRead, CostFound, ObservedAct } from "../core/messages.ts";
import { observedActs } from "./acts.ts";
import { costsOf } from "./costs.ts";
import { fillFilters, isFillOf, moveFilters, moversOf } from "./fillFilter.ts";
import { checkMissing } from "./missing.ts";
import { checkPlaces } from "./places.ts";
import { FUTURE_MS_MAX } from "./rangeReader.ts";
import type { Cycle, ReadingOptions } from "./readingTypes.ts";

export type FinalBlocks = {
  readonly blocks: Omit<BlocksRead, "type">;
  readonly acts: readonly ObservedAct[];
  /** Once the fills are in the log. */
  readonly costs: () => Promise<Omit<CostFound, "type">[]>;
};

/** Blocks of a range whose headers are all asked for: each says by its bloom whether something was left out. */
const HEADERS_MAX = 8;

export type Asked = { readonly leaders: ReadonlySet<Address>; readonly fromBlock: number; readonly toBlock: number };

/** Reads the next blocks of `asked`, perhaps not all of them. @throws TransientError when the chain was not the same. */
export async function readFinal(options: ReadingOptions, { node }: Cycle, asked: Asked): Promise<FinalBlocks> {
  const { emptyCheck, observe, exchanges, state, nowMs, settings } = options;
  const { leaders, fromBlock } = asked;
  const { reader } = node;
  const choice = { exchanges: exchanges(), leaders, wholeAbove: settings.wholeAbove };
  const tsSeenMs = nowMs();
  const groups = [fillFilters(choice), moveFilters(choice)];
  const read = await reader.range(groups, fromBlock, asked.toBlock);
  const [fillLogs = [], moveLogs = []] = read.logs;
  const logs = fillLogs.filter((log) => isFillOf(leaders, log));
  const { toBlock } = read;
  const isShort = toBlock - fromBlock < HEADERS_MAX;
  const numbers = isShort ? Array.from({ length: toBlock - fromBlock }, (_, n) => fromBlock + n) : [];
  const [last, ...before] = await Promise.all([reader.header(toBlock), ...numbers.map(reader.header)]);
  const headers = [...before, last];
  checkPlaces([...logs, ...moveLogs], headers);
  await checkMissing(node, state(), { fromBlock, toBlock, leaders, logs, headers });
  await emptyCheck.check(node, headers, fillFilters(choice), fillLogs);
  await emptyCheck.check(node, headers, moveFilters(choice), moveLogs);
  if (!isShort) await emptyCheck.compare(node, groups, read);
  const fills = await observe(logs, tsSeenMs);
  const moves = moveLogs.filter((log) => moversOf(leaders, log).length > 0);
  const { blockMs, receipt } = reader;
  const acts = await observedActs(distinct(moves), { leaders, exchanges: exchanges(), blockMs, receipt });
  return {
    // A time that cannot be would say that everything had its time to come, and take back what is on its way.
    blocks: { fromBlock, toBlock, leaders, fills, finalTsMs: last.tsMs > nowMs() + FUTURE_MS_MAX ? null : last.tsMs },
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
