/** A consumer of books: subscribes, asks for what it missed, and compares with the venue. */
import { type Answer, ask } from "@slipstream/actor/ask";
import type { Bus } from "@slipstream/actor/bus";
import { flatLevels } from "@slipstream/book/ladder";
import {
  createReplica,
  onReplicaAnswer,
  onReplicaLinkLost,
  onReplicaMessage,
  onReplicaRefused,
  onReplicaTimer,
  type Replica,
  type ReplicaEffect,
} from "@slipstream/book/replica";
import { type BookSnapshot, BookUpdate } from "@slipstream/contracts/book";
import type { TokenId } from "@slipstream/contracts/ids";
import { subjects } from "@slipstream/contracts/subjects";
import { HANGING_MS } from "@slipstream/testkit/until";

export type Levels = { readonly bids: readonly number[]; readonly asks: readonly number[] };

export type Follower = {
  readonly replica: Replica;
  /** Updates heard. */
  readonly updates: BookUpdate[];
  /** Continuous, called healthy by the bookstore, and with exactly these levels. */
  equals(levels: Levels): boolean;
  stop(): void;
};

export function followBook(bus: Bus, tokenId: TokenId): Follower {
  const replica = createReplica({ tokenId });
  const updates: BookUpdate[] = [];
  const perform = async (effects: readonly ReplicaEffect[]): Promise<void> => {
    const asked = effects.at(-1)?.asked;
    if (asked === undefined) return;
    const answer: Answer<BookSnapshot> = await ask(bus, "bookstore", "snap", { tokenId }, HANGING_MS);
    if (!answer.ok) await perform(onReplicaRefused(replica, asked, Date.now()));
    else await perform(onReplicaAnswer(replica, answer.value, asked, Date.now()));
  };
  const subscription = bus.nc.subscribe(subjects.book(tokenId), {
    callback: (_error, message) => {
      const update = BookUpdate.parse(JSON.parse(message.string()));
      updates.push(update);
      void perform(onReplicaMessage(replica, update, Date.now()));
    },
  });
  // What is published while the link is down is never heard: as every consumer, it asks anew.
  const stopWatching = bus.onLink((link) => {
    if (link === "lost") onReplicaLinkLost(replica);
  });
  const timer = setInterval(() => {
    if (bus.connected()) void perform(onReplicaTimer(replica, Date.now()));
  }, 100);
  return {
    replica,
    updates,
    equals: (levels) => {
      const { book } = replica.history;
      if (replica.mode !== "healthy" || replica.health !== "healthy" || book === null) return false;
      const own = { bids: flatLevels(book, "BUY"), asks: flatLevels(book, "SELL") };
      return JSON.stringify(own) === JSON.stringify({ bids: levels.bids, asks: levels.asks });
    },
    stop: () => {
      clearInterval(timer);
      stopWatching();
      if (!subscription.isClosed()) subscription.unsubscribe();
    },
  };
}
