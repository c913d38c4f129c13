/** The world's own HTTP routes: where everything is, how to make it fail, and what is true on the chain. */
import { ContractError } from "@slipstream/contracts/errors";
import { type Address, ConditionId } from "@slipstream/contracts/ids";
import { z } from "zod";
import type { ReorgReport } from "./chain/types.ts";
import type { Ended } from "./churn/lifecycle.ts";
import { type Asked, ok, type Routes } from "./venue/http.ts";
import type { Listing } from "./venue/listings.ts";
import { MARKET_WS_PATH } from "./venue/marketWs.ts";
import { RTDS_WS_PATH } from "./venue/rtdsWs.ts";
import type { SettledAct } from "./venue/settledDeeds.ts";
import type { SettledFill } from "./venue/settledFills.ts";

const on = z.boolean();
const numerator = z.int().min(0).max(1_000_000);
const ms = z.int().min(0).max(600_000);
export const Fault = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("pauseActors"), on }),
  z.object({ kind: z.literal("dropMarketSockets") }),
  /** The next `count` price_change frames reach nobody. */
  z.object({ kind: z.literal("loseDelta"), count: z.int().min(1).max(10_000) }),
  /** The next `count` price_change frames come twice. */
  z.object({ kind: z.literal("doubleDelta"), count: z.int().min(1).max(10_000) }),
  /** Everything on the market channel comes so much later; 0: at once again. */
  z.object({ kind: z.literal("delayMarket"), ms }),
  /** The venue ends all connections of the market channel: 1013 as for slow readers, 1000 as for settled markets. */
  z.object({
    kind: z.literal("closeMarketSockets"),
    code: z.union([z.literal(1000), z.literal(1013)]),
    reason: z.string().max(120).default(""),
  }),
  /** A frame of any text to all connections of the market channel. */
  z.object({ kind: z.literal("sayMarket"), text: z.string() }),
  /** The market channel stays open and sends nothing. */
  z.object({ kind: z.literal("silenceMarket"), on }),
  z.object({ kind: z.literal("dropRpcSockets") }),
  z.object({ kind: z.literal("rpcOutage"), ms }),
  z.object({ kind: z.literal("rpcLag"), blocks: z.int().min(0).max(64) }),
  /** `leaderFill` drops for good the newest transaction within the depth that holds a leader's fill. */
  z.object({ kind: z.literal("reorg"), depth: z.int().min(1), drop: z.enum(["none", "leaderFill"]).default("none") }),
  /** The Data API learns of blocks this much later. */
  z.object({ kind: z.literal("apiLag"), ms }),
  /** The next `count` requests to the Data API are refused. */
  z.object({ kind: z.literal("apiErrors"), status: z.int().min(400).max(599), count: z.int().min(0).max(10_000) }),
  /** The Data API lists rows of one second in another order each time, and a page in no order at all. */
  z.object({ kind: z.literal("apiShuffle"), on }),
  /**
   * A market (absent: the one open longest) and the others of its event end and are resolved within seconds, as the
   * payouts say for it (absent: by chance). Who says so first, Gamma or the chain, is by chance as well.
   */
  z.object({
    kind: z.literal("resolveMarket"),
    conditionId: ConditionId.optional(),
    payouts: z
      .tuple([numerator, numerator])
      .refine(([first, second]) => first + second > 0, "a payout above zero")
      .optional(),
    order: z.enum(["gammaFirst", "chainFirst"]).optional(),
  }),
  /** Trading stops, and nobody says who has won. */
  z.object({ kind: z.literal("closeMarket"), conditionId: ConditionId.optional() }),
  /** False: markets no longer end by themselves, and none opens in the place of one that is ended. */
  z.object({ kind: z.literal("churn"), on }),
  z.object({ kind: z.literal("dropRtdsSockets") }),
  /** The next `count` rows of the live feed reach nobody. */
  z.object({ kind: z.literal("loseRtds"), count: z.int().min(1).max(10_000) }),
  /** The live feed sends every row twice. */
  z.object({ kind: z.literal("doubleRtds"), on }),
  /** The live feed stays open and sends nothing. */
  z.object({ kind: z.literal("silenceRtds"), on }),
]);
export type Fault = z.infer<typeof Fault>;

/** What a fault did beyond being switched. */
export type FaultAnswer = {
  readonly report?: ReorgReport;
  readonly droppedTx?: string | null;
  /** Leaders' fills as they were in the dropped transaction. */
  readonly affected?: readonly SettledFill[];
  /** Markets that were ended, with their payouts' numerators; null: closed without a result. */
  readonly ended?: readonly Ended[];
};

export type Endpoints = {
  readonly rpcHttpUrl: string;
  readonly rpcWsUrl: string;
  readonly clobHttpUrl: string;
  readonly clobMarketWsUrl: string;
  readonly gammaUrl: string;
  readonly dataApiUrl: string;
  readonly rtdsUrl: string;
};

export type WorldLeader = { readonly address: Address; readonly label: string };

/** @param at - the host by which the caller reaches us; one host serves everything. */
export function endpointsAt(at: {
  readonly hostname: string;
  readonly port: number;
  readonly rpcPort: number;
}): Endpoints {
  const { hostname, port, rpcPort } = at;
  const venue = `http://${hostname}:${port}`;
  return {
    rpcHttpUrl: `http://${hostname}:${rpcPort}`,
    rpcWsUrl: `ws://${hostname}:${rpcPort}`,
    clobHttpUrl: venue,
    clobMarketWsUrl: `ws://${hostname}:${port}${MARKET_WS_PATH}`,
    gammaUrl: venue,
    dataApiUrl: venue,
    rtdsUrl: `ws://${hostname}:${port}${RTDS_WS_PATH}`,
  };
}

export function controlRoutes(options: {
  readonly endpoints: (asked: Asked) => Endpoints;
  readonly leaders: readonly WorldLeader[];
  readonly truth: () => readonly SettledFill[];
  readonly acts: () => readonly SettledAct[];
  readonly markets: () => Iterable<Listing>;
  readonly fault: (fault: Fault) => FaultAnswer | Promise<FaultAnswer>;
}): Routes {
  return {
    "GET /world": (asked) => ok({ endpoints: options.endpoints(asked), leaders: options.leaders }),
    "GET /truth": () => ok(options.truth().map(truthRow)),
    "GET /truth/acts": () => ok(options.acts().map(actRow)),
    "GET /truth/markets": () => ok([...options.markets()].map(marketRow)),
    "POST /faults": async ({ body }) => {
      const fault = Fault.safeParse(body);
      if (!fault.success) {
        throw new ContractError("MESSAGE_MALFORMED", `no such fault: ${z.prettifyError(fault.error)}`);
      }
      const { affected, ...answer } = await options.fault(fault.data);
      return ok(affected === undefined ? answer : { ...answer, affected: affected.map(truthRow) });
    },
  };
}

const actRow = ({ wallet, sharesMicro, ...act }: SettledAct) => ({
  leader: wallet,
  ...act,
  sharesMicro: sharesMicro.toString(),
});

const marketRow = ({ market, endMs, closedMs, payouts, isSaid, isShown, reportedBlock }: Listing) => ({
  ...{ conditionId: market.conditionId, slug: market.slug, eventSlug: market.eventSlug, tokenIds: market.tokenIds },
  ...{ negRisk: market.negRisk, endMs, closedMs, payouts, isSaid, isShown, reportedBlock },
});

/** Amounts in 1e-6 units, as digits in text. */
const truthRow = ({ wallet, sharesMicro, usdcMicro, feeMicro, ...fill }: SettledFill) => ({
  leader: wallet,
  ...fill,
  sharesMicro: sharesMicro.toString(),
  usdcMicro: usdcMicro.toString(),
  feeMicro: feeMicro.toString(),
});
