/**
 * A venue under load, without a chain: markets, makers and takers on the sandbox's own exchange, from one seed. A few
 * markets are busy, most are not. What rests in the engine is the truth about the books.
 */
import { createHash } from "node:crypto";
import { type Address, type ConditionId, Hash, type TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import {
  MICRO_NUMBER,
  type PriceMicro,
  priceMicro,
  type Side,
  sharesMicro,
  usdcMicro,
} from "@slipstream/contracts/money";
import { createRandom, type Random } from "@slipstream/sandbox/actors/random";
import { bestOf, depthOf, type Outcome } from "@slipstream/sandbox/venue/engine";
import { cancelOrder, changeTick, createExchange, deskOf, placeOrder } from "@slipstream/sandbox/venue/exchange";
import { createFeed, type Feed } from "@slipstream/sandbox/venue/feed";
import type { VenueMarket } from "@slipstream/sandbox/venue/market";
import { createPurses, credit, creditShares } from "@slipstream/sandbox/venue/purses";

export type Levels = { readonly bids: readonly number[]; readonly asks: readonly number[] };
/** A book as the venue has it, known to be right at this venue time whatever comes later. */
export type Truth = Levels & { readonly tsMs: number };

export type Flow = {
  readonly feed: Feed;
  readonly markets: readonly VenueMarket[];
  readonly tokenIds: readonly TokenId[];
  /** What a registry would tell, with the ticks of now. */
  definitions(): MarketDefinition[];
  truth(tokenId: TokenId, nowMs: number): Truth;
  /** Acts in the markets that are due, and tells. Call it some tens of times a second. */
  tick(nowMs: number): void;
  /** Acts in every market. */
  stir(nowMs: number): void;
  /** Gives a market its next finer tick. @returns null when it has the finest. */
  refine(nowMs: number): VenueMarket | null;
  counts(): { readonly bursts: number; readonly trades: number };
};

type Player = {
  readonly market: VenueMarket;
  tick: number;
  mid: number;
  perSecond: number;
  nextMs: number;
  ids: Hash[];
};

const makers = ["0x".padEnd(42, "a"), "0x".padEnd(42, "b")] as Address[];
const taker = "0x".padEnd(42, "c") as Address;
const ORDERS_OF_MARKET = 60;
const CENT = 10_000;
/** Prices stay far enough from 0 and 1 for every order to find its place. */
const MID_MIN = 350_000;
const MID_MAX = 650_000;
const MIDDLE = 500_000;
const PRINT_AFTER_MS = [20, 300] as const;
/** The venue shows whole books after some trades. */
const SHOWN_AFTER_TRADE = 0.3;
const finerTicks: ReadonlyMap<number, number> = new Map([
  [10_000, 1_000],
  [1_000, 100],
]);

const sha = (text: string): string => createHash("sha256").update(text).digest("hex");

function marketOf(seed: string, index: number, createdMs: number): VenueMarket {
  const id = (what: string): string => sha(`${seed}|${index}|${what}`);
  return {
    id: String(index + 1),
    eventId: String(index + 1),
    eventTitle: `event ${index}`,
    conditionId: `0x${id("condition")}` as ConditionId,
    questionId: null,
    question: `question ${index}`,
    slug: `market-${index}`,
    eventSlug: `market-${index}`,
    outcomes: ["Yes", "No"],
    tokenIds: [BigInt(`0x${id("yes")}`).toString() as TokenId, BigInt(`0x${id("no")}`).toString() as TokenId],
    tickMicro: index % 3 === 0 ? 1_000 : 10_000,
    minOrderSizeMicro: 5_000_000,
    negRisk: index % 4 === 0,
    negRiskMarketId: null,
    fee: { rateMicro: 0, exponent: 1, takerOnly: true },
    takerDelayMs: 0,
    createdMs,
  };
}

/** Bursts a second: a tenth of the markets is busy, a third moderate, the others are quiet. */
const paceOf = (index: number): number => (index % 10 === 0 ? 10 : index % 3 === 1 ? 2 : 0.2);

/** @param markets - how many; each has two tokens. */
export function createFlow(options: { readonly seed: string; readonly markets: number; readonly nowMs: number }): Flow {
  const { seed, nowMs } = options;
  const random = createRandom(`${seed}|flow`);
  const markets = Array.from({ length: options.markets }, (_, index) => marketOf(seed, index, nowMs));
  const purses = createPurses();
  for (const owner of [...makers, taker]) {
    credit(purses, owner, usdcMicro(10n ** 18n));
    for (const { tokenIds } of markets)
      for (const id of tokenIds) creditShares(purses, owner, id, sharesMicro(10n ** 18n));
  }
  let orders = 0;
  const orderIds = (): Hash => {
    orders += 1;
    return `0x${sha(`${seed}|order|${orders}`)}` as Hash;
  };
  const exchange = createExchange({ markets, purses, orderIds });
  const feed = createFeed(exchange, nowMs);
  const counts = { bursts: 0, trades: 0 };
  const players = markets.map(
    (market, index): Player => ({
      market,
      tick: market.tickMicro,
      mid: MIDDLE,
      perSecond: paceOf(index),
      nextMs: nowMs,
      ids: [],
    }),
  );
  const act = (player: Player, atMs: number): void => {
    if (random.chance(0.2)) {
      const mid = player.mid + (random.chance(0.5) ? CENT : -CENT);
      player.mid = Math.min(MID_MAX, Math.max(MID_MIN, mid));
    }
    for (let n = random.integer(1, 3); n > 0; n -= 1) {
      const dice = random.next();
      if (player.ids.length > ORDERS_OF_MARKET || dice < 0.4) {
        const [id] = player.ids.splice(random.integer(0, Math.max(0, player.ids.length - 1)), 1);
        if (id !== undefined) cancelOrder(exchange, player.market.conditionId, id);
      } else if (dice < 0.9) quote(player, atMs);
      else take(player, atMs);
    }
  };
  const place = (player: Player, order: Wish, atMs: number): void => {
    const sizeMicro = sharesMicro(BigInt(random.integer(500, 90_000) * CENT));
    const answer = placeOrder(exchange, { conditionId: player.market.conditionId, sizeMicro, ...order }, atMs);
    if (answer.kind === "placed" && answer.restingMicro > 0n) player.ids.push(answer.orderId);
  };
  const quote = (player: Player, atMs: number): void => {
    const side: Side = random.chance(0.5) ? "BUY" : "SELL";
    const step = Math.max(player.tick, 1_000);
    const away = random.integer(1, 30) * step;
    const yes = side === "BUY" ? player.mid - away : player.mid + away;
    const order = seenFrom(random.chance(0.5) ? 0 : 1, side, yes);
    place(player, { ...order, owner: random.pick(makers) ?? taker, timeInForce: "GTC" }, atMs);
  };
  const take = (player: Player, atMs: number): void => {
    const outcome: Outcome = random.chance(0.5) ? 0 : 1;
    const side: Side = random.chance(0.5) ? "BUY" : "SELL";
    const best = bestOf(deskOf(exchange, player.market.conditionId).engine, outcome, side === "BUY" ? "SELL" : "BUY");
    if (best !== null) place(player, { outcome, side, priceMicro: best, owner: taker, timeInForce: "FAK" }, atMs);
  };
  const tell = (atMs: number): void => {
    for (const trade of feed.publish(atMs)) {
      counts.trades += 1;
      setTimeout(
        () => feed.print(trade, Hash.parse(`0x${sha(`${seed}|${trade.n}`)}`)),
        random.integer(...PRINT_AFTER_MS),
      );
      if (random.chance(SHOWN_AFTER_TRADE)) for (const tokenId of trade.market.tokenIds) feed.show(tokenId);
    }
  };
  for (const player of players) for (let n = 0; n < ORDERS_OF_MARKET; n += 1) quote(player, nowMs);
  tell(nowMs);
  return {
    feed,
    markets,
    tokenIds: markets.flatMap(({ tokenIds }) => [...tokenIds]),
    definitions: () => players.map(({ market, tick }) => definitionOf(market, tick)),
    truth: (tokenId, atMs) => truthOf(feed, tokenId, atMs, (id) => deskOf(exchange, id).engine),
    tick: (atMs) => {
      for (const player of players) {
        if (player.nextMs > atMs) continue;
        act(player, atMs);
        counts.bursts += 1;
        player.nextMs = atMs - (Math.log(1 - random.next()) * 1_000) / player.perSecond;
      }
      tell(atMs);
    },
    stir: (atMs) => {
      for (const player of players) quote(player, atMs);
      tell(atMs);
    },
    refine: (atMs) => {
      const player = pickCoarse(random, players);
      const finer = player === undefined ? undefined : finerTicks.get(player.tick);
      if (player === undefined || finer === undefined) return null;
      player.tick = finer;
      changeTick(exchange, player.market.conditionId, priceMicro(finer));
      feed.changeTick(player.market.tokenIds[0], priceMicro(finer), atMs);
      return player.market;
    },
    counts: () => ({ ...counts }),
  };
}

type Wish = {
  readonly outcome: Outcome;
  readonly side: Side;
  readonly priceMicro: PriceMicro;
  readonly owner: Address;
  readonly timeInForce: "GTC" | "FAK";
};

/** An order of the YES book, placed for either token. */
function seenFrom(outcome: Outcome, side: Side, yes: number): Pick<Wish, "outcome" | "side" | "priceMicro"> {
  if (outcome === 0) return { outcome, side, priceMicro: priceMicro(yes) };
  return { outcome, side: side === "BUY" ? "SELL" : "BUY", priceMicro: priceMicro(MICRO_NUMBER - yes) };
}

const pickCoarse = (random: Random, players: readonly Player[]): Player | undefined =>
  random.pick(players.filter(({ tick }) => finerTicks.has(tick)));

function truthOf(
  feed: Feed,
  tokenId: TokenId,
  atMs: number,
  engineOf: (id: ConditionId) => ReturnType<typeof deskOf>["engine"],
): Truth {
  const books = feed.booksOf(tokenId);
  if (books === null) throw new Error(`no market has the token ${tokenId}`);
  const { market, tsEventMs } = books;
  const outcome: Outcome = market.tokenIds[0] === tokenId ? 0 : 1;
  const side = (of: Side): number[] =>
    depthOf(engineOf(market.conditionId), outcome, of, Number.POSITIVE_INFINITY).flatMap((level) => [
      level.priceMicro,
      Number(level.sizeMicro),
    ]);
  // Whatever comes next is stamped later than both.
  return { tsMs: Math.max(atMs - 1, tsEventMs), bids: side("BUY"), asks: side("SELL") };
}

function definitionOf(market: VenueMarket, tick: number): MarketDefinition {
  const { conditionId, question, slug, negRisk, negRiskMarketId, fee, tokenIds, createdMs } = market;
  return {
    ...{ type: "MarketDefinition", v: 1, conditionId, question, slug, eventId: null, negRisk, negRiskMarketId, fee },
    tokens: [
      { tokenId: tokenIds[0], outcome: "Yes" },
      { tokenId: tokenIds[1], outcome: "No" },
    ],
    version: "v1",
    tickMicro: priceMicro(tick),
    minOrderSizeMicro: sharesMicro(BigInt(market.minOrderSizeMicro)),
    takerDelayMs: 0,
    acceptingOrders: true,
    closed: false,
    payoutMicro: null,
    tsEventMs: createdMs,
    tsInitMs: createdMs,
  };
}
