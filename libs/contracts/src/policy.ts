/** What a person configures: KV bucket `config`, each accepted revision also a `ConfigChanged` fact. */
import { z } from "zod";
import { OrderPrice, Shares, Usdc } from "./codec.ts";
import { AccountId, Address } from "./ids.ts";

/** Where following a leader begins: with the next block, at a block, or so many days ago. The past is never copied. */
export const FollowFrom = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("now") }),
  z.object({ kind: z.literal("block"), block: z.int().nonnegative() }),
  z.object({ kind: z.literal("days"), days: z.int().min(1).max(365) }),
]);
export type FollowFrom = z.infer<typeof FollowFrom>;

/** `leaders.<address>` */
export const LeaderConfig = z.object({
  leader: Address,
  /** false: no entries after him any more. */
  enabled: z.boolean(),
  /**
   * What becomes of what was bought after him once he is not followed: `follow` his exits until it is gone (default),
   * `close` it now, or `keep` it.
   */
  whenRemoved: z.enum(["follow", "close", "keep"]).optional(),
  /** Absent: now. */
  follow: FollowFrom.optional(),
  label: z.string().max(64).optional(),
});
export type LeaderConfig = z.infer<typeof LeaderConfig>;
export type WhenRemoved = NonNullable<LeaderConfig["whenRemoved"]>;

/**
 * What becomes of what was bought after a leader; null while he is followed. A key that was deleted says nothing about
 * it, and is followed until it is gone.
 */
export const whenRemovedOf = (config: LeaderConfig | null): WhenRemoved | null =>
  config?.enabled === true ? null : (config?.whenRemoved ?? "follow");

const bps = z.int().min(0).max(10_000);

/** How large a copy is; caps and inventory may only shrink it. */
export const Sizing = z.discriminatedUnion("kind", [
  /** Share of the leader's size, 1e-6: 100_000 is 10 %. */
  z.object({ kind: z.literal("percentage"), ratioMicro: z.int().min(1).max(100_000_000) }),
  /** The same cost each time. */
  z.object({ kind: z.literal("fixed"), usdcMicro: Usdc }),
]);
export type Sizing = z.infer<typeof Sizing>;

/** How an exit gives way that the price guard around the leader's price holds back. */
export const ExitPolicy = z.discriminatedUnion("kind", [
  /** Not at all: sold at the book at once, whatever it bids. */
  z.object({ kind: z.literal("book") }),
  /**
   * The limit starts at the guard and gives way by `stepBps` of the leader's price every `everySeconds`, but not below
   * `floorBps` of it (null: no floor); after `bookAfterSeconds` it is the best bid, again not below the floor, and while
   * nobody bids it stays where it was by then. A limit that does not trade at once rests.
   */
  z.object({
    kind: z.literal("widen"),
    everySeconds: z.int().min(1).max(86_400),
    stepBps: z.int().min(1).max(10_000),
    floorBps: bps.nullable(),
    bookAfterSeconds: z.int().min(0).max(604_800),
  }),
]);
export type ExitPolicy = z.infer<typeof ExitPolicy>;

/** `accounts.<id>` */
export const AccountPolicy = z.object({
  account: AccountId,
  mode: z.enum(["paper", "live"]),
  enabled: z.boolean(),
  /** Paper purse at the start; credited once by an `AccountFunded` fact. */
  initialCollateralMicro: Usdc,
  sizing: Sizing,
  /** Older fills get no entry. Exits have no age limit. */
  signalAgeMsMax: z.int().positive(),
  /** A leader's maker fills: 1e-6 of the usual size; 0 skips them. */
  makerRatioMicro: z.int().min(0).max(1_000_000),
  /** How far past the leader's price the limit may go. */
  priceGuardBps: bps,
  priceGuardTicks: z.int().min(0).max(100),
  /** Bps and ticks together never go further than this part of the leader's price. */
  priceGuardMaxBps: bps,
  exits: ExitPolicy,
  /** Small copies that were saved up longer ago than this are not bought any more. */
  bucketAgeMsMax: z.int().positive(),
  timeInForce: z.enum(["GTD", "FAK", "FOK"]),
  /** A GTD remainder rests this long. */
  ttlMs: z.int().positive(),
  /** Paper: decision to venue, before the market's own taker delay. */
  submitLatencyMs: z.int().nonnegative(),
  caps: z.object({
    orderUsdcMicro: Usdc,
    tokenUsdcMicro: Usdc,
    grossUsdcMicro: Usdc,
    openPositionsMax: z.int().positive(),
  }),
  minPriceMicro: OrderPrice,
  maxPriceMicro: OrderPrice,
  /** After a leader's fill has been retracted by the chain. */
  onRetract: z.enum(["keep", "exit"]),
  /** Shares at or below this count as nothing left. */
  dustMicro: Shares,
});
export type AccountPolicy = z.infer<typeof AccountPolicy>;

/** Keys of the `config` bucket and the schema of each. */
export const configSchemas = { leaders: LeaderConfig, accounts: AccountPolicy } as const;
export type ConfigKind = keyof typeof configSchemas;
