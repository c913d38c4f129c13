/** Messages of core NATS that are no requests: heartbeats, books, what accounts are worth. */
import { readJson } from "@slipstream/contracts/readJson";
import type { z } from "zod";
import type { Bus } from "./bus.ts";

/**
 * Hands over each message of a subject that matches its schema; others are passed over.
 * @returns how to stop, also when the connection has ended.
 */
export function listen<T>(
  bus: Bus,
  subject: string,
  schema: z.ZodType<T, unknown>,
  call: (message: T) => void,
): () => void {
  const subscription = bus.nc.subscribe(subject, {
    callback: (error, message) => {
      const read = error === null ? readJson(schema, message.string()) : null;
      if (read !== null) call(read);
    },
  });
  return () => {
    if (!subscription.isClosed() && !bus.nc.isClosed()) subscription.unsubscribe();
  };
}
