/** The rhythm of blocks. */
import { timerMs } from "@slipstream/actor/clock";
import type { ChainLedger } from "./ledger.ts";

export type MiningOptions = {
  readonly ledger: Pick<ChainLedger, "mine">;
  /** 0: no rhythm. */
  readonly blockTimeMs: number;
  /** Told once; no block comes after it. */
  readonly onFailure: (error: Error) => void;
};

/**
 * Mines a block every `blockTimeMs`, counted from the start, so that a late block does not delay the next ones; blocks
 * that are late by more than one are left out.
 */
export function startMining({ ledger, blockTimeMs, onFailure }: MiningOptions): { stop(): Promise<void> } {
  let stopped = blockTimeMs === 0;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> = Promise.resolve();
  let dueAt = performance.now();
  const schedule = () => {
    if (stopped) return;
    dueAt = Math.max(dueAt + blockTimeMs, performance.now());
    timer = setTimeout(
      () => {
        working = ledger.mine().then(schedule, (error: unknown) => {
          if (stopped) return;
          stopped = true;
          onFailure(error instanceof Error ? error : new Error(String(error)));
        });
      },
      timerMs(dueAt - performance.now()),
    );
  };
  schedule();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await working;
    },
  };
}
