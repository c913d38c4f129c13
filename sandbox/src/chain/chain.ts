/** A local Polygon for the sandbox: node, contracts, wallets, markets, and the RPC endpoint before them. */
import { ContractError, TransientError } from "@slipstream/contracts/errors";
import { type Address, type ConditionId, Hash } from "@slipstream/contracts/ids";
import { sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import { z } from "zod";
import { CHAIN_ID } from "./addresses.ts";
import { asMined, type ChainBlock } from "./blocks.ts";
import { asHex, deriveMarket } from "./ctfIds.ts";
import { buildGenesis } from "./genesis.ts";
import { NODE_LIFE_BLOCKS, openKeptState, startKeeping } from "./keptState.ts";
import { type ChainLedger, openLedger } from "./ledger.ts";
import { startMining } from "./mining.ts";
import { startNode } from "./node.ts";
import { NODE_BLOCKS } from "./nodeState.ts";
import type { RpcClient } from "./rpcClient.ts";
import { type RpcFront, startRpcFront } from "./rpcFront.ts";
import * as encode from "./transactions.ts";
import type {
  ChainFaults,
  ChainMarket,
  ChainNode,
  NodeFaults,
  SandboxChain,
  SandboxChainOptions,
  TxStatus,
} from "./types.ts";
import { deriveWallet } from "./wallets.ts";

/** Deeper than the deepest scripted reorg (6). */
const FINALITY_DEPTH_DEFAULT = 8;
const WAIT_BLOCKS_MAX = 20;

const Receipt = z.object({ status: z.string(), blockNumber: z.string(), blockHash: Hash }).nullable();
const Uint = z.string().startsWith("0x");

/**
 * Starts the chain and resolves when all markets are prepared and final.
 * @throws ContractError for options that contradict each other, Error when anvil does not start.
 */
export async function startSandboxChain(options: SandboxChainOptions): Promise<SandboxChain> {
  const { seed, finalityDepth = FINALITY_DEPTH_DEFAULT, onFailure = failLoudly } = options;
  const wallets = options.wallets.map((spec) => deriveWallet(seed, spec.name));
  if (new Set(wallets.map((wallet) => wallet.address)).size !== wallets.length) {
    throw new ContractError("CONFIG_INVALID", "every wallet of the sandbox needs its own name");
  }
  const operator = deriveWallet(seed, "operator of the exchange");
  const genesis = buildGenesis({
    operator: operator.address,
    holders: wallets.map(({ address }, index) => ({
      address,
      pusdMicro: options.wallets[index]?.pusdMicro ?? usdcMicro(0n),
    })),
    timestampS: Math.floor(Date.now() / 1_000),
  });
  const kept = options.keep === true ? await openKeptState(options) : undefined;
  const node = await startNode({
    ...{ genesis, dir: options.dir, binary: options.anvilBin },
    ...(kept === undefined ? {} : { state: kept.state ?? undefined, blocks: NODE_BLOCKS }),
  });
  try {
    const keys = new Map([operator, ...wallets].map((wallet) => [wallet.address, wallet.privateKey]));
    const ledger = await openLedger({ rpc: node.rpc, keys, nowMs: Date.now, finalityDepth });
    const markets = options.markets.map((spec) => deriveMarket(seed, spec));
    await prepareMarkets({ ledger, rpc: node.rpc, operator: operator.address, markets });
    // What the sandbox starts with is never touched by a reorg.
    for (let block = 0; block < finalityDepth; block++) await ledger.mine();
    const { onUnkept = () => undefined, nodeLifeBlocks = NODE_LIFE_BLOCKS } = options;
    const keeping = kept && (await startKeeping({ node, ledger, kept, finalityDepth, nodeLifeBlocks, onUnkept }));
    const history = kept?.history ?? null;
    const startFront = (port: number): Promise<RpcFront> =>
      startRpcFront({ node, history, ledger, finalityDepth, host: options.host ?? "127.0.0.1", port });
    const front = await startFront(options.port ?? 0);
    const fronts = [front];
    const mine = async (): Promise<ChainBlock> => {
      await keeping?.roomForBlock();
      return ledger.mine();
    };
    const mining = startMining({ ledger: { mine }, blockTimeMs: options.blockTimeMs, onFailure });
    const stop = once(async () => {
      await mining.stop();
      for (const one of fronts) await one.stop();
      // Whatever happens to the files, the node must not stay.
      await keeping?.stop().finally(node.stop);
      await node.stop();
    });
    const addNode = async (): Promise<ChainNode> => {
      const added = await startFront(0);
      fronts.push(added);
      return { rpcHttpUrl: added.httpUrl, rpcWsUrl: added.wsUrl, faults: nodeFaultsOf(added) };
    };
    const parts = { options, wallets, operator: operator.address, markets, ledger, front, rpc: node.rpc };
    return assemble({ ...parts, addNode, stop });
  } catch (error) {
    await node.stop();
    throw error;
  }
}

async function prepareMarkets({
  ledger,
  rpc,
  operator,
  markets,
}: {
  readonly ledger: ChainLedger;
  readonly rpc: RpcClient;
  readonly operator: Address;
  readonly markets: readonly ChainMarket[];
}): Promise<void> {
  const missing = new Set<Hash>();
  const outcomes = await Promise.all(
    markets.map(({ conditionId }) => readUint(rpc, encode.outcomesOfCall(conditionId))),
  );
  for (const [index, market] of markets.entries()) {
    if (outcomes[index] === 0n) missing.add(await ledger.send(operator, encode.prepareCall(market)));
  }
  while (missing.size > 0) {
    const block = await ledger.mine();
    if (block.txHashes.length === 0) throw new ContractError("RPC_REFUSED", "the chain node leaves transactions out");
    for (const hash of block.txHashes) missing.delete(hash);
  }
}

async function readUint(rpc: RpcClient, call: Omit<encode.Call, "gas">): Promise<bigint> {
  return BigInt(Uint.parse(await rpc.call("eth_call", [call, "latest"])));
}

type Parts = {
  readonly options: SandboxChainOptions;
  readonly wallets: SandboxChain["wallets"];
  readonly operator: Address;
  readonly markets: ChainMarket[];
  readonly ledger: ChainLedger;
  readonly front: RpcFront;
  readonly rpc: RpcClient;
  readonly addNode: () => Promise<ChainNode>;
  readonly stop: () => Promise<void>;
};

function assemble({ options, wallets, operator, markets, ledger, front, rpc, addNode, stop }: Parts): SandboxChain {
  const known = new Map<ConditionId, ChainMarket>(markets.map((market) => [market.conditionId, market]));
  const read = async (call: Omit<encode.Call, "gas">): Promise<bigint> => {
    await ledger.steady();
    return readUint(rpc, call);
  };
  const txStatus = async (txHash: Hash): Promise<TxStatus> => {
    await ledger.steady();
    const receipt = Receipt.parse(await rpc.call("eth_getTransactionReceipt", [txHash]));
    if (receipt === null) return { status: "pending" };
    const status = receipt.status === "0x1" ? "mined" : "reverted";
    return { status, blockNumber: Number(receipt.blockNumber), blockHash: receipt.blockHash };
  };
  const waitForTx = async (txHash: Hash): Promise<TxStatus> => {
    for (let blocks = 0; blocks < WAIT_BLOCKS_MAX; blocks++) {
      const next = nextChange(ledger);
      const status = await txStatus(txHash);
      if (status.status !== "pending") {
        next.cancel();
        return status;
      }
      await next.happened;
    }
    throw new TransientError("RPC_REFUSED", `${txHash} is in none of ${WAIT_BLOCKS_MAX} blocks`);
  };
  return {
    chainId: CHAIN_ID,
    rpcHttpUrl: front.httpUrl,
    rpcWsUrl: front.wsUrl,
    wallets,
    markets,
    operator,
    faults: faultsOf(front, ledger),
    addNode,
    prepareMarket: async (spec) => {
      const market = deriveMarket(options.seed, spec);
      const present = known.get(market.conditionId);
      if (present !== undefined) return present;
      if ((await read(encode.outcomesOfCall(market.conditionId))) === 0n) {
        const txHash = await ledger.send(operator, encode.prepareCall(market));
        if (options.blockTimeMs === 0) await ledger.mine();
        await waitForTx(txHash);
      }
      known.set(market.conditionId, market);
      markets.push(market);
      return market;
    },
    forgetMarket: (conditionId) => {
      known.delete(conditionId);
      const at = markets.findIndex((market) => market.conditionId === conditionId);
      if (at >= 0) markets.splice(at, 1);
    },
    settle: async (match) => ledger.send(operator, encode.settleCall(encode.marketOf(known, match.conditionId), match)),
    settleAll: async (matches) => {
      const settlements = matches.map((match) => ({ match, market: encode.marketOf(known, match.conditionId) }));
      return ledger.send(operator, encode.settleAllCall(settlements));
    },
    split: async (wallet, conditionId, shares) =>
      ledger.send(wallet.address, encode.positionCall("splitPosition", encode.marketOf(known, conditionId), shares)),
    merge: async (wallet, conditionId, shares) =>
      ledger.send(wallet.address, encode.positionCall("mergePositions", encode.marketOf(known, conditionId), shares)),
    convert: async (wallet, given, shares) =>
      ledger.send(
        wallet.address,
        encode.convertCall(
          given.map((conditionId) => encode.marketOf(known, conditionId)),
          shares,
        ),
      ),
    redeem: async (wallet, conditionId) =>
      ledger.send(wallet.address, encode.redeemCall(encode.marketOf(known, conditionId))),
    transferShares: (wallet, transfer) => ledger.send(wallet.address, encode.transferCall(wallet.address, transfer)),
    resolve: async (conditionId, payouts) =>
      ledger.send(operator, encode.resolveCall(encode.marketOf(known, conditionId), payouts)),
    isResolved: async (conditionId) => (await read(encode.payoutDenominatorCall(conditionId))) !== 0n,
    fund: (address, amount) => ledger.send(operator, encode.mintCall(address, amount)),
    waitForTx,
    txStatus,
    balanceOf: async (address, tokenId) => sharesMicro(await read(encode.sharesOfCall(address, tokenId))),
    balancesOf: async (address, tokenIds) => {
      await ledger.steady();
      const answer = await rpc.call("eth_call", [encode.sharesOfAllCall(address, tokenIds), "latest"]);
      return encode.sharesIn(asHex(Uint.parse(answer))).map(sharesMicro);
    },
    pusdOf: async (address) => usdcMicro(await read(encode.pusdOfCall(address))),
    head: () => asMined(ledger.head()),
    logsOf: (blockHash) => ledger.blocks().find((block) => block.hash === blockHash)?.logs ?? [],
    onBlock: ledger.onChange,
    mine: async () => asMined(await ledger.mine()),
    stop,
  };
}

function faultsOf(front: RpcFront, ledger: ChainLedger): ChainFaults {
  return { ...nodeFaultsOf(front), reorg: (depth, { drop = [] } = {}) => ledger.reorg(depth, drop) };
}

function nodeFaultsOf(front: RpcFront): NodeFaults {
  const set = (change: Partial<RpcFront["switches"]>) => {
    Object.assign(front.switches, change);
    front.apply();
  };
  return {
    setOutage: (outage) => set({ outage }),
    setLagBlocks: (lagBlocks) => set({ lagBlocks }),
    setMaxRange: (maxRange) => set({ maxRange }),
    dropSockets: front.dropSockets,
    setDuplicateLogs: (duplicateLogs) => set({ duplicateLogs }),
    setRemovedLogs: (removedLogs) => set({ removedLogs }),
    setSilent: (silent) => set({ silent }),
    setHiddenLogs: (hiddenLogs) => set({ hiddenLogs }),
    refuseLogs: (refusedLogs) => set({ refusedLogs }),
  };
}

function nextChange(ledger: ChainLedger): { readonly happened: Promise<void>; readonly cancel: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = ledger.onChange(() => {
    cancel();
    resolve();
  });
  return { happened: promise, cancel };
}

/** Without anybody to tell, a chain that stands still must not look alive. */
function failLoudly(error: Error): void {
  queueMicrotask(() => {
    throw error;
  });
}

/** Returns `act` so that further calls join the first. */
function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= act();
    return done;
  };
}
