/**
 * A fill as the venue's index and its live feed tell it: no log index, no role, amounts as JSON numbers. Two equal rows
 * of one transaction are two fills.
 * @see docs/venue.md, Data API and RTDS
 */
import { Address, ConditionId, Hash, TokenId } from "@slipstream/contracts/ids";
import {
  MICRO,
  type PriceMicro,
  priceMicro,
  type SharesMicro,
  type Side,
  sharesMicro,
  type UsdcMicro,
  usdcMicro,
} from "@slipstream/contracts/money";
import { z } from "zod";
import { decimalFraction, type Fraction, type MicroDecimal, microDecimal, nearest } from "./decimal.ts";

export type TradeRow = {
  readonly wallet: Address;
  readonly txHash: Hash;
  readonly tokenId: TokenId;
  readonly conditionId: ConditionId | null;
  readonly side: Side;
  /** 1e-6 share. */
  readonly sharesMicro: SharesMicro;
  /** 1e-6 USDC per share, to the nearest; of an active order an average. Null: not told, or above 1. */
  readonly priceMicro: PriceMicro | null;
  /** 1e-6 USDC: what the shares cost, without the fee. Null: not told. */
  readonly usdcMicro: UsdcMicro | null;
  /** False: shares or USDC are the nearest micro of what was told, the chain's may differ by a few. */
  readonly exact: boolean;
  /** The shares alone: by them a row is matched to the chain. */
  readonly exactShares: boolean;
  /** Time of the block, whole seconds. */
  readonly tsEventMs: number;
  /** What the row says of the trade, as JSON; who the trader is (name, biography, picture) is not kept. */
  readonly raw: string;
};

const address = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(Address);
/** Up to here a time is in seconds, beyond it in milliseconds: the year 5138, and 1973. */
const SECONDS_MAX = 1e11;

/**
 * Reads a time of the index: Unix seconds, also as text or with zeros behind the point; milliseconds are told by their
 * size. Another number is none.
 * @returns Unix seconds, whole.
 */
export const seconds = z
  .union([z.number(), z.string().regex(/^\d{1,16}(\.0+)?$/)])
  .transform((value, context): number => {
    const told = Number(value);
    const whole = told < SECONDS_MAX ? told : Math.floor(told / 1_000);
    if (Number.isSafeInteger(whole) && whole >= 0 && whole < SECONDS_MAX) return whole;
    context.addIssue(`no time: ${value}`);
    return z.NEVER;
  });

const Row = z.object({
  proxyWallet: address,
  side: z.enum(["BUY", "SELL"]),
  asset: TokenId,
  /** Empty, missing or odd: the token alone says which market it is. */
  conditionId: ConditionId.nullish().catch(null),
  size: z.union([z.number(), z.string()]),
  price: z.union([z.number(), z.string()]).nullish(),
  usdcSize: z.union([z.number(), z.string()]).nullish(),
  timestamp: seconds,
  transactionHash: Hash,
});

/** @returns the fill, or why the row cannot be read. */
export function readTradeRow(value: unknown): TradeRow | { readonly unreadable: string } {
  const parsed = Row.safeParse(value);
  if (!parsed.success) return { unreadable: z.prettifyError(parsed.error).slice(0, 300) };
  const row = parsed.data;
  const shares = microDecimal(row.size);
  if (shares === null || shares.micro === 0n)
    return { unreadable: `a fill of ${String(row.size).slice(0, 40)} shares` };
  const told = decimalFraction(row.price);
  const price = told === null || told.numerator > told.denominator ? null : told;
  const cost = costOf(shares.micro, price, row.usdcSize);
  return {
    wallet: row.proxyWallet,
    txHash: row.transactionHash,
    tokenId: row.asset,
    conditionId: row.conditionId ?? null,
    side: row.side,
    sharesMicro: sharesMicro(shares.micro),
    priceMicro: price === null ? null : priceMicro(Number(nearest(MICRO, price).micro)),
    usdcMicro: cost === null ? null : usdcMicro(cost.micro),
    exact: shares.exact && cost?.exact !== false,
    exactShares: shares.exact,
    tsEventMs: row.timestamp * 1_000,
    raw: rawOf(value as Readonly<Record<string, unknown>>),
  };
}

/** Fields of a trade. Others are the trader's own words, of any length. */
const TRADE_FIELDS = [
  ...["type", "proxyWallet", "side", "asset", "conditionId", "size", "usdcSize", "price", "timestamp"],
  ...["transactionHash", "outcome", "outcomeIndex", "slug", "eventSlug"],
];
/** Longer than any value of these fields that was seen; fourteen of them stay below what a fact holds. */
const FIELD_MAX = 200;

/** @returns JSON of at most some 3,000 characters; a field that is longer than any real one is left out. */
function rawOf(row: Readonly<Record<string, unknown>>): string {
  const kept = TRADE_FIELDS.flatMap((name): [string, unknown][] => {
    const value = row[name];
    const isShort = value === null || (typeof value !== "object" && JSON.stringify(value ?? null).length <= FIELD_MAX);
    return value === undefined || !isShort ? [] : [[name, value]];
  });
  return JSON.stringify(Object.fromEntries(kept));
}

/** Average prices are told with ten decimals. */
const PRICE_UNIT = 10n ** 10n;

/**
 * What the shares cost. The USDC of a taker's row hold his fee (bought 7,917.59 at 0.45 with a rate of 0.05: 3,660.89567
 * is 3,562.9155 and 97.98017), so they count only where they are the price times the shares, up to the price's own
 * rounding; else that product does.
 */
function costOf(shares: bigint, price: Fraction | null, usdcSize: unknown): MicroDecimal | null {
  const told = microDecimal(usdcSize);
  if (price === null) return told === null ? null : { ...told, exact: false };
  const product = nearest(shares, price);
  if (told === null) return product;
  const gap = told.micro > product.micro ? told.micro - product.micro : product.micro - told.micro;
  return gap <= shares / (2n * PRICE_UNIT) + 1n ? told : { ...product, exact: false };
}
