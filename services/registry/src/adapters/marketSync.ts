/**
 * Market definitions from Gamma to the stream MARKETS: open markets by pages, known ones again and again, unknown tokens
 * when asked, those that seem to have ended more often. Only what differs from the last definition is published.
 */
import { ContractError } from "@slipstream/contracts/errors";
import type { ConditionId, TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { type GammaClient, type MarketRefusal, marketOfGamma, stoppedMarket } from "@slipstream/polymarket/gamma";

export type MarketSyncOptions = {
  readonly gamma: GammaClient;
  readonly nowMs: () => number;
  readonly pagesMax: number;
  /** Definitions as the stream has them. */
  readonly known: () => Iterable<MarketDefinition>;
  readonly byCondition: (conditionId: ConditionId) => MarketDefinition | undefined;
  readonly publish: (market: MarketDefinition) => Promise<void>;
  readonly onRefused: (conditionId: string | null, text: string) => void;
};

export type MarketSync = {
  /** Lists open markets and reads the known open ones again. @throws what the Gamma client throws. */
  sync(): Promise<{ listed: number; published: number }>;
  /** Looks one token up. Null: Gamma does not know it, or its market cannot be used. */
  resolve(tokenId: TokenId): Promise<MarketDefinition | null>;
  /**
   * The market channel said that a market is resolved: it is told as closed, and stays so until Gamma says it too, which
   * lags. What it pays is for the chain to say.
   * @returns false when the market is not known.
   */
  ended(conditionId: ConditionId): Promise<boolean>;
  /** A market seems to have ended. Gamma may say so much later: `readDoubted` reads it until it does. */
  doubt(conditionId: ConditionId): void;
  /**
   * Reads the doubted markets that are due; call it every second. @returns those that are closed now.
   * @throws what the Gamma client throws.
   */
  readDoubted(): Promise<readonly MarketDefinition[]>;
};

/** A token Gamma does not know is not asked again for this long: new markets appear there before they trade. */
const UNKNOWN_KEEP_MS = 5_000;
const UNKNOWN_MAX = 10_000;
/** Ended markets that Gamma may not know as closed yet; the venue ends some hundred a day. */
const ENDED_MAX = 10_000;
/** Gamma says what the channel said hours later at worst. */
const LAG_MS_MAX = 24 * 3_600_000;
/** Known markets beyond the listed ones that are read again at each sync, in turn: some 20 requests. */
const REFRESH_MAX = 400;

/** Between two looks at a doubted market: twice as long each time, up to the longest. After the last one syncs suffice. */
const DOUBT_MS = 1_000;
const DOUBT_MS_MAX = 30_000;
const DOUBT_TRIES = 15;
const DOUBTED_MAX = 1_000;

export function createMarketSync(options: MarketSyncOptions): MarketSync {
  const { gamma, nowMs, onRefused } = options;
  const unknown = new Map<TokenId, number>();
  const asking = new Map<TokenId, Promise<MarketDefinition | null>>();
  /** Published, but not yet back on the stream: not published again meanwhile. */
  const told = new Map<ConditionId, MarketDefinition>();
  const ended = new Set<ConditionId>();
  /** Gamma itself has said it: when it takes that back it is open again. */
  const closedByGamma = new Set<ConditionId>();
  const doubted = new Map<ConditionId, { readonly tries: number; readonly nextMs: number }>();
  let refreshAt = 0;

  /** Tells what an answer lists, as far as it can be read and written; a market that is known and cannot be read stops. */
  const take = async (list: readonly unknown[]): Promise<readonly MarketDefinition[]> => {
    const rows = list.map((json) => ({ json, market: marketOfGamma(json, nowMs(), lastOf) }));
    const readable = new Set(rows.flatMap(({ market }) => ("kind" in market ? [] : market.conditionId)));
    const taken: MarketDefinition[] = [];
    for (const { json, market } of rows) {
      const told = "kind" in market ? stopped(market, json, readable) : market;
      if (told === null) continue;
      try {
        taken.push(await tell(isOver(told) ? closed(told) : told));
      } catch (error) {
        // One market that cannot be written is none; the others of the page are.
        if (!(error instanceof ContractError)) throw error;
        onRefused(told.conditionId, error.message);
      }
    }
    return taken;
  };

  /** Told as ended by the channel, here or by the owner before us, whose reason is not in the log: then for a while only. */
  const isOver = ({ conditionId, closed: isClosed }: MarketDefinition): boolean => {
    if (isClosed) closedByGamma.add(conditionId);
    const known = lastOf(conditionId);
    const wasEnded = known?.closed === true && known.payoutMicro === null && !closedByGamma.has(conditionId);
    return ended.has(conditionId) || (wasEnded && nowMs() - known.tsInitMs < LAG_MS_MAX);
  };

  /** What is known and becomes unreadable must not stay open, unless another row of the answer can be read. */
  const stopped = (
    { conditionId, code, text }: MarketRefusal,
    json: unknown,
    readable: ReadonlySet<ConditionId>,
  ): MarketDefinition | null => {
    onRefused(conditionId, text);
    const known = lastOf(conditionId as ConditionId);
    if (known === undefined || readable.has(known.conditionId)) return null;
    // Of which of two markets the rest of the object speaks nobody knows.
    if (code === "TOKENS_DIFFER") return { ...known, acceptingOrders: false, tsInitMs: nowMs() };
    return stoppedMarket(known, json, nowMs());
  };

  const lastOf = (conditionId: ConditionId): MarketDefinition | undefined => {
    const known = options.byCondition(conditionId);
    if (known !== undefined && known.tsInitMs >= (told.get(conditionId)?.tsInitMs ?? 0)) told.delete(conditionId);
    return told.get(conditionId) ?? known;
  };

  const tell = async (market: MarketDefinition): Promise<MarketDefinition> => {
    const { conditionId } = market;
    const last = lastOf(conditionId);
    if (last !== undefined && isSame(last, market)) return last;
    await options.publish(market);
    told.set(conditionId, market);
    return market;
  };

  /** Markets that may still change and were not listed just now, a bounded number of them in turn. */
  const nextToRefresh = (listed: ReadonlySet<ConditionId>): ConditionId[] => {
    const others = [...options.known()]
      .filter((market) => (!market.closed || market.payoutMicro === null) && !listed.has(market.conditionId))
      .map((market) => market.conditionId);
    const from = others.length === 0 ? 0 : refreshAt % others.length;
    const part = [...others.slice(from), ...others.slice(0, from)].slice(0, REFRESH_MAX);
    refreshAt = from + part.length;
    return part;
  };

  const lookUp = async (tokenId: TokenId): Promise<MarketDefinition | null> => {
    const [market = null] = await take(await gamma.byTokens([tokenId]));
    if (market === null) {
      if (unknown.size >= UNKNOWN_MAX) unknown.clear();
      unknown.set(tokenId, nowMs());
    }
    return market;
  };

  return {
    ended: async (conditionId) => {
      ended.add(conditionId);
      for (const oldest of ended) {
        if (ended.size <= ENDED_MAX) break;
        ended.delete(oldest);
      }
      const known = told.get(conditionId) ?? options.byCondition(conditionId);
      if (known !== undefined) await tell({ ...closed(known), tsInitMs: nowMs() });
      return known !== undefined;
    },
    sync: async () => {
      let listed = 0;
      const seen = new Set<ConditionId>();
      let published = 0;
      const takeAll = async (list: readonly unknown[]): Promise<void> => {
        listed += list.length;
        for (const market of await take(list)) {
          seen.add(market.conditionId);
          if (market.tsInitMs >= startedMs) published += 1;
        }
      };
      const startedMs = nowMs();
      let cursor: string | null = null;
      for (let page = 0; page < options.pagesMax; page++) {
        const { markets, nextCursor } = await gamma.openPage(cursor);
        await takeAll(markets);
        if (nextCursor === null) break;
        cursor = nextCursor;
      }
      const others = nextToRefresh(seen);
      if (others.length > 0) await takeAll(await gamma.byConditions(others));
      return { listed, published };
    },
    doubt: (conditionId) => {
      if (doubted.has(conditionId) || doubted.size >= DOUBTED_MAX) return;
      if (options.byCondition(conditionId)?.closed === true) return;
      doubted.set(conditionId, { tries: 0, nextMs: nowMs() });
    },
    readDoubted: async () => {
      const due = [...doubted].filter(([, { nextMs }]) => nextMs <= nowMs());
      const ended: MarketDefinition[] = [];
      if (due.length === 0) return ended;
      for (const [conditionId, { tries }] of due) {
        const nextMs = nowMs() + Math.min(DOUBT_MS_MAX, DOUBT_MS * 2 ** tries);
        if (tries + 1 >= DOUBT_TRIES) doubted.delete(conditionId);
        else doubted.set(conditionId, { tries: tries + 1, nextMs });
      }
      for (const market of await take(await gamma.byConditions(due.map(([conditionId]) => conditionId)))) {
        if (!market.closed) continue;
        doubted.delete(market.conditionId);
        ended.push(market);
      }
      return ended;
    },
    resolve: (tokenId) => {
      const missedMs = unknown.get(tokenId);
      if (missedMs !== undefined && nowMs() - missedMs < UNKNOWN_KEEP_MS) return Promise.resolve(null);
      const running = asking.get(tokenId);
      if (running !== undefined) return running;
      const asked = lookUp(tokenId).finally(() => asking.delete(tokenId));
      asking.set(tokenId, asked);
      return asked;
    },
  };
}

const closed = (market: MarketDefinition): MarketDefinition => ({ ...market, closed: true, acceptingOrders: false });

/** Equal but for the times of reading. */
function isSame(a: MarketDefinition, b: MarketDefinition): boolean {
  const essence = ({ tsEventMs: _event, tsInitMs: _init, ...rest }: MarketDefinition): string =>
    JSON.stringify(rest, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
  return essence(a) === essence(b);
}
