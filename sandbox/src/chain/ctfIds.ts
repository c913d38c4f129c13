/** Ids of the sandbox's markets, derived as ConditionalTokens derives them. */
import type { Address, ConditionId, Hash } from "@slipstream/contracts/ids";
import { outcomeTokens } from "@slipstream/polymarket/ctfIds";
import { encodePacked, keccak256 } from "viem/utils";
import { exchangeOf, oracleOf } from "./addresses.ts";
import type { ChainMarket, ChainMarketSpec } from "./types.ts";

/** Binary conditions only. */
export function conditionIdOf(oracle: Address, questionId: Hash): ConditionId {
  return keccak256(
    encodePacked(["address", "bytes32", "uint256"], [asHex(oracle), asHex(questionId), 2n]),
  ) as string as ConditionId;
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
  return {
    slug: spec.slug,
    conditionId,
    questionId,
    negRisk: spec.negRisk,
    negRiskMarketId: spec.negRisk ? negRiskMarketId : null,
    exchange: exchangeOf(spec.negRisk),
    tokenIds: outcomeTokens(conditionId, spec.negRisk),
  };
}

/** Our ids are branded 0x strings; viem wants its own template type. */
export const asHex = (value: string): `0x${string}` => value as `0x${string}`;
