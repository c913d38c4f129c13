/** Refusals for want of room, the same in a skip and in a denial: amounts are amounts, counts are counts. */
import { z } from "zod";
import { Usdc } from "../codec.ts";

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
