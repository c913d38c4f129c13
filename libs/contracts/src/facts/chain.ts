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

/**
 * A fill of a leader's own order. The same `leaderFillId` again (fact id `…:n`) means it returned after a revert:
 * never a second attempt. `historical`: older than any signal age when seen; moves positions, gets no attempt.
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
  /** In USDC for V2 and V3, in shares for a V1 BUY. */
  feeMicro: z.union([Usdc, Shares]),
  feeUnit: z.enum(["USDC", "SHARES"]),
  exchange: Address,
  orderHash: Hash,
  txHash: Hash,
  ...blockRef,
  logIndex: z.int().nonnegative(),
  ordinal: z.int().nonnegative(),
  source: FillSource,
  historical: z.boolean(),
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
  ...blockRef,
};
/** The block of a fill is no longer on the chain; it may return. */
export const LeaderFillReverted = fact("LeaderFillReverted", fillRef);
export type LeaderFillReverted = z.infer<typeof LeaderFillReverted>;
/** The fill did not return before finality passed its block: it never happened. */
export const LeaderFillRetracted = fact("LeaderFillRetracted", {
  ...fillRef,
  reason: z.enum(["REORGED_OUT", "NOT_ON_CHAIN"]),
});
export type LeaderFillRetracted = z.infer<typeof LeaderFillRetracted>;

/** Another act that moves a leader's holding. */
export const LeaderAct = fact("LeaderAct", {
  act: z.enum(["split", "merge", "convert", "redeem", "transferIn", "transferOut"]),
  leader: Address,
  tokenId: TokenId,
  sharesMicro: Shares,
  txHash: Hash,
  ...blockRef,
  logIndex: z.int().nonnegative(),
});
export type LeaderAct = z.infer<typeof LeaderAct>;

/** Watermark: everything up to `cursor` was read completely. */
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

const gap = { gapId: z.string(), scope: z.string(), fromBlock: Block, toBlock: Block };
export const GapDetected = fact("GapDetected", { ...gap, reason: z.string() });
export type GapDetected = z.infer<typeof GapDetected>;
export const GapResolved = fact("GapResolved", gap);
export type GapResolved = z.infer<typeof GapResolved>;
