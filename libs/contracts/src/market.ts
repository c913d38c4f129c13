/** Market facts: one definition per condition, on the stream MARKETS (last value per condition). */
import { z } from "zod";
import { Ms, Price, Shares, Tick } from "./codec.ts";
import { ConditionId, Hash, TokenId } from "./ids.ts";

const FeeScheduleSchema = z.object({
  /** 1e-6: 0.07 is 70_000. */
  rateMicro: z.int().min(0).max(1_000_000),
  exponent: z.int().min(1).max(4),
  takerOnly: z.boolean(),
});

export const MarketDefinition = z.object({
  type: z.literal("MarketDefinition"),
  v: z.literal(1),
  conditionId: ConditionId,
  question: z.string(),
  slug: z.string(),
  /** Event the market belongs to, for caps and filters; null when the venue names none. */
  eventId: z.string().nullable(),
  /** Same order as the venue's `clobTokenIds`; the two are each other's complement. */
  tokens: z.tuple([
    z.object({ tokenId: TokenId, outcome: z.string() }),
    z.object({ tokenId: TokenId, outcome: z.string() }),
  ]),
  /** Exchange generation that trades it: "v1" of the venue is the ordinary CLOB market on exchange V2. */
  version: z.enum(["v1", "v2"]),
  negRisk: z.boolean(),
  negRiskMarketId: Hash.nullable(),
  tickMicro: Tick,
  minOrderSizeMicro: Shares,
  fee: FeeScheduleSchema,
  /** Marketable orders are held this long by the venue. */
  takerDelayMs: z.int().nonnegative(),
  acceptingOrders: z.boolean(),
  closed: z.boolean(),
  /** Final price per token, in the order of `tokens`, when resolved. */
  payoutMicro: z.tuple([Price, Price]).nullable(),
  tsEventMs: Ms,
  tsInitMs: Ms,
});
export type MarketDefinition = z.infer<typeof MarketDefinition>;
