/** REST for a recording: which markets are meant, and every answer of the CLOB with its text. */
import type { Clock } from "@slipstream/actor/clock";
import type { ConditionId, TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { type GammaClient, marketOfGamma } from "@slipstream/polymarket/gamma";
import { createHttpReader, type HttpReader } from "@slipstream/polymarket/http";
import { createRateBudget, VENUE_BUDGETS } from "@slipstream/polymarket/rateBudget";
import type { TapeRest } from "@slipstream/sandbox/tape/recording";
import { z } from "zod";

export type FoundMarket = {
  readonly definition: MarketDefinition;
  /** Gamma's object as it came. */
  readonly object: unknown;
};
export type FoundMarkets = {
  readonly markets: readonly FoundMarket[];
  /** Why an object is no market that can be recorded, one sentence each. */
  readonly refused: readonly string[];
};

export function readMarkets(objects: readonly unknown[], nowMs: number): FoundMarkets {
  const markets = new Map<ConditionId, FoundMarket>();
  const refused: string[] = [];
  for (const object of objects) {
    const definition = marketOfGamma(object, nowMs);
    if ("kind" in definition) refused.push(`${definition.conditionId ?? "a market"}: ${definition.text}`);
    else markets.set(definition.conditionId, { definition, object });
  }
  return { markets: [...markets.values()], refused };
}

export const tokensOf = ({ definition }: FoundMarket): TokenId[] => definition.tokens.map(({ tokenId }) => tokenId);

const PAGE_MAX = 100;
/** Listings are asked for by volume; a few more pages make up for markets that cannot be used. */
const PAGES_MORE = 2;

const Volume = z.looseObject({
  volume24hr: z.coerce.number().optional(),
  volumeNum: z.coerce.number().optional(),
  acceptingOrders: z.boolean().optional(),
});

/** The open markets with the most volume of a day. @throws what the reader throws. */
export async function topMarkets(gamma: HttpReader, count: number): Promise<unknown[]> {
  const found: { readonly object: unknown; readonly volume: number }[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < Math.ceil(count / PAGE_MAX) + PAGES_MORE; page++) {
    const answer = await gamma.get("/markets/keyset", [
      ["limit", String(PAGE_MAX)],
      ["closed", "false"],
      ["order", "volume24hr"],
      ["ascending", "false"],
      ...(cursor === null ? [] : [["after_cursor", cursor] as const]),
    ]);
    const { markets, next_cursor } = Page.parse(answer);
    for (const object of markets) {
      const { volume24hr, volumeNum, acceptingOrders } = Volume.safeParse(object).data ?? {};
      if (acceptingOrders !== false) found.push({ object, volume: volume24hr ?? volumeNum ?? 0 });
    }
    cursor = next_cursor ?? null;
    if (cursor === null) break;
  }
  return found
    .sort((a, b) => b.volume - a.volume)
    .slice(0, count)
    .map(({ object }) => object);
}
const Page = z.object({ markets: z.array(z.unknown()), next_cursor: z.string().nullish() });

export type Wanted = {
  readonly tokens: readonly TokenId[];
  readonly conditions: readonly ConditionId[];
  readonly top: number;
};

/** Asks Gamma for everything that was named. @throws what the clients throw. */
export async function findMarkets(
  clients: { readonly gamma: GammaClient; readonly gammaHttp: HttpReader },
  { tokens, conditions, top }: Wanted,
  nowMs: number,
): Promise<FoundMarkets> {
  const { gamma, gammaHttp } = clients;
  const objects = [
    ...(tokens.length === 0 ? [] : await gamma.byTokens(tokens)),
    ...(conditions.length === 0 ? [] : await gamma.byConditions(conditions)),
    ...(top === 0 ? [] : await topMarkets(gammaHttp, top)),
  ];
  return readMarkets(objects, nowMs);
}

export type RestReaderOptions = { readonly baseUrl: string; readonly clock: Clock; readonly random: () => number };

/** A reader within half of the venue's limit. */
export const budgeted = (options: RestReaderOptions, name: "clobBooks" | "gammaMarkets"): HttpReader =>
  createHttpReader({
    ...options,
    baseUrl: options.baseUrl.replace(/\/+$/, ""),
    budget: createRateBudget({ name, perSecond: VENUE_BUDGETS[name], clock: options.clock }),
  });

/** A reader of the CLOB whose answers go on the tape, refusals too. */
export const recordedClob = (options: RestReaderOptions, onAnswer: (answer: TapeRest) => void): HttpReader =>
  createHttpReader({
    ...options,
    baseUrl: options.baseUrl.replace(/\/+$/, ""),
    budget: createRateBudget({ name: "clobBooks", perSecond: VENUE_BUDGETS.clobBooks, clock: options.clock }),
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      const body = await response.clone().text();
      const { pathname, search } = new URL(String(input));
      const request = typeof init?.body === "string" ? init.body : null;
      onAnswer({ method: init?.method ?? "GET", path: `${pathname}${search}`, request, status: response.status, body });
      return response;
    },
  });
