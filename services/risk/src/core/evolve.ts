/** How facts change what risk knows. */
import type { FactType, Recorded } from "@slipstream/contracts/facts";
import { configOf } from "@slipstream/contracts/policy";
import { GLOBAL, keyOf, type RiskState } from "./state.ts";

export const folds: ReadonlySet<FactType> = new Set<FactType>([
  "OperatorCommand",
  "ConfigChanged",
  "DiscrepancyFound",
  "DiscrepancyResolved",
  "PositionChanged",
  "LotsDisagreed",
  "CashDisagreed",
  "BalanceSnapshot",
  "GapDetected",
  "GapResolved",
  "ChainProgress",
  "RiskDecision",
]);

export function evolve(state: RiskState, { fact, seq }: Recorded): RiskState {
  switch (fact.type) {
    case "OperatorCommand": {
      const { command, scope, who, why } = fact;
      if (command === "halt") state.operatorHalts.set(keyOf(scope), { scope, who, why });
      else {
        state.operatorHalts.delete(keyOf(scope));
        // Who resumes an account has looked at its books.
        for (const [key, { account }] of state.broken) {
          if (scope.kind === "account" && scope.id === account) state.broken.delete(key);
        }
      }
      break;
    }
    case "DiscrepancyFound": {
      const { account, tokenId, differenceMicro } = fact;
      state.discrepancies.set(`${account}.${tokenId}`, { account, tokenId, differenceMicro });
      break;
    }
    case "DiscrepancyResolved":
      state.discrepancies.delete(`${fact.account}.${fact.tokenId}`);
      break;
    case "PositionChanged": {
      const { account, tokenId } = fact;
      if (fact.effectiveMicro < 0n) state.impossible.set(`${account}.${tokenId}`, { account, tokenId });
      else state.impossible.delete(`${account}.${tokenId}`);
      break;
    }
    case "LotsDisagreed": {
      const { account, tokenId, lotsMicro, heldMicro } = fact;
      const numbers = { expectedMicro: heldMicro, actualMicro: lotsMicro };
      state.broken.set(`${account}.${tokenId}`, { account, tokenId, ...numbers });
      break;
    }
    case "CashDisagreed": {
      const { account, expectedMicro, actualMicro } = fact;
      state.broken.set(`${account}.purse`, { account, tokenId: null, expectedMicro, actualMicro });
      break;
    }
    case "ConfigChanged": {
      const said = configOf(fact);
      if (said.kind !== "leaders") break;
      if (said.config?.enabled === true) state.leaders.add(said.leader);
      else state.leaders.delete(said.leader);
      break;
    }
    case "BalanceSnapshot":
      if (fact.account === undefined || fact.degraded === undefined) break;
      if (fact.degraded) state.degraded.add(fact.account);
      else state.degraded.delete(fact.account);
      break;
    case "GapDetected":
      state.gaps.set(fact.gapId, fact.scope);
      break;
    case "GapResolved":
      state.gaps.delete(fact.gapId);
      break;
    case "ChainProgress":
      if (fact.head >= (state.head?.blockNumber ?? 0)) state.head = { blockNumber: fact.head, tsMs: fact.headTsMs };
      break;
    case "RiskDecision": {
      const { scope } = fact;
      if (state.standing.get(keyOf(scope))?.decision.id === fact.id) break;
      state.decided.set(scope.kind, (state.decided.get(scope.kind) ?? 0) + 1);
      state.decisionSeq = Math.max(state.decisionSeq, seq);
      if (fact.level === "normal" && keyOf(scope) !== keyOf(GLOBAL)) state.standing.delete(keyOf(scope));
      else state.standing.set(keyOf(scope), { decision: fact, seq });
      break;
    }
    default:
      break;
  }
  return state;
}
