/**
 * Outcome tokens of a condition, as ConditionalTokens derives them: which token is which outcome is no matter of trust.
 * @see CTHelpers.sol of @gnosis.pm/conditional-tokens-contracts 1.0.3; docs/venue.md, Resolution
 */
import type { ConditionId, Hash, TokenId } from "@slipstream/contracts/ids";
import { keccak256 } from "@slipstream/contracts/keccak";
import { USDC_E, WRAPPED_COLLATERAL } from "./versions.ts";

/** The field of the curve alt_bn128, y² = x³ + 3. */
const FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;

/** The tokens of a binary condition, outcome 0 first. */
export function outcomeTokens(conditionId: ConditionId, negRisk: boolean): readonly [TokenId, TokenId] {
  const collateral = negRisk ? WRAPPED_COLLATERAL : USDC_E;
  const token = (indexSet: 1 | 2): TokenId =>
    hashOf(`${collateral.slice(2)}${collectionIdOf(conditionId, indexSet).slice(2)}`).toString() as TokenId;
  return [token(1), token(2)];
}

/** @param indexSet - 1 for outcome 0, 2 for outcome 1. */
export function collectionIdOf(conditionId: ConditionId, indexSet: 1 | 2): Hash {
  const seed = hashOf(`${conditionId.slice(2)}${indexSet.toString(16).padStart(64, "0")}`);
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

const hashOf = (hex: string): bigint => BigInt(`0x${Buffer.from(keccak256(Buffer.from(hex, "hex"))).toString("hex")}`);

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let factor = base % FIELD;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * factor) % FIELD;
    factor = (factor * factor) % FIELD;
  }
  return result;
}
