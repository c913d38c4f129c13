/**
 * What each wallet owns by the venue's count, and what its resting orders hold. Trades count at once, long before their
 * block; what the chain refuses or drops is taken back by the same movements turned round.
 */
import { InvariantError } from "@slipstream/contracts/errors";
import type { Address, TokenId } from "@slipstream/contracts/ids";
import {
  add,
  notional,
  type SharesMicro,
  subtract,
  subtractToZero,
  type UsdcMicro,
  ZERO_SHARES,
  ZERO_USDC,
} from "@slipstream/contracts/money";
import type { Order } from "./engine.ts";

type Holding = { owned: SharesMicro; held: SharesMicro };
type Purse = { owned: UsdcMicro; held: UsdcMicro; readonly tokens: Map<TokenId, Holding> };
export type Purses = Map<Address, Purse>;

export const createPurses = (): Purses => new Map();

/** Adds to (or takes from) what a wallet owns. */
export function credit(purses: Purses, owner: Address, amount: UsdcMicro): void {
  const purse = purseOf(purses, owner);
  purse.owned = add(purse.owned, amount);
}

export function creditShares(purses: Purses, owner: Address, tokenId: TokenId, amount: SharesMicro): void {
  const holding = holdingOf(purseOf(purses, owner), tokenId);
  holding.owned = add(holding.owned, amount);
}

/** Sets aside what `size` of an order may cost. */
export function hold(purses: Purses, order: Order, tokenId: TokenId, size: SharesMicro): void {
  const purse = purseOf(purses, order.owner);
  if (order.side === "BUY") {
    purse.held = add(purse.held, notional(order.priceMicro, size, "ceil"));
    return;
  }
  const holding = holdingOf(purse, tokenId);
  holding.held = add(holding.held, size);
}

/** Gives back what `hold` set aside for the same size. @throws InvariantError when that was less. */
export function release(purses: Purses, order: Order, tokenId: TokenId, size: SharesMicro): void {
  const purse = purseOf(purses, order.owner);
  if (order.side === "BUY") purse.held = subtract(purse.held, notional(order.priceMicro, size, "ceil"));
  const holding = holdingOf(purse, tokenId);
  if (order.side === "SELL") holding.held = subtract(holding.held, size);
  if (purse.held < 0n || holding.held < 0n) throw new InvariantError("more was released than held");
}

/** pUSD that no resting order holds. */
export function freeUsdc(purses: Purses, owner: Address): UsdcMicro {
  const purse = purses.get(owner);
  return purse === undefined ? ZERO_USDC : subtractToZero(purse.owned, purse.held);
}

/** Shares that no resting order offers. */
export function freeShares(purses: Purses, owner: Address, tokenId: TokenId): SharesMicro {
  const holding = purses.get(owner)?.tokens.get(tokenId);
  return holding === undefined ? ZERO_SHARES : subtractToZero(holding.owned, holding.held);
}

export const ownedShares = (purses: Purses, owner: Address, tokenId: TokenId): SharesMicro =>
  purses.get(owner)?.tokens.get(tokenId)?.owned ?? ZERO_SHARES;

/** Nobody trades or redeems these tokens any more: what is left of them is no longer counted. */
export function forgetTokens(purses: Purses, tokenIds: readonly TokenId[]): void {
  for (const { tokens } of purses.values()) for (const tokenId of tokenIds) tokens.delete(tokenId);
}

function purseOf(purses: Purses, owner: Address): Purse {
  const known = purses.get(owner);
  if (known !== undefined) return known;
  const purse: Purse = { owned: ZERO_USDC, held: ZERO_USDC, tokens: new Map() };
  purses.set(owner, purse);
  return purse;
}

function holdingOf(purse: Purse, tokenId: TokenId): Holding {
  const known = purse.tokens.get(tokenId);
  if (known !== undefined) return known;
  const holding: Holding = { owned: ZERO_SHARES, held: ZERO_SHARES };
  purse.tokens.set(tokenId, holding);
  return holding;
}
