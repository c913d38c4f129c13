/**
 * Turns the venue's own description of a market (CLOB `/markets/{condition}` or a Gamma object) into a `gamma.market`
 * record, so that a tape carries its true tick, minimum, fee and delay. Pure.
 * @see docs/venue.md, CLOB REST
 */
import { ContractError } from "@slipstream/contracts/errors";
import { ConditionId, Hash, TokenId } from "@slipstream/contracts/ids";
import { microOfJson } from "@slipstream/polymarket/decimal";
import { marketOfGamma } from "@slipstream/polymarket/gamma";
import { z } from "zod";
import { gammaMarket } from "../venue/gammaObject.ts";
import type { TapeRecord } from "./format.ts";

const decimal = z.union([z.string(), z.number()]).transform((value, context) => {
  const micro = microOfJson(value);
  if (micro > 0) return micro;
  context.addIssue({ code: "custom", message: `a positive decimal is expected, got ${JSON.stringify(value)}` });
  return z.NEVER;
});

const ClobMarket = z.looseObject({
  condition_id: ConditionId,
  question_id: z.string().default(""),
  question: z.string().default(""),
  market_slug: z.string().default(""),
  minimum_order_size: decimal,
  minimum_tick_size: decimal,
  neg_risk: z.boolean().default(false),
  neg_risk_market_id: z.string().default(""),
  seconds_delay: z.number().nonnegative().default(0),
  tokens: z.array(z.looseObject({ token_id: TokenId, outcome: z.string() })).length(2),
});

/** The CLOB's object has no fee schedule (its base fees are leftovers of V1), so the caller says what to assume. */
export type MarketRecordOptions = { readonly tMs: number; readonly feeRateMicro?: number };

/** @throws ContractError TAPE_INVALID when the object is neither of the two, or no market can be read from it. */
export function marketRecord(json: unknown, { tMs, feeRateMicro = 0 }: MarketRecordOptions): TapeRecord {
  const isGamma = json !== null && typeof json === "object" && "conditionId" in json;
  const d = isGamma ? (json as Record<string, unknown>) : ofClob(json, tMs, feeRateMicro);
  const definition = marketOfGamma(d, tMs);
  if ("kind" in definition) throw new ContractError("TAPE_INVALID", `no market: ${definition.text}`);
  return { t: tMs, ch: "gamma.market", d };
}

/**
 * Puts the market before the first record of a tape, in place of an earlier record of the same market.
 * @throws ContractError TAPE_INVALID
 */
export function addMarket(tape: readonly TapeRecord[], json: unknown, feeRateMicro?: number): TapeRecord[] {
  const record = marketRecord(json, { tMs: tape[0]?.t ?? 0, ...(feeRateMicro === undefined ? {} : { feeRateMicro }) });
  const { conditionId } = marketOfGamma(record.d, record.t);
  return [record, ...tape.filter(({ ch, d }) => ch !== "gamma.market" || conditionOf(d) !== conditionId)];
}

const conditionOf = (d: unknown): unknown =>
  d !== null && typeof d === "object" && "conditionId" in d ? d.conditionId : null;

function ofClob(json: unknown, createdMs: number, feeRateMicro: number): Record<string, unknown> {
  const parsed = ClobMarket.safeParse(json);
  if (!parsed.success) throw new ContractError("TAPE_INVALID", `no market: ${z.prettifyError(parsed.error)}`);
  const market = parsed.data;
  const [first, second] = market.tokens;
  if (first === undefined || second === undefined) throw new ContractError("TAPE_INVALID", "a market has two tokens");
  const hash = (text: string): Hash | null => Hash.safeParse(text).data ?? null;
  const sheet = {
    id: market.condition_id,
    eventId: market.market_slug,
    eventTitle: market.question,
    conditionId: market.condition_id,
    questionId: hash(market.question_id),
    question: market.question,
    slug: market.market_slug,
    eventSlug: market.market_slug,
    outcomes: [first.outcome, second.outcome],
    tokenIds: [first.token_id, second.token_id],
    tickMicro: market.minimum_tick_size,
    minOrderSizeMicro: market.minimum_order_size,
    negRisk: market.neg_risk,
    negRiskMarketId: hash(market.neg_risk_market_id),
    fee: { rateMicro: feeRateMicro, exponent: 1, takerOnly: true },
    takerDelayMs: Math.round(market.seconds_delay * 1_000),
    createdMs,
  } as const;
  return gammaMarket(sheet, { bestBidMicro: null, bestAskMicro: null, lastTradeMicro: null });
}
