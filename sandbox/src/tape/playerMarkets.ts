/** Gamma rows of a tape: recorded objects, each from its time on, others from the definitions that were derived. */
import type { MarketDefinition } from "@slipstream/contracts/market";
import { gammaMarket } from "../venue/gammaObject.ts";
import { gammaWord } from "./endings.ts";
import type { TapeRecord } from "./format.ts";
import type { GammaRow } from "./playerHttp.ts";

type GammaObject = Readonly<Record<string, unknown>>;
type Shown = { readonly fromMs: number; readonly object: GammaObject };

export function gammaRows(tape: readonly TapeRecord[], markets: readonly MarketDefinition[]): GammaRow[] {
  const recorded = new Map<string, Shown[]>();
  for (const record of tape) {
    const word = record.ch === "gamma.market" ? gammaWord(record) : null;
    if (word === null) continue;
    const { conditionId, atMs } = word;
    const shown = recorded.get(conditionId) ?? [];
    const object = record.d as GammaObject;
    // It was put on the tape before its market's end and is from after it.
    if (shown.length === 0 && atMs > record.t) {
      shown.push({ fromMs: record.t, object: { ...object, closed: false, acceptingOrders: true } });
    }
    shown.push({ fromMs: atMs, object });
    recorded.set(conditionId, shown);
  }
  return markets.map((market) => {
    const { conditionId, tokens } = market;
    const first = { fromMs: 0, object: gammaOf(market) };
    const shown = recorded.get(conditionId) ?? [first];
    return {
      conditionId,
      tokenIds: tokens.map(({ tokenId }) => tokenId),
      at: (worldMs) => (shown.findLast(({ fromMs }) => fromMs <= worldMs) ?? shown[0] ?? first).object,
    };
  });
}

function gammaOf(market: MarketDefinition): Record<string, unknown> {
  const [first, second] = market.tokens;
  const sheet = {
    ...market,
    id: market.slug,
    eventId: market.eventId ?? market.slug,
    eventSlug: market.slug,
    eventTitle: market.question,
    questionId: null,
    outcomes: [first.outcome, second.outcome],
    tokenIds: [first.tokenId, second.tokenId],
    minOrderSizeMicro: Number(market.minOrderSizeMicro),
    createdMs: market.tsEventMs,
  } as const;
  return gammaMarket(sheet, { bestBidMicro: null, bestAskMicro: null, lastTradeMicro: null });
}
