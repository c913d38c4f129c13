/** What the sandbox chain offers to the other parts of the sandbox. Amounts are bigints in 1e-6 units, as on chain. */
import type { Address, ConditionId, Hash, TokenId } from "@slipstream/contracts/ids";
import type { SharesMicro, Side, UsdcMicro } from "@slipstream/contracts/money";
import type { NodeLog } from "./blocks.ts";

/** A wallet wanted at genesis: funded, with every approval that trading needs already given. */
export type WalletSpec = {
  /** Unique; key and address follow from (seed, name). */
  readonly name: string;
  /** pUSD at genesis. */
  readonly pusdMicro: UsdcMicro;
};

/** An externally owned account: it holds its own pUSD and tokens, so maker, signer and funder are one address. */
export type SandboxWallet = {
  readonly name: string;
  readonly address: Address;
  /** 0x + 64 hex; worth nothing anywhere but here. */
  readonly privateKey: `0x${string}`;
};

/** A standard market, or one question of a neg-risk event (questions of one event share `eventSlug`). */
export type ChainMarketSpec =
  | { readonly slug: string; readonly negRisk: false }
  | { readonly slug: string; readonly negRisk: true; readonly eventSlug: string; readonly questionIndex: number };

export type ChainMarket = {
  readonly slug: string;
  readonly conditionId: ConditionId;
  readonly questionId: Hash;
  readonly negRisk: boolean;
  /** Only with `negRisk`. */
  readonly negRiskMarketId: Hash | null;
  /** The V2 exchange that settles this market. */
  readonly exchange: Address;
  /** Outcome 0 and outcome 1, as in `clobTokenIds`. */
  readonly tokenIds: readonly [yes: TokenId, no: TokenId];
};

/** What one order gives and gets in one match. */
export type MatchedOrder = {
  /** The EIP-712 hash of the order. */
  readonly orderHash: Hash;
  readonly maker: Address;
  readonly side: Side;
  readonly tokenId: TokenId;
  readonly sharesMicro: SharesMicro;
  /**
   * A resting order: exactly what it pays (BUY) or is paid (SELL). The active order: the most it pays (BUY) or the
   * least it accepts (SELL); what it really pays or gets follows from the resting orders.
   */
  readonly usdcMicro: UsdcMicro;
  /** pUSD, on top of the cost (BUY) or out of the proceeds (SELL). */
  readonly feeMicro: UsdcMicro;
  /** Both default to zero. */
  readonly builder?: Hash;
  readonly metadata?: Hash;
};

/**
 * One active order against one or more resting orders of one market. How each pair settles follows from sides and
 * tokens: opposite sides of one token COMPLEMENTARY, two buys of both tokens MINT, two sells of both tokens MERGE.
 */
export type Match = {
  readonly conditionId: ConditionId;
  readonly active: MatchedOrder;
  /** Shares must add up to the shares of `active`. */
  readonly resting: readonly MatchedOrder[];
};

/** A block as it was mined. */
export type MinedBlock = {
  readonly number: number;
  readonly hash: Hash;
  readonly parentHash: Hash;
  /** Whole seconds of the wall clock, in ms. */
  readonly timestampMs: number;
  readonly txHashes: readonly Hash[];
};

export type ReorgReport = {
  /** Blocks taken off the chain, oldest first. */
  readonly removed: readonly MinedBlock[];
  /** Blocks that replaced them, oldest first: one more than were removed. */
  readonly added: readonly MinedBlock[];
  /** Transactions that will never come back. */
  readonly dropped: readonly Hash[];
};

export type ChainEvent =
  | { readonly type: "BlockMined"; readonly block: MinedBlock }
  | { readonly type: "ChainReorganised"; readonly report: ReorgReport };

export type TxStatus =
  /** In the pool, or unknown. */
  | { readonly status: "pending" }
  | { readonly status: "mined" | "reverted"; readonly blockNumber: number; readonly blockHash: Hash };

/** How one RPC endpoint misbehaves. Every switch stays until it is set back. */
export type NodeFaults = {
  /** True: every request fails with 503, sockets are cut and refused. */
  setOutage(on: boolean): void;
  /** The endpoint stands still until it is `blocks` behind the chain, and stays there. 0 ends it. */
  setLagBlocks(blocks: number): void;
  /** eth_getLogs over more blocks than this is refused, as providers do. null: no limit. */
  setMaxRange(blocks: number | null): void;
  /** Cuts every WebSocket once. */
  dropSockets(): void;
  /** True: every log notification is sent twice. */
  setDuplicateLogs(on: boolean): void;
  /** False: logs of removed blocks are not sent again with `removed: true`, as some providers do. Default true. */
  setRemovedLogs(on: boolean): void;
  /** True: sockets stay open and tell nothing more. What happens meanwhile is not told later. */
  setSilent(on: boolean): void;
  /** True: it lies. No log is given or told of any block, although headers and receipts are as they should be. */
  setHiddenLogs(on: boolean): void;
  /** The next `count` requests for a range of logs fail. */
  refuseLogs(count: number): void;
};

/** One more endpoint before the same chain, with faults of its own. */
export type ChainNode = { readonly rpcHttpUrl: string; readonly rpcWsUrl: string; readonly faults: NodeFaults };

/** How the first endpoint and the chain misbehave. */
export type ChainFaults = NodeFaults & {
  /**
   * Replaces the last `depth` blocks by `depth + 1` others. Each transaction returns one block later, with the same
   * hash, except those in `drop`.
   * @throws ContractError when `depth` is below 1, reaches finality or the genesis block.
   */
  reorg(depth: number, options?: { readonly drop?: readonly Hash[] }): Promise<ReorgReport>;
};

export type SandboxChainOptions = {
  /** Same seed, same wallets, markets and addresses. */
  readonly seed: string;
  /** Milliseconds between blocks; 0: only `mine()` makes blocks. */
  readonly blockTimeMs: number;
  readonly markets: readonly ChainMarketSpec[];
  readonly wallets: readonly WalletSpec[];
  /** A folder for temporary files, and for the chain itself with `keep`. */
  readonly dir: string;
  /**
   * True: `stop` leaves the chain in `dir`, and the next start with the same seed and wallets goes on from there.
   * Reads at blocks of the earlier run are refused, as by a node without an archive.
   */
  readonly keep?: boolean;
  /** With `keep`: how many blocks can be read back, at most some more. Default `HISTORY_BLOCKS`. */
  readonly historyBlocks?: number;
  /** With `keep`: the node is replaced by a small one after so many blocks. Default `NODE_LIFE_BLOCKS`. */
  readonly nodeLifeBlocks?: number;
  /** `finalized` is this many blocks behind the head; reorgs stay above it. Default 8. */
  readonly finalityDepth?: number;
  /** Path of anvil; absent: the npm package of this platform. */
  readonly anvilBin?: string;
  /** Where the RPC front listens. Default 127.0.0.1 and a free port. */
  readonly host?: string;
  readonly port?: number;
  /** Told once when the chain can no longer make blocks; absent: the process ends with the error. */
  readonly onFailure?: (error: Error) => void;
  /** With `keep`: told at each failed try to keep the chain, which stands still when that lasts. Absent: nobody. */
  readonly onUnkept?: (error: Error) => void;
};

export type SandboxChain = {
  readonly chainId: number;
  readonly rpcHttpUrl: string;
  readonly rpcWsUrl: string;
  /** In the order of the specs. */
  readonly wallets: readonly SandboxWallet[];
  readonly markets: readonly ChainMarket[];
  /** The only account that may settle; pays no fees that matter. */
  readonly operator: Address;
  readonly faults: ChainFaults;
  /** Opens another endpoint on a free port; it ends with the chain. */
  addNode(): Promise<ChainNode>;

  /** Prepares one more condition, unless the chain has it, and waits for its block. */
  prepareMarket(spec: ChainMarketSpec): Promise<ChainMarket>;
  /** Nobody acts in this market any more: what is kept about it here goes, what the chain holds stays. */
  forgetMarket(conditionId: ConditionId): void;
  /**
   * Sends the settlement and returns its hash as soon as the node has it; it is mined with the next block. A match that
   * balances do not cover is mined as reverted.
   * @throws ContractError for a match that could never settle (unknown market, wrong tokens, shares that do not add up).
   */
  settle(match: Match): Promise<Hash>;
  /**
   * Several matches in one transaction, all of markets of one exchange.
   * @throws ContractError as `settle`, and when there is none or they are of two exchanges.
   */
  settleAll(matches: readonly Match[]): Promise<Hash>;
  /** The wallet splits pUSD into equal shares of both outcomes through the adapter. Not waited for. */
  split(wallet: SandboxWallet, conditionId: ConditionId, sharesMicro: SharesMicro): Promise<Hash>;
  /** The wallet merges equal shares of both outcomes back into pUSD. Not waited for. */
  merge(wallet: SandboxWallet, conditionId: ConditionId, sharesMicro: SharesMicro): Promise<Hash>;
  /**
   * The wallet converts NO of some questions of one neg-risk event into YES of its others, through the adapter. Not
   * waited for.
   */
  convert(wallet: SandboxWallet, given: readonly ConditionId[], sharesMicro: SharesMicro): Promise<Hash>;
  /** The wallet gives all it holds of a resolved condition and is paid, through the adapter. Not waited for. */
  redeem(wallet: SandboxWallet, conditionId: ConditionId): Promise<Hash>;
  transferShares(
    wallet: SandboxWallet,
    transfer: { readonly to: Address; readonly tokenId: TokenId; readonly sharesMicro: SharesMicro },
  ): Promise<Hash>;
  /** The oracle reports; payouts are shares of one per outcome, such as [1, 0]. */
  resolve(conditionId: ConditionId, payouts: readonly [number, number]): Promise<Hash>;
  /** True when the oracle has reported, at the true head. */
  isResolved(conditionId: ConditionId): Promise<boolean>;
  /** The operator mints pUSD to any address. */
  fund(address: Address, pusdMicro: UsdcMicro): Promise<Hash>;

  /** Resolves when the transaction is in a block. @throws TransientError after 20 blocks without it. */
  waitForTx(txHash: Hash): Promise<TxStatus>;
  txStatus(txHash: Hash): Promise<TxStatus>;
  /** At the true head, whatever faults are set. */
  balanceOf(address: Address, tokenId: TokenId): Promise<SharesMicro>;
  /** Of each token, in their order. */
  balancesOf(address: Address, tokenIds: readonly TokenId[]): Promise<readonly SharesMicro[]>;
  pusdOf(address: Address): Promise<UsdcMicro>;
  head(): MinedBlock;
  /** Logs of one of the last blocks, in order, whatever faults are set; empty when the chain does not hold it. */
  logsOf(blockHash: Hash): readonly NodeLog[];
  /** Called once per block or reorg, in order. @returns a function that ends it. */
  onBlock(listener: (event: ChainEvent) => void): () => void;
  /** Mines one block now. */
  mine(): Promise<MinedBlock>;
  /** Ends the front and anvil. Safe to call twice. */
  stop(): Promise<void>;
};
