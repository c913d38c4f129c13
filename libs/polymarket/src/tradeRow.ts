/**
 * A fill as the venue's index and its live feed tell it: no log index, no role, amounts as JSON numbers. Two equal rows
 * of one transaction are two fills.
 * @see docs/venue.md, Data API and RTDS
 */
import { Address, ConditionId, Hash, TokenId } from "@slipstream/contracts/ids";
import {
  MICRO_NUMBER,
  type PriceMicro,
  priceMicro,
  type SharesMicro,
  type Side,
  sharesMicro,
  type UsdcMicro,
  usdcMicro,
} from "@slipstream/contracts/money";
import { z } from "zod";
import { microDecimal } from "./decimal.ts";

export type TradeRow = {
  readonly wallet: Address;
  readonly txHash: Hash;
  readonly tokenId: TokenId;
  readonly conditionId: ConditionId | null;
  readonly side: Side;
  /** 1e-6 share. */
  readonly sharesMicro: SharesMicro;
  /** 1e-6 USDC per share, to the nearest; of an active order the average over what it met. Null: not told. */
  readonly priceMicro: PriceMicro | null;
  /** 1e-6 USDC. Null: not told. */
  readonly usdcMicro: UsdcMicro | null;
  /** False: shares or USDC had more than six decimals and are the nearest micro. */
  readonly exact: boolean;
  /** Time of the block, whole seconds. */
  readonly tsEventMs: number;
  /** The row as JSON. */
  readonly raw: string;
};

const address = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(Address);
const Row = z.object({
  proxyWallet: address,
  side: z.enum(["BUY", "SELL"]),
  asset: TokenId,
  conditionId: z.union([ConditionId, z.literal("").transform(() => null)]).nullish(),
  size: z.union([z.number(), z.string()]),
  price: z.union([z.number(), z.string()]).nullish(),
  usdcSize: z.union([z.number(), z.string()]).nullish(),
  /** Unix seconds. */
  timestamp: z.int().nonnegative(),
  transactionHash: Hash,
});

/** @returns the fill, or why the row cannot be read. */
export function readTradeRow(value: unknown): TradeRow | { readonly unreadable: string } {
  const parsed = Row.safeParse(value);
  if (!parsed.success) return { unreadable: z.prettifyError(parsed.error).slice(0, 300) };
  const row = parsed.data;
  const shares = microDecimal(row.size);
  if (shares === null || shares.micro === 0n) return { unreadable: `a fill of ${row.size} shares` };
  const price = microDecimal(row.price);
  const usdc = microDecimal(row.usdcSize);
  return {
    wallet: row.proxyWallet,
    txHash: row.transactionHash,
    tokenId: row.asset,
    conditionId: row.conditionId ?? null,
    side: row.side,
    sharesMicro: sharesMicro(shares.micro),
    priceMicro: price === null || price.micro > BigInt(MICRO_NUMBER) ? null : priceMicro(Number(price.micro)),
    usdcMicro: usdc === null ? null : usdcMicro(usdc.micro),
    exact: shares.exact && (usdc === null || usdc.exact),
    tsEventMs: row.timestamp * 1_000,
    raw: JSON.stringify(value),
  };
}
