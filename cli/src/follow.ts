/** Follows the log and the heartbeats into an overview, for commands that look and do not act. */
import { DeliverPolicy, type JsMsg } from "@nats-io/jetstream";
import type { Bus } from "@slipstream/actor/bus";
import { fenceOf } from "@slipstream/actor/factReader";
import { createFenceJudge, refusedFacts } from "@slipstream/actor/fences";
import { listen } from "@slipstream/actor/listen";
import { listenToStoreRoom } from "@slipstream/actor/storeRoom";
import { writerOf } from "@slipstream/contracts/chains";
import { type Recorded, readFact } from "@slipstream/contracts/facts";
import { AccountValue, Heartbeat } from "@slipstream/contracts/live";
import { streams, subjects } from "@slipstream/contracts/subjects";
import { applyAccountValue, applyFact, applyHeartbeat, emptyOverview, type Overview } from "./overview.ts";

export type Following = {
  readonly overview: Overview;
  /** Facts that could not be read: sequence and why. */
  readonly unreadable: readonly string[];
  /** Resolves when everything that was in the log at the call has been folded. */
  caughtUp(): Promise<void>;
  stop(): Promise<void>;
};

const EXPIRES_MS = 2_000;
const CHECK_EVERY_MS = 20;
const CATCH_UP_MS_MAX = 60_000;

/**
 * Starts at the first fact the log still has.
 * @param worldMs - turns the wall-clock time at which the log stored a fact into the world's time.
 * @param keeps - `all` for what is judged at the end.
 * @param onFact - called after each fact was folded, with the time at which the log stored it, in the world's time.
 */
export async function followLog(
  bus: Bus,
  worldMs: (wallMs: number) => number,
  keeps: Overview["keeps"],
  onFact?: (recorded: Recorded, storedMs: number) => void,
): Promise<Following> {
  const overview = emptyOverview(keeps);
  const unreadable: string[] = [];
  let lastSeq = 0;
  const take = (message: JsMsg): void => {
    const reading = readFact(message.string());
    if (reading.kind === "refused") unreadable.push(`fact ${message.seq}: ${reading.error.message}`);
    if (reading.kind !== "fact") return;
    const recorded = { seq: message.seq, subject: message.subject, fence: 0, fact: reading.fact };
    const storedMs = worldMs(Number(message.timestampNanos / 1_000_000n));
    applyFact(overview, recorded, storedMs);
    onFact?.(recorded, storedMs);
  };
  const isOurs = await siftFacts(bus);
  const consumer = await bus.js.consumers.get(streams.facts, { deliver_policy: DeliverPolicy.All });
  /** In order, also where one has to be asked about. */
  let taken = Promise.resolve();
  let waiting = 0;
  const messages = await consumer.consume({
    expires: EXPIRES_MS,
    max_messages: 1_000,
    callback: (message) => {
      const sifted = isOurs(message);
      const finish = (ours: boolean): void => {
        if (ours) take(message);
        lastSeq = message.seq;
      };
      if (waiting === 0 && typeof sifted === "boolean") return finish(sifted);
      waiting += 1;
      taken = taken
        .then(async () => finish(await sifted))
        .finally(() => {
          waiting -= 1;
        });
    },
  });
  const stopBeats = listen(bus, subjects.allHeartbeats, Heartbeat, (beat) =>
    applyHeartbeat(overview, beat, Date.now()),
  );
  const stopValues = listen(bus, subjects.allAccountValues, AccountValue, (value) =>
    applyAccountValue(overview, value),
  );
  const stopRoom = listenToStoreRoom(bus, (room) => {
    overview.room = room;
  });
  return {
    overview,
    unreadable,
    caughtUp: async () => {
      const { state } = await bus.jsm.streams.info(streams.facts);
      const deadline = performance.now() + CATCH_UP_MS_MAX;
      while (lastSeq < state.last_seq && performance.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, CHECK_EVERY_MS));
      }
    },
    stop: async () => {
      stopBeats();
      stopValues();
      stopRoom();
      await messages.close();
    },
  };
}

/**
 * Tells facts from what no service can have written, which every reader passes over. Where that cannot be asked now, as the
 * leases are missing, it is shown: whoever looks changes nothing.
 */
async function siftFacts(bus: Bus): Promise<(message: JsMsg) => boolean | Promise<boolean>> {
  const judge = createFenceJudge(bus);
  const { created } = await bus.jsm.streams.info(streams.facts);
  const refused = await refusedFacts(bus, created).catch(() => new Set<number>());
  return (message) => {
    if (writerOf(message.subject) === "none" || refused.has(message.seq)) return false;
    const fence = fenceOf(message);
    return judge.isKnownPossible(message.subject, fence) ?? judge.isPossible(message.subject, fence).catch(() => true);
  };
}
