/** Calls of the contracts, encoded. Pure. */
import { ContractError } from "@slipstream/contracts/errors";
import type { Address, ConditionId, TokenId } from "@slipstream/contracts/ids";
import type { SharesMicro, UsdcMicro } from "@slipstream/contracts/money";
import { decodeFunctionResult, encodeFunctionData, parseAbi } from "viem/utils";
import * as at from "./addresses.ts";
import { asHex } from "./ctfIds.ts";
import type { ChainMarket, Match, MatchedOrder } from "./types.ts";

export const exchangeAbi = parseAbi([
  "struct Order { bytes32 orderHash; address maker; uint8 side; uint256 tokenId; uint256 shares; uint256 usdc; uint256 fee; bytes32 builder; bytes32 metadata; }",
  "struct Match { bytes32 conditionId; Order active; Order[] resting; }",
  "function settle(bytes32 conditionId, Order active, Order[] resting)",
  "function settleAll(Match[] matches)",
  "event OrderFilled(bytes32 indexed orderHash, address indexed maker, address indexed taker, uint8 side, uint256 tokenId, uint256 makerAmountFilled, uint256 takerAmountFilled, uint256 fee, bytes32 builder, bytes32 metadata)",
  "event OrdersMatched(bytes32 indexed takerOrderHash, address indexed takerOrderMaker, uint8 side, uint256 tokenId, uint256 makerAmountFilled, uint256 takerAmountFilled)",
  "event FeeCharged(address indexed receiver, uint256 amount)",
]);

export const ctfAbi = parseAbi([
  "function prepareCondition(address oracle, bytes32 questionId, uint256 outcomeSlotCount)",
  "function getOutcomeSlotCount(bytes32 conditionId) view returns (uint256)",
  "function balanceOf(address owner, uint256 id) view returns (uint256)",
  "function balanceOfBatch(address[] owners, uint256[] ids) view returns (uint256[])",
  "function safeTransferFrom(address from, address to, uint256 id, uint256 value, bytes data)",
  "function payoutDenominator(bytes32 conditionId) view returns (uint256)",
]);

/** The adapters share these with the CTF. */
export const adapterAbi = parseAbi([
  "function splitPosition(address collateral, bytes32 parent, bytes32 conditionId, uint256[] partition, uint256 amount)",
  "function mergePositions(address collateral, bytes32 parent, bytes32 conditionId, uint256[] partition, uint256 amount)",
  "function redeemPositions(address collateral, bytes32 parent, bytes32 conditionId, uint256[] indexSets)",
]);

export const tokenAbi = parseAbi([
  "function mint(address to, uint256 value)",
  "function balanceOf(address owner) view returns (uint256)",
]);

const convertAbi = parseAbi(["function convertPositions(bytes32 marketId, uint256 indexSet, uint256 amount)"]);
const oracleAbi = parseAbi(["function report(bytes32 questionId, uint256[] payouts)"]);

/** Wanted gas is a ceiling, so no estimate is needed; measured maxima are below a half of each. */
export type Call = { readonly to: Address; readonly data: `0x${string}`; readonly gas: bigint };

const GAS_SIMPLE = 300_000n;
const GAS_POSITION = 1_000_000n;
const GAS_CONVERT = 5_000_000n;
const GAS_SETTLE = 600_000n;
const GAS_PER_PAIR = 1_000_000n;
const ZERO_WORD = asHex(`0x${"0".repeat(64)}`);

/**
 * Encodes a settlement for the exchange of `market`.
 * @throws ContractError for a match that could never settle.
 */
export function settleCall(market: ChainMarket, match: Match): Call {
  checkMatch(market, match);
  const data = encodeFunctionData({
    abi: exchangeAbi,
    functionName: "settle",
    args: [asHex(match.conditionId), orderArgument(match.active), match.resting.map(orderArgument)],
  });
  return { to: market.exchange, data, gas: GAS_SETTLE + GAS_PER_PAIR * BigInt(match.resting.length) };
}

/**
 * Encodes the settlement of several matches in one transaction.
 * @throws ContractError for one that could never settle, for none, and for markets of two exchanges.
 */
export function settleAllCall(settlements: readonly { readonly market: ChainMarket; readonly match: Match }[]): Call {
  const [first] = settlements;
  const isOneExchange = settlements.every(({ market }) => market.exchange === first?.market.exchange);
  if (first === undefined || !isOneExchange) {
    throw new ContractError("MESSAGE_MALFORMED", "a transaction settles matches of exactly one exchange");
  }
  for (const { market, match } of settlements) checkMatch(market, match);
  const matches = settlements.map(({ match }) => ({
    conditionId: asHex(match.conditionId),
    active: orderArgument(match.active),
    resting: match.resting.map(orderArgument),
  }));
  const data = encodeFunctionData({ abi: exchangeAbi, functionName: "settleAll", args: [matches] });
  const pairs = matches.reduce((sum, { resting }) => sum + resting.length, 0);
  const gas = GAS_SETTLE * BigInt(matches.length) + GAS_PER_PAIR * BigInt(pairs);
  return { to: first.market.exchange, data, gas };
}

function checkMatch(market: ChainMarket, { active, resting }: Match): void {
  const refuse = (why: string) => new ContractError("MESSAGE_MALFORMED", `a match on ${market.slug} ${why}`);
  if (resting.length === 0) throw refuse("needs a resting order");
  let shares = 0n;
  for (const order of [active, ...resting]) {
    if (!market.tokenIds.includes(order.tokenId)) throw refuse(`names the foreign token ${order.tokenId}`);
    if (order.sharesMicro <= 0n || order.usdcMicro < 0n || order.feeMicro < 0n)
      throw refuse("has an amount below zero");
  }
  for (const order of resting) {
    shares += order.sharesMicro;
    const crosses = (order.side !== active.side) === (order.tokenId === active.tokenId);
    if (!crosses) throw refuse("pairs orders that do not cross");
  }
  if (shares !== active.sharesMicro) throw refuse(`has ${shares} resting shares for ${active.sharesMicro} active ones`);
}

const orderArgument = (order: MatchedOrder) => ({
  orderHash: asHex(order.orderHash),
  maker: asHex(order.maker),
  side: order.side === "BUY" ? 0 : 1,
  tokenId: BigInt(order.tokenId),
  shares: order.sharesMicro,
  usdc: order.usdcMicro,
  fee: order.feeMicro,
  builder: asHex(order.builder ?? ZERO_WORD),
  metadata: asHex(order.metadata ?? ZERO_WORD),
});

export function prepareCall(market: ChainMarket): Call {
  const data = encodeFunctionData({
    abi: ctfAbi,
    functionName: "prepareCondition",
    args: [asHex(at.oracleOf(market.negRisk)), asHex(market.questionId), 2n],
  });
  return { to: at.conditionalTokens, data, gas: GAS_SIMPLE };
}

export function positionCall(
  functionName: "splitPosition" | "mergePositions",
  market: ChainMarket,
  sharesMicro: SharesMicro,
): Call {
  const data = encodeFunctionData({
    abi: adapterAbi,
    functionName,
    args: [asHex(at.pusd), ZERO_WORD, asHex(market.conditionId), [1n, 2n], sharesMicro],
  });
  return { to: at.adapterOf(market.negRisk), data, gas: GAS_POSITION };
}

/** Takes all that the caller holds of both outcomes and pays it. */
export function redeemCall(market: ChainMarket): Call {
  const data = encodeFunctionData({
    abi: adapterAbi,
    functionName: "redeemPositions",
    args: [asHex(at.pusd), ZERO_WORD, asHex(market.conditionId), [1n, 2n]],
  });
  return { to: at.adapterOf(market.negRisk), data, gas: GAS_POSITION };
}

/** @param given - questions of one neg-risk event. */
export function convertCall(given: readonly ChainMarket[], sharesMicro: SharesMicro): Call {
  const marketId = given[0]?.negRiskMarketId ?? null;
  if (marketId === null || given.some((market) => market.negRiskMarketId !== marketId)) {
    throw new ContractError("MESSAGE_MALFORMED", "a conversion needs questions of one neg-risk event");
  }
  // A question is its event's id with its own number in the last byte.
  const indexSet = given.reduce((set, market) => set | (1n << (BigInt(market.questionId) & 255n)), 0n);
  const data = encodeFunctionData({
    abi: convertAbi,
    functionName: "convertPositions",
    args: [asHex(marketId), indexSet, sharesMicro],
  });
  return { to: at.negRiskCollateralAdapter, data, gas: GAS_CONVERT };
}

export function transferCall(
  from: Address,
  transfer: { readonly to: Address; readonly tokenId: TokenId; readonly sharesMicro: SharesMicro },
): Call {
  const data = encodeFunctionData({
    abi: ctfAbi,
    functionName: "safeTransferFrom",
    args: [asHex(from), asHex(transfer.to), BigInt(transfer.tokenId), transfer.sharesMicro, "0x"],
  });
  return { to: at.conditionalTokens, data, gas: GAS_SIMPLE };
}

export function resolveCall(market: ChainMarket, payouts: readonly [number, number]): Call {
  const data = encodeFunctionData({
    abi: oracleAbi,
    functionName: "report",
    args: [asHex(market.questionId), payouts.map(BigInt)],
  });
  return { to: at.oracleOf(market.negRisk), data, gas: GAS_SIMPLE };
}

export function mintCall(to: Address, pusdMicro: UsdcMicro): Call {
  const data = encodeFunctionData({ abi: tokenAbi, functionName: "mint", args: [asHex(to), pusdMicro] });
  return { to: at.pusd, data, gas: GAS_SIMPLE };
}

export const sharesOfCall = (owner: Address, tokenId: TokenId): Omit<Call, "gas"> => ({
  to: at.conditionalTokens,
  data: encodeFunctionData({ abi: ctfAbi, functionName: "balanceOf", args: [asHex(owner), BigInt(tokenId)] }),
});

/** Of many tokens at once. @returns what `sharesIn` reads. */
export const sharesOfAllCall = (owner: Address, tokenIds: readonly TokenId[]): Omit<Call, "gas"> => ({
  to: at.conditionalTokens,
  data: encodeFunctionData({
    ...{ abi: ctfAbi, functionName: "balanceOfBatch" },
    args: [tokenIds.map(() => asHex(owner)), tokenIds.map(BigInt)],
  }),
});
export const sharesIn = (answer: `0x${string}`): readonly bigint[] =>
  decodeFunctionResult({ abi: ctfAbi, functionName: "balanceOfBatch", data: answer });

/** Zero for a condition that is not prepared. */
export const outcomesOfCall = (conditionId: ConditionId): Omit<Call, "gas"> => ({
  to: at.conditionalTokens,
  data: encodeFunctionData({ abi: ctfAbi, functionName: "getOutcomeSlotCount", args: [asHex(conditionId)] }),
});

/** Zero until the oracle has reported. */
export const payoutDenominatorCall = (conditionId: ConditionId): Omit<Call, "gas"> => ({
  to: at.conditionalTokens,
  data: encodeFunctionData({ abi: ctfAbi, functionName: "payoutDenominator", args: [asHex(conditionId)] }),
});

export const pusdOfCall = (owner: Address): Omit<Call, "gas"> => ({
  to: at.pusd,
  data: encodeFunctionData({ abi: tokenAbi, functionName: "balanceOf", args: [asHex(owner)] }),
});

/** @throws ContractError for a condition that was never prepared here. */
export function marketOf(markets: ReadonlyMap<ConditionId, ChainMarket>, conditionId: ConditionId): ChainMarket {
  const market = markets.get(conditionId);
  if (market === undefined)
    throw new ContractError("ID_INVALID", `no market of the sandbox has the condition ${conditionId}`);
  return market;
}
