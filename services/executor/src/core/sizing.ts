/** How large a copy is: sizing, then caps, which only shrink it, then the venue's minimum, which never enlarges it. */
import type { SkipReason } from "@slipstream/contracts/facts/exec";
import type { MarketDefinition } from "@slipstream/contracts/market";
import {
  add,
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
export const minimumBuy = (
  { minOrderSizeMicro }: MarketDefinition,
  limitPriceMicro: PriceMicro,
  timeInForce: AccountPolicy["timeInForce"],
): SharesMicro => smallestOrder({ side: "BUY", limitPriceMicro, timeInForce, minOrderSizeMicro });

/** A maker's fill, or one whose role is not known, may be copied smaller. */
export const isMakerLike = ({ role }: Pick<KnownFill, "role">): boolean => role !== "TAKER";

/** Returns our part of a leader's fill before caps, in 1e-6 share. */
export function wantedSize(options: {
  readonly policy: AccountPolicy;
  readonly fill: Pick<KnownFill, "sharesMicro" | "role">;
  readonly limitMicro: PriceMicro;
  readonly riskFactorMicro: number;
}): SharesMicro {
  const { policy, fill, limitMicro, riskFactorMicro } = options;
  const { sizing } = policy;
  const base =
    sizing.kind === "percentage"
      ? scale(fill.sharesMicro, { numerator: BigInt(sizing.ratioMicro), denominator: MICRO }, "floor")
      : sharesFor(sizing.usdcMicro, limitMicro, "floor");
  const role = isMakerLike(fill) ? BigInt(policy.makerRatioMicro) : MICRO;
  const numerator = role * BigInt(riskFactorMicro);
  return scale(base, { numerator, denominator: MICRO * MICRO }, "floor");
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
  readonly limitMicro: PriceMicro;
  readonly wantedMicro: SharesMicro;
  readonly bucketMicro: SharesMicro;
  readonly exposure: Exposure;
}): EntrySize {
  const { policy, market, limitMicro, wantedMicro, bucketMicro, exposure } = options;
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
  const { caps } = policy;
  const isHeld = market.tokens.some(({ tokenId }) => exposure.tokens.has(tokenId));
  if (!isHeld && exposure.tokens.size >= caps.openPositionsMax) {
    const reason = { code: "POSITIONS_FULL" as const, open: exposure.tokens.size, openMax: caps.openPositionsMax };
    return { kind: "skip", reason, bucketAddMicro: ZERO_SHARES };
  }
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
