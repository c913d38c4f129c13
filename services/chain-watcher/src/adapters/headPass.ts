/** The blocks above finality, as soon as they come: a fill that the socket lost is told here, one that is gone too. */
import type { Address } from "@slipstream/contracts/ids";
import { isWithin } from "../core/roster.ts";
import { fillFilters, isFillOf } from "./fillFilter.ts";
import { createHeadWindow } from "./headWindow.ts";
import { checkMissing } from "./missing.ts";
import { checkPlaces } from "./places.ts";
import type { Cycle, ReadingOptions } from "./readingTypes.ts";
import type { WireLog } from "./wire.ts";

export function createHeadPass(options: ReadingOptions): (cycle: Cycle) => Promise<void> {
  const { emptyCheck, observe, exchanges, state, post, nowMs, settings } = options;
  const window = createHeadWindow();
  let readFor: ReadonlySet<Address> = new Set();

  return async ({ node, head, tips, leaders }) => {
    const { reader } = node;
    // Fills of somebody new may lie in blocks that were read without him.
    if (readFor.size !== leaders.size || !isWithin(leaders, readFor)) window.forget();
    readFor = leaders;
    const unread = await window.unread(head, tips.finalized, reader.header);
    if (unread === null) return;
    const { fromBlock, toBlock, headers } = unread;
    const tsSeenMs = nowMs();
    const given: WireLog[] = [];
    const filters = fillFilters({ exchanges: exchanges(), leaders, wholeAbove: settings.wholeAbove });
    for (let from = fromBlock; from <= head.number; ) {
      const range = await reader.range([filters], from, head.number);
      given.push(...(range.logs[0] ?? []));
      from = range.toBlock + 1;
    }
    checkPlaces(given, headers);
    if (fromBlock <= head.number) await emptyCheck.check(node, headers, filters, given);
    const logs = given.filter((log) => isFillOf(leaders, log));
    await checkMissing(node, state(), { fromBlock, toBlock, leaders, logs, headers });
    const fills = await observe(logs, tsSeenMs);
    if (!post({ type: "BlocksRead", fromBlock, toBlock, leaders, fills, finalTsMs: null })) return;
    window.read(unread);
  };
}
