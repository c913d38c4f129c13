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

/** Absolute balances at one block. What is not listed did not change, unless `complete`. */
export const BalanceSnapshot = fact("BalanceSnapshot", {
  holder: Holder,
  blockNumber: Block,
  /** null for a paper ledger. */
  blockHash: Hash.nullable(),
  source: z.enum(["chain", "transfer", "api", "paper"]),
  complete: z.boolean(),
  balances: z.array(z.object({ tokenId: TokenId, sharesMicro: Shares })).max(500),
  /** null: not read this time. */
  collateralMicro: Usdc.nullable(),
  /** A reorg took blocks back: this snapshot holds although its block is lower. */
  afterReorg: z.boolean(),
});
export type BalanceSnapshot = z.infer<typeof BalanceSnapshot>;

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
