/** Logs of the socket on their way to the core: their market or time may still be asked for when they are taken back. */
import type { Logger } from "pino";
import type { WatcherMessage } from "../core/messages.ts";
import type { Observer } from "./observer.ts";
import type { WireLog } from "./wire.ts";

export function createLiveInbox(options: {
  readonly observe: Observer;
  readonly post: (message: WatcherMessage) => boolean;
  readonly nowMs: () => number;
  readonly logger: Logger;
}): { take(log: WireLog): void } {
  const { observe, post, nowMs, logger } = options;
  const inHand = new Set<string>();
  return {
    take: (log) => {
      const { blockHash } = log;
      const [blockNumber, logIndex] = [Number(log.blockNumber), Number(log.logIndex)];
      const key = `${blockHash}:${logIndex}`;
      if (log.removed) {
        // Taken back before it was told: it never was.
        if (!inHand.delete(key)) post({ type: "FillsRemoved", logs: [{ blockNumber, blockHash, logIndex }] });
        return;
      }
      inHand.add(key);
      observe([log], nowMs()).then(
        (fills) => {
          if (inHand.delete(key) && fills.length > 0) post({ type: "FillsSeen", fills });
        },
        (error: unknown) => {
          inHand.delete(key);
          logger.warn({ err: error, txHash: log.transactionHash }, "a live log is left to the range reader");
        },
      );
    },
  };
}
