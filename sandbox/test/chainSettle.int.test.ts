import { sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import { type Abi, createPublicClient, http } from "viem";
import { decodeFunctionResult, encodeFunctionData, getAddress, parseAbi } from "viem/utils";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as at from "../src/chain/addresses.ts";
import { compileContracts, contractNames, readArtifact } from "../src/chain/compile.ts";
import { asHex } from "../src/chain/ctfIds.ts";
import type { ChainMarket, Match } from "../src/chain/types.ts";
import {
  decode,
  hashOf,
  logsOf,
  marketOf,
  orderOf,
  rpc,
  startTestChain,
  type TestChain,
  walletOf,
} from "./chainKit.ts";

let kit: TestChain;
beforeAll(async () => {
  kit = await startTestChain();
});
afterAll(() => kit.stop());

const zero = `0x${"0".repeat(40)}`;
const zeroWord = `0x${"0".repeat(64)}`;

async function settled(match: Match) {
  const txHash = await kit.chain.settle(match);
  await kit.chain.mine();
  const { status } = await kit.chain.txStatus(txHash);
  return { status, logs: (await logsOf(kit.chain, txHash)).map(decode) };
}

/** pUSD and both outcomes of a wallet, in micro units. */
async function holdings(name: string, market: ChainMarket) {
  const { address } = walletOf(kit.chain, name);
  const [yes, no] = await Promise.all(market.tokenIds.map((tokenId) => kit.chain.balanceOf(address, tokenId)));
  return { pusd: await kit.chain.pusdOf(address), yes: yes ?? 0n, no: no ?? 0n };
}

async function change(names: readonly string[], market: ChainMarket, act: () => Promise<unknown>) {
  const before = await Promise.all(names.map((name) => holdings(name, market)));
  await act();
  const after = await Promise.all(names.map((name) => holdings(name, market)));
  return after.map((now, index) => {
    const then = before[index] ?? now;
    return { pusd: now.pusd - then.pusd, yes: now.yes - then.yes, no: now.no - then.no };
  });
}

async function giveShares(names: readonly string[], market: ChainMarket, shares: bigint) {
  for (const name of names) await kit.chain.split(walletOf(kit.chain, name), market.conditionId, sharesMicro(shares));
  await kit.chain.mine();
}

async function view(to: string, signature: string, args: readonly unknown[]): Promise<unknown> {
  const abi: Abi = parseAbi([signature]);
  const functionName = signature.slice("function ".length, signature.indexOf("("));
  const data = encodeFunctionData({ abi, functionName, args });
  const result = await rpc(kit.chain.rpcHttpUrl, "eth_call", [{ to, data }, "latest"]);
  return decodeFunctionResult({ abi, functionName, data: asHex(String(result)) });
}

/** The exchange's own logs, without the token movements around them. */
const exchangeLogs = (logs: readonly ReturnType<typeof decode>[], market: ChainMarket) =>
  logs.filter((log) => log.address === market.exchange);

test("the committed code is what the sources compile to", () => {
  const compiled = compileContracts();
  for (const name of contractNames) expect(readArtifact(name) === compiled[name], name).toBe(true);
});

test.each(["rain", "candidate"])("the contract derives the same token ids of %s as we do", async (slug) => {
  const market = marketOf(kit.chain, slug);
  for (const indexSet of [1, 2] as const) {
    const collection = await view(
      at.conditionalTokens,
      "function getCollectionId(bytes32,bytes32,uint256) view returns (bytes32)",
      [zeroWord, market.conditionId, BigInt(indexSet)],
    );
    const position = await view(
      at.conditionalTokens,
      "function getPositionId(address,bytes32) pure returns (uint256)",
      [getAddress(at.ctfCollateralOf(market.negRisk)), collection],
    );
    expect(String(position)).toBe(market.tokenIds[indexSet - 1]);
  }
  expect(
    await view(at.conditionalTokens, "function getOutcomeSlotCount(bytes32) view returns (uint256)", [
      market.conditionId,
    ]),
  ).toBe(2n);
});

test("the contracts answer what readers ask before they trust them", async () => {
  for (const market of kit.chain.markets) {
    const domain = await view(
      market.exchange,
      "function eip712Domain() view returns (bytes1,string,string,uint256,address,bytes32,uint256[])",
      [],
    );
    expect(domain).toEqual(["0x0f", "Polymarket CTF Exchange", "2", 137n, getAddress(market.exchange), zeroWord, []]);
    const collateral = await view(market.exchange, "function getCollateral() view returns (address)", []);
    const inCtf = await view(market.exchange, "function getCtfCollateral() view returns (address)", []);
    expect([collateral, inCtf].map((one) => String(one).toLowerCase())).toEqual([
      at.pusd,
      at.ctfCollateralOf(market.negRisk),
    ]);
  }
  expect(
    await view(at.conditionalTokens, "function supportsInterface(bytes4) view returns (bool)", ["0xd9b67a26"]),
  ).toBe(true);
  expect(await view(at.pusd, "function symbol() view returns (string)", [])).toBe("pUSD");
});

test.each(["rain", "candidate"])("COMPLEMENTARY on %s: tokens and pUSD change hands directly", async (slug) => {
  const market = marketOf(kit.chain, slug);
  await giveShares(["first", "second"], market, 50_000_000n);
  const [active, first, second] = ["active", "first", "second"].map((name) => walletOf(kit.chain, name));
  if (active === undefined || first === undefined || second === undefined) throw new Error("wallets");
  const match: Match = {
    conditionId: market.conditionId,
    // Offers 0.50 for what costs 0.40 and 0.41.
    active: orderOf({
      n: 1,
      wallet: active,
      side: "BUY",
      market,
      outcome: 0,
      shares: 30_000_000n,
      usdc: 15_000_000n,
      fee: 72_000n,
    }),
    resting: [
      orderOf({ n: 2, wallet: first, side: "SELL", market, outcome: 0, shares: 10_000_000n, usdc: 4_000_000n }),
      {
        ...orderOf({ n: 3, wallet: second, side: "SELL", market, outcome: 0, shares: 20_000_000n, usdc: 8_200_000n }),
        builder: hashOf(77),
        metadata: hashOf(78),
      },
    ],
  };
  let logs: Awaited<ReturnType<typeof settled>>["logs"] = [];
  const changes = await change(["active", "first", "second"], market, async () => {
    logs = (await settled(match)).logs;
  });
  expect(changes).toEqual([
    { pusd: -12_272_000n, yes: 30_000_000n, no: 0n },
    { pusd: 4_000_000n, yes: -10_000_000n, no: 0n },
    { pusd: 8_200_000n, yes: -20_000_000n, no: 0n },
  ]);
  const tokenId = BigInt(market.tokenIds[0]);
  const address = market.exchange;
  const executed = { side: 0, tokenId, makerAmountFilled: 12_200_000n, takerAmountFilled: 30_000_000n };
  const plain = { builder: zeroWord, metadata: zeroWord };
  expect(exchangeLogs(logs, market)).toEqual([
    {
      name: "OrderFilled",
      address,
      args: {
        orderHash: hashOf(2),
        maker: first.address,
        taker: active.address,
        side: 1,
        tokenId,
        makerAmountFilled: 10_000_000n,
        takerAmountFilled: 4_000_000n,
        fee: 0n,
        ...plain,
      },
    },
    {
      name: "OrderFilled",
      address,
      args: {
        orderHash: hashOf(3),
        maker: second.address,
        taker: active.address,
        side: 1,
        tokenId,
        makerAmountFilled: 20_000_000n,
        takerAmountFilled: 8_200_000n,
        fee: 0n,
        builder: hashOf(77),
        metadata: hashOf(78),
      },
    },
    { name: "FeeCharged", address, args: { receiver: at.feeReceiver, amount: 72_000n } },
    {
      name: "OrderFilled",
      address,
      args: { orderHash: hashOf(1), maker: active.address, taker: address, ...executed, fee: 72_000n, ...plain },
    },
    {
      name: "OrdersMatched",
      address,
      args: { takerOrderHash: hashOf(1), takerOrderMaker: active.address, ...executed },
    },
  ]);
});

test("COMPLEMENTARY with an active sell pays the fee out of the proceeds", async () => {
  const market = marketOf(kit.chain, "rain");
  await giveShares(["active"], market, 10_000_000n);
  const match: Match = {
    conditionId: market.conditionId,
    active: orderOf({
      n: 4,
      wallet: walletOf(kit.chain, "active"),
      side: "SELL",
      market,
      outcome: 1,
      shares: 10_000_000n,
      usdc: 5_000_000n,
      fee: 50_000n,
    }),
    resting: [
      orderOf({
        n: 5,
        wallet: walletOf(kit.chain, "first"),
        side: "BUY",
        market,
        outcome: 1,
        shares: 10_000_000n,
        usdc: 6_000_000n,
      }),
    ],
  };
  const changes = await change(["active", "first"], market, async () => {
    const { logs } = await settled(match);
    expect(exchangeLogs(logs, market).at(-1)?.args).toMatchObject({
      side: 1,
      makerAmountFilled: 10_000_000n,
      takerAmountFilled: 6_000_000n,
    });
  });
  expect(changes).toEqual([
    { pusd: 5_950_000n, yes: 0n, no: -10_000_000n },
    { pusd: -6_000_000n, yes: 0n, no: 10_000_000n },
  ]);
});

test.each(["rain", "candidate"])(
  "MINT on %s: the adapter splits, what was offered too much comes back",
  async (slug) => {
    const market = marketOf(kit.chain, slug);
    await giveShares(["second"], market, 5_000_000n);
    const [active, first, second] = ["active", "first", "second"].map((name) => walletOf(kit.chain, name));
    if (active === undefined || first === undefined || second === undefined) throw new Error("wallets");
    const match: Match = {
      conditionId: market.conditionId,
      active: orderOf({
        n: 6,
        wallet: active,
        side: "BUY",
        market,
        outcome: 0,
        shares: 15_000_000n,
        usdc: 6_750_000n,
        fee: 30_000n,
      }),
      resting: [
        orderOf({ n: 7, wallet: first, side: "BUY", market, outcome: 1, shares: 10_000_000n, usdc: 5_700_000n }),
        orderOf({ n: 8, wallet: second, side: "SELL", market, outcome: 0, shares: 5_000_000n, usdc: 2_200_000n }),
      ],
    };
    let logs: Awaited<ReturnType<typeof settled>>["logs"] = [];
    const changes = await change(["active", "first", "second"], market, async () => {
      logs = (await settled(match)).logs;
    });
    // 10 at 0.43 and 5 at 0.44, and the fee.
    expect(changes).toEqual([
      { pusd: -6_530_000n, yes: 15_000_000n, no: 0n },
      { pusd: -5_700_000n, yes: 0n, no: 10_000_000n },
      { pusd: 2_200_000n, yes: -5_000_000n, no: 0n },
    ]);
    const offered = {
      side: 0,
      tokenId: BigInt(market.tokenIds[0]),
      makerAmountFilled: 6_750_000n,
      takerAmountFilled: 15_000_000n,
    };
    expect(exchangeLogs(logs, market).map(({ name, args }) => ({ name, args }))).toMatchObject([
      {
        name: "OrderFilled",
        args: {
          orderHash: hashOf(7),
          maker: first.address,
          taker: active.address,
          side: 0,
          tokenId: BigInt(market.tokenIds[1]),
          makerAmountFilled: 5_700_000n,
          takerAmountFilled: 10_000_000n,
        },
      },
      {
        name: "OrderFilled",
        args: {
          orderHash: hashOf(8),
          maker: second.address,
          taker: active.address,
          side: 1,
          tokenId: BigInt(market.tokenIds[0]),
          makerAmountFilled: 5_000_000n,
          takerAmountFilled: 2_200_000n,
        },
      },
      { name: "FeeCharged", args: { amount: 30_000n } },
      {
        name: "OrderFilled",
        args: { orderHash: hashOf(6), maker: active.address, taker: market.exchange, ...offered, fee: 30_000n },
      },
      { name: "OrdersMatched", args: { takerOrderHash: hashOf(6), takerOrderMaker: active.address, ...offered } },
    ]);
    const adapter = at.adapterOf(market.negRisk);
    const ctf = logs.filter((log) => log.address === at.conditionalTokens);
    expect(ctf.find((log) => log.name === "PositionSplit")?.args).toMatchObject({
      stakeholder: adapter,
      collateralToken: at.ctfCollateralOf(market.negRisk),
      conditionId: market.conditionId,
      amount: 10_000_000n,
    });
    expect(ctf.filter((log) => log.name === "TransferBatch").map((log) => [log.args["from"], log.args["to"]])).toEqual([
      [zero, adapter],
      [adapter, market.exchange],
    ]);
  },
);

test.each(["rain", "candidate"])("MERGE on %s: both sides give tokens and share the collateral", async (slug) => {
  const market = marketOf(kit.chain, slug);
  await giveShares(["active", "first"], market, 8_000_000n);
  const [active, first] = [walletOf(kit.chain, "active"), walletOf(kit.chain, "first")];
  const match: Match = {
    conditionId: market.conditionId,
    active: orderOf({
      n: 9,
      wallet: active,
      side: "SELL",
      market,
      outcome: 0,
      shares: 8_000_000n,
      usdc: 3_000_000n,
      fee: 10_000n,
    }),
    resting: [
      orderOf({ n: 10, wallet: first, side: "SELL", market, outcome: 1, shares: 8_000_000n, usdc: 4_800_000n }),
    ],
  };
  let logs: Awaited<ReturnType<typeof settled>>["logs"] = [];
  const changes = await change(["active", "first"], market, async () => {
    logs = (await settled(match)).logs;
  });
  expect(changes).toEqual([
    { pusd: 3_190_000n, yes: -8_000_000n, no: 0n },
    { pusd: 4_800_000n, yes: 0n, no: -8_000_000n },
  ]);
  expect(exchangeLogs(logs, market).map(({ name, args }) => ({ name, args }))).toMatchObject([
    {
      name: "OrderFilled",
      args: {
        orderHash: hashOf(10),
        maker: first.address,
        taker: active.address,
        side: 1,
        tokenId: BigInt(market.tokenIds[1]),
        makerAmountFilled: 8_000_000n,
        takerAmountFilled: 4_800_000n,
      },
    },
    { name: "FeeCharged", args: { amount: 10_000n } },
    {
      name: "OrderFilled",
      args: {
        orderHash: hashOf(9),
        maker: active.address,
        taker: market.exchange,
        side: 1,
        makerAmountFilled: 8_000_000n,
        takerAmountFilled: 3_200_000n,
        fee: 10_000n,
      },
    },
    { name: "OrdersMatched", args: { side: 1, makerAmountFilled: 8_000_000n, takerAmountFilled: 3_200_000n } },
  ]);
  expect(logs.find((log) => log.name === "PositionsMerge")?.args).toMatchObject({
    stakeholder: at.adapterOf(market.negRisk),
    amount: 8_000_000n,
  });
});

test("a match that balances do not cover is mined as reverted and moves nothing", async () => {
  const market = marketOf(kit.chain, "candidate");
  const match: Match = {
    conditionId: market.conditionId,
    active: orderOf({
      n: 11,
      wallet: walletOf(kit.chain, "active"),
      side: "BUY",
      market,
      outcome: 0,
      shares: 900_000_000n,
      usdc: 500_000_000n,
    }),
    resting: [
      orderOf({
        n: 12,
        wallet: walletOf(kit.chain, "first"),
        side: "SELL",
        market,
        outcome: 0,
        shares: 900_000_000n,
        usdc: 400_000_000n,
      }),
    ],
  };
  const changes = await change(["active", "first"], market, async () => {
    expect(await settled(match)).toEqual({ status: "reverted", logs: [] });
  });
  expect(changes).toEqual([
    { pusd: 0n, yes: 0n, no: 0n },
    { pusd: 0n, yes: 0n, no: 0n },
  ]);
});

test("a match that can never settle is refused before it is sent", async () => {
  const market = marketOf(kit.chain, "rain");
  const buy = orderOf({
    n: 13,
    wallet: walletOf(kit.chain, "active"),
    side: "BUY",
    market,
    outcome: 0,
    shares: 1_000_000n,
    usdc: 500_000n,
  });
  const { conditionId } = market;
  await expect(kit.chain.settle({ conditionId, active: buy, resting: [buy] })).rejects.toThrow(/do not cross/);
  await expect(
    kit.chain.settle({ conditionId, active: buy, resting: [{ ...buy, side: "SELL", sharesMicro: sharesMicro(1n) }] }),
  ).rejects.toThrow(/resting shares/);
  await expect(kit.chain.settle({ conditionId, active: buy, resting: [] })).rejects.toThrow(/resting order/);
});

test("a wallet splits and merges through the adapter, and shares move by plain transfer", async () => {
  const market = await kit.chain.prepareMarket({ slug: "later", negRisk: false });
  const wallet = walletOf(kit.chain, "second");
  const changes = await change(["second", "first"], market, async () => {
    await giveShares(["second"], market, 9_000_000n);
    await kit.chain.merge(wallet, market.conditionId, sharesMicro(4_000_000n));
    await kit.chain.transferShares(wallet, {
      to: walletOf(kit.chain, "first").address,
      tokenId: market.tokenIds[1],
      sharesMicro: sharesMicro(2_000_000n),
    });
    await kit.chain.mine();
  });
  expect(changes).toEqual([
    { pusd: -5_000_000n, yes: 5_000_000n, no: 3_000_000n },
    { pusd: 0n, yes: 0n, no: 2_000_000n },
  ]);
});

test("the oracle resolves a market, the operator funds a stranger, and aggregate3 reads both at once", async () => {
  const market = marketOf(kit.chain, "candidate");
  const stranger = "0x00000000000000000000000000000000000000aa" as typeof kit.chain.operator;
  await kit.chain.resolve(market.conditionId, [0, 1]);
  await kit.chain.fund(stranger, usdcMicro(123n));
  await kit.chain.mine();
  const client = createPublicClient({ transport: http(kit.chain.rpcHttpUrl), cacheTime: 0 });
  const results = await client.multicall({
    multicallAddress: asHex(at.multicall3),
    contracts: [
      {
        address: asHex(at.conditionalTokens),
        abi: parseAbi(["function payoutNumerators(bytes32,uint256) view returns (uint256)"]),
        functionName: "payoutNumerators",
        args: [asHex(market.conditionId), 1n],
      },
      {
        address: asHex(at.pusd),
        abi: parseAbi(["function balanceOf(address) view returns (uint256)"]),
        functionName: "balanceOf",
        args: [asHex(stranger)],
      },
      {
        address: asHex(at.pusd),
        abi: parseAbi(["function nothing() view returns (uint256)"]),
        functionName: "nothing",
      },
    ],
  });
  expect(results.map((one) => one.result)).toEqual([1n, 123n, undefined]);
});
