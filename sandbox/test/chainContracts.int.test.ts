import { sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import { type Abi, createPublicClient, http } from "viem";
import { decodeFunctionResult, encodeFunctionData, getAddress, parseAbi } from "viem/utils";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as at from "../src/chain/addresses.ts";
import { compileContracts, contractNames, readArtifact } from "../src/chain/compile.ts";
import { asHex } from "../src/chain/ctfIds.ts";
import { change, giveShares, marketOf, rpc, startTestChain, type TestChain, walletOf } from "./chainKit.ts";

let kit: TestChain;
beforeAll(async () => {
  kit = await startTestChain();
});
afterAll(() => kit.stop());

const zeroWord = `0x${"0".repeat(64)}`;

async function view(to: string, signature: string, args: readonly unknown[]): Promise<unknown> {
  const abi: Abi = parseAbi([signature]);
  const functionName = signature.slice("function ".length, signature.indexOf("("));
  const data = encodeFunctionData({ abi, functionName, args });
  const result = await rpc(kit.chain.rpcHttpUrl, "eth_call", [{ to, data }, "latest"]);
  return decodeFunctionResult({ abi, functionName, data: asHex(String(result)) });
}

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

test("a wallet splits and merges through the adapter, and shares move by plain transfer", async () => {
  const market = await kit.chain.prepareMarket({ slug: "later", negRisk: false });
  const wallet = walletOf(kit.chain, "second");
  const changes = await change(kit.chain, ["second", "first"], market, async () => {
    await giveShares(kit.chain, ["second"], market, 9_000_000n);
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
