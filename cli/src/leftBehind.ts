/** Lots that outlive their leader's holding: what he has sold and we still have must be on its way out. Pure. */
import type { AccountId, Address, TokenId } from "@slipstream/contracts/ids";
import type { HeldLot, Pending } from "@slipstream/contracts/live";
import type { SharesMicro } from "@slipstream/contracts/money";

export type LeftBehind = {
  readonly account: AccountId;
  readonly leader: Address;
  readonly tokenId: TokenId;
  readonly sharesMicro: SharesMicro;
  /**
   * `selling`: an exit is open or waits. `dust`: less than the venue takes. `unpaid`: its market is closed and pays later.
   * `kept`: by a person's word. `stranded`: nothing will ever sell it.
   */
  readonly why: "selling" | "dust" | "unpaid" | "kept" | "stranded";
};

/**
 * @param holding - what a leader holds of a token by the newest reading of his wallet; null: not known, so he is not
 * taken to have left.
 */
export function leftBehind(
  { lots, exits }: Pick<Pending, "lots" | "exits">,
  holding: (leader: Address, tokenId: TokenId) => SharesMicro | null,
): LeftBehind[] {
  const keyOf = ({ account, leader, tokenId }: Pick<HeldLot, "account" | "leader" | "tokenId">): string =>
    `${account}|${leader}|${tokenId}`;
  const selling = new Set(exits.map(keyOf));
  const whyOf = (lot: HeldLot): LeftBehind["why"] => {
    if (lot.isUnpaid) return "unpaid";
    if (selling.has(keyOf(lot))) return "selling";
    if (lot.isDust) return "dust";
    return lot.whenRemoved === "keep" ? "kept" : "stranded";
  };
  return lots
    .filter(({ leader, tokenId }) => holding(leader, tokenId) === 0n)
    .map((lot) => {
      const { account, leader, tokenId, sharesMicro } = lot;
      return { account, leader, tokenId, sharesMicro, why: whyOf(lot) };
    });
}
