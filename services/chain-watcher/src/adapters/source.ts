/** Where leaders' fills are heard of: one port for every source beside and including the chain. */
import type { Address } from "@slipstream/contracts/ids";

/** What is heard is handed to a callback given at creation. */
export type LeaderFillSource = {
  /** Follows exactly these wallets from now on. */
  follow(leaders: ReadonlySet<Address>): void;
  /** False: fills may be happening that this source does not tell now. */
  connected(): boolean;
  /** What is wrong, for a person; null: nothing. */
  problem(): string | null;
  stop(): void;
};
