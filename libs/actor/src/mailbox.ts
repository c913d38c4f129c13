/**
 * Messages wait per chain, and a chain handles one at a time: the next decision comes when the last one's facts are in
 * the state. Chains do not wait for each other.
 */
import { TransientError } from "@slipstream/contracts/errors";
import type { ChainSubject } from "@slipstream/contracts/subjects";

export type Mailbox<Message> = {
  put(chain: ChainSubject, message: Message): void;
  /** Messages that wait or are in hand. */
  size(): number;
  /** Resolves as soon as nothing waits and nothing is in hand. */
  idle(): Promise<void>;
  /** Forgets what waits; what is in hand goes on. */
  close(): void;
};

/** Far above any burst seen; beyond it the process starts anew and recovers from the log what is open. */
const WAITING_MAX = 1_000_000;

type Queue<Message> = { items: Message[]; next: number; busy: boolean };

/**
 * @param handle - a promise only when something has to be waited for: a decision without facts costs no turn of the
 * event loop.
 */
export function createMailbox<Message>(
  handle: (chain: ChainSubject, message: Message) => Promise<void> | undefined,
  onError: (error: unknown) => void,
): Mailbox<Message> {
  const queues = new Map<ChainSubject, Queue<Message>>();
  let size = 0;
  let closed = false;
  let whenIdle: (() => void)[] = [];

  const done = (): void => {
    size -= 1;
    if (size === 0) tellIdle();
  };
  const tellIdle = (): void => {
    const calls = whenIdle;
    whenIdle = [];
    for (const call of calls) call();
  };

  const run = (chain: ChainSubject, queue: Queue<Message>): void => {
    queue.busy = true;
    while (queue.next < queue.items.length && !closed) {
      const message = queue.items[queue.next] as Message;
      queue.next += 1;
      let later: Promise<void> | undefined;
      try {
        later = handle(chain, message);
      } catch (error) {
        onError(error);
      }
      if (later !== undefined) {
        void later.catch(onError).then(() => {
          done();
          run(chain, queue);
        });
        return;
      }
      done();
    }
    queue.busy = false;
    queues.delete(chain);
  };

  return {
    put: (chain, message) => {
      if (closed) return;
      if (size >= WAITING_MAX) {
        onError(new TransientError("BUS_UNREACHABLE", `more than ${WAITING_MAX} messages wait for a decision`));
        return;
      }
      size += 1;
      let queue = queues.get(chain);
      if (queue === undefined) {
        queue = { items: [], next: 0, busy: false };
        queues.set(chain, queue);
      }
      // A chain that is never quite empty must not keep what it has handled.
      if (queue.next > 1_000) {
        queue.items.splice(0, queue.next);
        queue.next = 0;
      }
      queue.items.push(message);
      if (!queue.busy) run(chain, queue);
    },
    size: () => size,
    idle: () => (size === 0 || closed ? Promise.resolve() : new Promise((resolve) => whenIdle.push(resolve))),
    close: () => {
      closed = true;
      tellIdle();
    },
  };
}
