/** Where a desk gets its books from: the stream with or without REST (`streamSource.ts`), or polling (`pollSource.ts`). */
import type { Clock } from "@slipstream/actor/clock";
import type { ServiceContext } from "@slipstream/actor/service";
import type { ConditionId, TokenId } from "@slipstream/contracts/ids";
import type { ClobRest } from "@slipstream/polymarket/clobRest";
import type { ReadOutcome } from "./adapters/restBooks.ts";
import type { bookstoreEnv } from "./config.ts";
import type { Desk, DeskOutput } from "./core/desk.ts";

/** REST lags the venue by up to this (reference §6.4): what it says proves no later moment. */
export const REST_LAG_MS = 1_100;

export type Source = {
  /** Reads exactly these tokens from now on. `fence` is the one of those that were not read before. */
  want(tokens: readonly TokenId[], fence: number): void;
  /** Asks for what is missing. Called some times a second, and at once after a loss. */
  look(): void;
  /** Reads a token from REST now; resolves when the desk has it or the request has failed. */
  refresh(tokenId: TokenId): Promise<ReadOutcome>;
  /** Age of the oldest proof of life, ms; null when nothing is read. */
  lagMs(): number | null;
  problems(): string[];
  gauges(): Readonly<Record<string, number>>;
  stop(): void;
};

export type SourceOptions = {
  readonly desk: Desk;
  /** Unlike any other process's: names connections. */
  readonly process: string;
  readonly clock: Clock;
  readonly logger: ServiceContext<typeof bookstoreEnv>["logger"];
  readonly settings: ServiceContext<typeof bookstoreEnv>["settings"];
  readonly rest: ClobRest;
  /** To be called before what has our clock in it; false while the clock is being corrected. */
  readonly clockStands: () => boolean;
  readonly publish: (outputs: readonly DeskOutput[]) => void;
  /** The market channel said that a market is resolved; each connection that hears it says so. */
  readonly onResolved: (conditionId: ConditionId) => void;
};
