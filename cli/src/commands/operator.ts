/** `slipstream halt` and `resume`: a person's word, as a fact, and the executor's own latch beside it. */
import { randomUUID } from "node:crypto";
import { userInfo } from "node:os";
import { headers } from "@nats-io/transport-node";
import { ask } from "@slipstream/actor/ask";
import type { Bus } from "@slipstream/actor/bus";
import { writeFact } from "@slipstream/contracts/facts";
import { factId } from "@slipstream/contracts/ids";
import { subjects } from "@slipstream/contracts/subjects";
import { withBus } from "../connection.ts";

const LATCH_MS = 2_000;

/**
 * Halts or resumes trading everywhere. A halt first closes the executor's latch, which needs neither log nor risk.
 * @returns 0 when the command is in the log and the latch answered; 1 when only one of the two worked.
 */
export async function runOperator(natsUrl: string, command: "halt" | "resume", why: string): Promise<number> {
  return withBus(natsUrl, async (bus) => {
    const who = userInfo().username.slice(0, 64) || "operator";
    const halted = command === "halt";
    const latch = await ask(bus, "executor", "halt", { halted, who }, LATCH_MS);
    if (!latch.ok) console.error(`executor's latch: ${latch.text}`);
    await publish(bus, { command, who, why });
    console.log(halted ? "halted: nothing is traded until `resume`" : "resumed: risk decides again");
    return latch.ok ? 0 : 1;
  });
}

async function publish(bus: Bus, said: { command: "halt" | "resume"; who: string; why: string }): Promise<void> {
  const nowMs = Date.now();
  const fact = {
    ...said,
    type: "OperatorCommand" as const,
    v: 1 as const,
    id: factId("OperatorCommand", `${said.command}.${randomUUID()}`),
    scope: { kind: "global" as const, id: "*" },
    tsEventMs: nowMs,
    tsInitMs: nowMs,
  };
  const named = headers();
  named.set("x-schema", `${fact.type}/${fact.v}`);
  await bus.js.publish(subjects.control("operator"), writeFact(fact), { msgID: fact.id, headers: named, retries: 5 });
}
