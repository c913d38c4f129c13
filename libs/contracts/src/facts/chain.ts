/** Facts of chain-watcher: what leaders did, as the chain tells it. */
import { z } from "zod";
import { Block, Ms, Price, Shares, SideSchema, Usdc } from "../codec.ts";
import { Address, ConditionId, Hash, LeaderFillId, TokenId } from "../ids.ts";
import { fact } from "./common.ts";

export const FillSource = z.enum(["chain", "data_api", "rtds"]);
export type FillSource = z.infer<typeof FillSource>;
/** UNKNOWN when the source does not say: the stricter policy applies. */
export const LeaderRole = z.enum(["MAKER", "TAKER", "UNKNOWN"]);
export type LeaderRole = z.infer<typeof LeaderRole>;

const blockRef = { blockNumber: Block, blockHash: Hash };
/** null: told by another source, not seen on the chain. */
const perhapsBlock = { blockNumber: Block.nullable(), blockHash: Hash.nullable() };

/**
 * A fill of a leader's own order. The same `leaderFillId` again (fact id `…:n`) means that the chain confirms what another
 * source told first, or that it returned after a revert: never a second attempt. `historical`: older than any signal age
 * when seen; moves positions, gets no attempt.
 */
export const LeaderFill = fact("LeaderFill", {
  leaderFillId: LeaderFillId,
  occurrence: z.int().nonnegative(),
  chainId: z.int(),
  leader: Address,
  role: LeaderRole,
  side: SideSchema,
  tokenId: TokenId,
  /** null when no market definition was known in time. */
  conditionId: ConditionId.nullable(),
  sharesMicro: Shares,
  usdcMicro: Usdc,
  /** usdc / shares, nearest micro; the amounts are the truth. */
  priceMicro: Price,
  /** In USDC for V2 and V3, in shares for a V1 BUY. This and what follows is null until the chain has shown the fill. */
  feeMicro: z.union([Usdc, Shares]).nullable(),
  feeUnit: z.enum(["USDC", "SHARES"]).nullable(),
  exchange: Address.nullable(),
  orderHash: Hash.nullable(),
  txHash: Hash,
  ...perhapsBlock,
  logIndex: z.int().nonnegative().nullable(),
  ordinal: z.int().nonnegative(),
  source: FillSource,
  historical: z.boolean(),
  /**
   * Another source told of a fill of the same transaction, token and side that this one does not equal: which of the two
   * was copied is not known, so this one is not.
   */
  disputed: z.boolean().optional(),
  /** What the source sent: topics and data of the log, or the row. */
  raw: z.string().max(4_096).optional(),
  /** When our process first saw it; `tsEventMs` is the block time, `tsInitMs` the publication. */
  tsSeenMs: Ms,
});
export type LeaderFill = z.infer<typeof LeaderFill>;

const fillRef = {
  leaderFillId: LeaderFillId,
  occurrence: z.int().nonnegative(),
  leader: Address,
  tokenId: TokenId,
  conditionId: ConditionId.nullable(),
  ...perhapsBlock,
};
/** The block of a fill is no longer on the chain; it may return. */
export const LeaderFillReverted = fact("LeaderFillReverted", fillRef);
export type LeaderFillReverted = z.infer<typeof LeaderFillReverted>;
/** The fill did not return before finality passed its block, or never came to the chain: it never happened. */
export const LeaderFillRetracted = fact("LeaderFillRetracted", {
  ...fillRef,
  reason: z.enum(["REORGED_OUT", "NOT_ON_CHAIN"]),
});
export type LeaderFillRetracted = z.infer<typeof LeaderFillRetracted>;

/** A later source tells of a fill that is known: who was first, and by how much, follows from the two. */
export const LeaderFillSighted = fact("LeaderFillSighted", {
  leaderFillId: LeaderFillId,
  leader: Address,
  source: FillSource,
  /** When our process saw it there. */
  tsSeenMs: Ms,
  /** How much later than the first source, milliseconds. */
  laterMs: z.int().nonnegative(),
  raw: z.string().max(4_096),
});
export type LeaderFillSighted = z.infer<typeof LeaderFillSighted>;

/**
 * What an order really paid, where its own log says something else: money an active order offered and got back, a fee
 * that was refunded. Read from the other logs of the transaction.
 */
export const LeaderFillCosted = fact("LeaderFillCosted", {
  leaderFillId: LeaderFillId,
  leader: Address,
  tokenId: TokenId,
  txHash: Hash,
  ...blockRef,
  logIndex: z.int().nonnegative(),
  /** As the log says, and as the legs of the transaction add up to. */
  loggedUsdcMicro: Usdc,
  usdcMicro: Usdc,
  loggedFeeMicro: z.union([Usdc, Shares]),
  feeMicro: z.union([Usdc, Shares]),
  feeUnit: z.enum(["USDC", "SHARES"]),
});
export type LeaderFillCosted = z.infer<typeof LeaderFillCosted>;

/**
 * Another act that moves a leader's holding. Told when its block is final, so it is never taken back. A conversion is one
 * act for each token, NO tokens going out and YES tokens coming in.
 */
export const LeaderAct = fact("LeaderAct", {
  act: z.enum(["split", "merge", "convert", "redeem", "transferIn", "transferOut"]),
  direction: z.enum(["in", "out"]),
  leader: Address,
  tokenId: TokenId,
  sharesMicro: Shares,
  txHash: Hash,
  ...blockRef,
  logIndex: z.int().nonnegative(),
});
export type LeaderAct = z.infer<typeof LeaderAct>;

/** A leader is followed from now on; what lies between `fromBlock` and `toBlock` is read behind the live fills. */
export const LeaderJoined = fact("LeaderJoined", {
  leader: Address,
  fromBlock: Block,
  /** Last block of the past to be read; below `fromBlock`: nothing. */
  toBlock: Block,
  /** Revision of the leader's configuration that asked for it. */
  revision: z.int().nonnegative(),
});
export type LeaderJoined = z.infer<typeof LeaderJoined>;

/** How far the past of a leader has been read; done at `toBlock`. */
export const BackfillProgress = fact("BackfillProgress", {
  leader: Address,
  fromBlock: Block,
  toBlock: Block,
  /** Everything of the leader's past up to here was read completely. */
  cursor: Block,
});
export type BackfillProgress = z.infer<typeof BackfillProgress>;

/**
 * Watermark. Of a shard of leaders: everything up to `cursor` was read completely. Shard "all" is the newest block that
 * any watcher has seen, with the lowest cursor of all shards that follow somebody.
 */
export const ChainProgress = fact("ChainProgress", {
  shard: z.string(),
  head: Block,
  headHash: Hash,
  headTsMs: Ms,
  finalized: Block,
  finalizedHash: Hash,
  /** The last block whose logs were read by range query and found complete. */
  cursor: Block,
  openGaps: z.int().nonnegative(),
});
export type ChainProgress = z.infer<typeof ChainProgress>;

/** `scope` is the shard whose blocks have not been read as they should. */
const gap = { gapId: z.string(), scope: z.string(), fromBlock: Block, toBlock: Block };
export const GapDetected = fact("GapDetected", { ...gap, reason: z.string() });
export type GapDetected = z.infer<typeof GapDetected>;
export const GapResolved = fact("GapResolved", gap);
export type GapResolved = z.infer<typeof GapResolved>;
