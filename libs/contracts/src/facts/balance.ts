/** Facts of balance-sync: what the chain says a wallet holds. */
import { z } from "zod";
import { Block, Shares, Usdc } from "../codec.ts";
import { AccountId, Address, ClientOrderId, Hash, TokenId, TradeId } from "../ids.ts";
import { fact } from "./common.ts";

/**
 * Whose holdings: a wallet on the chain (ours or a leader's), or the purse of a paper account, whose chain is the paper
 * ledger itself.
 */
export const Holder = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("wallet"), address: Address }),
  z.object({ kind: z.literal("paper"), account: AccountId }),
]);
export type Holder = z.infer<typeof Holder>;

/** What a wallet of ours lets the venue's contracts move. */
export const Allowances = z.object({
  /** pUSD that each exchange may take; unlimited is 2^256 - 1, or near it. */
  collateral: z.array(z.object({ spender: Address, amountMicro: Usdc })).max(16),
  /** Whether each exchange may move the tokens of its ledger. */
  tokens: z.array(z.object({ ledger: Address, operator: Address, approved: z.boolean() })).max(16),
});
export type Allowances = z.infer<typeof Allowances>;

/** Absolute balances at one block. What is not listed did not change, unless `complete` without parts. */
export const BalanceSnapshot = fact("BalanceSnapshot", {
  holder: Holder,
  /** The account whose wallet it is; absent: a leader's, or a paper purse. */
  account: AccountId.optional(),
  /** Source "api": the newest block that was known when the index was asked, which names none. */
  blockNumber: Block,
  /** null for a paper ledger and for the index. */
  blockHash: Hash.nullable(),
  source: z.enum(["chain", "transfer", "api", "paper"]),
  complete: z.boolean(),
  /**
   * Complete in parts, from 1: together they list all that the wallet is known to hold. Somebody else may have learned of
   * a token that none of them lists, so none is taken for empty.
   */
  part: z.int().positive().optional(),
  parts: z.int().positive().optional(),
  /** Complete: so many known tokens were not read, because their market is not known. */
  unread: z.int().nonnegative().optional(),
  balances: z
    .array(
      z.object({
        tokenId: TokenId,
        sharesMicro: Shares,
        /** Contract that keeps the token; absent: ConditionalTokens. */
        ledger: Address.optional(),
      }),
    )
    .max(500),
  /** null: not read this time. */
  collateralMicro: Usdc.nullable(),
  /** Absent: not read, or as said before. */
  allowances: Allowances.optional(),
  /** A reorg took blocks back: this snapshot holds although its block is lower. */
  afterReorg: z.boolean(),
  /** Some of what is known of the wallet comes from the venue's index, because no node answers. */
  degraded: z.boolean().optional(),
});
export type BalanceSnapshot = z.infer<typeof BalanceSnapshot>;

/** Whether a token that the snapshot does not list is empty. */
export const unlistedIsZero = ({ complete, parts }: Pick<BalanceSnapshot, "complete" | "parts">): boolean =>
  complete && parts === undefined;

/** One of our own fills is in a block. */
export const ExecutionFillSettled = fact("ExecutionFillSettled", {
  account: AccountId,
  orderId: ClientOrderId,
  tradeId: TradeId,
  tokenId: TokenId,
  txHash: Hash.nullable(),
  blockNumber: Block,
});
export type ExecutionFillSettled = z.infer<typeof ExecutionFillSettled>;
