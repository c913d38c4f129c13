/** A replica against its source, whatever happens to the messages between them. */
import type { BookSnapshot, BookUpdate } from "@slipstream/contracts/book";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isLive } from "./history.ts";
import { expectEqualBook, levelChange, type NaiveBook, naiveBook } from "./naive.testing.ts";
import { delta, snapshot, status, TICK } from "./replica.testing.ts";
import {
  type Asked,
  createReplica,
  onReplicaAnswer,
  onReplicaMessage,
  onReplicaTimer,
  type ReplicaEffect,
} from "./replica.ts";

const event = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("delta" as const), change: levelChange(TICK) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("epoch" as const),
      changes: fc.array(levelChange(TICK), { maxLength: 8 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("status" as const),
      health: fc.constantFrom("healthy", "suspect", "dead"),
    }),
  },
);

test("whatever is lost, repeated or answered late, a healthy replica equals the source at its sequence, and it heals", () => {
  const fate = fc.constantFrom("arrives", "arrives", "arrives", "lost", "twice");
  fc.assert(
    fc.property(fc.array(fc.tuple(event, fate, fc.nat(4)), { maxLength: 80 }), (story) => {
      const source = { book: naiveBook(), n: 0, seq: 0 };
      const past = new Map<string, NaiveBook>();
      const replica = createReplica({ tokenId: "1" });
      const answers: { atStep: number; message: BookSnapshot; asked: Asked }[] = [];
      const current = (): BookSnapshot =>
        snapshot({ epoch: `1.${source.n}`, seq: source.seq }, source.book.flat("BUY"), source.book.flat("SELL"));
      const hear = (effects: readonly ReplicaEffect[], step: number, delay: number): void => {
        for (const { asked } of effects) answers.push({ atStep: step + delay, message: current(), asked });
        if (replica.mode !== "healthy" || replica.history.book === null) return;
        expectEqualBook(
          replica.history.book,
          past.get(`${replica.epoch}/${replica.seq}`) ?? expect.fail("never existed"),
        );
      };
      past.set("1.0/0", source.book.copy());
      for (const [step, [each, how, delay]] of story.entries()) {
        const message = emit(source, each);
        past.set(`1.${source.n}/${source.seq}`, source.book.copy());
        for (const answer of answers.splice(0)) {
          if (answer.atStep > step) answers.push(answer);
          else hear(onReplicaAnswer(replica, answer.message, answer.asked, step), step, delay);
        }
        for (let n = how === "lost" ? 0 : how === "twice" ? 2 : 1; n > 0; n--) {
          hear(onReplicaMessage(replica, message, step), step, delay);
        }
      }
      source.seq += 1;
      past.set(`1.${source.n}/${source.seq}`, source.book.copy());
      hear(onReplicaMessage(replica, delta({ epoch: `1.${source.n}`, seq: source.seq }, []), 100), 100, 0);
      for (const { asked } of onReplicaTimer(replica, 10_000)) {
        hear(onReplicaAnswer(replica, current(), asked, 10_000), 10_000, 0);
      }
      expect([replica.mode, replica.epoch, replica.seq]).toEqual(["healthy", `1.${source.n}`, source.seq]);
      expect(replica.health === "dead").toBe(!isLive(replica.history));
    }),
  );
});

function emit(
  source: { book: NaiveBook; n: number; seq: number },
  each: typeof event extends fc.Arbitrary<infer E> ? E : never,
): BookUpdate {
  if (each.kind === "epoch") {
    source.n += 1;
    source.seq = 0;
    source.book = naiveBook();
    for (const change of each.changes) source.book.set(change);
    return snapshot({ epoch: `1.${source.n}`, seq: 0 }, source.book.flat("BUY"), source.book.flat("SELL"));
  }
  source.seq += 1;
  const at = { epoch: `1.${source.n}`, seq: source.seq };
  if (each.kind === "status") return status(at, each.health);
  source.book.set(each.change);
  const levels = [each.change.priceMicro, each.change.sizeMicro];
  return each.change.side === "BUY" ? delta(at, levels) : delta(at, [], levels);
}
