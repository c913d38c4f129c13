/**
 * Ids of conditions and outcome tokens, as ConditionalTokens derives them.
 * @see CTHelpers.sol of @gnosis.pm/conditional-tokens-contracts 1.0.3; vectors in ctfIds.test.ts are from mainnet.
 */
import type { Address, ConditionId, Hash, TokenId } from "@slipstream/contracts/ids";
import { encodePacked, keccak256 } from "viem/utils";
import { ctfCollateralOf, exchangeOf, oracleOf } from "./addresses.ts";
import type { ChainMarket, ChainMarketSpec } from "./types.ts";

/** The field of the curve alt_bn128, y² = x³ + 3. */
const FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;

/** Binary conditions only. */
export function conditionIdOf(oracle: Address, questionId: Hash): ConditionId {
  return keccak256(
    encodePacked(["address", "bytes32", "uint256"], [asHex(oracle), asHex(questionId), 2n]),
  ) as string as ConditionId;
}

/** @param indexSet - 1 for outcome 0, 2 for outcome 1. */
export function collectionIdOf(conditionId: ConditionId, indexSet: 1 | 2): Hash {
  const seed = BigInt(keccak256(encodePacked(["bytes32", "uint256"], [asHex(conditionId), BigInt(indexSet)])));
  const odd = seed >> 255n !== 0n;
  let x = seed % FIELD;
  let y: bigint;
  do {
    x = (x + 1n) % FIELD;
    y = power(x * x * x + 3n, (FIELD + 1n) / 4n);
  } while ((y * y - x * x * x - 3n) % FIELD !== 0n);
  if ((y % 2n === 1n) !== odd) y = FIELD - y;
  const id = y % 2n === 1n ? x ^ (1n << 254n) : x;
  return `0x${id.toString(16).padStart(64, "0")}` as Hash;
}

export function tokenIdOf(collateral: Address, conditionId: ConditionId, indexSet: 1 | 2): TokenId {
  const packed = encodePacked(
    ["address", "bytes32"],
    [asHex(collateral), asHex(collectionIdOf(conditionId, indexSet))],
  );
  return BigInt(keccak256(packed)).toString() as TokenId;
}

/** Derives every id of a market from (seed, spec). Questions of one event share the market id up to its last byte. */
export function deriveMarket(seed: string, spec: ChainMarketSpec): ChainMarket {
  const name = spec.negRisk ? spec.eventSlug : spec.slug;
  const digest = keccak256(encodePacked(["string"], [`slipstream sandbox|${seed}|question|${name}`]));
  const negRiskMarketId = `${digest.slice(0, -2)}00` as Hash;
  const questionId = spec.negRisk
    ? (`${digest.slice(0, -2)}${spec.questionIndex.toString(16).padStart(2, "0")}` as Hash)
    : (digest as string as Hash);
  const conditionId = conditionIdOf(oracleOf(spec.negRisk), questionId);
  const collateral = ctfCollateralOf(spec.negRisk);
  return {
    slug: spec.slug,
    conditionId,
    questionId,
    negRisk: spec.negRisk,
    negRiskMarketId: spec.negRisk ? negRiskMarketId : null,
    exchange: exchangeOf(spec.negRisk),
    tokenIds: [tokenIdOf(collateral, conditionId, 1), tokenIdOf(collateral, conditionId, 2)],
  };
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let factor = base % FIELD;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * factor) % FIELD;
    factor = (factor * factor) % FIELD;
  }
  return result;
}

/** Our ids are branded 0x strings; viem wants its own template type. */
export const asHex = (value: string): `0x${string}` => value as `0x${string}`;
