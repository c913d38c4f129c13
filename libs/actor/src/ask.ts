/** Request and reply between services, typed by `contracts/live.ts`. */
import { operations } from "@slipstream/contracts/live";
import { subjects } from "@slipstream/contracts/subjects";
import { z } from "zod";
import type { Bus } from "./bus.ts";

export type Operations = typeof operations;
export type AskedService = keyof Operations;
export type RequestOf<S extends AskedService, O extends keyof Operations[S]> = Operations[S][O] extends {
  request: infer Q extends z.ZodType;
}
  ? z.output<Q>
  : never;
type ReplyEnvelope<S extends AskedService, O extends keyof Operations[S]> = Operations[S][O] extends {
  reply: infer R extends z.ZodType;
}
  ? z.output<R>
  : never;
/** The value of a good answer. */
export type AnswerOf<S extends AskedService, O extends keyof Operations[S]> =
  Extract<ReplyEnvelope<S, O>, { ok: true }> extends { value: infer V } ? V : never;

/** An answer or why there is none. `code` is the service's own, or NO_RESPONDERS, TIMEOUT, DISCONNECTED, UNREADABLE. */
export type Answer<V> =
  | { readonly ok: true; readonly value: V }
  | { readonly ok: false; readonly code: string; readonly text: string };

const schemasOf = (service: AskedService, op: PropertyKey): { request: z.ZodType; reply: z.ZodType } =>
  (operations[service] as unknown as Record<PropertyKey, { request: z.ZodType; reply: z.ZodType }>)[op] as {
    request: z.ZodType;
    reply: z.ZodType;
  };

/**
 * Hears one operation beside all other replicas, and answers what is its own: null leaves the request to them. For
 * services whose replicas share the work, so that nobody who asks has to know who has what.
 * Otherwise as `serve`; when no replica answers, who asks hears nothing until its time is over.
 */
export function serveOwn<S extends AskedService, O extends keyof Operations[S] & string>(
  bus: Bus,
  service: S,
  op: O,
  handler: (request: RequestOf<S, O>) => Answer<AnswerOf<S, O>> | null | Promise<Answer<AnswerOf<S, O>> | null>,
): () => void {
  return answer(bus, service, op, handler, {});
}

/**
 * Answers one operation in the queue group of the service, so each request reaches one replica. A service whose
 * standbys cannot answer serves only while it is the owner: call the returned function to stop.
 * A handler that throws answers INTERNAL with the error's text; an unreadable request is answered MESSAGE_MALFORMED.
 */
export function serve<S extends AskedService, O extends keyof Operations[S] & string>(
  bus: Bus,
  service: S,
  op: O,
  handler: (request: RequestOf<S, O>) => Answer<AnswerOf<S, O>> | Promise<Answer<AnswerOf<S, O>>>,
): () => void {
  return answer(bus, service, op, handler, { queue: service });
}

function answer<S extends AskedService, O extends keyof Operations[S] & string>(
  bus: Bus,
  service: S,
  op: O,
  handler: (request: RequestOf<S, O>) => Answer<AnswerOf<S, O>> | null | Promise<Answer<AnswerOf<S, O>> | null>,
  group: { readonly queue?: string },
): () => void {
  const { request, reply } = schemasOf(service, op);
  const respond = async (text: string): Promise<string | null> => {
    const read = readJson(request, text);
    if (!read.ok) return JSON.stringify({ ok: false, code: "MESSAGE_MALFORMED", text: read.text });
    try {
      const answered = await handler(read.value as RequestOf<S, O>);
      return answered === null ? null : JSON.stringify(z.encode(reply, answered));
    } catch (error) {
      return JSON.stringify({ ok: false, code: "INTERNAL", text: String(error) });
    }
  };
  const subscription = bus.nc.subscribe(subjects.service(service, op), {
    ...group,
    callback: (error, message) => {
      if (error !== null) return;
      void respond(message.string()).then((text) => {
        if (text !== null && !bus.nc.isClosed()) message.respond(text);
      });
    },
  });
  return () => {
    if (!subscription.isClosed()) subscription.unsubscribe();
  };
}

/** Asks one operation. Never throws for what the other side or the bus does: every no is a value. */
export async function ask<S extends AskedService, O extends keyof Operations[S] & string>(
  bus: Bus,
  service: S,
  op: O,
  request: RequestOf<S, O>,
  timeoutMs: number,
): Promise<Answer<AnswerOf<S, O>>> {
  const schemas = schemasOf(service, op);
  const payload = JSON.stringify(z.encode(schemas.request, request));
  if (!bus.connected()) return { ok: false, code: "DISCONNECTED", text: "the bus is not connected" };
  let text: string;
  try {
    text = (await bus.nc.request(subjects.service(service, op), payload, { timeout: timeoutMs })).string();
  } catch (error) {
    const gone = String(error).includes("no responders");
    return {
      ok: false,
      code: gone ? "NO_RESPONDERS" : "TIMEOUT",
      text: gone ? `no ${service} is running` : `${service} did not answer ${op} within ${timeoutMs} ms`,
    };
  }
  const read = readJson(schemas.reply, text);
  if (!read.ok) return { ok: false, code: "UNREADABLE", text: read.text };
  return read.value as Answer<AnswerOf<S, O>>;
}

function readJson(schema: z.ZodType, text: string): { ok: true; value: unknown } | { ok: false; text: string } {
  try {
    return { ok: true, value: z.decode(schema, JSON.parse(text)) };
  } catch (error) {
    return { ok: false, text: error instanceof z.ZodError ? z.prettifyError(error) : String(error) };
  }
}
