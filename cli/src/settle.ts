/** The end of a timed run: waits for the pipeline to become quiet, then compares with the chain. */
import type { Pending } from "@slipstream/contracts/live";
import { isIn } from "./blockSpans.ts";
import { readChainFills, readHead, readOldest } from "./chainAudit.ts";
import type { Overview } from "./overview.ts";
import { type Audit, audit, leftNow, positionRows, purseRows } from "./report.ts";

const POLL_MS = 100;
/** Nothing may be missing for this long before the run counts as quiet. */
const QUIET_FOR_MS = 1_500;

/**
 * Waits until every fill up to the chain's present head is told, decided and settled, at most `quietMsMax`, and judges: a GTD
 * remainder rests some seconds, a paper fill settles with the next block.
 */
export async function settleAndAudit(
  overview: Overview,
  rpcUrls: readonly string[],
  quietMsMax: number,
): Promise<Audit> {
  const head = await readHead(rpcUrls);
  const deadline = performance.now() + quietMsMax;
  let result = await judge(overview, rpcUrls, head);
  let quietSince = performance.now();
  while (performance.now() < deadline) {
    result = await judge(overview, rpcUrls, head);
    if (!isQuiet(overview, result, head)) quietSince = performance.now();
    else if (performance.now() - quietSince >= QUIET_FOR_MS) break;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return result;
}

/**
 * Asks the executor what it holds until no lot is without an exit whose leader has left, at most `quietMsMax`: a leader's
 * merge shows in his balance at once and is told, and followed, when it is final. Nor does it end between the fill of such an
 * exit and the block that pays it: what the report says of money it takes at this moment.
 * @param ask - null: the executor does not answer.
 */
export async function settledPending(
  overview: Overview,
  ask: () => Promise<Pending | null>,
  quietMsMax: number,
): Promise<Pending | null> {
  const deadline = performance.now() + quietMsMax;
  for (;;) {
    const pending = await ask();
    const isFollowed = pending !== null && leftNow(overview, pending).every(({ why }) => why !== "stranded");
    if ((isFollowed && isMoneySettled(overview)) || performance.now() >= deadline) return pending;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** The chain's own word against the log, from the first block that was followed and that nodes still have. */
async function judge(overview: Overview, rpcUrls: readonly string[], upToBlock: number): Promise<Audit> {
  const first = overview.firstProgress;
  if (first === null) return { missed: ["chain-watcher never told of a block"], phantom: [], duplicated: [] };
  const leaders = [...overview.leaders.keys()];
  const starts = [...overview.leaders.values()].flatMap(({ due }) => due.map(({ fromBlock }) => fromBlock));
  const fromBlock = Math.max(await readOldest(rpcUrls), Math.min(first.cursor + 1, ...starts));
  const range = { fromBlock, toBlock: upToBlock };
  const fills = await readChainFills(rpcUrls, leaders, range);
  const followed = fills.filter(({ leader, blockNumber }) =>
    isIn(overview.leaders.get(leader)?.due ?? [], blockNumber, upToBlock),
  );
  return audit(overview, followed, fills, range);
}

function isQuiet(overview: Overview, result: Audit, head: number): boolean {
  const clean = result.missed.length === 0 && result.phantom.length === 0;
  return isMoneySettled(overview) && clean && (overview.progress?.head ?? 0) >= head;
}

function isMoneySettled(overview: Overview): boolean {
  // An exit may rest as long as its policy says, and binds nothing but its shares.
  const open = [...overview.orders.values()].some(({ end, intent }) => end === null && intent.kind === "ENTRY");
  const settled = positionRows(overview).every((row) => row.confirmed === row.chain && row.effective === row.chain);
  const paid = purseRows(overview).every((row) => row.collateral === row.ledger && row.available === row.ledger);
  return !open && settled && paid;
}
