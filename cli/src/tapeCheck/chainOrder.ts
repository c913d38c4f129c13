/** Whether the heads of a tape are one chain without holes. Pure. */
import { z } from "zod";

/** Block numbers, both inclusive. */
export type MissingBlocks = { readonly from: number; readonly to: number };

const Head = z.looseObject({ number: z.string(), hash: z.string() });

export function createChainOrder() {
  const missing: MissingBlocks[] = [];
  let highest: number | null = null;
  return {
    /** A lower number is a reorg: the chain says again what it had said. */
    head: (d: unknown): void => {
      const head = Head.safeParse(d);
      if (!head.success) return;
      const number = Number(head.data.number);
      if (highest !== null && number > highest + 1) missing.push({ from: highest + 1, to: number - 1 });
      highest = number;
    },
    missing: (): readonly MissingBlocks[] => missing,
  };
}
