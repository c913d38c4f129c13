/**
 * The services' own cores in one process under a virtual clock, fed with a tape instead of sockets. Nothing here decides:
 * it carries messages, as the shells do on the bus.
 */

import { virtualClock } from "@slipstream/actor/clock";
import { createLocalLog, type LocalActor } from "@slipstream/actor/local";
import { balanceSyncCore } from "@slipstream/balance-sync/core/core";
import type { BalanceSyncMessage, BalanceSyncRequest, BalanceSyncView } from "@slipstream/balance-sync/core/messages";
import { tickOf } from "@slipstream/book/history";
import { bestAsk, bestBid } from "@slipstream/book/ladder";
import { createDesk, type Desk, onEvents, onPong, onTick, onUnreadable, track } from "@slipstream/bookstore/core/desk";
import { watcherCore } from "@slipstream/chain-watcher/core/core";
import type { ObservedFill, Tips, WatcherMessage } from "@slipstream/chain-watcher/core/messages";
import { observedFill } from "@slipstream/chain-watcher/core/observe";
import type { Fact, Recorded } from "@slipstream/contracts/facts";
import { type Address, factId, type Hash, shardOf, type TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { sharesMicro } from "@slipstream/contracts/money";
import { AccountPolicy } from "@slipstream/contracts/policy";
import { executorCore } from "@slipstream/executor/core/core";
import type { ExecutorMessage, ExecutorRequest } from "@slipstream/executor/core/messages";
import { defaultLimits, type ExecutorView, type Quote } from "@slipstream/executor/core/view";
import { createPaperDesk } from "@slipstream/executor/paper/desk";
import { closedMsOf } from "@slipstream/executor/paper/market";
import { inventoryCore } from "@slipstream/inventory/core/core";
import type { InventoryView } from "@slipstream/inventory/core/view";
import { createMarketParser } from "@slipstream/polymarket/marketChannel";
import { CHAIN_ID, CONDITIONAL_TOKENS } from "@slipstream/polymarket/versions";
import { quietView, riskCore } from "@slipstream/risk/core/core";
import type { TapeHead, TapeLog } from "@slipstream/sandbox/tape/addFills";
import type { TapeBalances } from "@slipstream/sandbox/tape/balances";
import type { TapeRecord } from "@slipstream/sandbox/tape/format";
import { TapeGap } from "@slipstream/sandbox/tape/recording";
import { z } from "zod";

/** Whether books are proved by the venue's hash. */
export type ProofPolicy = "atBurstEnds" | "none";

export type ReplayOptions = {
  readonly startMs: number;
  readonly markets: readonly MarketDefinition[];
  readonly leaders: readonly Address[];
  readonly account: AccountPolicy;
  readonly balances: TapeBalances;
  readonly proofs: ProofPolicy;
  readonly onFact: (recorded: Recorded) => void;
};

export type ReplayWorld = {
  /** Takes the next record of the tape. */
  feed(record: TapeRecord): void;
  /** Lets time pass without records: a quiet market. */
  passUntil(ms: number): void;
  readonly desk: Desk;
};

const CONNECTION = "tape";
const SECOND_MS = 1_000;
/** As the executor's shell. */
const EXECUTOR_TICK_MS = 250;
/** How often a quiet connection is pinged; the answer comes at once here. */
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
  for (const market of options.markets) for (const { tokenId } of market.tokens) byToken.set(tokenId, market);
  const parser = createMarketParser();
  // Without the market's facts a hash cannot be computed: the desk then proves nothing.
  const desk = createDesk(1, (tokenId) => (options.proofs === "none" ? undefined : byToken.get(tokenId)));
  for (const tokenId of byToken.keys()) track(desk, tokenId, CONNECTION);
  const paper = createPaperDesk({
    bookOf: (tokenId) => {
      const history = desk.books.get(tokenId)?.history;
      const watermarkMs = desk.connections.get(CONNECTION)?.watermarkMs ?? 0;
      return history === undefined ? null : { history, watermarkMs };
    },
    closedMs: (tokenId) => closedMsOf(byToken.get(tokenId) ?? null),
  });
  const log = createLocalLog({ onFact: options.onFact });
  const nowMs = (): number => clock.nowMs();
  const followed = new Set(options.leaders);
  const shards = new Set(options.leaders.map(shardOf));
  let head: TapeHead | null = null;
  let lastFrameMs = options.startMs;
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
    view: () => ({ ...executorView(nowMs(), head, byToken, desk), riskDecisionSeq: risk.state().decisionSeq }),
    perform: (request, post) => perform(request, post),
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

  const onFrame = (text: string): void => {
    lastFrameMs = nowMs();
    onEvents(desk, CONNECTION, parser.parse(text).events, lastFrameMs);
    trade();
  };
  /** What the recorder lost is unknown here too, until a full book comes. */
  const onGap = (d: unknown): void => {
    const gap = TapeGap.safeParse(d).data;
    if (gap === undefined || (gap.of ?? "clob.market.ws") !== "clob.market.ws") return;
    onUnreadable(desk, CONNECTION, gap.tokens ?? [...byToken.keys()], nowMs());
    trade();
  };
  /** Nothing of a tape is taken back: a block is final when the next one comes. */
  const blockEnds = (block: TapeHead, tips: Tips): void => {
    const toBlock = Number(block.number);
    const finalTsMs = Number(block.timestamp) * SECOND_MS;
    const fills = blockFills.get(toBlock) ?? [];
    blockFills.delete(toBlock);
    watcher.post({ type: "BlocksRead", fromBlock: toBlock, toBlock, leaders: followed, fills, finalTsMs });
    for (const shard of shards) {
      const own = fills.filter(({ leader }) => shardOf(leader) === shard);
      watcher.post({ type: "ShardCovered", ...tips, shard, fromBlock: 0, toBlock, fills: own, acts: [] });
    }
  };
  const onHead = (next: TapeHead): void => {
    const tips = headOf(next, head === null ? 1 : 0);
    if (head === null) {
      for (const leader of followed) watcher.post({ type: "LeaderFound", leader, fromBlock: tips.head, ...tips });
    } else blockEnds(head, tips);
    watcher.post({ type: "HeadSeen", ...tips });
    head = next;
  };
  const onLog = (raw: TapeLog): void => {
    const fill = observedFill(raw, {
      tsSeenMs: nowMs(),
      // Not every node states it; a log comes within moments of its block.
      blockMs: raw.blockTimestamp === undefined ? nowMs() : Number(raw.blockTimestamp) * SECOND_MS,
      market: (tokenId) => byToken.get(tokenId),
    });
    if (fill === null || !followed.has(fill.leader)) return;
    const block = Number(raw.blockNumber);
    blockFills.set(block, [...(blockFills.get(block) ?? []), fill]);
    watcher.post({ type: "FillsSeen", fills: [fill] } satisfies WatcherMessage);
    trade();
  };

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
  clock.every(PING_MS, () => {
    if (nowMs() - lastFrameMs < PING_MS) return;
    onPong(desk, CONNECTION, nowMs(), nowMs());
    trade();
  });

  return {
    desk,
    passUntil: (ms) => clock.advanceTo(ms),
    feed: (record) => {
      clock.advanceTo(record.t);
      if (record.ch === "clob.market.ws" && typeof record.d === "string") onFrame(record.d);
      else if (record.ch === "chain.head") onHead(record.d as TapeHead);
      else if (record.ch === "chain.log") onLog(record.d as TapeLog);
      else if (record.ch === "recorder.gap") onGap(record.d);
    },
  };
}

/** `behind`: the block below which everything counts as read. */
function headOf(head: TapeHead, behind: number): Tips {
  const number = Number(head.number);
  return {
    head: number,
    headHash: head.hash as Hash,
    headTsMs: Number(head.timestamp) * SECOND_MS,
    finalized: number - behind,
    finalizedHash: (behind === 0 ? head.hash : head.parentHash) as Hash,
  };
}

/** What registry would tell: the account and the leaders. */
function configure(log: { append(fact: Fact): void }, { account, leaders }: ReplayOptions, nowMs: number): void {
  const say = (key: string, revision: number, value: unknown): void =>
    log.append({
      type: "ConfigChanged",
      v: 1,
      id: factId("ConfigChanged", key, revision),
      key,
      revision,
      value,
      tsEventMs: nowMs,
      tsInitMs: nowMs,
    });
  say(`accounts.${account.account}`, 1, z.encode(AccountPolicy, account));
  leaders.forEach((leader, index) => {
    say(`leaders.${leader}`, index + 2, { leader, enabled: true });
  });
}

/** A tape's balances are by token: which contract keeps one makes no difference. */
const balancesView = (nowMs: number): BalanceSyncView => ({
  nowMs,
  startedMs: 0,
  own: [],
  phase: "observe",
  ledgerOf: () => CONDITIONAL_TOKENS,
});

function readBalances(
  request: BalanceSyncRequest,
  head: TapeHead | null,
  balances: TapeBalances,
): BalanceSyncMessage | null {
  // A tape has no wallets of ours, so nobody asks the index.
  if (head === null || request.type !== "ReadBalances") return null;
  const blockNumber = Number(head.number);
  return {
    type: "BalancesRead",
    block: { blockNumber, blockHash: head.hash as Hash, tsMs: Number(head.timestamp) * SECOND_MS },
    source: request.source,
    readings: request.pairs.map((pair) => ({
      ...pair,
      sharesMicro: balances.at(pair.owner, pair.tokenId, blockNumber),
    })),
    purses: [],
    complete: request.complete,
    afterReorg: request.afterReorg,
  };
}

function executorView(
  nowMs: number,
  head: TapeHead | null,
  byToken: ReadonlyMap<TokenId, MarketDefinition>,
  desk: Desk,
): Omit<ExecutorView, "riskDecisionSeq"> {
  return {
    nowMs,
    market: (tokenId) => byToken.get(tokenId) ?? null,
    quote: (tokenId) => quoteOf(desk, tokenId),
    riskHeartbeatAgeMs: 0,
    chainLagMs: head === null ? null : Math.max(0, nowMs - Number(head.timestamp) * SECOND_MS),
    localHalt: false,
    clock: null,
    limits: defaultLimits,
  };
}

/** The connection of a tape never goes silent: its quotes are as fresh as the tape. */
function quoteOf(desk: Desk, tokenId: TokenId): Quote | null {
  const book = desk.books.get(tokenId);
  const live = book?.history.book;
  if (book === undefined || live === null || live === undefined) return null;
  return {
    bestBidMicro: bestBid(live),
    bestAskMicro: bestAsk(live),
    tickMicro: tickOf(book.history),
    ageMs: 0,
    epoch: book.epoch,
    seq: book.seq,
    health: book.health,
  };
}
