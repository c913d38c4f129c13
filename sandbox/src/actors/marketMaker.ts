/**
 * A market maker: levels on both sides around the fair price, cancelled and renewed as it moves. Half of its quotes are
 * in the other token (a bid for NO is an ask for YES), so that matches of all three kinds occur.
 */
import { type PriceMicro, priceMicro, type SharesMicro, type Side } from "@slipstream/contracts/money";
import { inYesTerms, type Outcome, type RestingOrder } from "../venue/engine.ts";
import type { VenueMarket } from "../venue/market.ts";
import type { Random } from "./random.ts";
import { type Trader, wholeShares } from "./trader.ts";
import type { MarketWeather, Mood } from "./weather.ts";

export type MakerStyle = {
  /** Ticks from the fair price to the first level, and between levels. */
  readonly firstTicks: number;
  readonly stepTicks: number;
  readonly levels: number;
  /** Shares of a level. */
  readonly shares: { readonly min: number; readonly max: number };
  /** Only one maker serves the few shares of a thin side. */
  readonly servesThin: boolean;
};

export type MarketMaker = {
  /** Takes off what no longer fits. All makers do this before any of them quotes, so that they never meet each other. */
  retreat(): void;
  quote(): void;
};

type Quote = { readonly side: Side; readonly priceMicro: PriceMicro; readonly sizeMicro: SharesMicro };

/** Beyond the limit of a copier: a sweep of some 4 cents, and his 2 % and 2 ticks on top. */
const FAR_MICRO = 90_000;
/** A level with less than this share of its size is filled up again. */
const REFRESH_BELOW = 0.4;
/** Of renewing some order for no reason, per market and tick. */
const WHIM_CHANCE = 0.15;
/** The best level sometimes is a small one. */
const SMALL_TOP_CHANCE = 0.2;
const SMALL_TOP = { min: 5, max: 8 };

export function createMarketMaker(options: {
  readonly trader: Trader;
  readonly weathers: readonly MarketWeather[];
  readonly random: Random;
  readonly style: MakerStyle;
}): MarketMaker {
  const { trader, weathers, random, style } = options;
  return {
    retreat: () => {
      for (const weather of weathers) {
        const own = trader.open(weather.market);
        const whim = random.chance(WHIM_CHANCE) ? random.pick(own) : undefined;
        for (const order of own) {
          const isOver = !fits(weather, style, order) || isSpent(order) || order === whim;
          if (isOver) trader.cancel(weather.market, order.id);
        }
      }
    },
    quote: () => {
      for (const weather of weathers) {
        const present = new Set(trader.open(weather.market).map((order) => inYesTerms(order).priceMicro));
        for (const quote of wanted(weather, style, random)) {
          if (present.has(quote.priceMicro)) continue;
          const mood = weather.moods[quote.side];
          if (mood.kind === "thin" && quote.priceMicro === mood.priceMicro) {
            if (mood.served) continue;
            mood.served = true;
          }
          placeQuote(trader, weather.market, quote, random);
        }
      }
    },
  };
}

const isSpent = (order: RestingOrder): boolean => Number(order.leavesMicro) < Number(order.sizeMicro) * REFRESH_BELOW;

/** Prices at which this maker quotes a side, best first. */
function pricesOf({ market, fairMicro, moods }: MarketWeather, style: MakerStyle, side: Side): PriceMicro[] {
  const mood = moods[side];
  const away = mood.kind === "calm" ? style.firstTicks * market.tickMicro : FAR_MICRO;
  const sign = side === "BUY" ? -1 : 1;
  const prices = Array.from(
    { length: style.levels },
    (_, level) => fairMicro + sign * (away + level * style.stepTicks * market.tickMicro),
  );
  const inside = prices.filter((price) => price >= market.tickMicro && price <= 1_000_000 - market.tickMicro);
  return [...thinPrice(mood, style, side, fairMicro), ...inside.map(priceMicro)];
}

/** The price of a thin side, unless the fair price has run over it. */
function thinPrice(mood: Mood, style: MakerStyle, side: Side, fairMicro: number): PriceMicro[] {
  if (mood.kind !== "thin" || !style.servesThin) return [];
  const isOutside = side === "BUY" ? mood.priceMicro < fairMicro : mood.priceMicro > fairMicro;
  return isOutside ? [mood.priceMicro] : [];
}

function fits(weather: MarketWeather, style: MakerStyle, order: RestingOrder): boolean {
  const { side, priceMicro: price } = inYesTerms(order);
  if (!pricesOf(weather, style, side).includes(price)) return false;
  const mood = weather.moods[side];
  // The big order that stood at the price before must not pass for the few shares of a thin side.
  return mood.kind !== "thin" || price !== mood.priceMicro || order.sizeMicro <= wholeShares(mood.shares);
}

function wanted(weather: MarketWeather, style: MakerStyle, random: Random): Quote[] {
  return (["BUY", "SELL"] as const).flatMap((side) => {
    const mood = weather.moods[side];
    return pricesOf(weather, style, side).map((price, level) => {
      const isThin = mood.kind === "thin" && style.servesThin && price === mood.priceMicro;
      const range = level === 0 && random.chance(SMALL_TOP_CHANCE) ? SMALL_TOP : style.shares;
      const shares = isThin ? mood.shares : random.integer(range.min, range.max);
      return { side, priceMicro: price, sizeMicro: wholeShares(shares) };
    });
  });
}

/** Quotes in YES or in NO, as chance has it, but never sells what it does not own. */
function placeQuote(trader: Trader, market: VenueMarket, quote: Quote, random: Random): void {
  const buying: Outcome = quote.side === "BUY" ? 0 : 1;
  const selling: Outcome = quote.side === "BUY" ? 1 : 0;
  const sells = random.chance(0.5) && trader.free(market, selling) >= quote.sizeMicro;
  const outcome = sells ? selling : buying;
  const side: Side = sells ? "SELL" : "BUY";
  const { priceMicro: price } = inYesTerms({ outcome, side: quote.side, priceMicro: quote.priceMicro });
  trader.place({ market, outcome, side, priceMicro: price, sizeMicro: quote.sizeMicro, timeInForce: "GTC" });
}
