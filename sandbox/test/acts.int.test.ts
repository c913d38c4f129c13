/** Acts told from the logs of a real EVM, with the real ledger of tokens: what is told adds up to what the chain holds. */
import type { Address, Hash, TokenId } from "@slipstream/contracts/ids";
import { sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import { actFilters, actsOf, isFillTransfer, type TxLog } from "@slipstream/polymarket/acts";
import { decodeUintArray, encodeBalanceOfBatch } from "@slipstream/polymarket/calls";
import { decodeOrderFilled } from "@slipstream/polymarket/orderFilled";
import { TRANSFER_BATCH, TRANSFER_SINGLE } from "@slipstream/polymarket/topics";
import { defaultExchanges } from "@slipstream/polymarket/versions";
import { privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createRandom, type Random } from "../src/actors/random.ts";
import * as at from "../src/chain/addresses.ts";
import type { ChainMarket, MatchedOrder, SandboxWallet } from "../src/chain/types.ts";
import {
  batchData,
  convertDeed,
  type Deed,
  matchDeed,
  pairDeed,
  redeemDeed,
  type Told,
  transferDeed,
} from "./actsKit.ts";
import { hashOf, logsOf, rpc, startTestChain, type TestChain, walletOf } from "./chainKit.ts";

const seed = process.env["ACTS_SEED"] ?? "acts";
const transactions = Number(process.env["ACTS_RUNS"] ?? 60);
const SHARE = 1_000_000n;
const indexes = [0, 1, 3];

let kit: TestChain;
beforeAll(async () => {
  kit = await startTestChain({
    markets: [
      { slug: "rain", negRisk: false },
      { slug: "snow", negRisk: false },
      ...indexes.map((questionIndex) => ({
        ...{ slug: `candidate-${questionIndex}`, negRisk: true as const, eventSlug: "election", questionIndex },
      })),
    ],
    wallets: ["first", "second"].map((name) => ({ name, pusdMicro: usdcMicro(10_000_000n * SHARE) })),
  });
});
afterAll(() => kit.stop());

const standard = (): ChainMarket[] => kit.chain.markets.filter(({ negRisk }) => !negRisk);
const questions = () =>
  kit.chain.markets.filter(({ negRisk }) => negRisk).map((market, at) => ({ market, index: indexes[at] ?? 0 }));
const tokens = (): TokenId[] => kit.chain.markets.flatMap(({ tokenIds }) => tokenIds);
const owners = (): Address[] => [at.batchWallet, ...kit.chain.wallets.map(({ address }) => address)];

/** Sends a call of any kind and mines it. */
async function send(wallet: SandboxWallet, call: { readonly to: Address; readonly data: string }) {
  const url = kit.chain.rpcHttpUrl;
  const nonce = Number(await rpc(url, "eth_getTransactionCount", [wallet.address, "latest"]));
  const raw = await privateKeyToAccount(wallet.privateKey).signTransaction({
    ...{ type: "eip1559", chainId: kit.chain.chainId, nonce, to: call.to as `0x${string}` },
    ...{ data: call.data as `0x${string}`, gas: 20_000_000n, maxFeePerGas: 10n ** 9n, maxPriorityFeePerGas: 10n ** 9n },
  });
  const txHash = (await rpc(url, "eth_sendRawTransaction", [raw])) as Hash;
  await kit.chain.mine();
  const { status } = await kit.chain.txStatus(txHash);
  const logs = (await logsOf(kit.chain, txHash)).map((log): TxLog => ({ ...log, logIndex: Number(log.logIndex) }));
  return { status, logs, txHash };
}

async function balances(): Promise<Map<string, bigint>> {
  const pairs = owners().flatMap((owner) => tokens().map((tokenId) => ({ owner, tokenId })));
  const call = { to: at.conditionalTokens, data: encodeBalanceOfBatch(pairs) };
  const answer = decodeUintArray(String(await rpc(kit.chain.rpcHttpUrl, "eth_call", [call, "latest"])), pairs.length);
  return new Map(pairs.map(({ owner, tokenId }, index) => [`${owner}|${tokenId}`, answer[index] ?? 0n]));
}

const toldOf = (logs: readonly TxLog[], wallet: Address): Told[] =>
  actsOf(logs, wallet, defaultExchanges).map(({ act, direction, tokenId, sharesMicro: shares }) => ({
    ...{ act, direction, tokenId, shares },
  }));

/** What the fills of a wallet moved, by token. */
const filledOf = (logs: readonly TxLog[], wallet: Address): readonly (readonly [TokenId, bigint])[] =>
  logs.flatMap((log) => {
    const fill = decodeOrderFilled(log, defaultExchanges);
    if (fill.kind !== "orderFilled" || fill.maker !== wallet) return [];
    return [[fill.tokenId, fill.side === "BUY" ? fill.sharesMicro : -fill.sharesMicro] as const];
  });

/** Does the deeds in one transaction and checks all wallets and tokens. */
async function check(
  wallet: SandboxWallet,
  deeds: readonly Deed[],
  call: { readonly to: Address; readonly data: string },
) {
  const before = await balances();
  const { status, logs } = await send(wallet, call);
  const after = await balances();
  expect(status).toBe("mined");
  for (const owner of owners()) {
    const told = toldOf(logs, owner);
    expect(told).toEqual(deeds.flatMap((deed) => deed.told.flatMap(([whose, acts]) => (whose === owner ? acts : []))));
    for (const tokenId of tokens()) {
      const acts = told.filter((one) => one.tokenId === tokenId);
      const moved = acts.reduce((sum, { direction, shares }) => sum + (direction === "in" ? shares : -shares), 0n);
      const filled = filledOf(logs, owner).reduce((sum, [token, delta]) => sum + (token === tokenId ? delta : 0n), 0n);
      const key = `${owner}|${tokenId}`;
      expect(moved + filled, key).toBe((after.get(key) ?? 0n) - (before.get(key) ?? 0n));
    }
  }
  return { logs, filled: owners().flatMap((owner) => filledOf(logs, owner)).length };
}

let orders = 0;
/** Two orders of one market that settle directly, by making or by destroying a pair; both may be of one wallet. */
function randomMatch(random: Random, active: Address, other: Address): Deed {
  const market = random.pick(kit.chain.markets) as ChainMarket;
  const [side, type, outcome] = [random.chance(0.5), random.chance(0.5), random.chance(0.5) ? 0 : 1] as const;
  const amount = BigInt(random.integer(1, 20)) * SHARE;
  const orderOf = (maker: Address, isBuy: boolean, ofOutcome: 0 | 1): MatchedOrder => {
    orders += 1;
    const money = { sharesMicro: sharesMicro(amount), usdcMicro: usdcMicro(amount / 2n), feeMicro: usdcMicro(0n) };
    return {
      orderHash: hashOf(orders),
      maker,
      side: isBuy ? "BUY" : "SELL",
      tokenId: market.tokenIds[ofOutcome],
      ...money,
    };
  };
  const opposite = type ? orderOf(other, !side, outcome) : orderOf(other, side, outcome === 0 ? 1 : 0);
  return matchDeed(market, {
    conditionId: market.conditionId,
    active: orderOf(active, side, outcome),
    resting: [opposite],
  });
}

function randomDeed(random: Random, owner: Address): Deed {
  const shares = BigInt(random.integer(1, 20)) * SHARE + BigInt(random.integer(0, 999_999));
  const through = random.chance(0.5) ? ("adapter" as const) : ("below" as const);
  const kind = random.integer(0, 4);
  if (kind <= 1) {
    const market = random.pick(kit.chain.markets) as ChainMarket;
    return pairDeed(owner, random.chance(0.5) ? "split" : "merge", { market, shares, through });
  }
  if (kind === 2) {
    const given = new Set(indexes.filter(() => random.chance(0.5)));
    if (given.size === 0) given.add(1);
    return convertDeed(owner, { questions: questions(), given, shares, through });
  }
  const to = random.pick(owners()) as Address;
  if (kind === 3) return transferDeed(owner, to, [random.pick(tokens()) as TokenId], shares);
  const some = Array.from({ length: random.integer(2, 4) }, () => random.pick(tokens()) as TokenId);
  return transferDeed(owner, to, some, shares);
}

const first = () => walletOf(kit.chain, "first");
const viaBatch = (deeds: readonly Deed[]) => check(first(), deeds, { to: at.batchWallet, data: batchData(deeds) });

/** Everybody gets tokens of all markets, and USDC.e by merging below the adapter. */
async function endow(): Promise<void> {
  await kit.chain.fund(at.batchWallet, usdcMicro(1_000_000n * SHARE));
  await kit.chain.mine();
  for (const owner of owners()) {
    const splits = kit.chain.markets.map((market) =>
      pairDeed(owner, "split", { market, shares: 20_000n * SHARE, through: "adapter" }),
    );
    const merges = standard().map((market) =>
      pairDeed(owner, "merge", { market, shares: 10_000n * SHARE, through: "below" }),
    );
    const wallet = kit.chain.wallets.find(({ address }) => address === owner);
    if (wallet === undefined) await viaBatch([...splits, ...merges]);
    else for (const deed of [...splits, ...merges]) await check(wallet, [deed], deed);
  }
}

test(`random transactions (seed ${seed}): acts and fills add up to the balances of every wallet and token`, async () => {
  const random = createRandom(seed);
  await endow();
  const kinds = new Set<string>();
  let fills = 0;
  for (let n = 0; n < transactions; n++) {
    const wallet = random.pick(kit.chain.wallets) as SandboxWallet;
    const inBatch = random.chance(0.7);
    const deeds = Array.from({ length: inBatch ? random.integer(1, 6) : 1 }, () =>
      inBatch && random.chance(0.35)
        ? randomMatch(random, random.pick(owners()) as Address, random.pick(owners()) as Address)
        : randomDeed(random, inBatch ? at.batchWallet : wallet.address),
    );
    const [only] = deeds;
    if (only === undefined) continue;
    const { filled } = inBatch ? await viaBatch(deeds) : await check(wallet, deeds, only);
    fills += filled;
    for (const { told } of deeds) for (const [, acts] of told) for (const { act } of acts) kinds.add(act);
  }
  expect([...kinds].sort()).toEqual(["convert", "merge", "split", "transferIn", "transferOut"]);
  expect(fills).toBeGreaterThan(transactions / 4);
});

test("what is redeemed is told so, by the adapter and below it, and nothing of a token is nothing", async () => {
  const [rain, snow] = standard();
  const [candidate, other] = questions().map(({ market }) => market);
  if (rain === undefined || snow === undefined || candidate === undefined || other === undefined) return expect.fail();
  for (const market of [rain, snow, candidate, other]) await kit.chain.resolve(market.conditionId, [1, 0]);
  await kit.chain.mine();
  const held = await balances();
  const heldOf = (owner: Address, { tokenIds: [yes, no] }: ChainMarket): [bigint, bigint] => [
    held.get(`${owner}|${yes}`) ?? 0n,
    held.get(`${owner}|${no}`) ?? 0n,
  ];
  const redeem = (owner: Address, market: ChainMarket, through: "adapter" | "below"): Deed =>
    redeemDeed(owner, { market, held: heldOf(owner, market), through });
  const { address } = first();
  const all: Deed = transferDeed(
    address,
    walletOf(kit.chain, "second").address,
    [snow.tokenIds[1]],
    heldOf(address, snow)[1],
  );
  await check(first(), [all], all);
  held.set(`${address}|${snow.tokenIds[1]}`, 0n);
  for (const deed of [
    redeem(address, rain, "adapter"),
    redeem(address, snow, "below"),
    redeem(address, candidate, "adapter"),
    redeem(address, other, "below"),
  ]) {
    await check(first(), [deed], deed);
  }
  await viaBatch([
    redeem(at.batchWallet, candidate, "below"),
    redeem(at.batchWallet, rain, "below"),
    redeem(at.batchWallet, snow, "adapter"),
  ]);
});

test("the filters find every transaction with an act; transfers of pure trades need no receipt", async () => {
  const wallet = walletOf(kit.chain, "second");
  const head = kit.chain.head().number;
  const deed = transferDeed(wallet.address, at.batchWallet, [tokens()[0] as TokenId], SHARE);
  const { txHash } = await send(wallet, deed);
  const match = randomMatch(createRandom("one"), at.batchWallet, wallet.address);
  const trade = await send(first(), { to: at.batchWallet, data: batchData([match]) });
  const found: { transactionHash: string; address: string; topics: string[]; data: string }[] = [];
  for (const { address, topics } of actFilters([wallet.address])) {
    const filter = { address, topics, fromBlock: `0x${(head + 1).toString(16)}`, toBlock: "latest" };
    found.push(...((await rpc(kit.chain.rpcHttpUrl, "eth_getLogs", [filter])) as typeof found));
  }
  const worthReading = found.filter((log) => !isFillTransfer(log, defaultExchanges));
  expect(worthReading.map((log) => log.transactionHash)).toEqual([txHash]);
  expect(found.map((log) => log.transactionHash)).toContain(trade.txHash);
  expect(found.every(({ topics: [event] }) => event === TRANSFER_SINGLE || event === TRANSFER_BATCH)).toBe(true);
});
