/** The ways in which the Data API fails. */
import { fnv1a } from "@slipstream/contracts/ids";
import type { SettledFill } from "./settledFills.ts";

export type DataFaults = {
  /** The index learns of blocks this much later. */
  setLag(ms: number): void;
  lagMs(): number;
  /** The next `count` requests are refused with `status`. */
  refuse(status: number, count: number): void;
  /** @returns the status with which the request at hand is refused; null: it is answered. */
  refusal(): number | null;
  /** True: rows of one second come in another order each time, and a page in no order at all. */
  shuffle(on: boolean): void;
  /** Newest first as far as it is not shuffled; `fills` is oldest first. */
  page(fills: readonly SettledFill[], offset: number, limit: number): SettledFill[];
};

export function createDataFaults(): DataFaults {
  let lagMs = 0;
  let toRefuse = { status: 0, count: 0 };
  let shuffled = false;
  let pages = 0;

  const mixed = (fills: readonly SettledFill[]): SettledFill[] => {
    const place = (fill: SettledFill): number => fnv1a(`${pages}|${fill.txHash}|${fill.logIndex}`);
    return fills.toSorted((a, b) => place(a) - place(b));
  };
  return {
    setLag: (ms) => {
      lagMs = ms;
    },
    lagMs: () => lagMs,
    refuse: (status, count) => {
      toRefuse = { status, count };
    },
    refusal: () => {
      if (toRefuse.count === 0) return null;
      toRefuse.count -= 1;
      return toRefuse.status;
    },
    shuffle: (on) => {
      shuffled = on;
    },
    page: (fills, offset, limit) => {
      pages += 1;
      if (!shuffled) return fills.toReversed().slice(offset, offset + limit);
      const newestFirst = mixed(fills).sort((a, b) => b.blockMs - a.blockMs);
      return mixed(newestFirst.slice(offset, offset + limit));
    },
  };
}
