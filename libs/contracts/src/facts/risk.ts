/** Facts of risk: levels per scope. */
import { z } from "zod";
import { Ms } from "../codec.ts";
import { fact } from "./common.ts";

export const RiskLevel = z.enum(["normal", "degrade", "halt"]);
export type RiskLevel = z.infer<typeof RiskLevel>;
export const RiskScopeKind = z.enum(["global", "account", "leader", "market", "event", "token"]);
export type RiskScopeKind = z.infer<typeof RiskScopeKind>;
/** `id` is "*" for the global scope. */
export const RiskScope = z.object({ kind: RiskScopeKind, id: z.string() });
export type RiskScope = z.infer<typeof RiskScope>;

/** Closed union of causes, worst first within a decision. */
export const RiskReason = z.discriminatedUnion("code", [
  z.object({ code: z.literal("OPERATOR_HALT"), who: z.string(), why: z.string() }),
  z.object({ code: z.literal("CHAIN_SYNC_LOST"), silentMs: z.int(), silentMsMax: z.int() }),
  z.object({ code: z.literal("BALANCE_IMPOSSIBLE"), account: z.string(), tokenId: z.string() }),
  /** Lots and positions, or purse and ledger of an account contradict each other; ended by a person's resume only. */
  z.object({
    code: z.literal("BOOKS_BROKEN"),
    account: z.string(),
    /** Token of lots that disagree; null: the purse. */
    tokenId: z.string().nullable(),
    expectedMicro: z.string(),
    actualMicro: z.string(),
  }),
  z.object({ code: z.literal("SERVICE_SILENT"), service: z.string(), silentMs: z.int(), silentMsMax: z.int() }),
  z.object({ code: z.literal("WATCHER_LAGGING"), lagMs: z.int(), lagMsMax: z.int() }),
  z.object({ code: z.literal("BOOKS_STALE"), tokens: z.int(), reason: z.string() }),
  z.object({ code: z.literal("DISCREPANCY"), account: z.string(), tokenId: z.string(), differenceMicro: z.string() }),
  z.object({ code: z.literal("API_FALLBACK"), account: z.string() }),
  z.object({ code: z.literal("GAP_OPEN"), gapId: z.string() }),
  z.object({ code: z.literal("UNREADABLE_FACT"), service: z.string(), seq: z.int() }),
  /** null: the service has not measured its clock, or it has just jumped. */
  z.object({
    code: z.literal("CLOCK_UNCERTAIN"),
    service: z.string(),
    uncertaintyMs: z.int().nullable(),
    uncertaintyMsMax: z.int(),
  }),
  z.object({ code: z.literal("STREAM_FILLING"), usedPercent: z.int() }),
  /** Of the disk on which the log is, in MB. */
  z.object({ code: z.literal("DISK_FULL"), freeMb: z.int(), neededMb: z.int() }),
  z.object({ code: z.literal("STARTING") }),
]);
export type RiskReason = z.infer<typeof RiskReason>;

/** The whole standing decision of one scope: it replaces the one before. */
export const RiskDecision = fact("RiskDecision", {
  scope: RiskScope,
  level: RiskLevel,
  reasons: z.array(RiskReason),
  /** Under degrade: 1e-6 of the usual size, exits only, ticks off the limit in our favour. */
  parameters: z.object({
    sizeFactorMicro: z.int().min(0).max(1_000_000),
    reduceOnly: z.boolean(),
    limitTicks: z.int().min(0).max(10),
  }),
  untilMs: Ms.nullable(),
});
export type RiskDecision = z.infer<typeof RiskDecision>;
