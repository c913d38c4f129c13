/** Shared by the tests of match types: the exchanges of all generations on one chain, and what wallets own there. */
import { type Hash, Hash as HashSchema } from "@slipstream/contracts/ids";
import type { Side } from "@slipstream/contracts/money";
import type { TxLog } from "@slipstream/polymarket/acts";
import type { Generation } from "@slipstream/polymarket/versions";
import { privateKeyToAccount } from "viem/accounts";
import { encodeFunctionData, keccak256, parseAbi, stringToHex } from "viem/utils";
import * as at from "../src/chain/addresses.ts";
import { asHex } from "../src/chain/ctfIds.ts";
import type { SandboxWallet } from "../src/chain/types.ts";
import { deriveWallet } from "../src/chain/wallets.ts";
import { hashOf, logsOf, marketOf, rpc, type TestChain, walletOf } from "./chainKit.ts";

/** One generation's exchange, and one condition that trades there. */
export type Arena = {
  readonly name: string;
  readonly generation: Generation;
  readonly exchange: string;
  readonly collateral: string;
  readonly ledger: string;
  readonly conditionId: string;
  readonly tokenIds: readonly [yes: bigint, no: bigint];
};

export type Who = "active" | "first" | "second";
export type Order = {
  readonly n: number;
  readonly who: Who;
  readonly side: Side;
  readonly outcome: 0 | 1;
  readonly shares: bigint;
  /** What a resting order pays or gets; what an active order offers (BUY) or accepts (SELL). */
  readonly usdc: bigint;
  /** Only of an active order: what it really pays or gets. */
  readonly paid?: bigint;
  readonly fee?: bigint;
  /** V1 only: what the fee module gives back, and whether its event names the order. */
  readonly refund?: { readonly amount: bigint; readonly named: boolean };
};
export type Matched = { readonly active: Order; readonly resting: readonly Order[] };
export type Holdings = { readonly usdc: bigint; readonly shares: readonly [yes: bigint, no: bigint] };

const orderOfNow =
  "struct Order { bytes32 orderHash; address maker; uint8 side; uint256 tokenId; uint256 shares; uint256 usdc; uint256 fee; bytes32 builder; bytes32 metadata; }";
const exchangeAbi = parseAbi([
  orderOfNow,
  "struct Match { bytes32 conditionId; Order active; Order[] resting; }",
  "function settleAll(Match[] matches)",
]);
const moduleAbi = parseAbi([
  "struct Order { bytes32 orderHash; address maker; uint8 side; uint256 tokenId; uint256 shares; uint256 usdc; uint256 fee; }",
  "struct Refund { bytes32 orderHash; address to; uint256 id; uint256 refund; uint256 feeCharged; bool namesOrder; }",
  "struct Job { address exchange; bytes32 conditionId; Order active; Order[] resting; Refund[] refunds; }",
  "function settle(Job[] jobs)",
]);
const tokenAbi = parseAbi([
  "function mint(address to, uint256 value)",
  "function balanceOf(address owner) view returns (uint256)",
]);
const ledgerAbi = parseAbi([
  "function balanceOf(address owner, uint256 id) view returns (uint256)",
  "function splitPosition(address collateral, bytes32 parent, bytes32 conditionId, uint256[] partition, uint256 amount)",
]);

const GAS = 10_000_000n;
const zeroWord = asHex(hashOf(0));
/** A condition of the third generation: 31 bytes, the first one says "combo". */
const comboCondition = asHex(`0x03${keccak256(stringToHex("a combo")).slice(4, -2)}00`);

export function arenasOf({ chain }: TestChain): readonly Arena[] {
  const [rain, candidate] = ["rain", "candidate"].map((slug) => marketOf(chain, slug));
  if (rain === undefined || candidate === undefined) throw new Error("markets");
  const idsOf = (tokenIds: readonly string[]) => [BigInt(tokenIds[0] ?? 0), BigInt(tokenIds[1] ?? 0)] as const;
  const old = {
    generation: "V1",
    collateral: at.usdce,
    ledger: at.conditionalTokens,
    conditionId: rain.conditionId,
  } as const;
  const now = { generation: "V2", collateral: at.pusd, ledger: at.conditionalTokens } as const;
  const combo = BigInt(comboCondition);
  return [
    { name: "V1", exchange: at.exchangeV1, tokenIds: idsOf(rain.tokenIds), ...old },
    { name: "V1 neg-risk", exchange: at.negRiskExchangeV1, tokenIds: idsOf(rain.tokenIds), ...old },
    { name: "V2", exchange: rain.exchange, conditionId: rain.conditionId, tokenIds: idsOf(rain.tokenIds), ...now },
    {
      name: "V2 neg-risk",
      exchange: candidate.exchange,
      conditionId: candidate.conditionId,
      tokenIds: idsOf(candidate.tokenIds),
      ...now,
    },
    {
      name: "V3",
      generation: "V3",
      exchange: at.exchangeV3,
      collateral: at.pusd,
      ledger: at.positionManager,
      conditionId: comboCondition,
      tokenIds: [combo, combo + 1n],
    },
  ];
}

/** Sends a transaction without mining it. */
export async function send(kit: TestChain, from: SandboxWallet, to: string, data: `0x${string}`): Promise<Hash> {
  const url = kit.chain.rpcHttpUrl;
  const nonce = Number(await rpc(url, "eth_getTransactionCount", [from.address, "pending"]));
  const raw = await privateKeyToAccount(from.privateKey).signTransaction({
    type: "eip1559",
    chainId: at.CHAIN_ID,
    nonce,
    to: asHex(to),
    data,
    gas: GAS,
    maxFeePerGas: 1_000_000_000n,
    maxPriorityFeePerGas: 0n,
  });
  return HashSchema.parse(await rpc(url, "eth_sendRawTransaction", [raw]));
}

/** The wallet that may settle; its key follows from the seed of the test chain. */
export const operator = deriveWallet("test", "operator of the exchange");

/** Gives each wallet collateral and `shares` of both outcomes in every arena. */
export async function endow(kit: TestChain, whos: readonly Who[], shares: bigint): Promise<void> {
  for (const who of whos) {
    const wallet = walletOf(kit.chain, who);
    const mint = encodeFunctionData({
      abi: tokenAbi,
      functionName: "mint",
      args: [asHex(wallet.address), 10n * shares],
    });
    await send(kit, operator, at.usdce, mint);
    await send(kit, operator, at.pusd, mint);
    for (const arena of arenasOf(kit)) {
      if (arena.name === "V1 neg-risk") continue;
      const viaAdapter = arena.generation === "V2";
      const target = viaAdapter ? at.adapterOf(arena.name !== "V2") : arena.ledger;
      const args = [asHex(arena.collateral), zeroWord, asHex(arena.conditionId), [1n, 2n], shares] as const;
      const split = encodeFunctionData({ abi: ledgerAbi, functionName: "splitPosition", args });
      await send(kit, wallet, target, split);
    }
  }
  await kit.chain.mine();
}

export async function holdingsOf(kit: TestChain, arena: Arena, who: Who): Promise<Holdings> {
  const owner = asHex(walletOf(kit.chain, who).address);
  const read = async (to: string, data: `0x${string}`) =>
    BigInt(String(await rpc(kit.chain.rpcHttpUrl, "eth_call", [{ to, data }, "latest"])));
  const usdcData = encodeFunctionData({ abi: tokenAbi, functionName: "balanceOf", args: [owner] });
  const sharesOf = (id: bigint) =>
    read(arena.ledger, encodeFunctionData({ abi: ledgerAbi, functionName: "balanceOf", args: [owner, id] }));
  const [usdc, yes, no] = await Promise.all([
    read(arena.collateral, usdcData),
    sharesOf(arena.tokenIds[0]),
    sharesOf(arena.tokenIds[1]),
  ]);
  return { usdc, shares: [yes, no] };
}

/** Settles all matches in one transaction. @returns its logs. @throws Error when it is reverted. */
export async function settle(kit: TestChain, arena: Arena, matches: readonly Matched[]): Promise<TxLog[]> {
  const isV1 = arena.generation === "V1";
  const data = isV1 ? jobsOf(kit, arena, matches) : matchesOf(kit, arena, matches);
  const txHash = await send(kit, operator, isV1 ? at.feeModuleV1 : arena.exchange, data);
  await kit.chain.mine();
  const { status } = await kit.chain.txStatus(txHash);
  if (status !== "mined") throw new Error(`the settlement is ${status}`);
  return (await logsOf(kit.chain, txHash)).map((log) => ({ ...log, logIndex: Number(log.logIndex) }));
}

const argumentOf = (kit: TestChain, arena: Arena, order: Order) => ({
  orderHash: asHex(hashOf(order.n)),
  maker: asHex(walletOf(kit.chain, order.who).address),
  side: order.side === "BUY" ? 0 : 1,
  tokenId: arena.tokenIds[order.outcome],
  shares: order.shares,
  usdc: order.usdc,
  fee: order.fee ?? 0n,
});

function matchesOf(kit: TestChain, arena: Arena, matches: readonly Matched[]): `0x${string}` {
  const argument = (order: Order) => ({ ...argumentOf(kit, arena, order), builder: zeroWord, metadata: zeroWord });
  const conditionId = asHex(arena.conditionId);
  const list = matches.map(({ active, resting }) => ({
    conditionId,
    active: argument(active),
    resting: resting.map(argument),
  }));
  return encodeFunctionData({ abi: exchangeAbi, functionName: "settleAll", args: [list] });
}

function jobsOf(kit: TestChain, arena: Arena, matches: readonly Matched[]): `0x${string}` {
  const argument = (order: Order) => argumentOf(kit, arena, order);
  const refundsOf = (order: Order) => {
    const { orderHash, maker, tokenId, fee } = argument(order);
    if (order.refund === undefined) return [];
    const { amount: refund, named: namesOrder } = order.refund;
    const id = order.side === "BUY" ? tokenId : 0n;
    return [{ orderHash, to: maker, id, refund, feeCharged: fee - refund, namesOrder }];
  };
  const jobs = matches.map(({ active, resting }) => ({
    exchange: asHex(arena.exchange),
    conditionId: asHex(arena.conditionId),
    active: argument(active),
    resting: resting.map(argument),
    refunds: [...resting, active].flatMap(refundsOf),
  }));
  return encodeFunctionData({ abi: moduleAbi, functionName: "settle", args: [jobs] });
}
