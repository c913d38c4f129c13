/** What balance-sync is told from outside the log, and what it asks for. */
import type { Allowances } from "@slipstream/contracts/facts/balance";
import type { AccountId, Address, ConditionId, TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import type { SharesMicro, UsdcMicro } from "@slipstream/contracts/money";
import type { BlockRef } from "./state.ts";

/** One balance to read: of this wallet, this token, from the contract that keeps it. */
export type Pair = { readonly owner: Address; readonly tokenId: TokenId; readonly ledger: Address };
export type Reading = Pair & { readonly sharesMicro: SharesMicro };

/** Money of a wallet of ours, and what it lets the exchanges move. */
export type PurseReading = {
  readonly owner: Address;
  readonly collateralMicro: UsdcMicro;
  readonly allowances: Allowances;
};

export type BalancesRead = {
  readonly type: "BalancesRead";
  readonly block: BlockRef & { readonly tsMs: number };
  readonly source: "chain" | "transfer";
  readonly readings: readonly Reading[];
  readonly purses: readonly PurseReading[];
  /** Wallets of which everything asked for was read, and that was everything known. */
  readonly complete: readonly Address[];
  /** The block of an earlier snapshot is gone: these hold although nothing changed or their block is lower. */
  readonly afterReorg: boolean;
};

/** How was this market resolved? `tokenIds`: by outcome, as its definition says. */
export type ResolutionQuestion = {
  readonly conditionId: ConditionId;
  readonly negRisk: boolean;
  readonly tokenIds: readonly TokenId[];
};

/** Conditions that are resolved in a final block, each held against its question. */
export type ResolutionsRead = {
  readonly type: "ResolutionsRead";
  readonly block: BlockRef & { readonly tsMs: number };
  readonly resolutions: readonly {
    readonly conditionId: ConditionId;
    readonly tokenIds: readonly TokenId[];
    readonly payoutNumerators: readonly bigint[];
    readonly payoutDenominator: bigint;
  }[];
};

export type BalanceSyncMessage =
  /** A timer: read what may have moved. */
  | { readonly type: "Poll" }
  /** A timer: read our own wallets from node and index, and compare. */
  | { readonly type: "Compare" }
  /** A timer, or a market that closed: ask how held markets were resolved. `all`: open ones too. */
  | { readonly type: "CheckResolutions"; readonly all: boolean }
  | ResolutionsRead
  /** Absolute balances, all of one block. Without readings it only says that this block exists. */
  | BalancesRead
  /** The block of the newest snapshot is no longer on the chain. */
  | { readonly type: "TipGone"; readonly tip: BlockRef }
  /** No node answers. */
  | { readonly type: "NodesSilent" }
  /** What the venue's index says that a wallet of ours holds; it names no block. */
  | {
      readonly type: "IndexRead";
      readonly address: Address;
      readonly tsMs: number;
      readonly holdings: readonly { readonly tokenId: TokenId; readonly sharesMicro: SharesMicro }[];
    }
  /** The index lists tokens of a wallet of ours that nobody knew of. */
  | { readonly type: "TokensListed"; readonly address: Address; readonly tokenIds: readonly TokenId[] }
  /** A log of this ledger moved these tokens from or to a wallet. */
  | {
      readonly type: "TransferSeen";
      readonly address: Address;
      readonly ledger: Address;
      readonly tokenIds: readonly TokenId[];
    };

/**
 * Read these balances at the newest block. `verify` (when given) must still be on the chain, else the answer is
 * `TipGone`; a node that is behind it answers nothing.
 */
export type ReadBalances = {
  readonly type: "ReadBalances";
  readonly pairs: readonly Pair[];
  /** Wallets of ours whose money is read too. */
  readonly purses: readonly Address[];
  /** Wallets of which `pairs` is everything known. */
  readonly complete: readonly Address[];
  readonly verify: BlockRef | null;
  readonly source: "chain" | "transfer";
  readonly afterReorg: boolean;
};

/** Read these conditions at a final block of a node that has `verify`; the answer is `ResolutionsRead`, or none. */
export type ReadResolutions = {
  readonly type: "ReadResolutions";
  readonly questions: readonly ResolutionQuestion[];
  readonly verify: BlockRef | null;
};

export type BalanceSyncRequest =
  | ReadBalances
  | ReadResolutions
  /** Read what the index says of a wallet of ours; the answer is `IndexRead`. */
  | { readonly type: "ReadIndex"; readonly address: Address }
  /** Read both, tell people what differs; tokens that only the index knew of come back as `TokensListed`. */
  | { readonly type: "CompareWallet"; readonly address: Address; readonly pairs: readonly Pair[] };

/** A wallet of ours: its holder, whose it is in our books, and tokens to watch whatever the books say. */
export type OwnWallet = {
  readonly address: Address;
  readonly account: AccountId | null;
  readonly tokens: readonly TokenId[];
};

/** What settling needs to know of a market. */
export type HeldMarket = Pick<
  MarketDefinition,
  "conditionId" | "tokens" | "version" | "negRisk" | "closed" | "acceptingOrders"
>;

export type BalanceSyncView = {
  /** Unix ms of the world's clock. */
  readonly nowMs: number;
  /** When this process began: complete snapshots of before are said again. */
  readonly startedMs: number;
  readonly own: readonly OwnWallet[];
  /** observe: of our own wallets nothing is published, differences are only told to people. */
  readonly phase: "observe" | "authoritative";
  /** Contract that keeps a token, by its market's version or the exchange it was traded on; null: not known. */
  readonly ledgerOf: (tokenId: TokenId, exchange: Address | null) => Address | null;
  /** null: not known. */
  readonly market: (tokenId: TokenId) => HeldMarket | null;
};
