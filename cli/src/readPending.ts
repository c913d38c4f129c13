/** What the executor has not done yet, by its own word. */
import { ask } from "@slipstream/actor/ask";
import type { Bus } from "@slipstream/actor/bus";
import type { Pending } from "@slipstream/contracts/live";

const ANSWER_MS = 2_000;

/** @returns null when the executor does not answer. */
export async function readPending(bus: Bus): Promise<Pending | null> {
  const answer = await ask(bus, "executor", "pending", {}, ANSWER_MS);
  return answer.ok ? answer.value : null;
}
