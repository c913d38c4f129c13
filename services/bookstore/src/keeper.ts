/**
 * The books of one tenure: a source into the desk, the desk's messages out. Made when the lease is gained, stopped when it
 * is lost; the lease revision is the first part of each epoch, so no consumer takes a stale owner's book for a newer one.
 */
import type { Clock } from "@slipstream/actor/clock";
import type { BookSnapshot } from "@slipstream/contracts/book";
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import type { ClobRest } from "@slipstream/polymarket/clobRest";
import { createLastBooks } from "./adapters/lastBooks.ts";
import type { Publisher } from "./adapters/publisher.ts";
import { createDesk, type DeskOutput, onTick } from "./core/desk.ts";
import { countsOf, type DeskCounts, type PastRefusal, snap, snapAt } from "./core/deskAnswers.ts";
import { createPollSource } from "./pollSource.ts";
import type { SourceOptions } from "./source.ts";
import { createStreamSource } from "./streamSource.ts";

export type Keeper = {
  want(tokens: readonly TokenId[]): void;
  snap(tokenId: TokenId): BookSnapshot | null;
  snapAt(tokenId: TokenId, tsMs: number): BookSnapshot | { readonly refused: PastRefusal };
  refresh(tokenId: TokenId): Promise<void>;
  counts(): DeskCounts;
  lagMs(): number | null;
  problems(): string[];
  stop(): void;
};

export type KeeperOptions = {
  /** Lease revision of the tenure. */
  readonly fence: number;
  readonly clock: Clock;
  readonly logger: SourceOptions["logger"];
  readonly settings: SourceOptions["settings"];
  readonly rest: ClobRest;
  readonly market: (tokenId: TokenId) => MarketDefinition | undefined;
  readonly publisher: Publisher;
};

/** World time: how often bursts are looked at, and books that are missing. */
const LOOK_MS = 100;

export function startKeeper({ fence, clock, logger, settings, rest, market, publisher }: KeeperOptions): Keeper {
  const desk = createDesk(fence, market);
  let stopped = false;
  const publish = (outputs: readonly DeskOutput[]): void => {
    if (stopped || outputs.length === 0) return;
    publisher.publish(outputs);
    for (const output of outputs) {
      if (output.type === "BookClock") continue;
      lastBooks.touch(output.tokenId);
      if (output.type !== "BookStatus" || output.health !== "resyncing") continue;
      logger.warn({ tokenId: output.tokenId, reason: output.reason }, "book lost, asking for a new one");
      setImmediate(() => (stopped ? undefined : source.look()));
    }
  };
  const lastBooks = createLastBooks({
    every: clock.every,
    snap: (tokenId) => snap(desk, tokenId, clock.nowMs()),
    publish: publisher.publishLast,
  });
  const create = settings.BOOKSTORE_MODE === "rest" ? createPollSource : createStreamSource;
  const source = create({ desk, clock, logger, settings, rest, publish });
  const looks = clock.every(LOOK_MS, () => {
    publish(onTick(desk, clock.nowMs()));
    source.look();
  });
  return {
    want: source.want,
    snap: (tokenId) => snap(desk, tokenId, clock.nowMs()),
    snapAt: (tokenId, tsMs) => snapAt(desk, tokenId, tsMs, clock.nowMs()),
    refresh: source.refresh,
    counts: () => countsOf(desk),
    lagMs: source.lagMs,
    problems: source.problems,
    stop: () => {
      stopped = true;
      looks.cancel();
      lastBooks.stop();
      source.stop();
    },
  };
}
