/** What a person configures: KV bucket `config`, each accepted revision also a `ConfigChanged` fact. */
import { z } from "zod";
import { OrderPrice, Shares, Usdc } from "./codec.ts";
import { ContractError } from "./errors.ts";
import { AccountId, Address } from "./ids.ts";
import { formatMicro, MICRO, type UsdcMicro } from "./money.ts";
import { readAddress } from "./namedAddress.ts";

/** Where following a leader begins: with the next block, at a block, or so many days ago. The past is never copied. */
export const FollowFrom = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("now") }),
  z.strictObject({ kind: z.literal("block"), block: z.int().nonnegative() }),
  z.strictObject({ kind: z.literal("days"), days: z.int().min(1).max(365) }),
]);
export type FollowFrom = z.infer<typeof FollowFrom>;

/** `leaders.<address>` */
export const LeaderConfig = z.strictObject({
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
  z.strictObject({ kind: z.literal("percentage"), ratioMicro: z.int().min(1).max(100_000_000) }),
  /** The same cost each time. */
  z.strictObject({ kind: z.literal("fixed"), usdcMicro: Usdc }),
]);
export type Sizing = z.infer<typeof Sizing>;

/** How an exit gives way that the price guard around the leader's price holds back. */
export const ExitPolicy = z.discriminatedUnion("kind", [
  /** Not at all: sold at the book at once, whatever it bids. */
  z.strictObject({ kind: z.literal("book") }),
  /**
   * The limit starts at the guard and gives way by `stepBps` of the leader's price every `everySeconds`, but not below
   * `floorBps` of it (null: no floor); after `bookAfterSeconds` it is the best bid, again not below the floor, and while
   * nobody bids it stays where it was by then. A limit that does not trade at once rests.
   */
  z.strictObject({
    kind: z.literal("widen"),
    everySeconds: z.int().min(1).max(86_400),
    stepBps: z.int().min(1).max(10_000),
    floorBps: bps.nullable(),
    bookAfterSeconds: z.int().min(0).max(604_800),
  }),
]);
export type ExitPolicy = z.infer<typeof ExitPolicy>;

/** `accounts.<id>` */
export const AccountPolicy = z.strictObject({
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
  caps: z.strictObject({
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

/** Kinds of keys of the `config` bucket and the schema of each. */
export const configSchemas = { leaders: LeaderConfig, accounts: AccountPolicy } as const;

/** What a key of the `config` bucket says; null: it was deleted. */
export type Config =
  | { readonly kind: "leaders"; readonly leader: Address; readonly config: LeaderConfig | null }
  | { readonly kind: "accounts"; readonly account: AccountId; readonly policy: AccountPolicy | null };
type Refused = { readonly ok: false; readonly text: string };
export type ConfigRead = { readonly ok: true; readonly config: Config } | Refused;

const refused = (key: string, text: string): Refused => ({ ok: false, text: `${key}: ${text}` });

/**
 * Reads a value of the `config` bucket, the one place that says whom a key is about.
 * @param value - in its wire form; null: deleted.
 * @returns why it is refused in words: a key that names nobody, a value of another than the key names, a field that is
 * unknown or out of range, limits that contradict each other.
 */
export function readConfig(key: string, value: unknown): ConfigRead {
  const dot = key.indexOf(".");
  const [kind, id] = [key.slice(0, dot), key.slice(dot + 1)];
  if (dot > 0 && kind === "leaders") return readLeader(key, id, value);
  if (dot > 0 && kind === "accounts") return readAccount(key, id, value);
  return refused(key, `a key is ${Object.keys(configSchemas).join(" or ")}, a point, and whom it is about`);
}

/**
 * What a told revision says. Registry tells only what can be read.
 * @throws ContractError CONFIG_INVALID otherwise: to go on would be to guess what a person wanted.
 */
export function configOf({ key, value }: { readonly key: string; readonly value?: unknown }): Config {
  const read = readConfig(key, value);
  if (read.ok) return read.config;
  throw new ContractError("CONFIG_INVALID", read.text);
}

function readLeader(key: string, id: string, value: unknown): ConfigRead {
  const named = readAddress(id);
  if (!named.ok) return refused(key, named.text);
  if (named.address !== id) return refused(key, "an address in a key is written in lower case");
  if (value === null) return { ok: true, config: { kind: "leaders", leader: named.address, config: null } };
  const parsed = LeaderConfig.safeParse(value);
  if (!parsed.success) return refused(key, wordsOf(parsed.error));
  const config = parsed.data;
  if (config.leader !== id) return refused(key, anotherThan("leader", config.leader));
  return { ok: true, config: { kind: "leaders", leader: config.leader, config } };
}

function readAccount(key: string, id: string, value: unknown): ConfigRead {
  const named = AccountId.safeParse(id);
  if (!named.success) return refused(key, "an account's name is made of a-z, 0-9, _ and -, at most 32");
  if (value === null) return { ok: true, config: { kind: "accounts", account: named.data, policy: null } };
  const parsed = AccountPolicy.safeParse(value);
  if (!parsed.success) return refused(key, wordsOf(parsed.error));
  const policy = parsed.data;
  if (policy.account !== id) return refused(key, anotherThan("account", policy.account));
  const [contradiction] = implausible(policy);
  if (contradiction !== undefined) return refused(key, contradiction);
  return { ok: true, config: { kind: "accounts", account: policy.account, policy } };
}

const anotherThan = (field: string, said: string): string =>
  `the value says ${field} ${JSON.stringify(said)}, which is another than the key names`;

const wordsOf = (error: z.ZodError): string =>
  error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`)).join("; ");

/** The venue takes no purchase below a dollar at the market; amounts are in millionths, which is easily forgotten. */
const CAP_MIN = MICRO;
const FIXED_MIN = MICRO / 100n;

/** What no person can mean, each in words. */
function implausible(policy: AccountPolicy): string[] {
  const { sizing, caps, minPriceMicro, maxPriceMicro } = policy;
  const found: string[] = [];
  const atLeast = (name: string, amount: UsdcMicro, min: bigint, more = ""): void => {
    if (amount >= min) return;
    found.push(
      `${name} ${amount} is ${formatMicro(amount)} USDC (amounts are millionths); at least ${formatMicro(min)} USDC${more}`,
    );
  };
  if (minPriceMicro > maxPriceMicro) {
    found.push(`minPriceMicro ${minPriceMicro} is above maxPriceMicro ${maxPriceMicro}: no price lies between them`);
  }
  if (sizing.kind === "fixed") atLeast("sizing.usdcMicro", sizing.usdcMicro, FIXED_MIN);
  const off = '; to buy nothing, say "enabled": false';
  for (const name of ["orderUsdcMicro", "tokenUsdcMicro", "grossUsdcMicro"] as const) {
    atLeast(`caps.${name}`, caps[name], CAP_MIN, off);
  }
  return found;
}
