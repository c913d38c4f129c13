/**
 * The chain for a recording: heads, the OrderFilled logs of the leaders, and how recorded markets were resolved, from the
 * node's socket.
 *
 * 1. Records come in the order of the chain as far as the node keeps it: heads that were left out, by the node or while
 *    the socket was lost, are read by HTTP before the next one, with the logs of their blocks.
 * 2. A log is recorded once per block it stands in; its removal is a record of its own.
 */
import type { Clock } from "@slipstream/actor/clock";
import type { Address } from "@slipstream/contracts/ids";
import { keepRpcSocket, type RpcLink } from "@slipstream/polymarket/keptRpcSocket";
import type { RpcReader, RpcSocket } from "@slipstream/polymarket/rpc";
import { CTF_CONDITION_RESOLUTION, ORDER_FILLED_V1, ORDER_FILLED_V2 } from "@slipstream/polymarket/topics";
import { CONDITIONAL_TOKENS, defaultExchanges } from "@slipstream/polymarket/versions";
import { walletTopics } from "@slipstream/polymarket/walletTopics";
import type { TapeGap } from "@slipstream/sandbox/tape/recording";
import { z } from "zod";

export type ChainLineOptions = {
  /** The next one is tried after a loss. */
  readonly wsUrls: readonly string[];
  readonly rpc: RpcReader;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly leaders: readonly Address[];
  /** Whether a market is recorded: how it is resolved is kept then. */
  readonly isRecorded: (conditionId: string) => boolean;
  readonly onHead: (head: unknown) => void;
  readonly onLog: (log: unknown) => void;
  readonly onGap: (gap: TapeGap) => void;
};

export type ChainLine = {
  connected(): boolean;
  stop(): void;
};

/** Blocks come every second or two: a socket that shows none for this long is dead, whatever it says. */
const SILENCE_MS = 10_000;
const SILENCE_CHECK_MS = 1_000;
/** Ten minutes of blocks; beyond, the tape has a gap. */
const BLOCKS_READ_MAX = 300;
const LOGS_REMEMBERED_MAX = 10_000;

const Head = z.looseObject({ number: z.string().regex(/^0x[0-9a-f]+$/i) });
const Log = z.looseObject({
  blockNumber: z.string(),
  blockHash: z.string(),
  logIndex: z.string(),
  topics: z.array(z.string()),
  removed: z.boolean().default(false),
});
type Log = z.infer<typeof Log>;

/** OrderFilled with a leader as maker, on every exchange: each of his fills. */
const fillFilters = (leaders: readonly Address[]) =>
  walletTopics(leaders).map((makers) => ({
    address: defaultExchanges.rows.map((row) => row.address),
    topics: [[ORDER_FILLED_V1, ORDER_FILLED_V2], null, makers],
  }));

/** Every ConditionResolution: some thousand a day, so nothing is asked anew when a market is added. */
const resolutionFilter = { address: CONDITIONAL_TOKENS, topics: [CTF_CONDITION_RESOLUTION] };

const hex = (value: number): string => `0x${value.toString(16)}`;

export function createChainLine(options: ChainLineOptions): ChainLine {
  const { clock, onHead, onGap } = options;
  const filters = [...fillFilters(options.leaders), resolutionFilter];
  const seen = new Set<string>();
  const waiting: unknown[] = [];
  let lastNumber: number | null = null;
  let aliveMs = clock.nowMs();
  let lostSinceMs: number | null = null;
  let reading = false;
  let stopped = false;

  const takeLog = (raw: unknown): void => {
    const parsed = Log.safeParse(raw);
    if (!parsed.success) return;
    const { blockHash, logIndex, removed, topics } = parsed.data;
    if (topics[0] === CTF_CONDITION_RESOLUTION && !options.isRecorded(topics[1] ?? "")) return;
    const key = `${blockHash}:${Number(logIndex)}`;
    if (removed) seen.delete(key);
    else if (seen.has(key)) return;
    else seen.add(key);
    for (const oldest of seen) {
      if (seen.size <= LOGS_REMEMBERED_MAX) break;
      seen.delete(oldest);
    }
    options.onLog(raw);
  };
  const close = (detail: string): void => {
    if (lostSinceMs === null) return;
    onGap(gapOf(lostSinceMs, clock.nowMs(), detail));
    lostSinceMs = null;
  };

  /** Everything between the last head and this one. */
  const readBetween = async (from: number, to: number): Promise<void> => {
    const span = { fromBlock: hex(from), toBlock: hex(to) };
    const answers = await Promise.all(
      filters.map((filter) => options.rpc.call("eth_getLogs", [{ ...filter, ...span }])),
    );
    const logs = z.array(Log).parse(answers.flat());
    for (let number = from; number <= to; number++) {
      if (number > from) onHead(headOnly(await options.rpc.call("eth_getBlockByNumber", [hex(number), false])));
      for (const log of logs) if (Number(log.blockNumber) === number && !log.removed) takeLog(log);
    }
  };
  const takeHead = async (raw: unknown, number: number): Promise<void> => {
    const last = lastNumber;
    lastNumber = number;
    if (last !== null && number > last + 1) {
      lostSinceMs ??= aliveMs;
      if (number - last > BLOCKS_READ_MAX) close(`blocks ${last + 1} to ${number - 1} are too many to be read again`);
      else {
        try {
          await readBetween(last, number - 1);
          close(`blocks ${last + 1} to ${number - 1} were read again, nothing is missing`);
        } catch (error) {
          close(`blocks ${last + 1} to ${number - 1} could not be read again: ${String(error)}`);
        }
      }
    } else if (last !== null) close("no block was missed");
    aliveMs = clock.nowMs();
    onHead(raw);
  };
  /** Whatever comes while missing blocks are read waits behind them. */
  const take = (notice: { readonly head: unknown } | { readonly log: unknown }): void => {
    waiting.push(notice);
    if (!reading) void work();
  };
  const work = async (): Promise<void> => {
    reading = true;
    for (let notice = waiting.shift(); notice !== undefined && !stopped; notice = waiting.shift()) {
      const { head, log } = notice as { head?: unknown; log?: unknown };
      const parsed = Head.safeParse(head);
      if (parsed.success) await takeHead(head, Number(parsed.data.number));
      else if (log !== undefined) takeLog(log);
    }
    reading = false;
  };

  let heardMs = clock.steadyMs();
  const kept = keepRpcSocket({
    urls: options.wsUrls,
    timeoutMs: options.timeoutMs,
    clock,
    random: options.random,
    isNeeded: () => true,
    subscribe: (socket, link) =>
      subscribe(socket, link, filters, {
        onLog: (log) => take({ log }),
        onHead: (head) => {
          heardMs = clock.steadyMs();
          take({ head });
        },
      }),
    onUp: () => {
      heardMs = clock.steadyMs();
    },
    onDown: (reason) => {
      if (lostSinceMs !== null || lastNumber === null) return;
      lostSinceMs = aliveMs;
      onGap(gapOf(aliveMs, null, reason));
    },
  });
  const silence = clock.every(SILENCE_CHECK_MS, () => {
    if (clock.steadyMs() - heardMs > SILENCE_MS) kept.drop();
  });
  kept.reopen();
  return {
    connected: kept.connected,
    stop: () => {
      stopped = true;
      silence.cancel();
      kept.stop();
    },
  };
}

async function subscribe(
  socket: RpcSocket,
  link: RpcLink,
  filters: readonly object[],
  on: { readonly onLog: (log: unknown) => void; readonly onHead: (head: unknown) => void },
): Promise<void> {
  for (const filter of filters) {
    await socket.subscribe(["logs", filter], (log) => {
      if (link.isCurrent()) on.onLog(log);
    });
  }
  await socket.subscribe(["newHeads"], (head) => {
    if (!link.isCurrent()) return;
    link.proven();
    on.onHead(head);
  });
}

const gapOf = (sinceMs: number, untilMs: number | null, detail: string): TapeGap => ({
  why: "CONNECTION_LOST",
  of: "chain.log",
  tokens: null,
  sinceMs,
  untilMs,
  detail,
});

/** A block as a new head shows it. */
function headOnly(block: unknown): unknown {
  const { transactions: _transactions, uncles: _uncles, ...head } = Head.parse(block);
  return head;
}

/** How far back the leaders' tokens are looked for: about an hour. */
const LOOK_BACK_BLOCKS = 1_800;
const LOOK_BACK_STEP = 450;

/** Logs of the leaders' newest fills. @throws what the node says: many do not answer far ranges. */
export async function recentLogs(rpc: RpcReader, leaders: readonly Address[]): Promise<Log[]> {
  const head = Number(Head.parse(await rpc.call("eth_getBlockByNumber", ["latest", false])).number);
  const found: Log[] = [];
  const first = Math.max(0, head - LOOK_BACK_BLOCKS);
  for (let from = first; from <= head; from += LOOK_BACK_STEP) {
    const span = { fromBlock: hex(from), toBlock: hex(Math.min(head, from + LOOK_BACK_STEP - 1)) };
    for (const filter of fillFilters(leaders)) {
      found.push(...z.array(Log).parse(await rpc.call("eth_getLogs", [{ ...filter, ...span }])));
    }
  }
  return found;
}
