/**
 * Turns the venue's own description of a market (CLOB or Gamma) into a `gamma.market` record, so that a tape carries its
 * true tick, minimum, fee and delay. What the description does not state is refused, or stated by a person and kept in the
 * record as assumed: every reader of the tape says it again. Pure.
 * @see docs/venue.md, CLOB REST
 */
import { ContractError } from "@slipstream/contracts/errors";
import type { FeeSchedule } from "@slipstream/contracts/money";
import { NO_FEE } from "@slipstream/polymarket/feeSchedule";
import { marketOfGamma } from "@slipstream/polymarket/gamma";
import { z } from "zod";
import { gammaMarket, jsonDecimal } from "../venue/gammaObject.ts";
import type { TapeRecord } from "./format.ts";
import { type ClobObject, factsOfGamma, orderedTokens, readClobObject, type StatedFacts } from "./marketObjects.ts";

/** What a person states where the object does not. Amounts in 1e-6. */
export type StatedByHand = {
  readonly feeRateMicro?: number;
  /** Of the fee above; default 1, the venue's only one so far. */
  readonly feeExponent?: number;
  readonly takerDelayMs?: number;
  readonly negRisk?: boolean;
  readonly tickMicro?: number;
  readonly minOrderSizeMicro?: number;
  /** Take the rest as it usually is: no fee, no neg-risk, 5 shares at least. */
  readonly assume?: boolean;
};

type Facts = { readonly [Name in keyof StatedFacts]: NonNullable<StatedFacts[Name]> };

const USUAL_MINIMUM_MICRO = 5_000_000;

/** Of a record's object: sentences about what somebody assumed when it was made. */
const Assumed = z.looseObject({ slipstream: z.object({ assumed: z.array(z.string()) }) });

/**
 * Makes the record. An object that states everything is kept as it is, when it is Gamma's.
 * @param tMs - time of the record, unix ms.
 * @throws ContractError TAPE_INVALID when no market can be read from the object, it leaves out what nobody stated, or it
 * states something else than was stated by hand.
 */
export function marketRecord(json: unknown, { tMs, ...byHand }: StatedByHand & { readonly tMs: number }): TapeRecord {
  const isGamma = json !== null && typeof json === "object" && "conditionId" in json;
  const d = isGamma ? ofGamma(json as Record<string, unknown>, byHand) : ofClob(readClobObject(json), tMs, byHand);
  const definition = marketOfGamma(d, tMs);
  if ("kind" in definition) throw new ContractError("TAPE_INVALID", `no market: ${definition.text}`);
  return { t: tMs, ch: "gamma.market", d };
}

/**
 * Puts markets before the first record of a tape, in place of earlier records of the same markets.
 * @param json - one object, or a list: of a list, the markets that the tape's frames name.
 * @throws ContractError TAPE_INVALID
 */
export function addMarket(tape: readonly TapeRecord[], json: unknown, byHand: StatedByHand = {}): TapeRecord[] {
  const objects = Array.isArray(json) ? json.filter((one) => isNamed(tape, one)) : [json];
  if (objects.length === 0) throw new ContractError("TAPE_INVALID", "no market of the list is on the tape");
  const records = objects.map((object: unknown) => marketRecord(object, { ...byHand, tMs: tape[0]?.t ?? 0 }));
  const added = new Set(records.map(({ d }) => conditionOf(d)));
  return [...records, ...tape.filter(({ ch, d }) => ch !== "gamma.market" || !added.has(conditionOf(d)))];
}

/** What the object of a `gamma.market` record leaves open and what was assumed when it was made, one sentence each. */
export function assumedOf(d: unknown): string[] {
  if (d === null || typeof d !== "object") return [];
  const object = d as Readonly<Record<string, unknown>>;
  const kept = Assumed.safeParse(d).data?.slipstream.assumed ?? [];
  let facts: StatedFacts;
  try {
    facts = factsOfGamma(object);
  } catch {
    // Whoever reads the market refuses it, with the reason.
    return kept;
  }
  const open = [
    facts.fee === null ? "no fee" : null,
    facts.takerDelayMs === null ? "no taker delay" : null,
    facts.negRisk === null ? "no neg-risk" : null,
    facts.version === null ? "version v1" : null,
    facts.acceptingOrders === null ? "no orders accepted" : null,
  ].filter((text) => text !== null);
  return open.length === 0 ? kept : [...kept, `${open.join(", ")} (its record does not say)`];
}

const conditionOf = (d: unknown): unknown => {
  const object = d !== null && typeof d === "object" ? (d as Readonly<Record<string, unknown>>) : {};
  return object["conditionId"] ?? object["condition_id"] ?? object["c"] ?? null;
};

function isNamed(tape: readonly TapeRecord[], object: unknown): boolean {
  const conditionId = conditionOf(object);
  return typeof conditionId === "string" && tape.some(({ d }) => typeof d === "string" && d.includes(conditionId));
}

/** Keeps the object and adds only what it does not state. */
function ofGamma(object: Readonly<Record<string, unknown>>, byHand: StatedByHand): Record<string, unknown> {
  const stated = factsOfGamma(object);
  const { facts, assumed } = complete(stated, byHand);
  const added = {
    ...(stated.fee === null ? feeFields(facts.fee) : {}),
    ...(stated.takerDelayMs === null ? { secondsDelay: facts.takerDelayMs / 1_000 } : {}),
    ...(stated.negRisk === null ? { negRisk: facts.negRisk } : {}),
    ...(stated.version === null ? { version: facts.version } : {}),
    ...(stated.acceptingOrders === null ? { acceptingOrders: facts.acceptingOrders } : {}),
    ...(stated.tickMicro === null ? { orderPriceMinTickSize: jsonDecimal(facts.tickMicro) } : {}),
    ...(stated.minOrderSizeMicro === null ? { orderMinSize: jsonDecimal(facts.minOrderSizeMicro) } : {}),
  };
  const kept = Assumed.safeParse(object).data?.slipstream.assumed ?? [];
  return assumed.length === 0 ? object : { ...object, ...added, slipstream: { assumed: [...kept, ...assumed] } };
}

const feeFields = (fee: FeeSchedule) =>
  fee.rateMicro === 0
    ? { feesEnabled: false }
    : {
        feesEnabled: true,
        feeSchedule: { rate: jsonDecimal(fee.rateMicro), exponent: fee.exponent, takerOnly: fee.takerOnly },
      };

function ofClob(object: ClobObject, createdMs: number, byHand: StatedByHand): Record<string, unknown> {
  const { facts, assumed } = complete(object.closed ? { ...object, acceptingOrders: true } : object, byHand);
  const { conditionId } = object;
  const { tokens, isProven } = orderedTokens(conditionId, object.tokens, facts.negRisk);
  const sheet = {
    id: conditionId,
    eventId: object.slug,
    eventTitle: object.question,
    conditionId,
    questionId: object.questionId,
    question: object.question,
    slug: object.slug,
    eventSlug: object.slug,
    outcomes: [tokens[0].outcome, tokens[1].outcome],
    tokenIds: [tokens[0].tokenId, tokens[1].tokenId],
    negRiskMarketId: object.negRiskMarketId,
    createdMs,
    ...facts,
  } as const;
  const { acceptingOrders, takerDelayMs, version } = facts;
  const all = [
    ...assumed,
    ...(isProven ? [] : ["the tokens in the order of the object (their ids do not prove it)"]),
    ...(object.closed ? ["open while the tape lasts (the object is from after its end, and does not say when)"] : []),
  ];
  return {
    ...gammaMarket(sheet, { bestBidMicro: null, bestAskMicro: null, lastTradeMicro: null }),
    ...{ acceptingOrders, secondsDelay: takerDelayMs / 1_000, version },
    ...(all.length === 0 ? {} : { slipstream: { assumed: all } }),
  };
}

/**
 * Fills in what the object does not state. The taker delay, the version and whether orders are accepted are left out of many
 * objects: they are assumed and said. Anything else nobody stated is refused.
 */
function complete(stated: StatedFacts, byHand: StatedByHand): { facts: Facts; assumed: string[] } {
  const assumed: string[] = [];
  const missing: string[] = [];
  const usual = byHand.assume === true;
  const choose = <T>(
    own: T | null,
    hand: T | undefined,
    fallback: T | null,
    text: { readonly name: string; readonly option: string; readonly say: (value: T) => string },
  ): T | null => {
    if (own !== null) {
      if (hand === undefined || text.say(hand) === text.say(own)) return own;
      throw new ContractError(
        "TAPE_INVALID",
        `the object states ${text.say(own)}: ${text.option} says ${text.say(hand)}`,
      );
    }
    if (hand !== undefined) assumed.push(`${text.say(hand)} (given by ${text.option}, the object does not say)`);
    else if (fallback !== null) assumed.push(`${text.say(fallback)} (the object does not say)`);
    else missing.push(`${text.name} (${text.option})`);
    return hand ?? fallback;
  };
  const handFee =
    byHand.feeRateMicro === undefined
      ? undefined
      : { rateMicro: byHand.feeRateMicro, exponent: byHand.feeExponent ?? 1, takerOnly: true };
  const fee = choose<FeeSchedule>(stated.fee, handFee, usual ? NO_FEE : null, {
    name: "the fee",
    option: "--fee-rate, --fee-exponent",
    say: ({ rateMicro, exponent, takerOnly }) =>
      rateMicro === 0
        ? "no fee"
        : `a fee of ${rateMicro} / 1e6, exponent ${exponent}${takerOnly ? "" : ", makers too"}`,
  });
  const negRisk = choose(stated.negRisk, byHand.negRisk, usual ? false : null, {
    name: "neg-risk",
    option: "--neg-risk yes|no",
    say: (value) => (value ? "neg-risk" : "no neg-risk"),
  });
  const tickMicro = choose(stated.tickMicro, byHand.tickMicro, null, {
    name: "the tick",
    option: "--tick",
    say: (value) => `a tick of ${value} / 1e6`,
  });
  const minOrderSizeMicro = choose(
    stated.minOrderSizeMicro,
    byHand.minOrderSizeMicro,
    usual ? USUAL_MINIMUM_MICRO : null,
    { name: "the minimum size", option: "--min-size", say: (value) => `a minimum of ${value} micro-shares` },
  );
  const takerDelayMs = choose(stated.takerDelayMs, byHand.takerDelayMs, 0, {
    name: "the taker delay",
    option: "--taker-delay-ms",
    say: (value) => `a taker delay of ${value} ms`,
  });
  if (fee === null || negRisk === null || tickMicro === null || minOrderSizeMicro === null || takerDelayMs === null) {
    throw new ContractError(
      "TAPE_INVALID",
      `the object does not state ${missing.join(", ")}: say it by the option, or --assume what is usual`,
    );
  }
  if (stated.version === null) assumed.push("version v1 (the object does not say)");
  if (stated.acceptingOrders === null) assumed.push("orders are accepted (the object does not say)");
  const { version, acceptingOrders } = stated;
  const facts = { fee, negRisk, tickMicro, minOrderSizeMicro, takerDelayMs };
  return { facts: { ...facts, version: version ?? "v1", acceptingOrders: acceptingOrders ?? true }, assumed };
}
