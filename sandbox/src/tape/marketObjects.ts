/**
 * What a market object of the venue states, field by field: a Gamma market, a CLOB `/markets/{condition}` or the short CLOB
 * `/clob-markets/{condition}`. A field that is not there is null, never a usual value. Pure.
 * @see docs/venue.md, CLOB REST and Gamma
 */
import { ContractError } from "@slipstream/contracts/errors";
import { ConditionId, Hash, TokenId } from "@slipstream/contracts/ids";
import type { FeeSchedule } from "@slipstream/contracts/money";
import { outcomeTokens } from "@slipstream/polymarket/ctfIds";
import { microOfJson } from "@slipstream/polymarket/decimal";
import { feeScheduleOf, NO_FEE } from "@slipstream/polymarket/feeSchedule";
import { z } from "zod";

/** The facts of a market that money depends on; null: the object does not state it. Amounts in 1e-6. */
export type StatedFacts = {
  readonly tickMicro: number | null;
  readonly minOrderSizeMicro: number | null;
  readonly fee: FeeSchedule | null;
  readonly takerDelayMs: number | null;
  readonly negRisk: boolean | null;
  readonly acceptingOrders: boolean | null;
  /** Exchange generation in the venue's words. */
  readonly version: string | null;
};

/** What a CLOB object says beside them. */
export type ClobObject = StatedFacts & {
  readonly conditionId: ConditionId;
  readonly questionId: Hash | null;
  readonly negRiskMarketId: Hash | null;
  readonly question: string;
  readonly slug: string;
  readonly tokens: readonly [ClobToken, ClobToken];
  readonly closed: boolean;
};
export type ClobToken = { readonly tokenId: TokenId; readonly outcome: string };

const wrong = (text: string): ContractError => new ContractError("TAPE_INVALID", `no market: ${text}`);

/** A decimal of JSON; null when there is none. @throws ContractError for anything that is no amount. */
function amount(object: Readonly<Record<string, unknown>>, name: string, isPositive: boolean): number | null {
  const value = object[name];
  if (value === undefined || value === null) return null;
  const micro = microOfJson(value);
  if (micro > 0 || (micro === 0 && !isPositive)) return micro;
  throw wrong(`${name} is ${JSON.stringify(value)}, ${isPositive ? "a positive" : "a"} decimal is expected`);
}

function flag(object: Readonly<Record<string, unknown>>, name: string): boolean | null {
  const value = object[name];
  if (value === undefined || value === null) return null;
  if (typeof value === "boolean") return value;
  throw wrong(`${name} is ${JSON.stringify(value)}, true or false is expected`);
}

function schedule(
  object: Readonly<Record<string, unknown>>,
  name: string,
  names: Parameters<typeof feeScheduleOf>[1],
): FeeSchedule | null {
  const value = object[name];
  if (value === undefined || value === null) return null;
  const fee = feeScheduleOf(value, names);
  if (fee === null) throw wrong(`${name} is ${JSON.stringify(value)}, no fee schedule that can be read`);
  return fee;
}

const SECONDS_TO_MS = 1_000;
const MICRO_TO_UNIT = 1e6;

function delay(object: Readonly<Record<string, unknown>>, name: string): number | null {
  const micro = amount(object, name, false);
  return micro === null ? null : Math.round((micro / MICRO_TO_UNIT) * SECONDS_TO_MS);
}

const GAMMA_FEE = { rate: "rate", exponent: "exponent", takerOnly: "takerOnly" };
/** `feesEnabled: false` states that there is none; `true` without a schedule does not say which. */
export function factsOfGamma(object: Readonly<Record<string, unknown>>): StatedFacts {
  const { version } = object;
  return {
    tickMicro: amount(object, "orderPriceMinTickSize", true),
    minOrderSizeMicro: amount(object, "orderMinSize", false),
    fee: schedule(object, "feeSchedule", GAMMA_FEE) ?? (flag(object, "feesEnabled") === false ? NO_FEE : null),
    takerDelayMs: delay(object, "secondsDelay"),
    negRisk: flag(object, "negRisk"),
    acceptingOrders: flag(object, "acceptingOrders"),
    version: typeof version === "string" ? version : null,
  };
}

const Long = z.looseObject({
  condition_id: ConditionId,
  question_id: z.string().nullish(),
  question: z.string().nullish(),
  market_slug: z.string().nullish(),
  neg_risk_market_id: z.string().nullish(),
  tokens: z.array(z.looseObject({ token_id: TokenId, outcome: z.string() })).length(2),
});
const Short = z.looseObject({
  c: ConditionId,
  t: z.array(z.looseObject({ t: TokenId, o: z.string() })).length(2),
});

const hash = (text: string | null | undefined): Hash | null => Hash.safeParse(text ?? "").data ?? null;

/**
 * Reads one of the two CLOB objects. Its base fees are leftovers of the first exchange and say nothing of the fee.
 * @throws ContractError TAPE_INVALID when it is neither, or a field cannot be read.
 */
export function readClobObject(json: unknown): ClobObject {
  const isShort = json !== null && typeof json === "object" && "c" in json && "t" in json;
  return isShort ? readShort(json) : readLong(json);
}

function readLong(json: unknown): ClobObject {
  const parsed = Long.safeParse(json);
  if (!parsed.success) throw wrong(z.prettifyError(parsed.error));
  const object = parsed.data;
  return {
    conditionId: object.condition_id,
    questionId: hash(object.question_id),
    negRiskMarketId: hash(object.neg_risk_market_id),
    question: object.question ?? object.condition_id,
    slug: object.market_slug ?? object.condition_id,
    tokens: pair(object.tokens.map((token) => ({ tokenId: token.token_id, outcome: token.outcome }))),
    tickMicro: amount(object, "minimum_tick_size", true),
    minOrderSizeMicro: amount(object, "minimum_order_size", false),
    fee: schedule(object, "fee_schedule", GAMMA_FEE) ?? schedule(object, "feeSchedule", GAMMA_FEE),
    takerDelayMs: delay(object, "seconds_delay"),
    negRisk: flag(object, "neg_risk"),
    acceptingOrders: flag(object, "accepting_orders"),
    version: null,
    closed: flag(object, "closed") === true,
  };
}

/** `nr` is left out when it is false. */
function readShort(json: unknown): ClobObject {
  const parsed = Short.safeParse(json);
  if (!parsed.success) throw wrong(z.prettifyError(parsed.error));
  const object = parsed.data;
  return {
    ...{ conditionId: object.c, questionId: null, negRiskMarketId: null, question: object.c, slug: object.c },
    tokens: pair(object.t.map((token) => ({ tokenId: token.t, outcome: token.o }))),
    tickMicro: amount(object, "mts", true),
    minOrderSizeMicro: amount(object, "mos", false),
    fee: schedule(object, "fd", { rate: "r", exponent: "e", takerOnly: "to" }),
    takerDelayMs: delay(object, "sd"),
    negRisk: flag(object, "nr") ?? false,
    acceptingOrders: flag(object, "ao"),
    version: null,
    closed: false,
  };
}

function pair(tokens: readonly ClobToken[]): readonly [ClobToken, ClobToken] {
  const [first, second] = tokens;
  if (first === undefined || second === undefined) throw wrong("a market has two tokens");
  return [first, second];
}

/**
 * The tokens in the order of the condition's outcomes. Ids are hashes of condition and outcome, so they prove their order.
 * @returns `isProven` false: the ids are not those of this condition, and the order is the object's.
 */
export function orderedTokens(
  conditionId: ConditionId,
  [first, second]: ClobObject["tokens"],
  negRisk: boolean,
): { readonly tokens: ClobObject["tokens"]; readonly isProven: boolean } {
  const ids = outcomeTokens(conditionId, negRisk);
  if (first.tokenId === ids[0] && second.tokenId === ids[1]) return { tokens: [first, second], isProven: true };
  if (first.tokenId === ids[1] && second.tokenId === ids[0]) return { tokens: [second, first], isProven: true };
  return { tokens: [first, second], isProven: false };
}
