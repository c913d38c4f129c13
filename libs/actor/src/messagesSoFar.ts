/** One look at what a stream holds, for those who do not follow it. */
import type { JsMsg } from "@nats-io/jetstream";
import { TransientError } from "@slipstream/contracts/errors";
import type { Bus } from "./bus.ts";

const NEXT_MS = 1_000;
/** What is known to be there comes at once; a bus that is busy is given some more time. */
const TRIES_MAX = 30;

/**
 * Messages of a stream below a subject, from the first to the one that is the last now, in order.
 * @throws TransientError BUS_UNREACHABLE when they do not come: a part of them would be taken for all; what the bus says,
 *   also while there is no such stream.
 */
export async function* messagesSoFar(bus: Bus, stream: string, subject: string): AsyncGenerator<JsMsg, void, void> {
  const consumer = await bus.js.consumers.get(stream, { filter_subjects: subject });
  let { num_pending: left } = await consumer.info();
  for (let tries = 0; left > 0; ) {
    const message = await consumer.next({ expires: NEXT_MS });
    if (message !== null) {
      tries = 0;
      left = message.info.pending;
      yield message;
      continue;
    }
    tries += 1;
    if (tries === TRIES_MAX) throw new TransientError("BUS_UNREACHABLE", `messages of ${stream} do not come`);
    // The last ones may have been deleted meanwhile.
    left = (await consumer.info()).num_pending;
  }
}
