/**
 * The books of one process: a source into the desk, the desk's messages out. Which tokens are its own is told by `want`,
 * with a fence that is the first part of their epochs, so no consumer takes a stale owner's book for a newer one.
 */
import type { Clock } from "@slipstream/actor/clock";
import { bestAsk, bestBid } from "@slipstream/book/ladder";
import type { BookSnapshot } from "@slipstream/contracts/book";
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import type { ClobRest } from "@slipstream/polymarket/clobRest";
import { createLastBooks } from "./adapters/lastBooks.ts";
import type { Publisher } from "./adapters/publisher.ts";
import type { ReadOutcome } from "./adapters/restBooks.ts";
import { followClock } from "./clockSync.ts";
import { createDesk, type DeskOutput, letGo, onTick, tellAgain } from "./core/desk.ts";
import { countsOf, type DeskCounts, type PastRefusal, snap, snapAt } from "./core/deskAnswers.ts";
import { createPollSource } from "./pollSource.ts";
import type { SourceOptions } from "./source.ts";
import { createStreamSource } from "./streamSource.ts";

export type Keeper = {
  /** Reads exactly these; `fence` is of those that were not read before, higher than any owner's before them. */
  want(tokens: readonly TokenId[], fence: number): void;
  /** Says of each book how it is: what was published while the bus was away is lost, and only a sequence tells. */
  tellAgain(): void;
  snap(tokenId: TokenId): BookSnapshot | null;
  snapAt(tokenId: TokenId, tsMs: number): BookSnapshot | { readonly refused: PastRefusal };
  refresh(tokenId: TokenId): Promise<ReadOutcome>;
  counts(): DeskCounts;
  lagMs(): number | null;
  problems(): string[];
  gauges(): Readonly<Record<string, number>>;
  stop(): void;
};

export type KeeperOptions = {
  /** Unlike any other process's: names connections. */
  readonly process: string;
  readonly clock: Clock;
  readonly logger: SourceOptions["logger"];
  readonly settings: SourceOptions["settings"];
  readonly rest: ClobRest;
  readonly market: (tokenId: TokenId) => MarketDefinition | undefined;
  readonly publisher: Publisher;
  readonly onResolved: SourceOptions["onResolved"];
  /** The venue has no book of a token any more, or has emptied it: its market seems to have ended. */
  readonly onEnded: (tokenId: TokenId) => void;
};

/** World time: how often bursts are looked at, and books that are missing. */
const LOOK_MS = 100;

export function startKeeper(options: KeeperOptions): Keeper {
  const { process, clock, logger, settings, rest, market, publisher, onResolved } = options;
  const desk = createDesk(0, market);
  let stopped = false;
  const publish = (outputs: readonly DeskOutput[]): void => {
    if (stopped || outputs.length === 0) return;
    publisher.publish(outputs);
    const ended = new Set(
      outputs.flatMap((output) => (output.type === "BookStatus" && output.health === "dead" ? [output.tokenId] : [])),
    );
    for (const tokenId of ended) options.onEnded(tokenId);
    tellEmptied(outputs);
    for (const output of outputs) {
      if (output.type === "BookClock") continue;
      lastBooks.touch(output.tokenId);
      if (output.type !== "BookStatus") continue;
      if (output.reason === "crossed book") logger.error({ tokenId: output.tokenId }, "book stays crossed, unproved");
      if (output.health === "dead") logger.info({ tokenId: output.tokenId, reason: output.reason }, "book ended");
      if (output.health !== "resyncing" || ended.has(output.tokenId)) continue;
      logger.warn({ tokenId: output.tokenId, reason: output.reason }, "book lost, asking for a new one");
      setImmediate(() => (stopped ? undefined : source.look()));
    }
  };
  /** When trading stops, books are emptied level by level; that it has ended is said minutes later, or never. */
  const emptied = new Set<TokenId>();
  const tellEmptied = (outputs: readonly DeskOutput[]): void => {
    for (const output of outputs) {
      if (output.type !== "BookDelta") continue;
      const book = desk.books.get(output.tokenId)?.history.book ?? null;
      const isEmpty = book !== null && bestBid(book) === null && bestAsk(book) === null;
      if (!isEmpty) emptied.delete(output.tokenId);
      else if (!emptied.has(output.tokenId)) {
        emptied.add(output.tokenId);
        options.onEnded(output.tokenId);
      }
    }
  };
  const lastBooks = createLastBooks({
    every: clock.every,
    snap: (tokenId) => snap(desk, tokenId, clock.nowMs()),
    publish: publisher.publishLast,
  });
  const create = settings.BOOKSTORE_MODE === "rest" ? createPollSource : createStreamSource;
  const clockStands = followClock(desk, clock);
  const source = create({ desk, process, clock, logger, settings, rest, clockStands, publish, onResolved });
  const looks = clock.every(LOOK_MS, () => {
    clockStands();
    publish(onTick(desk, clock.nowMs()));
    source.look();
  });
  const letGoOf = (tokens: readonly TokenId[]): void => {
    for (const tokenId of tokens) publisher.publish(letGo(desk, tokenId, clock.nowMs()));
  };
  return {
    want: (tokens, fence) => {
      const wanted = new Set(tokens);
      for (const tokenId of emptied) if (!wanted.has(tokenId)) emptied.delete(tokenId);
      letGoOf([...desk.books.keys()].filter((tokenId) => !wanted.has(tokenId)));
      source.want(tokens, fence);
    },
    tellAgain: () => publish(tellAgain(desk, clock.nowMs())),
    snap: (tokenId) => snap(desk, tokenId, clock.nowMs()),
    snapAt: (tokenId, tsMs) => snapAt(desk, tokenId, tsMs, clock.nowMs()),
    refresh: source.refresh,
    counts: () => countsOf(desk),
    lagMs: source.lagMs,
    problems: source.problems,
    gauges: source.gauges,
    stop: () => {
      letGoOf([...desk.books.keys()]);
      stopped = true;
      looks.cancel();
      lastBooks.stop();
      source.stop();
    },
  };
}
