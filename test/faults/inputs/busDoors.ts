/** What lies on the bus, and what people write: facts, books, heartbeats, configuration, the file `.env`. */
import { parseDotEnv } from "@slipstream/actor/dotEnv";
import { balanceSyncCore } from "@slipstream/balance-sync/core/core";
import { bestAsk, bestBid } from "@slipstream/book/ladder";
import { askedNow, createReplica, onReplicaAnswer, onReplicaMessage } from "@slipstream/book/replica";
import { bookstoreCore } from "@slipstream/bookstore/core/core";
import { watcherCore } from "@slipstream/chain-watcher/core/core";
import { wireArbitrary } from "@slipstream/contracts/arbitrary.testing";
import { BookSnapshot, BookUpdate, TradePrint } from "@slipstream/contracts/book";
import { type FactType, factSchemas, type Recorded, readFact } from "@slipstream/contracts/facts";
import { Heartbeat } from "@slipstream/contracts/live";
import { readConfig } from "@slipstream/contracts/policy";
import { subjectOf } from "@slipstream/contracts/subjects";
import { executorCore } from "@slipstream/executor/core/core";
import { inventoryCore } from "@slipstream/inventory/core/core";
import { registryCore } from "@slipstream/registry/core/core";
import { riskCore } from "@slipstream/risk/core/core";
import fc from "fast-check";
import { z } from "zod";
import { type Door, isRefusal } from "./door.ts";
import { numbersFrom, pick } from "./mutate.ts";

/** Facts as they are on the wire, some of each type. */
const FACTS_PER_TYPE = 12;
const wireFacts = (Object.keys(factSchemas) as FactType[]).flatMap((type) =>
  fc.sample(wireArbitrary(factSchemas[type]), { numRuns: FACTS_PER_TYPE, seed: 7 }),
);

type Folding = {
  readonly service: string;
  readonly initial: () => unknown;
  readonly evolve: (state: never, recorded: Recorded) => unknown;
  readonly folds: ReadonlySet<string>;
};
const cores: readonly Folding[] = [
  ...[executorCore, inventoryCore, riskCore, watcherCore, bookstoreCore, balanceSyncCore, registryCore],
];

const facts: Door = {
  name: "facts on the bus",
  isText: true,
  documents: wireFacts,
  enter: (damaged) => {
    const reading = readFact(typeof damaged === "string" ? damaged : (JSON.stringify(damaged) ?? ""));
    if (reading.kind !== "fact") return null;
    const { fact } = reading;
    // A fact that no chain can hold, or that says nothing that can be followed, is one that cannot be read: our errors.
    const subject = subjectOf(fact);
    for (const core of cores) {
      if (!core.folds.has(fact.type)) continue;
      try {
        core.evolve(core.initial() as never, { seq: 1, subject, fence: 0, fact } as Recorded);
      } catch (error) {
        if (isRefusal(error)) continue;
        return `${core.service} ends at ${fact.type}: ${error instanceof Error ? error.stack : String(error)}`;
      }
    }
    return null;
  },
};

const common = {
  ...{ v: 1, tokenId: "1", conditionId: `0x${"a".repeat(64)}`, connection: "c", tsEventMs: 1_000, tsInitMs: 1_000 },
  ...{ epoch: "3.1", tickMicro: 10_000 },
};
const snapshot = { ...common, type: "BookSnapshot", seq: 4, health: "healthy", bids: [400_000, 5], asks: [600_000, 7] };
const bookMessages = [
  { ...snapshot, epoch: "3.2", seq: 0, asks: [20_000, 900_000_000] },
  { ...snapshot, epoch: "9.0", seq: 0, asks: [20_000, 900_000_000] },
  { ...common, type: "BookDelta", seq: 5, bids: [410_000, 3], asks: [610_000, 2] },
  { ...common, type: "BookStatus", seq: 5, health: "suspect", reason: "x", closedMs: null },
  { ...common, type: "TradePrint", seq: 4, priceMicro: 600_000, sizeMicro: "1000000", side: "BUY" },
];
const TRUTH = BookSnapshot.parse({ ...snapshot, seq: 6, closedMs: null, bids: [410_000, 3], asks: [600_000, 9] });

const books: Door = {
  name: "books on the bus",
  documents: bookMessages,
  enter: (damaged) => {
    const replica = createReplica({ tokenId: "1" });
    onReplicaAnswer(replica, BookSnapshot.parse(snapshot), askedNow(replica), 0);
    const read = z.union([BookUpdate, TradePrint]).safeParse(damaged);
    if (!read.success) return null;
    const effects = [...onReplicaMessage(replica, read.data, 1)];
    // The bookstore is at 6 by now; what it says next is answered to, and asked for where there is a doubt.
    const real = BookUpdate.parse({ ...common, type: "BookDelta", seq: 6, bids: [410_000, 3], asks: [600_000, 9] });
    effects.push(...onReplicaMessage(replica, real, 2));
    for (const { asked } of effects) onReplicaAnswer(replica, TRUTH, asked, 3);
    onReplicaAnswer(replica, TRUTH, askedNow(replica), 4);
    const { book, closedTsMs } = replica.history;
    if (replica.mode !== "healthy") return `the replica stays ${replica.mode}`;
    if (replica.health !== "healthy") return `a good book stays ${replica.health}`;
    if (closedTsMs !== null) return "an open market stays closed";
    const isRight = book !== null && bestAsk(book) === 600_000 && bestBid(book) === 410_000;
    return isRight ? null : "wrong and healthy after the bookstore has answered";
  },
};

const heartbeats: Door = {
  name: "heartbeats",
  documents: fc.sample(wireArbitrary(Heartbeat), { numRuns: 20, seed: 7 }),
  enter: (damaged) => {
    Heartbeat.safeParse(damaged);
    return null;
  },
};

const address = `0x${"ab".repeat(20)}`;
const config: Door = {
  name: "configuration",
  documents: [
    { key: `leaders.${address}`, value: { leader: address, enabled: true, label: "one", follow: { kind: "now" } } },
    { key: "accounts.paper", value: { account: "paper", mode: "paper" } },
  ],
  enter: (damaged) => {
    const { key, value } = (damaged ?? {}) as { key?: unknown; value?: unknown };
    const read = readConfig(String(key), value);
    return read.ok || read.text !== "" ? null : "refused without a word";
  },
};

const dotEnv: Door = {
  name: "the file .env",
  isText: true,
  documents: ["EXECUTION_MODE=paper\nPOLYGON_HTTP_URL=http://a:1,http://b:1\n# x\nNATS_URL=nats://127.0.0.1:4222\n"],
  enter: (damaged, good) => {
    const bytes = Buffer.from(String(damaged));
    const random = numbersFrom(String(damaged));
    const encodings = [
      bytes,
      Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]),
      Buffer.from(String(damaged), "utf16le"),
    ];
    const read = parseDotEnv(pick(random, encodings));
    return damaged === good && read["EXECUTION_MODE"] !== "paper" ? "lost a variable" : null;
  },
};

export const busDoors: readonly Door[] = [facts, books, heartbeats, config, dotEnv];
