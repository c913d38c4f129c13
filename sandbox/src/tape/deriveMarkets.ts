/**
 * The markets of a tape: from its `gamma.market` records, else from what the frames say, with assumptions that are named
 * and can be replaced. A tape without a fee schedule does not know fees; the assumption says so in the report.
 */
import type { ConditionId, TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { type PriceMicro, type SharesMicro, sharesMicro } from "@slipstream/contracts/money";
import { marketOfGamma } from "@slipstream/polymarket/gamma";
import { createMarketParser } from "@slipstream/polymarket/marketChannel";
import { type GammaWord, gammaWord } from "./endings.ts";
import type { TapeRecord } from "./format.ts";
import { assumedOf } from "./marketRecord.ts";

export type MarketAssumptions = {
  readonly minOrderSizeMicro: SharesMicro;
  readonly fee: MarketDefinition["fee"];
  readonly takerDelayMs: number;
};

/** The venue's usual minimum; no fee and no delay, because a tape without a market record knows neither. */
export const defaultAssumptions: MarketAssumptions = {
  minOrderSizeMicro: sharesMicro(5_000_000n),
  fee: { rateMicro: 0, exponent: 1, takerOnly: true },
  takerDelayMs: 0,
};

export type TapeMarkets = {
  readonly markets: readonly MarketDefinition[];
  /** What was assumed, one sentence each; empty when the tape says everything. */
  readonly assumed: readonly string[];
  readonly refused: readonly string[];
  /** What Gamma's objects say later, and of the ends of markets; ascending in time. */
  readonly words: readonly GammaWord[];
};

/** Finds the markets of a tape in the order in which they first appear. */
export function deriveMarkets(tape: readonly TapeRecord[], assumptions: MarketAssumptions): TapeMarkets {
  const known = new Map<string, MarketDefinition>();
  const refused: string[] = [];
  const assumed: string[] = [];
  const words: GammaWord[] = [];
  const startMs = tape[0]?.t ?? 0;
  for (const record of tape) {
    if (record.ch !== "gamma.market") continue;
    const market = marketOfGamma(record.d, startMs);
    if ("kind" in market) refused.push(`${market.conditionId ?? "a market"}: ${market.text}`);
    else {
      const word = gammaWord(record);
      if (word !== null) words.push(word);
      // A later record tells how the market went on, not how it was when the tape begins.
      if (known.has(market.conditionId)) continue;
      const endsLater = word?.closed === true && word.atMs > startMs;
      known.set(market.conditionId, endsLater ? reopened(market) : market);
      for (const text of assumedOf(record.d)) assumed.push(`${market.conditionId}: ${text}`);
      if (endsLater) {
        const until =
          record.t <= startMs ? "closing time (its record is from after its end)" : "first record closes it";
        assumed.push(`${market.conditionId}: open until its ${until}`);
      }
    }
  }
  const seen = marketsOfFrames(tape);
  for (const [conditionId, { tokens, tickMicro }] of seen) {
    const [first, second] = tokens;
    if (known.has(conditionId)) continue;
    if (first === undefined || second === undefined || tickMicro === null) {
      const lack = tickMicro === null ? "an opening book with its tick" : "its second token";
      assumed.push(`${conditionId}: left out, the tape has neither a market record nor ${lack}`);
      continue;
    }
    known.set(conditionId, assumedMarket({ conditionId, tokens: [first, second], tickMicro, startMs }, assumptions));
    assumed.push(
      `${conditionId}: minimum ${assumptions.minOrderSizeMicro} micro-shares, fee rate ${assumptions.fee.rateMicro} / 1e6, taker delay ${assumptions.takerDelayMs} ms, no neg-risk, version v1, tokens in the order of their frames (not on the tape)`,
    );
  }
  return { markets: [...known.values()], assumed, refused, words: words.toSorted((a, b) => a.atMs - b.atMs) };
}

/** As a market was before it ended. */
const reopened = (market: MarketDefinition): MarketDefinition => ({
  ...market,
  closed: false,
  acceptingOrders: true,
  payoutMicro: null,
});

/** A market of which only frames tell. */
export function assumedMarket(
  seen: {
    readonly conditionId: ConditionId;
    readonly tokens: readonly [TokenId, TokenId];
    readonly tickMicro: PriceMicro;
    readonly startMs: number;
  },
  { minOrderSizeMicro, fee, takerDelayMs }: MarketAssumptions,
): MarketDefinition {
  const { conditionId, tokens, tickMicro, startMs } = seen;
  return {
    type: "MarketDefinition",
    v: 1,
    conditionId,
    question: conditionId,
    slug: conditionId,
    eventId: null,
    tokens: [
      { tokenId: tokens[0], outcome: "first" },
      { tokenId: tokens[1], outcome: "second" },
    ],
    version: "v1",
    negRisk: false,
    negRiskMarketId: null,
    tickMicro,
    minOrderSizeMicro,
    fee,
    takerDelayMs,
    acceptingOrders: true,
    closed: false,
    payoutMicro: null,
    tsEventMs: startMs,
    tsInitMs: startMs,
  };
}

type SeenMarket = { tokens: TokenId[]; tickMicro: PriceMicro | null };

function marketsOfFrames(tape: readonly TapeRecord[]): Map<ConditionId, SeenMarket> {
  const seen = new Map<ConditionId, SeenMarket>();
  const note = (conditionId: ConditionId, tokenId: TokenId, tickMicro: PriceMicro | null): void => {
    const market = seen.get(conditionId) ?? { tokens: [], tickMicro: null };
    if (!market.tokens.includes(tokenId)) market.tokens.push(tokenId);
    market.tickMicro ??= tickMicro;
    seen.set(conditionId, market);
  };
  const parser = createMarketParser();
  for (const record of tape) {
    if (record.ch !== "clob.market.ws" || typeof record.d !== "string") continue;
    if (isComplete(seen.get(conditionOf(record.d)))) continue;
    for (const event of parser.parse(record.d).events) {
      if (event.kind === "book") note(event.conditionId, event.tokenId, event.tickMicro as PriceMicro | null);
      if (event.kind === "priceChange")
        for (const change of event.changes) note(event.conditionId, change.tokenId, null);
    }
  }
  return seen;
}

const HEAD = '{"market":"';

/** The market of a single message, without reading the rest: nearly all frames name one that is known already. */
function conditionOf(text: string): ConditionId {
  return (text.startsWith(HEAD) ? text.slice(HEAD.length, text.indexOf('"', HEAD.length)) : "") as ConditionId;
}

const isComplete = (market: SeenMarket | undefined): boolean =>
  market !== undefined && market.tokens.length === 2 && market.tickMicro !== null;
