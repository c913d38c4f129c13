/** How a condition was resolved: the payout vector as the chain has it. Producer of `ConditionResolved`: balance-sync. */
import { z } from "zod";
import { Block, Uint } from "../codec.ts";
import { ConditionId, Hash, TokenId } from "../ids.ts";
import { fact } from "./common.ts";

/** Payout of outcome i: numerators[i] / denominator USDC per share. */
export const Payout = {
  payoutNumerators: z.array(Uint).min(2).max(256),
  /** Their sum; never 0. */
  payoutDenominator: Uint,
  /** Final block at which it was read; null: the source names none. */
  blockNumber: Block.nullable(),
  /** `chain`: read from the contract. `gamma`: replay of a tape without chain records trusts the venue's word. */
  source: z.enum(["chain", "gamma"]),
} as const;

/** The oracle has reported and the block is final: every share of the condition is worth its payout for ever. */
export const ConditionResolved = fact("ConditionResolved", {
  conditionId: ConditionId,
  /** The token of each outcome, in the order of the numerators. */
  tokenIds: z.array(TokenId).min(2).max(256),
  ...Payout,
  blockHash: Hash.nullable(),
});
export type ConditionResolved = z.infer<typeof ConditionResolved>;
