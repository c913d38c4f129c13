/** `slipstream halt`, `resume` and `skip`: a person's word as a fact; for a halt the executor's own latch beside it. */
import { randomUUID } from "node:crypto";
import { userInfo } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { headers } from "@nats-io/transport-node";
import { ask } from "@slipstream/actor/ask";
import { type Bus, overLink } from "@slipstream/actor/bus";
import { messagesSoFar } from "@slipstream/actor/messagesSoFar";
import { ContractError } from "@slipstream/contracts/errors";
import { type FactOf, readFact, writeFact } from "@slipstream/contracts/facts";
import { AccountId, factId } from "@slipstream/contracts/ids";
import { streams, subjectOf, subjects } from "@slipstream/contracts/subjects";
import { listAccounts } from "../configBucket.ts";
import { type BusAddress, withBus } from "../connection.ts";

/** Of one try. */
const LATCH_MS = 2_000;
const LOG_MS = 2_000;
const RETRY_MS = 100;

/**
 * Halts or resumes trading everywhere, or of one account. A halt of everything closes the executor's latch as well, which
 * needs neither log nor risk; when it has answered, everything decided before is in the log and nothing more leaves.
 * @param account - null: everything.
 * @returns 0 when the command is in the log and the latch answered; 1 when only one of the two worked, or none.
 * @throws ContractError ID_INVALID for a name that no account can have, CONFIG_INVALID for one that none has.
 */
export async function runOperator(
  address: BusAddress,
  command: "halt" | "resume",
  { why, account }: { readonly why: string; readonly account: string | undefined },
): Promise<number> {
  const scope = account === undefined ? GLOBAL : ({ kind: "account", id: accountId(account) } as const);
  return withBus(address, async (bus) => {
    const who = person();
    if (scope !== GLOBAL) {
      // A halt of nobody would be taken for one.
      if (command === "halt") await requireAccount(bus, scope.id);
      const refused = await untilTaken(address.withinMs, () =>
        tryAppend(bus, commandFact({ command, scope, who, why })),
      );
      if (refused !== null) {
        console.error(
          `not ${command === "halt" ? "halted" : "resumed"}: the log does not take the command: ${refused}`,
        );
        return 1;
      }
      console.log(`${command === "halt" ? "halted" : "resumed"}: the account ${scope.id}, as soon as risk has read it`);
      if (command === "resume") await tellStanding(bus);
      return 0;
    }
    const said = commandFact({ command, scope, who, why });
    const [latch, log] = await Promise.all([
      untilTaken(address.withinMs, () => closeLatch(bus, command === "halt", who)),
      untilTaken(address.withinMs, () => tryAppend(bus, said)),
    ]);
    if (latch !== null) console.error(`executor's latch: ${latch}`);
    if (log !== null) console.error(`the log does not take the command: ${log}`);
    const logged = log === null;
    const { code, text } = operatorAnswer(command, { latched: latch === null, logged });
    console.log(text);
    if (command === "resume" && logged) await tellStanding(bus);
    return code;
  });
}

/**
 * Tries until there is no more why not, at most for `withinMs`; then the last reason. A bus that has just come back has
 * neither its log nor the executor at once.
 */
async function untilTaken(withinMs: number, attempt: () => Promise<string | null>): Promise<string | null> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const why = await attempt();
    if (why === null || performance.now() > deadline) return why;
    await pause(RETRY_MS);
  }
}

async function closeLatch(bus: Bus, halted: boolean, who: string): Promise<string | null> {
  const answer = await ask(bus, "executor", "halt", { halted, who }, LATCH_MS);
  return answer.ok ? null : answer.text;
}

const tryAppend = (bus: Bus, fact: FactOf<"OperatorCommand" | "SkipFact">): Promise<string | null> =>
  append(bus, fact).then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

async function requireAccount(bus: Bus, id: string): Promise<void> {
  const accounts = await listAccounts(bus);
  if (accounts.includes(id)) return;
  const known = accounts.length === 0 ? "there is none" : `there are ${accounts.join(", ")}`;
  throw new ContractError("CONFIG_INVALID", `no account is called ${id}, so nothing is halted: ${known}`);
}

/** A resume is of one scope; what a person halted beside it stands. */
async function tellStanding(bus: Bus): Promise<void> {
  for (const { kind, id } of await standingHalts(bus)) {
    const [what, option] = kind === "global" ? ["everything", ""] : [`the ${kind} ${id}`, ` --${kind} ${id}`];
    console.log(`still halted: ${what}; to end it: npm run slipstream -- resume${option}`);
  }
}

/** What a person has halted and nobody resumed since, by the log. */
export async function standingHalts(bus: Bus): Promise<Said["scope"][]> {
  const halts = new Map<string, Said["scope"]>();
  for await (const message of messagesSoFar(bus, streams.facts, subjects.control("operator"))) {
    const reading = readFact(message.string());
    if (reading.kind !== "fact" || reading.fact.type !== "OperatorCommand") continue;
    const { command, scope } = reading.fact;
    if (command === "halt") halts.set(`${scope.kind}.${scope.id}`, scope);
    else halts.delete(`${scope.kind}.${scope.id}`);
  }
  return [...halts.values()];
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
 * `slipstream skip SEQ…`: lets facts that cannot be read pass, each for every service. They go on behind them.
 * @throws ContractError CONFIG_INVALID for a sequence that is none.
 */
export async function runSkip(address: BusAddress, args: readonly string[], why: string): Promise<number> {
  const seqs = args.map(Number);
  if (seqs.length === 0 || !seqs.every((seq) => Number.isSafeInteger(seq) && seq >= 1) || why === "") {
    const usage = 'usage: slipstream skip SEQ… --why "…": the facts as `status` names them';
    throw new ContractError("CONFIG_INVALID", usage);
  }
  return withBus(address, async (bus) => {
    let failed = 0;
    for (const seq of seqs) {
      const said = { seq, who: person(), why, ...now() };
      const refused = await untilTaken(address.withinMs, () =>
        tryAppend(bus, { type: "SkipFact", id: factId("SkipFact", `${seq}`), ...said }),
      );
      if (refused !== null) failed += 1;
      console.log(
        refused === null ? `all services pass over fact ${seq}` : `fact ${seq} is not passed over: ${refused}`,
      );
    }
    return failed === 0 ? 0 : 1;
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

/** One fact however often it is sent: its id is made once. */
const commandFact = (said: Said): FactOf<"OperatorCommand"> => ({
  ...said,
  ...now(),
  type: "OperatorCommand",
  id: factId("OperatorCommand", `${said.command}.${randomUUID()}`),
});

async function append(bus: Bus, fact: FactOf<"OperatorCommand" | "SkipFact">): Promise<void> {
  const named = headers();
  named.set("x-schema", `${fact.type}/${fact.v}`);
  await overLink(bus, () =>
    bus.js.publish(subjectOf(fact), writeFact(fact), { msgID: fact.id, headers: named, timeout: LOG_MS }),
  );
}
