/** Every fact of the log: the schemas by type, and the only way in and out of bytes. */
import { z } from "zod";
import { ContractError } from "./errors.ts";
import * as balance from "./facts/balance.ts";
import * as chain from "./facts/chain.ts";
import { OwnerChanged } from "./facts/common.ts";
import * as control from "./facts/control.ts";
import * as exec from "./facts/exec.ts";
import * as position from "./facts/position.ts";
import * as resolution from "./facts/resolution.ts";
import * as risk from "./facts/risk.ts";

export const factSchemas = {
  OwnerChanged,
  LeaderFill: chain.LeaderFill,
  LeaderFillReverted: chain.LeaderFillReverted,
  LeaderFillRetracted: chain.LeaderFillRetracted,
  LeaderFillSighted: chain.LeaderFillSighted,
  LeaderFillCosted: chain.LeaderFillCosted,
  LeaderAct: chain.LeaderAct,
  LeaderJoined: chain.LeaderJoined,
  BackfillProgress: chain.BackfillProgress,
  ChainProgress: chain.ChainProgress,
  GapDetected: chain.GapDetected,
  GapResolved: chain.GapResolved,
  BalanceSnapshot: balance.BalanceSnapshot,
  ExecutionFillSettled: balance.ExecutionFillSettled,
  ConditionResolved: resolution.ConditionResolved,
  ExecutionAttempt: exec.ExecutionAttempt,
  OrderIntent: exec.OrderIntent,
  OrderAbandoned: exec.OrderAbandoned,
  OrderAccepted: exec.OrderAccepted,
  OrderRejected: exec.OrderRejected,
  OrderCancelRequested: exec.OrderCancelRequested,
  OrderCanceled: exec.OrderCanceled,
  OrderExpired: exec.OrderExpired,
  OrderOutcomeUnknown: exec.OrderOutcomeUnknown,
  ExecutionFill: exec.ExecutionFill,
  ExecutionFillReversed: exec.ExecutionFillReversed,
  LotsDisagreed: exec.LotsDisagreed,
  ReservationGranted: position.ReservationGranted,
  OrderDenied: position.OrderDenied,
  PositionChanged: position.PositionChanged,
  PendingFillAged: position.PendingFillAged,
  ForceReconciled: position.ForceReconciled,
  DiscrepancyFound: position.DiscrepancyFound,
  DiscrepancyResolved: position.DiscrepancyResolved,
  CashDisagreed: position.CashDisagreed,
  AccountFunded: position.AccountFunded,
  PositionSettled: position.PositionSettled,
  Checkpoint: position.Checkpoint,
  RiskDecision: risk.RiskDecision,
  ConfigChanged: control.ConfigChanged,
  OperatorCommand: control.OperatorCommand,
  SkipFact: control.SkipFact,
} as const;

export type FactType = keyof typeof factSchemas;
export type Fact = { [T in FactType]: z.infer<(typeof factSchemas)[T]> }[FactType];
export type FactOf<T extends FactType> = Extract<Fact, { type: T }>;

/** A fact with its place in the log. */
export type Recorded<F extends Fact = Fact> = {
  readonly seq: number;
  readonly subject: string;
  /** Lease revision of the writer; 0 for writers without a lease. */
  readonly fence: number;
  readonly fact: F;
};

const isKnown = (type: string): type is FactType => Object.hasOwn(factSchemas, type);

/** The answer to bytes from the log: a fact, a type of a newer version that may pass by, or a refusal that stops. */
export type FactReading =
  | { readonly kind: "fact"; readonly fact: Fact }
  | { readonly kind: "unknownType"; readonly type: string }
  | { readonly kind: "refused"; readonly error: ContractError };

const Head = z.object({ type: z.string(), v: z.int() });

/** Reads one fact. Never throws: the caller decides whether a refusal concerns it. */
export function readFact(text: string): FactReading {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    return { kind: "refused", error: new ContractError("MESSAGE_MALFORMED", "a fact is not JSON", { cause }) };
  }
  const head = Head.safeParse(json);
  if (!head.success) {
    return {
      kind: "refused",
      error: new ContractError("MESSAGE_MALFORMED", "a fact has no type or version", { cause: head.error }),
    };
  }
  const { type, v } = head.data;
  if (!isKnown(type)) return { kind: "unknownType", type };
  if (v !== 1) {
    return {
      kind: "refused",
      error: new ContractError("MESSAGE_UNKNOWN_MAJOR", `${type} has major version ${v}, this build reads 1`),
    };
  }
  const decoded = z.safeDecode(factSchemas[type] as unknown as z.ZodType<Fact, unknown>, json);
  if (decoded.success) return { kind: "fact", fact: decoded.data };
  const reason = `${type} does not match its schema: ${z.prettifyError(decoded.error)}`;
  return { kind: "refused", error: new ContractError("MESSAGE_MALFORMED", reason, { cause: decoded.error }) };
}

/** The broker takes a message of 1 MB, headers included. */
const FACT_CHARACTERS_MAX = 300_000;

/**
 * Writes one fact, checked against its schema.
 * @throws ContractError MESSAGE_MALFORMED when the fact does not match or is longer than the log takes. What it was made of
 *   may come from outside: whoever writes leaves it out and says so.
 */
export function writeFact(fact: Fact): string {
  const encoded = z.safeEncode(factSchemas[fact.type] as unknown as z.ZodType<Fact, unknown>, fact);
  if (!encoded.success) {
    throw new ContractError(
      "MESSAGE_MALFORMED",
      `${fact.type} ${fact.id} does not match its schema: ${z.prettifyError(encoded.error)}`,
    );
  }
  const text = JSON.stringify(encoded.data);
  if (text.length > FACT_CHARACTERS_MAX) {
    throw new ContractError("MESSAGE_MALFORMED", `${fact.type} has ${text.length} characters, more than the log takes`);
  }
  return text;
}
