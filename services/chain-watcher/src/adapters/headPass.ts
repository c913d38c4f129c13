/** The blocks above finality, as soon as they come: a fill that the socket lost is told here, one that is gone too. */
import { TransientError } from "@slipstream/contracts/errors";
import type { Address } from "@slipstream/contracts/ids";
import { fillFilters, isFillOf } from "./fillFilter.ts";
import { createHeadWindow } from "./headWindow.ts";
import { checkMissing } from "./missing.ts";
import type { Cycle, ReadingOptions } from "./readingTypes.ts";
import type { Header, WireLog } from "./wire.ts";

export function createHeadPass(options: ReadingOptions): (cycle: Cycle) => Promise<void> {
  const { emptyCheck, observe, exchanges, state, post, nowMs, settings } = options;
  const window = createHeadWindow();
  let readFor: ReadonlySet<Address> = new Set();

  return async ({ node, head, tips, leaders }) => {
    const { reader } = node;
    // Fills of somebody new may lie in blocks that were read without him.
    if (!isSame(readFor, leaders)) window.forget();
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

/** @throws TransientError when a log is of another block than the headers say: the chain has changed meanwhile. */
function checkPlaces(logs: readonly WireLog[], headers: readonly Header[]): void {
  const hashes = new Map(headers.map(({ number, hash }) => [number, hash]));
  for (const log of logs) {
    const hash = hashes.get(Number(log.blockNumber));
    if (hash === undefined || hash === log.blockHash) continue;
    throw new TransientError("RPC_REFUSED", `block ${Number(log.blockNumber)} was replaced while it was read`);
  }
}

const isSame = <T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean =>
  a.size === b.size && [...a].every((item) => b.has(item));
