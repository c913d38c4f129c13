/** The limit of an entry by the guard alone, for tests of the guard and the grid together. */
import type { PriceMicro } from "@slipstream/contracts/money";
import { type GuardOptions, guardPrice, withinGrid } from "./price.ts";

/** What `entries.ts` asks of both for a purchase; null when no price of the grid keeps the guard. */
export const guardedLimit = (options: GuardOptions): PriceMicro | null =>
  withinGrid(guardPrice(options), options.tickMicro, options.side);
