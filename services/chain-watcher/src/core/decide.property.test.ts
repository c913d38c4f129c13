/** Whatever the sources say and in whatever order: at the end the log tells what the chain shows, each fill once. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ObservedFill, WatcherMessage } from "./messages.ts";
import { fillsIn, final, hash, observed, removed, row, rows, seen, story, window } from "./world.testing.ts";

const COUNT = 4;
/** Pairs of byte-identical logs. */
const logs = Array.from({ length: COUNT }, (_, n) => observed({ txHash: hash(50 + (n >> 1)), logIndex: n }));
const runs = { numRuns: Number(process.env["FC_RUNS"] ?? 300) };

const step = fc.record({
  log: fc.nat(COUNT - 1),
  block: fc.integer({ min: 97, max: 100 }),
  do: fc.constantFrom("see", "remove", "vanish", "back", "window", "row", "rtds", "phantom", "twins"),
});

test("under any mix each log on the chain at the end is exactly one living fill, and nothing else lives", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const chain = new Map<number, ObservedFill>();
      /** Where a log was when it was taken away. */
      const gone = new Map<number, ObservedFill>();
      const messages: WatcherMessage[] = [];
      for (const { log, block, do: what } of steps) {
        const base = logs[log] as ObservedFill;
        const current = chain.get(log);
        const like = row({ txHash: base.txHash });
        if (what === "see" && (current === undefined || current.blockNumber === block)) {
          const here = current ?? { ...base, blockNumber: block, blockHash: hash(1000 * messages.length + block) };
          chain.set(log, here);
          messages.push(seen(here));
        } else if (what === "remove" && current !== undefined) {
          chain.delete(log);
          gone.set(log, current);
          messages.push(removed(current));
        } else if (what === "vanish" && current !== undefined) {
          chain.delete(log);
          gone.set(log, current);
        } else if (what === "back" && current === undefined) {
          const back = gone.get(log);
          if (back === undefined) continue;
          chain.set(log, back);
          messages.push(seen(back));
        }
        if (what === "window") messages.push(window([...chain.values()]));
        else if (what === "row") messages.push(rows([like]));
        else if (what === "twins") messages.push(rows([like, like]));
        else if (what === "rtds") messages.push(rows([{ ...like, source: "rtds" }]));
        else if (what === "phantom") messages.push(rows([row({ txHash: hash(90 + log) })]));
      }
      const all = [...chain.values()];
      const end = final(101, all).map((one) =>
        one.type === "BlocksRead" ? { ...one, finalTsMs: Number.MAX_SAFE_INTEGER } : one,
      );
      const { state, facts } = story(...messages, ...end, ...end);
      const living = [...state.fills.byId.values()].filter(({ status }) => status === "ON_CHAIN" || status === "SEEN");
      const place = (fill: { blockHash: string | null; logIndex: number | null }) =>
        `${fill.blockHash}:${fill.logIndex}`;
      expect(living.map(place).sort()).toEqual(all.map(place).sort());
      expect(state.fills.open.size).toBe(0);
      // Nobody acts twice: one first telling for each identity.
      const first = fillsIn(facts).filter(({ occurrence }) => occurrence === 0);
      expect(new Set(first.map(({ leaderFillId }) => leaderFillId)).size).toBe(first.length);
      expect(new Set(facts.map(({ id }) => id)).size).toBe(facts.length);
    }),
    runs,
  );
});
