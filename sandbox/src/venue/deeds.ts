/** What wallets do with their tokens besides trading, and what it moves. Pure. */
import type { Address, ConditionId, TokenId } from "@slipstream/contracts/ids";
import {
  add,
  negate,
  type SharesMicro,
  scale,
  sharesMicro,
  type UsdcMicro,
  usdcMicro,
  ZERO_USDC,
} from "@slipstream/contracts/money";
import type { Payouts } from "../churn/schedule.ts";
import type { Outcome } from "./engine.ts";
import type { VenueMarket } from "./market.ts";
import { credit, creditShares, type Purses } from "./purses.ts";

export type Deed =
  | {
      readonly kind: "split" | "merge";
      readonly wallet: Address;
      readonly market: VenueMarket;
      readonly sharesMicro: SharesMicro;
    }
  | {
      readonly kind: "convert";
      readonly wallet: Address;
      /** Questions of one neg-risk event whose NO is given; the event's others give YES. */
      readonly given: readonly VenueMarket[];
      readonly others: readonly VenueMarket[];
      readonly sharesMicro: SharesMicro;
    }
  | {
      readonly kind: "transfer";
      readonly wallet: Address;
      readonly to: Address;
      readonly market: VenueMarket;
      readonly outcome: Outcome;
      readonly sharesMicro: SharesMicro;
    }
  | {
      readonly kind: "redeem";
      readonly wallet: Address;
      readonly market: VenueMarket;
      /** All that is held of outcome 0 and of outcome 1. */
      readonly amounts: readonly [SharesMicro, SharesMicro];
      readonly payouts: Payouts;
    };

/** One token that an act moved, in the words of a leader's acts. */
export type DeedMovement = {
  readonly wallet: Address;
  readonly act: "split" | "merge" | "convert" | "redeem" | "transferIn" | "transferOut";
  readonly direction: "in" | "out";
  readonly conditionId: ConditionId;
  readonly tokenId: TokenId;
  readonly sharesMicro: SharesMicro;
};

export function movementsOf(deed: Deed): DeedMovement[] {
  if (deed.kind === "redeem") return redeemed(deed);
  const { wallet, sharesMicro: shares } = deed;
  const move = (
    market: VenueMarket,
    outcome: Outcome,
    { act, direction, of = wallet }: Pick<DeedMovement, "act" | "direction"> & { readonly of?: Address },
  ): DeedMovement => ({
    ...{ wallet: of, act, direction, sharesMicro: shares },
    ...{ conditionId: market.conditionId, tokenId: market.tokenIds[outcome] },
  });
  switch (deed.kind) {
    case "split":
    case "merge": {
      const as = { act: deed.kind, direction: deed.kind === "split" ? "in" : "out" } as const;
      return [move(deed.market, 0, as), move(deed.market, 1, as)];
    }
    case "convert":
      return [
        ...deed.given.map((market) => move(market, 1, { act: "convert", direction: "out" })),
        ...deed.others.map((market) => move(market, 0, { act: "convert", direction: "in" })),
      ];
    case "transfer":
      return [
        move(deed.market, deed.outcome, { act: "transferOut", direction: "out" }),
        move(deed.market, deed.outcome, { act: "transferIn", direction: "in", of: deed.to }),
      ];
  }
}

const redeemed = ({ wallet, market, amounts }: Deed & { readonly kind: "redeem" }): DeedMovement[] =>
  amounts.flatMap((sharesMicro, outcome) => {
    const tokenId = market.tokenIds[outcome];
    if (sharesMicro === 0n || tokenId === undefined) return [];
    return [{ wallet, act: "redeem", direction: "out", conditionId: market.conditionId, tokenId, sharesMicro }];
  });

/** What shares of both outcomes are paid: each outcome is rounded down by itself, as ConditionalTokens does. */
export function payoutFor(amounts: readonly [SharesMicro, SharesMicro], payouts: Payouts): UsdcMicro {
  const [first, second] = payouts.map((numerator, outcome) =>
    scale(
      usdcMicro(amounts[outcome === 0 ? 0 : 1]),
      { numerator: BigInt(numerator), denominator: BigInt(payouts[0] + payouts[1]) },
      "floor",
    ),
  );
  return add(first ?? ZERO_USDC, second ?? ZERO_USDC);
}

/** What the act costs (negative) or pays its wallet. A pair is worth one pUSD, of n converted questions n - 1 are paid. */
function cashOf(deed: Deed): UsdcMicro {
  if (deed.kind === "redeem") return payoutFor(deed.amounts, deed.payouts);
  const worth = usdcMicro(deed.sharesMicro);
  switch (deed.kind) {
    case "split":
      return negate(worth);
    case "merge":
      return worth;
    case "convert":
      return scale(
        worth,
        { numerator: sharesMicro(BigInt(deed.given.length - 1)), denominator: sharesMicro(1n) },
        "floor",
      );
    case "transfer":
      return ZERO_USDC;
  }
}

type Way = "do" | "undo";

/** Takes what an act gives away, at once: nobody spends it twice while the act is on its way. */
export function takeGiven(purses: Purses, deed: Deed, way: Way = "do"): void {
  move(purses, deed, { direction: "out", way });
}

/** Gives what an act brings, when the chain has it. */
export function giveTaken(purses: Purses, deed: Deed, way: Way = "do"): void {
  move(purses, deed, { direction: "in", way });
}

function move(purses: Purses, deed: Deed, by: { readonly direction: "in" | "out"; readonly way: Way }): void {
  const isAdded = (by.direction === "in") === (by.way === "do");
  for (const { wallet, tokenId, direction, sharesMicro: shares } of movementsOf(deed)) {
    if (direction === by.direction) creditShares(purses, wallet, tokenId, isAdded ? shares : negate(shares));
  }
  const cash = cashOf(deed);
  if (cash !== 0n && (cash > 0n ? "in" : "out") === by.direction) {
    credit(purses, deed.wallet, by.way === "do" ? cash : negate(cash));
  }
}
