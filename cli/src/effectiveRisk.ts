/**
 * The level at which trading goes on now, for `status` and the live view: what the executor says it may do, or that there is
 * no executor who would. Risk's last decision alone may be hours old, and of a run that has ended.
 */
import type { FactOf } from "@slipstream/contracts/facts";
import type { RiskLevel } from "@slipstream/contracts/facts/risk";
import { defaultLimits } from "@slipstream/executor/core/view";
import type { Overview } from "./overview.ts";
import { riskReasonText, roomText } from "./reasonText.ts";
import { serviceHealth, speakerOf } from "./serviceHealth.ts";

type Decision = FactOf<"RiskDecision">;
type At = {
  /** The world's time, of facts. */
  readonly nowMs: number;
  /** Real time, of silence. */
  readonly wallMs: number;
  readonly short: (id: string) => string;
};

const GLOBAL = "global.*";
const WORDS: Readonly<Record<string, string>> = {
  LOCAL_HALT: "by the executor's latch",
  RISK_SILENT: "the executor hears no owner of risk",
  DECISION_NOT_APPLIED: "risk's newest decision has not reached the executor",
  CHAIN_LAGGING: "chain-watcher tells no new block",
};
const rank: Readonly<Record<RiskLevel, number>> = { halt: 0, degrade: 1, normal: 2 };

/** Returns level and reasons, and what risk decided last where that is something else. */
export function riskText(overview: Overview, at: At): string {
  const global = overview.risk.get(GLOBAL);
  const { level, reasons } = effective(overview, at);
  const scoped = [...overview.risk.values()]
    .filter(({ scope }) => scope.kind !== "global")
    .sort((a, b) => rank[a.level] - rank[b.level])
    .find((decision) => rank[decision.level] < rank[level]);
  if (scoped !== undefined) return withReasons(scoped.level, scopeText(scoped, at), scoped.reasons.map(riskReasonText));
  const text = withReasons(level, "", reasons);
  if (global === undefined) return `${text}; no decision of risk yet`;
  const ago = agoText(at.nowMs - global.tsInitMs);
  if (global.level !== level) return `${text}; risk decided ${global.level.toUpperCase()} ${ago}`;
  return isJudged(overview, at) ? text : `${text} (of ${ago}: risk has not judged since its start)`;
}

type Effective = { readonly level: RiskLevel; readonly reasons: string[] };

/** A log without room takes no decision of risk either, so its last one says nothing. */
function effective(overview: Overview, at: At): Effective {
  const said = byExecutor(overview, at);
  const { room } = overview;
  if (room === null || (room.freeMb >= room.haltBelowMb && !room.stuck)) return said;
  const text = room.stuck ? "the log takes no facts" : roomText({ freeMb: room.freeMb, neededMb: room.haltBelowMb });
  return {
    level: "halt",
    reasons: [`DISK_FULL (${text})`, ...said.reasons.filter((one) => !one.startsWith("DISK_FULL"))],
  };
}

function byExecutor(overview: Overview, at: At): Effective {
  const health = serviceHealth(overview, "executor", at.wallMs);
  const speaker = speakerOf(overview, "executor", at.wallMs);
  const nobody = (why: string) => ({ level: "halt" as const, reasons: [`NO_EXECUTOR (${why})`] });
  if (speaker === undefined) return nobody("it is not heard, so nothing is traded");
  if (speaker.role !== "owner") return nobody(`none is the owner, ${speaker.role} only`);
  if (!speaker.ready || speaker.effective === undefined) {
    return nobody(health.kind === "problem" ? health.text : "it is not ready");
  }
  const { level, reasons } = speaker.effective;
  const standing = overview.risk.get(GLOBAL)?.reasons ?? [];
  const said = reasons.flatMap((code) => {
    // The executor keeps the first reason of a decision only.
    const known = code === standing[0]?.code ? standing : standing.filter((reason) => reason.code === code);
    if (known.length > 0) return known.map(riskReasonText);
    return [WORDS[code] === undefined ? code : `${code} (${WORDS[code]})`];
  });
  const headAgeMs = overview.progress === null ? null : at.nowMs - overview.progress.headTsMs;
  // Whatever else is heard: beyond the executor's limit nothing is bought.
  if (level !== "normal" || (headAgeMs !== null && headAgeMs <= defaultLimits.chainLagMsMax))
    return { level, reasons: said };
  const old = headAgeMs === null ? "no block is told yet" : `the newest block is ${secondsText(headAgeMs)} old`;
  return { level: "degrade", reasons: [`HEAD_OLD (${old})`] };
}

/** False for the few seconds after a start in which risk keeps what stood before. */
const isJudged = (overview: Overview, { wallMs }: At): boolean =>
  speakerOf(overview, "risk", wallMs)?.gauges["settled"] !== 0;

const scopeText = ({ scope }: Decision, { short }: At): string => ` (${scope.kind} ${short(scope.id)})`;

function withReasons(level: RiskLevel, scope: string, reasons: readonly string[]): string {
  return `${level.toUpperCase()}${scope}${reasons.length === 0 ? "" : `: ${reasons.join(", ")}`}`;
}

const secondsText = (ms: number): string => `${Math.max(0, Math.round(ms / 1_000))} s`;

function agoText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s ago`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3_600)} h ago`;
}
