/** Whether logs are of the blocks that were named for them. */
import { TransientError } from "@slipstream/contracts/errors";
import type { Header, WireLog } from "./wire.ts";

/** @throws TransientError when a log is of another block than the headers say: the chain has changed meanwhile. */
export function checkPlaces(logs: readonly WireLog[], headers: readonly Header[]): void {
  const hashes = new Map(headers.map(({ number, hash }) => [number, hash]));
  for (const log of logs) {
    const hash = hashes.get(Number(log.blockNumber));
    if (hash === undefined || hash === log.blockHash) continue;
    throw new TransientError("RPC_REFUSED", `block ${Number(log.blockNumber)} was replaced while it was read`);
  }
}
