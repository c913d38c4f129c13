/** Everything wallets can do with their tokens, as calls of the contracts, and the acts that should be told of it. */
import type { Address, TokenId } from "@slipstream/contracts/ids";
import type { Act } from "@slipstream/polymarket/acts";
import { encodeFunctionData, parseAbi } from "viem/utils";
import * as at from "../src/chain/addresses.ts";
import { asHex } from "../src/chain/ctfIds.ts";
import { adapterAbi, settleCall } from "../src/chain/transactions.ts";
import type { ChainMarket, Match } from "../src/chain/types.ts";

export type Told = Pick<Act, "act" | "direction" | "tokenId"> & { readonly shares: bigint };
/** One call by `owner`, and what it should be told as, by wallet, in log order. */
export type Deed = {
  readonly to: Address;
  readonly data: `0x${string}`;
  readonly told: readonly (readonly [wallet: Address, acts: readonly Told[]])[];
};

const NO_WORD = asHex(`0x${"0".repeat(64)}`);
const ctfAbi = parseAbi([
  "function splitPosition(address collateral, bytes32 parent, bytes32 conditionId, uint256[] partition, uint256 amount)",
  "function mergePositions(address collateral, bytes32 parent, bytes32 conditionId, uint256[] partition, uint256 amount)",
  "function redeemPositions(address collateral, bytes32 parent, bytes32 conditionId, uint256[] indexSets)",
  "function safeTransferFrom(address from, address to, uint256 id, uint256 value, bytes data)",
  "function safeBatchTransferFrom(address from, address to, uint256[] ids, uint256[] values, bytes data)",
]);
const negRiskAbi = parseAbi([
  "function splitPosition(bytes32 conditionId, uint256 amount)",
  "function mergePositions(bytes32 conditionId, uint256 amount)",
  "function redeemPositions(bytes32 conditionId, uint256[] amounts)",
  "function convertPositions(bytes32 marketId, uint256 indexSet, uint256 amount)",
]);
const batchAbi = parseAbi(["struct Call { address target; bytes data; }", "function run(Call[] calls)"]);

const each = (
  act: Act["act"],
  direction: Act["direction"],
  tokens: readonly TokenId[],
  shares: bigint,
): readonly Told[] => tokens.map((tokenId) => ({ act, direction, tokenId, shares }));

/** Split or merge, by the venue's adapter or by the contract below it. */
export function pairDeed(
  owner: Address,
  kind: "split" | "merge",
  {
    market,
    shares,
    through,
  }: { readonly market: ChainMarket; readonly shares: bigint; readonly through: "adapter" | "below" },
): Deed {
  const functionName = kind === "split" ? "splitPosition" : "mergePositions";
  const told = [[owner, each(kind, kind === "split" ? "in" : "out", market.tokenIds, shares)]] as const;
  const conditionId = asHex(market.conditionId);
  if (market.negRisk && through === "below") {
    const data = encodeFunctionData({ abi: negRiskAbi, functionName, args: [conditionId, shares] });
    return { to: at.negRiskAdapter, data, told };
  }
  const collateral = asHex(through === "adapter" ? at.pusd : at.usdce);
  const args = [collateral, NO_WORD, conditionId, [1n, 2n], shares] as const;
  const data = encodeFunctionData({ abi: through === "adapter" ? adapterAbi : ctfAbi, functionName, args });
  return { to: through === "adapter" ? at.adapterOf(market.negRisk) : at.conditionalTokens, data, told };
}

/** @param given - questions whose NO is converted; the others of `questions` give YES. */
export function convertDeed(
  owner: Address,
  options: {
    readonly questions: readonly { readonly market: ChainMarket; readonly index: number }[];
    readonly given: ReadonlySet<number>;
    readonly shares: bigint;
    readonly through: "adapter" | "below";
  },
): Deed {
  const { questions, given, shares, through } = options;
  const marketId = asHex(questions[0]?.market.negRiskMarketId ?? "");
  const indexSet = [...given].reduce((set, index) => set | (1n << BigInt(index)), 0n);
  const data = encodeFunctionData({
    abi: negRiskAbi,
    functionName: "convertPositions",
    args: [marketId, indexSet, shares],
  });
  const out = questions.filter(({ index }) => given.has(index)).map(({ market }) => market.tokenIds[1]);
  const into = questions.filter(({ index }) => !given.has(index)).map(({ market }) => market.tokenIds[0]);
  const told = [...each("convert", "out", out, shares), ...each("convert", "in", into, shares)];
  return { to: through === "adapter" ? at.negRiskCollateralAdapter : at.negRiskAdapter, data, told: [[owner, told]] };
}

/** @param tokens - each of it `shares`; a token may occur twice. */
export function transferDeed(owner: Address, to: Address, tokens: readonly TokenId[], shares: bigint): Deed {
  const [only] = tokens;
  const values = tokens.map(() => shares);
  const data =
    tokens.length === 1 && only !== undefined
      ? encodeFunctionData({
          abi: ctfAbi,
          functionName: "safeTransferFrom",
          args: [asHex(owner), asHex(to), BigInt(only), shares, "0x"],
        })
      : encodeFunctionData({
          abi: ctfAbi,
          functionName: "safeBatchTransferFrom",
          args: [asHex(owner), asHex(to), tokens.map(BigInt), values, "0x"],
        });
  const acts = (act: Act["act"], direction: Act["direction"]): readonly Told[] =>
    [...new Set(tokens)].map((tokenId) => {
      const times = BigInt(tokens.filter((other) => other === tokenId).length);
      return { act, direction, tokenId, shares: times * shares };
    });
  const told =
    owner === to
      ? []
      : ([
          [owner, acts("transferOut", "out")],
          [to, acts("transferIn", "in")],
        ] as const);
  return { to: at.conditionalTokens, data, told };
}

/** Fills are told as fills. */
export function matchDeed(market: ChainMarket, match: Match): Deed {
  const { to, data } = settleCall(market, match);
  return { to, data, told: [] };
}

/** @param held - of both outcomes; what is zero is no act. */
export function redeemDeed(
  owner: Address,
  {
    market,
    held,
    through,
  }: { readonly market: ChainMarket; readonly held: readonly [bigint, bigint]; readonly through: "adapter" | "below" },
): Deed {
  const told = market.tokenIds.flatMap((tokenId, index) => {
    const shares = held[index === 0 ? 0 : 1];
    return shares === 0n ? [] : each("redeem", "out", [tokenId], shares);
  });
  const conditionId = asHex(market.conditionId);
  if (market.negRisk && through === "below") {
    const data = encodeFunctionData({ abi: negRiskAbi, functionName: "redeemPositions", args: [conditionId, held] });
    return { to: at.negRiskAdapter, data, told: [[owner, told]] };
  }
  const args = [asHex(at.usdce), NO_WORD, conditionId, [1n, 2n]] as const;
  const data = encodeFunctionData({ abi: ctfAbi, functionName: "redeemPositions", args });
  const to = through === "adapter" ? at.adapterOf(market.negRisk) : at.conditionalTokens;
  return { to, data, told: [[owner, told]] };
}

/** All in one transaction of the batch wallet. */
export const batchData = (deeds: readonly Deed[]): `0x${string}` =>
  encodeFunctionData({
    abi: batchAbi,
    functionName: "run",
    args: [deeds.map(({ to, data }) => ({ target: asHex(to), data }))],
  });
