/** Ids: branded strings, validated where they enter, built from content and never from a position. */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { SharesMicro, Side } from "./money.ts";

/** Lower-case 0x + 40 hex. */
export const Address = z
  .string()
  .regex(/^0x[0-9a-f]{40}$/, "an address: 0x and 40 hexadecimal digits")
  .brand<"Address">();
export type Address = z.infer<typeof Address>;
/** Lower-case 0x + 64 hex. */
export const Hash = z
  .string()
  .regex(/^0x[0-9a-f]{64}$/)
  .brand<"Hash">();
export type Hash = z.infer<typeof Hash>;
/** Outcome token, decimal, up to 78 digits. */
export const TokenId = z
  .string()
  .regex(/^(0|[1-9]\d{0,77})$/)
  .brand<"TokenId">();
export type TokenId = z.infer<typeof TokenId>;
/** 0x + 64 hex (CTF) or 62 hex (Protocol V2). */
export const ConditionId = z
  .string()
  .regex(/^0x[0-9a-f]{62}([0-9a-f]{2})?$/)
  .brand<"ConditionId">();
export type ConditionId = z.infer<typeof ConditionId>;
/** A purse with an execution mode and a policy; part of subjects. */
export const AccountId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,31}$/)
  .brand<"AccountId">();
export type AccountId = z.infer<typeof AccountId>;
/** 32 hex. */
export const LeaderFillId = z
  .string()
  .regex(/^[0-9a-f]{32}$/)
  .brand<"LeaderFillId">();
export type LeaderFillId = z.infer<typeof LeaderFillId>;
/** 32 hex; one per (account, leader fill). */
export const AttemptId = z
  .string()
  .regex(/^[0-9a-f]{32}$/)
  .brand<"AttemptId">();
export type AttemptId = z.infer<typeof AttemptId>;
/** Our order id, 32 hex. */
export const ClientOrderId = z
  .string()
  .regex(/^[0-9a-f]{32}$/)
  .brand<"ClientOrderId">();
export type ClientOrderId = z.infer<typeof ClientOrderId>;
/** The venue's id of an order (its EIP-712 hash), or `paper:<ClientOrderId>`. */
export const VenueOrderId = z.string().min(1).brand<"VenueOrderId">();
export type VenueOrderId = z.infer<typeof VenueOrderId>;
/** One of our own fills. */
export const TradeId = z.string().min(1).brand<"TradeId">();
export type TradeId = z.infer<typeof TradeId>;
/** `<type>:<business id>:<n>`: the JetStream message id of a fact. */
export const FactId = z
  .string()
  .regex(/^[A-Za-z]+:[^\s]+:\d+$/)
  .brand<"FactId">();
export type FactId = z.infer<typeof FactId>;

export const PARTITIONS = 16;
export const LEADER_SHARDS = 64;

const digest = (parts: readonly string[]): string =>
  createHash("sha256").update(parts.join("|")).digest("hex").slice(0, 32);

/** FNV-1a, 32 bit, over the UTF-8 bytes: equal to the server's own `{{partition()}}` mapping on one token. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text, "utf8")) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** YES and NO are one book, so the condition decides; two digits. Without a known condition the token stands in. */
export const partitionOf = (key: ConditionId | TokenId): string => String(fnv1a(key) % PARTITIONS).padStart(2, "0");
/** Two digits. */
export const shardOf = (leader: Address): string => String(fnv1a(leader) % LEADER_SHARDS).padStart(2, "0");

/**
 * Identity of a leader's fill. Block and log index are attributes: a transaction that returns in another block is the
 * same fill. `ordinal` counts byte-identical fills of one transaction.
 */
export function leaderFillId(fill: {
  readonly chainId: number;
  readonly txHash: Hash;
  readonly leader: Address;
  readonly tokenId: TokenId;
  readonly side: Side;
  readonly sharesMicro: SharesMicro;
  readonly ordinal: number;
}): LeaderFillId {
  return digest([
    "leaderFill",
    String(fill.chainId),
    fill.txHash,
    fill.leader,
    fill.tokenId,
    fill.side,
    fill.sharesMicro.toString(),
    String(fill.ordinal),
  ]) as LeaderFillId;
}

/**
 * Identity of another act of a leader as something that is followed, in the place of a fill's: attempts, orders and
 * exits refer to both alike. Acts are told when their block is final, so the place in the transaction is content.
 */
export const leaderActId = (act: {
  readonly txHash: Hash;
  readonly logIndex: number;
  readonly leader: Address;
  readonly tokenId: TokenId;
  readonly direction: "in" | "out";
}): LeaderFillId =>
  digest(["leaderAct", act.txHash, String(act.logIndex), act.leader, act.tokenId, act.direction]) as LeaderFillId;

/** One copy attempt per account and leader fill. */
export const attemptId = (account: AccountId, fill: LeaderFillId): AttemptId =>
  digest(["attempt", account, fill]) as AttemptId;

/** The order of an attempt; `n` counts the retries of an exit that could not be followed at first. */
export const clientOrderId = (attempt: AttemptId, n: number): ClientOrderId =>
  digest(["order", attempt, String(n)]) as ClientOrderId;

/** @param n - occurrence of the same business event, from 0 (a fill that returns after a reorg is 1, 2, …). */
export const factId = (type: string, businessId: string, n = 0): FactId => `${type}:${businessId}:${n}` as FactId;
