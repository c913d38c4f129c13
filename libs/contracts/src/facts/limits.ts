/** Refusals for want of room, the same in a skip and in a denial: amounts are amounts, counts are counts. */
import { z } from "zod";
import { Usdc } from "../codec.ts";
import type { TokenId } from "../ids.ts";

/** A limit in money. */
export const CapReached = z.object({
  code: z.literal("CAP_REACHED"),
  cap: z.enum(["order", "token", "gross"]),
  capMicro: Usdc,
});
/** A limit in open positions. */
export const PositionsFull = z.object({
  code: z.literal("POSITIONS_FULL"),
  open: z.int().nonnegative(),
  openMax: z.int().nonnegative(),
});
export type PositionsFull = z.infer<typeof PositionsFull>;

/**
 * The one rule of the cap on positions, for executor and inventory alike: a position is a token that is held or being
 * bought, so YES and NO of one market are two. A token that is open already may always grow.
 * @returns why a purchase of `tokenId` is one position too many; null when it is not.
 */
export function positionsFull(open: ReadonlySet<TokenId>, tokenId: TokenId, openMax: number): PositionsFull | null {
  return open.has(tokenId) || open.size < openMax ? null : { code: "POSITIONS_FULL", open: open.size, openMax };
}
