/** What node and index say of one wallet, side by side. */
import type { TokenId } from "@slipstream/contracts/ids";
import { type SharesMicro, ZERO_SHARES } from "@slipstream/contracts/money";

export type Holding = { readonly tokenId: TokenId; readonly sharesMicro: SharesMicro };
export type HoldingDifference = {
  readonly tokenId: TokenId;
  /** null: not read, because the token's market is not known. */
  readonly chainMicro: SharesMicro | null;
  /** null: not listed. */
  readonly indexMicro: SharesMicro | null;
};

/**
 * Returns the tokens on which they differ, in the order of the chain's readings, then the index's. A token that the index
 * does not list is no difference where the chain shows nothing.
 */
export function compareHoldings(chain: readonly Holding[], index: readonly Holding[]): HoldingDifference[] {
  const listed = new Map(index.map(({ tokenId, sharesMicro }) => [tokenId, sharesMicro]));
  const read = new Map(chain.map(({ tokenId, sharesMicro }) => [tokenId, sharesMicro]));
  return [...new Set([...read.keys(), ...listed.keys()])].flatMap((tokenId) => {
    const chainMicro = read.get(tokenId) ?? null;
    const indexMicro = listed.get(tokenId) ?? null;
    const agree = chainMicro !== null && chainMicro === (indexMicro ?? ZERO_SHARES);
    return agree ? [] : [{ tokenId, chainMicro, indexMicro }];
  });
}
