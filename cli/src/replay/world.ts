/**
 * The services' own cores in one process under a virtual clock, fed with a tape instead of sockets. Nothing here decides:
 * it carries messages, as the shells do on the bus.
 */

import { virtualClock } from "@slipstream/actor/clock";
import { createLocalLog, type LocalActor } from "@slipstream/actor/local";
import { balanceSyncCore } from "@slipstream/balance-sync/core/core";
import type { BalanceSyncMessage } from "@slipstream/balance-sync/core/messages";
import { connectionOf as deskConnection } from "@slipstream/bookstore/core/connection";
import { createDesk, type Desk, onEvents, onPong, onTick, onUnreadable, track } from "@slipstream/bookstore/core/desk";
import { onRefused } from "@slipstream/bookstore/core/refusals";
import { watcherCore } from "@slipstream/chain-watcher/core/core";
import type { ObservedFill, Tips, WatcherMessage } from "@slipstream/chain-watcher/core/messages";
import { observedFill } from "@slipstream/chain-watcher/core/observe";
import type { Recorded } from "@slipstream/contracts/facts";
import { type AccountId, type Address, type ConditionId, shardOf, type TokenId } from "@slipstream/contracts/ids";
import type { AccountValue, Pending } from "@slipstream/contracts/live";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { sharesMicro } from "@slipstream/contracts/money";
import type { AccountPolicy } from "@slipstream/contracts/policy";
import { executorCore } from "@slipstream/executor/core/core";
import type { ExecutorMessage, ExecutorRequest } from "@slipstream/executor/core/messages";
import { pendingOf } from "@slipstream/executor/core/pending";
import type { ExecutorView } from "@slipstream/executor/core/view";
import { createPaperDesk } from "@slipstream/executor/paper/desk";
import { closedMsOf } from "@slipstream/executor/paper/market";
import { inventoryCore } from "@slipstream/inventory/core/core";
import type { InventoryView } from "@slipstream/inventory/core/view";
import { createMarketParser } from "@slipstream/polymarket/marketChannel";
import { CHAIN_ID } from "@slipstream/polymarket/versions";
import { quietView, riskCore } from "@slipstream/risk/core/core";
import type { TapeHead, TapeLog } from "@slipstream/sandbox/tape/addFills";
import type { TapeBalances } from "@slipstream/sandbox/tape/balances";
import type { GammaWord } from "@slipstream/sandbox/tape/endings";
import type { TapeRecord } from "@slipstream/sandbox/tape/format";
import { TapeGap } from "@slipstream/sandbox/tape/recording";
import { createEndings, type Endings, resolvedFact } from "./endings.ts";
import { bookTimeOf, connectionOf, type FrameTimes, isFrame } from "./frameTimes.ts";
import { configure, headOf, SECOND_MS } from "./opening.ts";
import { accountValue, balancesView, executorView, readBalances } from "./views.ts";

/** Whether books are proved by the venue's hash. */
export type ProofPolicy = "atBurstEnds" | "none";

export type ReplayOptions = {
  readonly startMs: number;
  readonly markets: readonly MarketDefinition[];
  readonly leaders: readonly Address[];
  readonly account: AccountPolicy;
  readonly balances: TapeBalances;
  readonly proofs: ProofPolicy;
  /** Of the tape that is fed, as the next two. */
  readonly frameTimes: FrameTimes;
  readonly resolvedOnChain: ReadonlySet<ConditionId>;
  /** What the venue says of its markets, each at its time. */
  readonly words: readonly GammaWord[];
  readonly onFact: (recorded: Recorded) => void;
};

export type ReplayWorld = {
  /** Takes the next record of the tape. */
  feed(record: TapeRecord): void;
  /** Lets time pass without records: a quiet market. */
  passUntil(ms: number): void;
  readonly desk: Desk;
  readonly endings: Pick<Endings, "assumed" | "errors">;
  /** Frames that told of a venue time which a watermark had passed already: what was decided by then may be wrong. */
  lateFrames(): number;
  /** Messages of the market channel that could not be read; their books were lost. */
  unreadable(): number;
  /** What the account is worth by the books of now; null: its cash is not known. */
  value(account: AccountId): AccountValue | null;
  /** What the executor has not done yet. */
  pending(): Pending;
  /** Whether the market of a token has closed by now. */
  isClosed(tokenId: TokenId): boolean;
};

/** As the executor's shell. */
const EXECUTOR_TICK_MS = 250;
/** How often a quiet connection is pinged. The answer comes at once, and counts as far as the tape allows it. */
const PING_MS = 1_500;
const BALANCE_POLL_MS = 3_000;
/** The shells' defaults, see services/chain-watcher. */
const watcherSettings = { historicalAgeMs: 60_000, seenDeadlineMs: 60_000, progressEveryMs: 5_000 };
/** The shells' defaults, see services/inventory. */
const inventorySettings: Omit<InventoryView, "nowMs"> = {
  pendingFillTtlMs: 180_000,
  discrepancy: {
    tokenSharesMicro: sharesMicro(1_000_000n),
    marketSharesMicro: sharesMicro(5_000_000n),
    durationMs: 30_000,
  },
};

export function createReplayWorld(options: ReplayOptions): ReplayWorld {
  const clock = virtualClock(options.startMs);
  const byToken = new Map<TokenId, MarketDefinition>();
  const byCondition = new Map<ConditionId, MarketDefinition>();
  const define = (market: MarketDefinition): void => {
    byCondition.set(market.conditionId, market);
    for (const { tokenId } of market.tokens) byToken.set(tokenId, market);
  };
  for (const market of options.markets) define(market);
  const parser = createMarketParser();
  const desk = createDesk(1, (tokenId) => byToken.get(tokenId), options.proofs !== "none");
  for (const tokenId of byToken.keys()) track(desk, tokenId, connectionOf({}));
  /** A ping's answer says that nothing before it is on its way; on a tape what is on its way is known. */
  const watermarkOf = (connection: string): number =>
    Math.min(desk.connections.get(connection)?.watermarkMs ?? 0, options.frameTimes.provenMs(connection));
  const paper = createPaperDesk({
    bookOf: (tokenId) => {
      const book = desk.books.get(tokenId);
      return book === undefined ? null : { history: book.history, watermarkMs: watermarkOf(book.connection) };
    },
    closedMs: (tokenId) => closedMsOf(byToken.get(tokenId) ?? null),
  });
  const log = createLocalLog({ onFact: options.onFact });
  const nowMs = (): number => clock.nowMs();
  const followed = new Set(options.leaders);
  const shards = new Set(options.leaders.map(shardOf));
  let head: TapeHead | null = null;
  let lateFrames = 0;
  let unreadable = 0;
  const lastFrameMs = new Map<string, number>();
  /** Fills by block, told again when the block is read. A node tells the logs of a block before its head as a rule. */
  const blockFills = new Map<number, ObservedFill[]>();

  const watcher = log.add({
    core: watcherCore,
    view: () => ({ nowMs: nowMs(), chainId: CHAIN_ID, ...watcherSettings }),
    perform: () => null,
  });
  const balances: LocalActor<unknown, BalanceSyncMessage> = log.add({
    core: balanceSyncCore,
    view: () => balancesView(nowMs()),
    perform: (request) => readBalances(request, head, options.balances),
  });
  const inventory = log.add({
    core: inventoryCore,
    view: () => ({ nowMs: nowMs(), ...inventorySettings }),
    perform: () => null,
  });
  const risk = log.add({ core: riskCore, view: () => quietView(nowMs()), perform: () => null });
  const executor = log.add({
    core: executorCore,
    view: () => executorViewNow(),
    perform: (request, post) => perform(request, post),
  });

  const executorViewNow = (): ExecutorView => ({
    ...executorView(nowMs(), head, byToken, desk),
    riskDecisionSeq: risk.state().decisionSeq,
  });
  const perform = (request: ExecutorRequest, post: (message: ExecutorMessage) => void): ExecutorMessage | null => {
    if (request.type !== "AwaitBook") return paper.perform(request);
    // On a tape every market is known from the start; a book that is not there yet is waited for to the end.
    const { account, leaderFillId, sinceMs, untilMs } = request;
    clock.after(untilMs - nowMs(), () => post({ type: "DecideFill", account, leaderFillId, sinceMs }));
    return null;
  };

  /** Lets the paper engine look at what the books prove by now. */
  const trade = (): void => {
    for (const report of paper.advance()) executor.post(report);
    for (const { orderId } of paper.questions()) {
      for (const report of paper.answer(orderId, null)) executor.post(report);
    }
  };

  const onFrame = (text: string, connection: string): void => {
    const { events, refused } = parser.parse(text);
    const watermarkMs = watermarkOf(connection);
    if (events.some((event) => (bookTimeOf(event) ?? Number.POSITIVE_INFINITY) <= watermarkMs)) lateFrames += 1;
    options.frameTimes.next(connection);
    // Receive times are the recorder's, whose clock nobody corrects: stamps are held against what is usual on the tape.
    deskConnection(desk, connection).usualDelayMs = options.frameTimes.usualDelayMs(connection);
    lastFrameMs.set(connection, nowMs());
    // Where a recorder had several connections, a token is on the one that brings its book.
    for (const event of events) {
      if (event.kind !== "book") continue;
      const book = desk.books.get(event.tokenId);
      if (book !== undefined && book.connection !== connection) track(desk, event.tokenId, connection);
    }
    for (const event of events) if (event.kind === "marketResolved") endings.onMarketResolved(event, nowMs());
    onEvents(desk, connection, events, nowMs());
    // As the bookstore's shell: what cannot be read may have changed the books it names, or any.
    for (const refusal of refused) onRefused(desk, connection, refusal, nowMs());
    unreadable += refused.filter(({ concerns }) => concerns !== "noBook").length;
    trade();
  };
  /** What the recorder lost is unknown here too, until a full book comes. */
  const onGap = (d: unknown): void => {
    const gap = TapeGap.safeParse(d).data;
    if (gap === undefined || (gap.of ?? "clob.market.ws") !== "clob.market.ws") return;
    for (const tokenId of gap.tokens ?? byToken.keys()) {
      const book = desk.books.get(tokenId);
      if (book !== undefined) onUnreadable(desk, book.connection, [tokenId], nowMs());
    }
    trade();
  };
  /** Nothing of a tape is taken back: a block is final when the next one comes. */
  const blockEnds = (block: TapeHead, tips: Tips): void => {
    const toBlock = Number(block.number);
    endings.onFinal(toBlock, nowMs());
    blocksEnd(toBlock, toBlock, block, tips);
  };
  const blocksEnd = (fromBlock: number, toBlock: number, { timestamp }: TapeHead, tips: Tips): void => {
    const finalTsMs = Number(timestamp) * SECOND_MS;
    const ended = [...blockFills.keys()].filter((block) => block >= fromBlock && block <= toBlock);
    const fills = ended.flatMap((block) => blockFills.get(block) ?? []);
    for (const block of ended) blockFills.delete(block);
    watcher.post({ type: "BlocksRead", fromBlock, toBlock, leaders: followed, fills, finalTsMs });
    for (const shard of shards) {
      const own = fills.filter(({ leader }) => shardOf(leader) === shard);
      watcher.post({ type: "ShardCovered", ...tips, shard, fromBlock: 0, toBlock, fills: own, acts: [] });
    }
  };
  const onHead = (next: TapeHead): void => {
    const tips = headOf(next, head === null ? 1 : 0);
    if (head === null) {
      // A recording may begin within a block: with some of its logs and the head of the one after, in whatever order.
      const fromBlock = Math.min(tips.head - 1, ...blockFills.keys());
      const fills = [...blockFills.values()].flat();
      for (const leader of followed) watcher.post({ type: "LeaderFound", leader, fromBlock, ...tips });
      watcher.post({ type: "HeadSeen", ...tips });
      if (fills.length > 0) watcher.post({ type: "FillsSeen", fills });
      if (fromBlock < tips.head) blocksEnd(fromBlock, tips.head - 1, next, tips);
      head = next;
      return trade();
    }
    blockEnds(head, tips);
    watcher.post({ type: "HeadSeen", ...tips });
    head = next;
  };
  const onLog = (raw: TapeLog): void => {
    endings.onLog(raw);
    const fill = observedFill(raw, {
      tsSeenMs: nowMs(),
      // Not every node states it; a log comes within moments of its block.
      blockMs: raw.blockTimestamp === undefined ? nowMs() : Number(raw.blockTimestamp) * SECOND_MS,
      market: (tokenId) => byToken.get(tokenId),
    });
    if (fill === null || !followed.has(fill.leader)) return;
    const block = Number(raw.blockNumber);
    blockFills.set(block, [...(blockFills.get(block) ?? []), fill]);
    // Before the first head nobody is followed yet.
    if (head === null) return;
    watcher.post({ type: "FillsSeen", fills: [fill] } satisfies WatcherMessage);
    trade();
  };

  const endings = createEndings({
    market: (conditionId) => byCondition.get(conditionId),
    marketOf: (tokenId) => byToken.get(tokenId),
    resolvedOnChain: options.resolvedOnChain,
    change: (conditionId, news) => {
      const market = byCondition.get(conditionId);
      if (market !== undefined) define({ ...market, ...news, tsInitMs: nowMs() });
    },
    pay: (payout) => log.append(resolvedFact(payout, nowMs())),
  });

  configure(log, options, nowMs());
  risk.post({ type: "Tick" });
  clock.every(SECOND_MS, () => {
    onTick(desk, nowMs());
    paper.keepUp();
    risk.post({ type: "Tick" });
    inventory.post({ type: "Tick" });
  });
  clock.every(EXECUTOR_TICK_MS, () => executor.post({ type: "Tick" }));
  clock.every(BALANCE_POLL_MS, () => balances.post({ type: "Poll" }));
  for (const word of options.words) clock.after(Math.max(0, word.atMs - options.startMs), () => endings.onGamma(word));
  clock.every(PING_MS, () => {
    for (const connection of desk.connections.keys()) {
      if (nowMs() - (lastFrameMs.get(connection) ?? options.startMs) < PING_MS) continue;
      const provenMs = options.frameTimes.provenMs(connection);
      onPong(desk, connection, nowMs(), nowMs(), provenMs);
    }
    trade();
  });

  return {
    desk,
    endings,
    lateFrames: () => lateFrames,
    unreadable: () => unreadable,
    value: (account) => accountValue(inventory.state(), account, desk, nowMs()),
    pending: () => pendingOf({ state: executor.state(), view: executorViewNow() }, null),
    isClosed: (tokenId) => byToken.get(tokenId)?.closed === true,
    passUntil: (ms) => clock.advanceTo(ms),
    feed: (record) => {
      clock.advanceTo(record.t);
      if (isFrame(record)) onFrame(record.d, connectionOf(record));
      else if (record.ch === "chain.head") onHead(record.d as TapeHead);
      else if (record.ch === "chain.log") onLog(record.d as TapeLog);
      else if (record.ch === "recorder.gap") onGap(record.d);
    },
  };
}
