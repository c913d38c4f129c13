/** Wire codecs: amounts travel as base-10 integer strings, prices and times as JSON integers. */
import { z } from "zod";
import { MICRO_NUMBER, type PriceMicro, type SharesMicro, TICK_MAX, type UsdcMicro } from "./money.ts";

const integerText = z.string().regex(/^(0|-?[1-9]\d*)$/);
const bigintCodec = z.codec(integerText, z.bigint(), {
  decode: (text) => BigInt(text),
  encode: (value) => value.toString(),
});
const naturalText = z.string().regex(/^(0|[1-9]\d*)$/);
const naturalCodec = z.codec(naturalText, z.bigint().nonnegative(), {
  decode: (text) => BigInt(text),
  encode: (value) => value.toString(),
});

/** 1e-6 USDC, not negative. */
export const Usdc = naturalCodec as unknown as z.ZodType<UsdcMicro, string>;
/** 1e-6 USDC, either sign (profit and loss, cash differences). */
export const SignedUsdc = bigintCodec as unknown as z.ZodType<UsdcMicro, string>;
/** A whole number of the chain that has no unit of ours, up to 2^256 - 1 (payout numerators). */
export const Uint = naturalCodec as unknown as z.ZodType<bigint, string>;
/** 1e-6 share, not negative. */
export const Shares = naturalCodec as unknown as z.ZodType<SharesMicro, string>;
/** 1e-6 share, either sign. */
export const SignedShares = bigintCodec as unknown as z.ZodType<SharesMicro, string>;
/** 1e-6 USDC per share, 0 to 1_000_000. */
export const Price = z.int().min(0).max(MICRO_NUMBER) as unknown as z.ZodType<PriceMicro, number>;
/** Order price: strictly between 0 and 1. */
export const OrderPrice = z
  .int()
  .min(1)
  .max(MICRO_NUMBER - 1) as unknown as z.ZodType<PriceMicro, number>;
/** Step of a market's prices: none is coarser than the venue's coarsest. */
export const Tick = z.int().min(1).max(TICK_MAX) as unknown as z.ZodType<PriceMicro, number>;
/** Unix milliseconds. */
export const Ms = z.int().nonnegative();
export const Block = z.int().nonnegative();
export const SideSchema = z.enum(["BUY", "SELL"]);
