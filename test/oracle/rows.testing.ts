/** Rows of the reference's stories: messages and orders in, what is told of them out. */
import { describe, expect, it } from "vitest";
import { runReference } from "./reference.ts";
import * as s from "./story.testing.ts";
import type { Message, Order } from "./types.ts";

const run = (messages: readonly Message[], ...orders: readonly Order[]): string[] =>
  s.told(runReference(s.market, messages, orders));
export const tell = (ts: number, ...messages: Parameters<typeof s.frame>[1][]): Message => s.frame(ts, ...messages);
/** A harmless change that moves the time on. */
export const beat = (ts: number): Message => tell(ts, s.mirrored(ts, "BUY", "0.01", String(ts)));
export const quiet = s.opening(0, [["0.4", "500"]], [["0.6", "500"]]);

export type Row = { rule: string; messages: Message[]; orders: Order[]; is: string[] };

export function tellRows(tables: Readonly<Record<string, readonly Row[]>>): void {
  for (const [name, rows] of Object.entries(tables)) {
    describe(`reference, ${name}`, () => {
      it.each(rows)("$rule", ({ messages, orders, is }) => {
        const named = orders.map((one, n) => ({ ...one, orderId: String(n) }));
        expect(run(messages, ...named)).toEqual(is);
      });
    });
  }
}
