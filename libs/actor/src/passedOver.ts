/** What a reader passed over because no service can have written it: told once, by one service, and for a while. */
import { writerOf } from "@slipstream/contracts/chains";
import type { ServiceName } from "@slipstream/contracts/subjects";
import type { Logger } from "pino";

export type PassedOver = {
  note(message: { readonly seq: number; readonly subject: string }, why: string): void;
  /** A person has seen it. */
  forget(seq: number | null): void;
  /** In words; null: nothing, or not ours to say. */
  notice(): string | null;
};

const TOLD_FOR_MS = 600_000;
/** A program that writes nonsense writes much of it; the count goes on. */
const KEPT = 100;
/** Says what lies on no chain of a service. */
const OF_NOBODY: ServiceName = "risk";

export function createPassedOver(
  service: ServiceName,
  logger: Logger,
  steadyMs: () => number = () => performance.now(),
): PassedOver {
  const lately = new Map<number, { readonly text: string; readonly atMs: number }>();
  return {
    note: ({ seq, subject }, why) => {
      logger.warn({ seq, subject, why }, "passed over: no service can have written it");
      const writer = writerOf(subject);
      if ((writer === null || writer === "none" ? OF_NOBODY : writer) !== service) return;
      lately.set(seq, { text: `fact ${seq} on ${subject} ${why}`, atMs: steadyMs() });
      const [oldest] = lately.keys();
      if (lately.size > KEPT && oldest !== undefined) lately.delete(oldest);
    },
    forget: (seq) => {
      if (seq !== null) lately.delete(seq);
    },
    notice: () => {
      for (const [seq, { atMs }] of lately) if (steadyMs() - atMs > TOLD_FOR_MS) lately.delete(seq);
      const newest = [...lately].at(-1);
      if (newest === undefined) return null;
      const [seq, { text }] = newest;
      const more = lately.size === 1 ? "" : `, and ${lately.size - 1} others`;
      return `passed over: ${text}${more}. Nothing is stopped by it; find what else writes to the bus. Seen: npm run slipstream -- skip ${seq} --why "…"`;
    },
  };
}
