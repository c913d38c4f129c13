/** How large a copy is: sizing, then caps, which only shrink it, then the venue's minimum, which never enlarges it. */
import type { SkipReason } from "@slipstream/contracts/facts/exec";
import { positionsFull } from "@slipstream/contracts/facts/limits";
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import {
  add,
  divide,
  MICRO,
  minAmount,
  type PriceMicro,
  type SharesMicro,
  scale,
  sharesFor,
  subtractToZero,
  type UsdcMicro,
  ZERO_SHARES,
} from "@slipstream/contracts/money";
import type { AccountPolicy } from "@slipstream/contracts/policy";
import { smallestOrder, takeableSize } from "@slipstream/polymarket/orderRules";
import type { Exposure, KnownFill } from "./state.ts";

/** The smallest purchase the venue takes at a price, in 1e-6 share. */
const minimumBuy = (
  { minOrderSizeMicro }: MarketDefinition,
  limitPriceMicro: PriceMicro,
  timeInForce: AccountPolicy["timeInForce"],
): SharesMicro => smallestOrder({ side: "BUY", limitPriceMicro, timeInForce, minOrderSizeMicro });

/** A maker's fill, or one whose role is not known, may be copied smaller. */
export const isMakerLike = ({ role }: Pick<KnownFill, "role">): boolean => role !== "TAKER";

/** What a sizing asks for, in 1e-6 share. */
export type Target = {
  /** Ours to the leader's size, 1e-6, rounded down; null: a fixed size has none. */
  readonly ratioMicro: number | null;
  /** Our part of the fill; of a fixed size what the leader's whole order is worth to us. */
  readonly targetMicro: SharesMicro;
  /** The fixed size, smaller for makers and under degrade; null: a percentage. */
  readonly budgetMicro: UsdcMicro | null;
};

/** Returns what our part of a leader's fill is before buckets and caps. */
export function targetOf(options: {
  readonly policy: AccountPolicy;
  readonly fill: Pick<KnownFill, "sharesMicro" | "role">;
  readonly limitMicro: PriceMicro;
  readonly riskFactorMicro: number;
}): Target {
  const { policy, fill, limitMicro, riskFactorMicro } = options;
  const { sizing } = policy;
  const numerator = (isMakerLike(fill) ? BigInt(policy.makerRatioMicro) : MICRO) * BigInt(riskFactorMicro);
  const denominator = MICRO * MICRO;
  if (sizing.kind === "fixed") {
    const budgetMicro = scale(sizing.usdcMicro, { numerator, denominator }, "floor");
    return { ratioMicro: null, targetMicro: sharesFor(budgetMicro, limitMicro, "floor"), budgetMicro };
  }
  const share = BigInt(sizing.ratioMicro) * numerator;
  return {
    ratioMicro: Number(divide(share, denominator, "floor")),
    targetMicro: scale(fill.sharesMicro, { numerator: share, denominator: denominator * MICRO }, "floor"),
    budgetMicro: null,
  };
}

export type EntrySize =
  | { readonly kind: "order"; readonly sizeMicro: SharesMicro; readonly bucketUsedMicro: SharesMicro }
  | { readonly kind: "skip"; readonly reason: SkipReason; readonly bucketAddMicro: SharesMicro };

/**
 * Returns the size of an entry, or why there is none. Below the venue's minimum the size goes to the bucket; a cap that
 * makes it too small is the reason itself and nothing is saved up for later.
 */
export function entrySize(options: {
  readonly policy: AccountPolicy;
  readonly market: MarketDefinition;
  readonly tokenId: TokenId;
  readonly limitMicro: PriceMicro;
  readonly wantedMicro: SharesMicro;
  /** What of the bucket may join an order at this limit. */
  readonly bucketMicro: SharesMicro;
  readonly exposure: Exposure;
}): EntrySize {
  const { policy, market, tokenId, limitMicro, wantedMicro, bucketMicro, exposure } = options;
  const { timeInForce } = policy;
  const minimumMicro = minimumBuy(market, limitMicro, timeInForce);
  const priced = { side: "BUY" as const, limitPriceMicro: limitMicro, timeInForce };
  const full = takeableSize(priced, add(wantedMicro, bucketMicro));
  if (full < minimumMicro) {
    const bucketAfter = add(bucketMicro, wantedMicro);
    return {
      kind: "skip",
      reason: { code: "BELOW_MINIMUM", sizeMicro: wantedMicro, minimumMicro, bucketMicro: bucketAfter },
      bucketAddMicro: wantedMicro,
    };
  }
  const tooMany = positionsFull(exposure.tokens, tokenId, policy.caps.openPositionsMax);
  if (tooMany !== null) return { kind: "skip", reason: tooMany, bucketAddMicro: ZERO_SHARES };
  let sizeMicro = full;
  for (const { cap, capMicro, roomMicro } of capsOf(policy, exposure)) {
    sizeMicro = minAmount(sizeMicro, takeableSize(priced, sharesFor(roomMicro, limitMicro, "floor")));
    if (sizeMicro < minimumMicro) {
      return { kind: "skip", reason: { code: "CAP_REACHED", cap, capMicro }, bucketAddMicro: ZERO_SHARES };
    }
  }
  return { kind: "order", sizeMicro, bucketUsedMicro: minAmount(bucketMicro, sizeMicro) };
}

type Cap = {
  readonly cap: "order" | "token" | "gross";
  readonly capMicro: UsdcMicro;
  readonly roomMicro: UsdcMicro;
};

function capsOf({ caps }: AccountPolicy, { tokenMicro, grossMicro }: Exposure): Cap[] {
  return [
    { cap: "order", capMicro: caps.orderUsdcMicro, roomMicro: caps.orderUsdcMicro },
    { cap: "token", capMicro: caps.tokenUsdcMicro, roomMicro: subtractToZero(caps.tokenUsdcMicro, tokenMicro) },
    { cap: "gross", capMicro: caps.grossUsdcMicro, roomMicro: subtractToZero(caps.grossUsdcMicro, grossMicro) },
  ];
}
