/** `slipstream halt`, `resume` and `skip`: a person's word as a fact; for a halt the executor's own latch beside it. */
import { randomUUID } from "node:crypto";
import { userInfo } from "node:os";
import { headers } from "@nats-io/transport-node";
import { ask } from "@slipstream/actor/ask";
import type { Bus } from "@slipstream/actor/bus";
import { ContractError } from "@slipstream/contracts/errors";
import { type FactOf, writeFact } from "@slipstream/contracts/facts";
import { AccountId, factId } from "@slipstream/contracts/ids";
import { serviceNames, subjectOf } from "@slipstream/contracts/subjects";
import { withBus } from "../connection.ts";

const LATCH_MS = 2_000;

/**
 * Halts or resumes trading everywhere, or of one account. A halt of everything first closes the executor's latch, which
 * needs neither log nor risk; when it has answered, everything decided before is in the log and nothing more leaves.
 * @param account - null: everything.
 * @returns 0 when the command is in the log and the latch answered; 1 when only one of the two worked, or none.
 * @throws ContractError ID_INVALID for a name that no account can have.
 */
export async function runOperator(
  natsUrl: string,
  command: "halt" | "resume",
  { why, account }: { readonly why: string; readonly account: string | undefined },
): Promise<number> {
  const scope = account === undefined ? GLOBAL : ({ kind: "account", id: accountId(account) } as const);
  return withBus(natsUrl, async (bus) => {
    const who = person();
    if (scope !== GLOBAL) {
      await publish(bus, { command, scope, who, why });
      console.log(`${command === "halt" ? "halted" : "resumed"}: the account ${scope.id}, as soon as risk has read it`);
      return 0;
    }
    const latch = await ask(bus, "executor", "halt", { halted: command === "halt", who }, LATCH_MS);
    if (!latch.ok) console.error(`executor's latch: ${latch.text}`);
    const logged = await publish(bus, { command, scope, who, why }).then(
      () => true,
      (error: unknown) => {
        console.error(`the log does not take the command: ${error instanceof Error ? error.message : String(error)}`);
        return false;
      },
    );
    const { code, text } = operatorAnswer(command, { latched: latch.ok, logged });
    console.log(text);
    return code;
  });
}

/** What has come of a command, and the exit code. */
export function operatorAnswer(
  command: "halt" | "resume",
  { latched, logged }: { readonly latched: boolean; readonly logged: boolean },
): { readonly code: 0 | 1; readonly text: string } {
  const said = command === "halt" ? "halted" : "resumed";
  if (latched && logged) {
    const full = { halt: "halted: nothing is traded until `resume`", resume: "resumed: risk decides again" };
    return { code: 0, text: full[command] };
  }
  if (logged) {
    const later = "as soon as the executor has read the log, where the command is";
    const more = command === "halt" ? "" : "; a latch that was closed stays closed until it answers a `resume`";
    return { code: 1, text: `${said} ${later}${more}` };
  }
  if (latched) {
    const until = "the executor's latch alone knows it, and forgets it with its process";
    return { code: 1, text: command === "halt" ? `halted for now: ${until}` : `not resumed: ${until}` };
  }
  return { code: 1, text: `not ${said}: neither the executor nor the log has heard it` };
}

/**
 * `slipstream skip SERVICE SEQ`: lets one fact that a service cannot read pass for it. The service goes on behind it.
 * @throws ContractError CONFIG_INVALID for a service or a sequence that is none.
 */
export async function runSkip(natsUrl: string, args: readonly string[], why: string): Promise<number> {
  const service = serviceNames.find((name) => name === args[0]);
  const seq = Number(args[1]);
  if (service === undefined || !Number.isSafeInteger(seq) || seq < 1 || why === "") {
    const usage = 'usage: slipstream skip SERVICE SEQ --why "…": the service and the fact as `status` names them';
    throw new ContractError("CONFIG_INVALID", usage);
  }
  return withBus(natsUrl, async (bus) => {
    await append(bus, {
      type: "SkipFact",
      id: factId("SkipFact", `${service}.${seq}`),
      service,
      seq,
      who: person(),
      why,
      ...now(),
    });
    console.log(`${service} passes over fact ${seq}`);
    return 0;
  });
}

const person = (): string => userInfo().username.slice(0, 64) || "operator";

function now(): { v: 1; tsEventMs: number; tsInitMs: number } {
  const nowMs = Date.now();
  return { v: 1, tsEventMs: nowMs, tsInitMs: nowMs };
}

type Said = Pick<FactOf<"OperatorCommand">, "command" | "scope" | "who" | "why">;
const GLOBAL: Said["scope"] = { kind: "global", id: "*" };

function accountId(text: string): AccountId {
  const parsed = AccountId.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new ContractError("ID_INVALID", `--account ${text}: an account's name is made of a-z, 0-9, _ and -`);
}

const publish = (bus: Bus, said: Said): Promise<void> =>
  append(bus, {
    ...said,
    ...now(),
    type: "OperatorCommand",
    id: factId("OperatorCommand", `${said.command}.${randomUUID()}`),
  });

async function append(bus: Bus, fact: FactOf<"OperatorCommand" | "SkipFact">): Promise<void> {
  const named = headers();
  named.set("x-schema", `${fact.type}/${fact.v}`);
  await bus.js.publish(subjectOf(fact), writeFact(fact), { msgID: fact.id, headers: named, retries: 5 });
}
