/**
 * What balance-sync knows, folded from the log: per followed wallet what was last published of each token, per paper
 * purse its ledger, per account the tokens of its positions and orders. Readings that changed nothing leave no trace
 * here: they are asked again, never assumed.
 */
import type { Allowances } from "@slipstream/contracts/facts/balance";
import type {
  AccountId,
  Address,
  ClientOrderId,
  ConditionId,
  FactId,
  Hash,
  TokenId,
  TradeId,
} from "@slipstream/contracts/ids";
import type { SharesMicro, Side, UsdcMicro } from "@slipstream/contracts/money";

/** One token of a wallet as it was last published. */
export type WalletToken = {
  /** Exchange on which it was traded: tells which contract keeps it; null: not seen traded. */
  exchange: Address | null;
  /** Contract that it was read from; null: never read. */
  ledger: Address | null;
  /** null: never read. */
  sharesMicro: SharesMicro | null;
  /** Block of the last snapshot that named it; 0 before. */
  blockNumber: number;
  blockHash: Hash | null;
  /** What was said last comes from the index: a node has the last word as soon as one answers. */
  fromIndex: boolean;
  /** When something last moved it, in the world's time. */
  touchedMs: number;
};

export type Wallet = {
  readonly address: Address;
  followed: boolean;
  readonly tokens: Map<TokenId, WalletToken>;
  /** Snapshots published: the same balances may be said again, on a block that a reorg brought back. */
  snapshots: number;
  lastSnapshotId: string | null;
  /** Of a wallet of ours, as last published; null: never. */
  purse: { readonly collateralMicro: UsdcMicro; readonly blockNumber: number } | null;
  allowances: Allowances | null;
  /** When a complete snapshot was last published, in the world's time; null: never. */
  completeMs: number | null;
  degraded: boolean;
};

/** A paper fill that no block has settled yet. */
export type PurseFill = {
  readonly tradeId: TradeId;
  readonly orderId: ClientOrderId;
  readonly tokenId: TokenId;
  readonly side: Side;
  readonly sizeMicro: SharesMicro;
  readonly usdcMicro: UsdcMicro;
  readonly feeMicro: UsdcMicro;
};

/** The ledger of a paper account: its chain is itself, paced by the blocks of the real one. */
export type Purse = {
  readonly account: AccountId;
  collateralMicro: UsdcMicro;
  readonly balances: Map<TokenId, SharesMicro>;
  /** In log order. */
  readonly unsettled: Map<TradeId, PurseFill>;
  /** Settled in the ledger, not yet in a snapshot. */
  readonly unpublished: Set<TokenId>;
  /** The newest SEEN_TRADES_MAX fills, so that none counts twice. */
  readonly seenTrades: Set<TradeId>;
  /** Settlements that moved the ledger, the newest SEEN_TRADES_MAX. */
  readonly seenSettlements: Set<FactId>;
  /** Block of the last snapshot. Fills settle in later blocks only. */
  lastBlock: number;
};

export type BlockRef = { readonly blockNumber: number; readonly blockHash: Hash };

export type BalanceSyncState = {
  readonly wallets: Map<Address, Wallet>;
  readonly purses: Map<AccountId, Purse>;
  /** Tokens of positions and open orders, with the time of the last change. Not of paper accounts. */
  readonly accountTokens: Map<AccountId, Map<TokenId, number>>;
  /** Newest block that the watcher reported. */
  head: { blockNumber: number; tsMs: number };
  finalized: number;
  /**
   * A final block that the watcher reported, FINALS_APART to twice as many blocks ago: whoever does not have it is on
   * another chain, or far behind. The newest would shut out nodes that are a moment later than the watcher's.
   */
  final: BlockRef | null;
  /** Takes its place when another one is FINALS_APART above. */
  nextFinal: BlockRef | null;
  /** Per token which accounts have something in it. `vanished`: our books say so, no balance shows it. */
  readonly held: Map<TokenId, Map<AccountId, "seen" | "vanished">>;
  /** Conditions whose resolution was told, the newest RESOLVED_MAX. */
  readonly resolved: Set<ConditionId>;
  /** Block of the newest wallet snapshot: as long as it is canonical, so is every snapshot before it. */
  tip: BlockRef | null;
};

export const SEEN_TRADES_MAX = 8_192;
/** Some minutes of blocks. */
export const FINALS_APART = 64;
/** Half the tokens that inventory remembers payouts of: what it forgets is told again if somebody holds it. */
export const RESOLVED_MAX = 4_096;
/** A wallet trades some hundred tokens a week; beyond this, tokens it no longer holds are forgotten, oldest first. */
const WALLET_TOKENS_MAX = 4_096;

/** Positions and open orders of one account. */
export const ACCOUNT_TOKENS_MAX = 4_096;

export const initialState = (): BalanceSyncState => ({
  wallets: new Map(),
  purses: new Map(),
  accountTokens: new Map(),
  head: { blockNumber: 0, tsMs: 0 },
  finalized: 0,
  final: null,
  nextFinal: null,
  held: new Map(),
  resolved: new Set(),
  tip: null,
});

export function walletOf(state: BalanceSyncState, address: Address): Wallet {
  const known = state.wallets.get(address);
  if (known !== undefined) return known;
  const wallet: Wallet = {
    address,
    followed: false,
    tokens: new Map(),
    snapshots: 0,
    lastSnapshotId: null,
    purse: null,
    allowances: null,
    completeMs: null,
    degraded: false,
  };
  state.wallets.set(address, wallet);
  return wallet;
}

export function walletTokenOf(wallet: Wallet, tokenId: TokenId): WalletToken {
  const known = wallet.tokens.get(tokenId);
  if (known !== undefined) return known;
  const token: WalletToken = {
    exchange: null,
    ledger: null,
    sharesMicro: null,
    blockNumber: 0,
    blockHash: null,
    fromIndex: false,
    touchedMs: 0,
  };
  wallet.tokens.set(tokenId, token);
  forgetOldest(wallet);
  return token;
}

function forgetOldest(wallet: Wallet): void {
  if (wallet.tokens.size <= WALLET_TOKENS_MAX) return;
  let oldest: TokenId | null = null;
  let oldestMs = Number.POSITIVE_INFINITY;
  for (const [tokenId, { sharesMicro, touchedMs }] of wallet.tokens) {
    if (sharesMicro === 0n && touchedMs < oldestMs) {
      oldest = tokenId;
      oldestMs = touchedMs;
    }
  }
  if (oldest !== null) wallet.tokens.delete(oldest);
}
