/**
 * Market definitions from Gamma. Outcomes and token ids are JSON arrays inside strings and are parsed twice; index i of
 * one belongs to index i of the other.
 * @see docs/venue.md, Gamma
 */
import { ContractError } from "@slipstream/contracts/errors";
import { ConditionId, Hash, TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { isTick, type PriceMicro, sharesMicro } from "@slipstream/contracts/money";
import { plainText } from "@slipstream/contracts/text";
import { z } from "zod";
import { microOfJson } from "./decimal.ts";
import { feeScheduleOf } from "./feeSchedule.ts";
import type { HttpReader, Query } from "./http.ts";

const decimal = z.union([z.string(), z.number()]);
const jsonArray = z.string().transform((text, context): unknown[] => {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value;
  } catch {
    // falls through to the refusal
  }
  context.addIssue({ code: "custom", message: "not a JSON array inside a string" });
  return z.NEVER;
});

/** A day: no market holds orders longer. */
const SECONDS_DELAY_MAX = 86_400;

/** The venue writes null as often as it leaves a field out: both say nothing. */
const orElse = <T>(schema: z.ZodType<T>, otherwise: T) => schema.nullish().transform((value) => value ?? otherwise);

const GammaMarket = z.object({
  conditionId: ConditionId,
  question: z.string().nullish(),
  slug: z.string().nullish(),
  outcomes: jsonArray.pipe(z.array(z.string()).length(2)),
  outcomePrices: jsonArray.pipe(z.array(decimal)).nullish().catch(null),
  clobTokenIds: jsonArray.pipe(z.array(TokenId).length(2)),
  /** Absent in older objects: v1 then. */
  version: z.string().nullish(),
  negRisk: z.boolean().nullish(),
  negRiskMarketID: z.string().nullish(),
  orderPriceMinTickSize: decimal,
  orderMinSize: decimal,
  feesEnabled: z.boolean().nullish(),
  feeSchedule: z.unknown().optional(),
  secondsDelay: z.number().nonnegative().max(SECONDS_DELAY_MAX).nullish(),
  acceptingOrders: orElse(z.boolean(), false),
  closed: z.boolean().nullish(),
  active: orElse(z.boolean(), true),
  events: z
    .array(z.object({ id: z.union([z.string(), z.number()]) }))
    .nullish()
    .catch(null),
  updatedAt: z.string().nullish(),
  umaResolutionStatus: z.unknown().optional(),
});

/** What ends a market, read by itself: it counts even where the rest of the object cannot be read. */
const Ending = z.object({
  conditionId: ConditionId,
  closed: z.boolean().nullish().catch(null),
  acceptingOrders: z.boolean().nullish().catch(null),
  outcomePrices: z.unknown().optional(),
  umaResolutionStatus: z.unknown().optional(),
});

/**
 * A known market of which Gamma now says something unreadable: it takes no orders until it can be read again, and what
 * closes it counts. What is not said stays as it was.
 * @param json - the object that `marketOfGamma` refused.
 */
export function stoppedMarket(known: MarketDefinition, json: unknown, nowMs: number): MarketDefinition {
  const ending = Ending.safeParse(json).data;
  const closed = known.closed || ending?.closed === true;
  const prices = jsonArray.pipe(z.array(decimal)).safeParse(ending?.outcomePrices).data;
  const outcome = { outcomePrices: prices, umaResolutionStatus: ending?.umaResolutionStatus };
  const payoutMicro = known.payoutMicro ?? (closed ? payoutOf(outcome) : null);
  return { ...known, acceptingOrders: false, closed, payoutMicro, tsInitMs: nowMs };
}

/** Characters that are kept of the words of whoever made the market. */
const QUESTION_MAX = 500;
const OUTCOME_MAX = 100;
/** "0x" and 64 digits. */
const CONDITION_MAX = 66;
const EVENT_ID_MAX = 100;
/** Of a refusal: it repeats what was told. */
const REFUSAL_MAX = 500;

/** Why a Gamma object is no market we can use. */
export type MarketRefusal = {
  readonly kind: "refused";
  readonly conditionId: string | null;
  readonly code: "VERSION_UNKNOWN" | "FEE_UNKNOWN" | "MALFORMED" | "TOKENS_DIFFER";
  readonly text: string;
};

/**
 * Maps one Gamma market object.
 * @param nowMs - becomes `tsInitMs`.
 * @param knownOf - a market as it was read before: what is not said, or null, stays as it was.
 * @returns a refusal for an unknown version, fees that are on without a schedule, a field that cannot be read, or other
 *   tokens than the known ones.
 */
export function marketOfGamma(
  json: unknown,
  nowMs: number,
  knownOf: (conditionId: ConditionId) => MarketDefinition | undefined = () => undefined,
): MarketDefinition | MarketRefusal {
  const parsed = GammaMarket.safeParse(json);
  if (!parsed.success) return refuse(conditionOf(json), "MALFORMED", z.prettifyError(parsed.error));
  const market = parsed.data;
  const { conditionId } = market;
  const known = knownOf(conditionId);
  const version = market.version ?? known?.version ?? "v1";
  if (version !== "v1" && version !== "v2") {
    return refuse(conditionId, "VERSION_UNKNOWN", `version ${JSON.stringify(version)}`);
  }
  const fee = feeOf(market, known);
  if (fee === null)
    return refuse(conditionId, "FEE_UNKNOWN", "fees are enabled, but the schedule is missing or unreadable");
  const tick = microOfJson(market.orderPriceMinTickSize);
  const minimum = microOfJson(market.orderMinSize);
  if (!isTick(tick) || minimum < 0) return refuse(conditionId, "MALFORMED", "tick or minimum size is no amount");
  const [first, second] = market.clobTokenIds;
  const [firstName = "", secondName = ""] = market.outcomes;
  if (first === undefined || second === undefined) return refuse(conditionId, "MALFORMED", "two tokens are needed");
  if (known !== undefined && (first !== known.tokens[0].tokenId || second !== known.tokens[1].tokenId))
    return refuse(
      conditionId,
      "TOKENS_DIFFER",
      "other tokens than before: they follow from the condition, one is wrong",
    );
  const closed = market.closed ?? known?.closed ?? false;
  const delayMs = market.secondsDelay == null ? known?.takerDelayMs : Math.round(market.secondsDelay * 1_000);
  const [event] = market.events ?? [];
  const negRiskId = Hash.safeParse(market.negRiskMarketID ?? "");
  const updatedMs = Date.parse(market.updatedAt ?? "");
  return {
    type: "MarketDefinition",
    v: 1,
    conditionId,
    question: plainText(market.question ?? known?.question ?? "", QUESTION_MAX),
    slug: plainText(market.slug ?? known?.slug ?? "", QUESTION_MAX),
    eventId: event === undefined ? (known?.eventId ?? null) : plainText(String(event.id), EVENT_ID_MAX),
    tokens: [
      { tokenId: first, outcome: plainText(firstName, OUTCOME_MAX) },
      { tokenId: second, outcome: plainText(secondName, OUTCOME_MAX) },
    ],
    version,
    negRisk: market.negRisk ?? known?.negRisk ?? false,
    negRiskMarketId: negRiskId.data ?? known?.negRiskMarketId ?? null,
    tickMicro: tick as PriceMicro,
    minOrderSizeMicro: sharesMicro(BigInt(minimum)),
    fee,
    takerDelayMs: delayMs ?? 0,
    acceptingOrders: market.acceptingOrders && market.active,
    closed,
    payoutMicro: closed ? (payoutOf(market) ?? known?.payoutMicro ?? null) : null,
    tsEventMs: updatedMs >= 0 ? updatedMs : nowMs,
    tsInitMs: nowMs,
  };
}

const refuse = (conditionId: string | null, code: MarketRefusal["code"], text: string): MarketRefusal => ({
  kind: "refused",
  conditionId: conditionId?.slice(0, CONDITION_MAX) ?? null,
  code,
  text: plainText(text, REFUSAL_MAX),
});

function conditionOf(json: unknown): string | null {
  const id = json !== null && typeof json === "object" && "conditionId" in json ? json.conditionId : null;
  return typeof id === "string" ? id : null;
}

/** `feesEnabled` without a schedule is unknown, not free; without either the market is as it was, or from before fees. */
function feeOf(
  { feeSchedule, feesEnabled }: z.infer<typeof GammaMarket>,
  known: MarketDefinition | undefined,
): MarketDefinition["fee"] | null {
  const isSaid = feeSchedule !== null && feeSchedule !== undefined;
  if (!isSaid && feesEnabled === true) return null;
  if (!isSaid && feesEnabled !== false && known !== undefined) return known.fee;
  return feeScheduleOf(feeSchedule, { rate: "rate", exponent: "exponent", takerOnly: "takerOnly" });
}

type Outcome = {
  readonly outcomePrices?: readonly (string | number)[] | null | undefined;
  readonly umaResolutionStatus?: unknown;
};

/**
 * Final prices of a closed market; null while it has none. Anything but 0 and 1 is also the price of a market in trade
 * (one half: of one that nobody traded), so it is final only where the object says that the market is resolved.
 */
function payoutOf({ outcomePrices, umaResolutionStatus }: Outcome): [PriceMicro, PriceMicro] | null {
  const [first = -1, second = -1] = (outcomePrices ?? []).map(microOfJson);
  const isWhole = first + second === 1_000_000 && (first === 0 || second === 0);
  const isShared = first + second === 1_000_000 && first > 0 && second > 0 && umaResolutionStatus === "resolved";
  return isWhole || isShared ? [first as PriceMicro, second as PriceMicro] : null;
}

/** True when an object is an answer to the question for these ids. */
function isAsked(json: unknown, name: string, asked: ReadonlySet<string>): boolean {
  if (json === null || typeof json !== "object") return false;
  if (name === "condition_ids") return asked.has(conditionOf(json) ?? "");
  const tokens = jsonArray.safeParse("clobTokenIds" in json ? json.clobTokenIds : undefined).data ?? [];
  return tokens.some((tokenId) => typeof tokenId === "string" && asked.has(tokenId));
}

export type GammaPage = { readonly markets: readonly unknown[]; readonly nextCursor: string | null };
export type GammaClient = {
  /** Market objects of these tokens, open and closed; unknown tokens are missing. */
  byTokens(tokenIds: readonly TokenId[]): Promise<readonly unknown[]>;
  byConditions(conditionIds: readonly ConditionId[]): Promise<readonly unknown[]>;
  /** Open markets, a page at a time; start with null. */
  openPage(cursor: string | null, limit?: number): Promise<GammaPage>;
};

const PAGE_MAX = 100;
/** Token ids have up to 78 digits: the address stays below 5 KB. */
const IDS_MAX = 40;

/**
 * Every call throws TransientError when Gamma is silent or busy, ContractError VENUE_REFUSED or VENUE_UNREADABLE for any
 * other answer but the one expected.
 */
export function gammaClient(http: HttpReader): GammaClient {
  const get = async (path: string, query: Query): Promise<unknown> => {
    const answer = await http.get(path, query);
    if (answer === null) throw new ContractError("VENUE_REFUSED", `Gamma has no ${path}`);
    return answer;
  };
  const list = async (name: string, ids: readonly string[]): Promise<readonly unknown[]> => {
    const found: unknown[] = [];
    const asked = new Set(ids);
    for (let start = 0; start < ids.length; start += IDS_MAX) {
      const batch = ids.slice(start, start + IDS_MAX).map((id): [string, string] => [name, id]);
      // Closed markets are left out unless asked for, and then only they come.
      for (const closed of ["false", "true"]) {
        const answer = await get("/markets", [...batch, ["closed", closed], ["limit", String(PAGE_MAX)]]);
        if (!Array.isArray(answer)) throw new ContractError("VENUE_UNREADABLE", "Gamma's /markets is not a list");
        // A filter that Gamma does not know is passed over there, and any markets come.
        found.push(...answer.filter((json) => isAsked(json, name, asked)));
      }
    }
    return found;
  };
  return {
    byTokens: (tokenIds) => list("clob_token_ids", tokenIds),
    byConditions: (conditionIds) => list("condition_ids", conditionIds),
    openPage: async (cursor, limit = PAGE_MAX) => {
      const query: Query = [
        ["limit", String(limit)],
        ["closed", "false"],
        ...(cursor === null ? [] : [["after_cursor", cursor] as const]),
      ];
      const page = z
        .object({ markets: z.array(z.unknown()), next_cursor: z.string().nullish().catch(null) })
        .safeParse(await get("/markets/keyset", query));
      if (!page.success) throw new ContractError("VENUE_UNREADABLE", "Gamma's keyset page has no list of markets");
      return { markets: page.data.markets, nextCursor: page.data.next_cursor ?? null };
    },
  };
}

/**
 * Market objects of the `count` open markets with most in their books (Gamma's `liquidityNum`), the first one first.
 * Throws as the client does.
 */
export async function mostLiquidMarkets(http: Pick<HttpReader, "get">, count: number): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  while (found.length < count) {
    const limit = Math.min(PAGE_MAX, count - found.length);
    const page = await http.get("/markets", [
      ["order", "liquidityNum"],
      ["ascending", "false"],
      ["closed", "false"],
      ["limit", String(limit)],
      ["offset", String(found.length)],
    ]);
    if (!Array.isArray(page)) throw new ContractError("VENUE_UNREADABLE", "Gamma's /markets is not a list");
    found.push(...page);
    if (page.length < limit) break;
  }
  return found;
}
