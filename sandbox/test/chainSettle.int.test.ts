import { afterAll, beforeAll, expect, test } from "vitest";
import * as at from "../src/chain/addresses.ts";
import type { ChainMarket, Match } from "../src/chain/types.ts";
import {
  change,
  decode,
  giveShares,
  hashOf,
  logsOf,
  marketOf,
  orderOf,
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

/** The exchange's own logs, without the token movements around them. */
const exchangeLogs = (logs: readonly ReturnType<typeof decode>[], market: ChainMarket) =>
  logs.filter((log) => log.address === market.exchange);

test.each(["rain", "candidate"])("COMPLEMENTARY on %s: tokens and pUSD change hands directly", async (slug) => {
  const market = marketOf(kit.chain, slug);
  await giveShares(kit.chain, ["first", "second"], market, 50_000_000n);
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
  const changes = await change(kit.chain, ["active", "first", "second"], market, async () => {
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
  await giveShares(kit.chain, ["active"], market, 10_000_000n);
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
  const changes = await change(kit.chain, ["active", "first"], market, async () => {
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
    await giveShares(kit.chain, ["second"], market, 5_000_000n);
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
    const changes = await change(kit.chain, ["active", "first", "second"], market, async () => {
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
    // Neg-risk tokens are made by the contract below the adapter.
    const holder = market.negRisk ? at.negRiskAdapter : adapter;
    const ctf = logs.filter((log) => log.address === at.conditionalTokens);
    expect(ctf.find((log) => log.name === "PositionSplit")?.args).toMatchObject({
      stakeholder: holder,
      collateralToken: at.ctfCollateralOf(market.negRisk),
      conditionId: market.conditionId,
      amount: 10_000_000n,
    });
    expect(ctf.filter((log) => log.name === "TransferBatch").map((log) => [log.args["from"], log.args["to"]])).toEqual([
      [zero, holder],
      ...(market.negRisk ? [[holder, adapter]] : []),
      [adapter, market.exchange],
    ]);
  },
);

test.each(["rain", "candidate"])("MERGE on %s: both sides give tokens and share the collateral", async (slug) => {
  const market = marketOf(kit.chain, slug);
  await giveShares(kit.chain, ["active", "first"], market, 8_000_000n);
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
  const changes = await change(kit.chain, ["active", "first"], market, async () => {
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
  expect(logs.filter((log) => log.name === "PositionsMerge").map(({ args }) => args)).toMatchObject(
    (market.negRisk ? [at.negRiskAdapter, at.negRiskCollateralAdapter] : [at.standardAdapter]).map((stakeholder) => ({
      stakeholder,
      amount: 8_000_000n,
    })),
  );
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
  const changes = await change(kit.chain, ["active", "first"], market, async () => {
    expect(await settled(match)).toEqual({ status: "reverted", logs: [] });
  });
  expect(changes).toEqual([
    { pusd: 0n, yes: 0n, no: 0n },
    { pusd: 0n, yes: 0n, no: 0n },
  ]);
});
