/** The faults of a run: each one begins, lasts, and ends; all of them come round again and again in a shuffled order. */
import { setTimeout as pause } from "node:timers/promises";
import type { MarketDefinition } from "@slipstream/contracts/market";
import type { Random } from "@slipstream/sandbox/actors/random";
import type { TestNats } from "@slipstream/testkit/nats";
import type { Flow } from "./booksFlow.ts";
import type { Line, LineCounts } from "./booksLine.ts";
import type { BooksVenue } from "./booksVenue.ts";
import type { TcpProxy } from "./tcpProxy.ts";

export type FaultWorld = {
  readonly flow: Flow;
  readonly line: Line;
  readonly venue: BooksVenue;
  readonly random: Random;
  readonly nats: TestNats;
  /** The ways of bookstore and of the consumer to the bus. */
  readonly toBookstore: TcpProxy;
  readonly toConsumer: TcpProxy;
  /** After so long the reader gives up a connection on which nothing comes. */
  readonly silenceMs: number;
  /** What a registry would do after a tick change. */
  readonly tell: (definitions: readonly MarketDefinition[]) => Promise<void>;
};
type Fault = (world: FaultWorld, scale: number) => Promise<void>;

const SILENCE_AND_A_BIT = 1.1;
/** As far as REST may lag the venue (reference §6.4). */
const REST_LAG_MS = 1_100;
/** Events of different types come out of order by up to this (reference §6.3). */
const DISORDER_MS = 620;
const USUAL_MS = 3_000;
const APART_MS = [500, 9_500] as const;
/** A client that was cut off often waits up to half a minute before it comes again. */
const REOPENED_MS_MAX = 30_000;

const anySocket = ({ venue, random }: FaultWorld): number => random.pick(venue.channel().numbers()) ?? 0;

/** Sets something for a while. */
async function during(ms: number, begin: () => void, end: () => void): Promise<void> {
  begin();
  try {
    await pause(ms);
  } finally {
    end();
  }
}

/** Waits until something has happened once more, or for `msMax`. */
async function untilMore(line: Line, what: keyof LineCounts, before: number, msMax: number): Promise<void> {
  const untilMs = Date.now() + msMax;
  while (line.counts()[what] === before && Date.now() < untilMs) await pause(50);
}

export const faults: Readonly<Record<string, Fault>> = {
  "dropped socket": async (world) => {
    const socket = anySocket(world);
    world.venue.channel().dropSockets((number) => number === socket);
  },
  "all sockets dropped": async ({ venue }) => venue.channel().dropSockets(),
  "lost deltas": async ({ flow, line, random }) => {
    for (let n = 0; n < 10; n += 1) {
      const token = random.pick(flow.tokenIds);
      if (token !== undefined) line.toLose.set(token, random.integer(1, 3));
    }
  },
  "repeated frames": async ({ line }, scale) => {
    const before = line.counts().repeated;
    line.chances.repeat = 0.3;
    await pause(USUAL_MS * scale);
    // On a busy machine few frames come in so short a time, and each is repeated by chance.
    await untilMore(line, "repeated", before, REOPENED_MS_MAX);
    line.chances.repeat = 0;
  },
  "prints late": ({ line }, scale) =>
    during(
      USUAL_MS * scale,
      () => {
        line.chances.latePrint = 0.8;
      },
      () => {
        line.chances.latePrint = 0;
      },
    ),
  "prints before changes": ({ line, venue }, scale) =>
    during(
      USUAL_MS * scale,
      () => {
        line.chances.earlyPrint = 1;
        venue.channel().delay(DISORDER_MS);
      },
      () => {
        line.chances.earlyPrint = 0;
        venue.channel().delay(0);
      },
    ),
  "silent markets": ({ flow, line, random }, scale) => {
    const chosen = Array.from({ length: 3 }, () => random.pick(flow.markets)).flatMap(
      (market) => market?.tokenIds ?? [],
    );
    return during(
      random.integer(2_000, 15_000) * scale,
      () => {
        for (const token of chosen) line.silent.add(token);
      },
      () => {
        for (const token of chosen) line.silent.delete(token);
      },
    );
  },
  "half-open socket": (world) => {
    const socket = anySocket(world);
    return during(
      world.silenceMs * SILENCE_AND_A_BIT,
      () => void world.line.deaf.add(socket),
      () => {},
    );
  },
  "slow consumer 1013": async (world) => {
    const socket = anySocket(world);
    world.line.deaf.add(socket);
    await pause(300);
    world.venue.channel().closeSockets(1013, "slow consumer: send buffer full", (number) => number === socket);
  },
  "stale opening books": async (world, scale) => {
    const before = world.line.counts().staleOpenings;
    const socket = anySocket(world);
    world.line.chances.staleOpening = 1;
    world.venue.channel().dropSockets((number) => number === socket);
    await untilMore(world.line, "staleOpenings", before, REOPENED_MS_MAX * scale);
    world.line.chances.staleOpening = 0;
  },
  "opening books that lack tokens": async (world, scale) => {
    const before = world.line.counts().lackingOpenings;
    const socket = anySocket(world);
    world.line.chances.lackingOpening = 1;
    world.venue.channel().dropSockets((number) => number === socket);
    await untilMore(world.line, "lackingOpenings", before, REOPENED_MS_MAX * scale);
    world.line.chances.lackingOpening = 0;
  },
  "books mid-stream": async ({ flow, random }) => {
    for (let n = 0; n < 40; n += 1) {
      const token = random.pick(flow.tokenIds);
      if (token !== undefined) flow.feed.show(token);
      await pause(10);
    }
  },
  "tick size change": async ({ flow, random, tell }) => {
    for (let n = 0; n < 2; n += 1) {
      const market = flow.refine(Date.now());
      if (market === null) return;
      if (random.chance(0.5)) await pause(random.integer(0, 500));
      if (random.chance(0.5)) for (const token of market.tokenIds) flow.feed.show(token);
    }
    await tell(flow.definitions());
  },
  "venue restart": async ({ flow, venue }, scale) => {
    await venue.down();
    await pause(USUAL_MS * scale);
    flow.stir(Date.now());
    await venue.up();
  },
  "REST errors": (world, scale) =>
    during(
      USUAL_MS * scale,
      () => {
        world.venue.rest.errors = 0.7;
        void faults["dropped socket"]?.(world, scale);
      },
      () => {
        world.venue.rest.errors = 0;
      },
    ),
  "stale REST": (world, scale) =>
    during(
      USUAL_MS * scale,
      () => {
        world.venue.rest.lagMs = REST_LAG_MS;
        void faults["lost deltas"]?.(world, scale);
        void faults["dropped socket"]?.(world, scale);
      },
      () => {
        world.venue.rest.lagMs = 0;
      },
    ),
  "late market channel": ({ venue, random }, scale) =>
    during(
      USUAL_MS * scale,
      () => venue.channel().delay(random.integer(100, 1_500)),
      () => venue.channel().delay(0),
    ),
  "bookstore off the bus": async ({ toBookstore }) => toBookstore.cut(),
  "consumer off the bus": async ({ toConsumer }) => toConsumer.cut(),
  "bus restart": async ({ nats }) => {
    await nats.kill9();
    await nats.restart();
  },
};

/**
 * Runs faults one after the other, some overlapping, until `untilMs` or, without it, each one once.
 * @returns how often each one came.
 */
export async function runFaults(
  world: FaultWorld,
  options: { readonly untilMs: number | null; readonly scale: number; readonly onFault: (name: string) => void },
): Promise<Map<string, number>> {
  const { untilMs, scale, onFault } = options;
  const counts = new Map<string, number>();
  const running: Promise<void>[] = [];
  do {
    for (const name of shuffled(Object.keys(faults), world.random)) {
      if (untilMs !== null && Date.now() >= untilMs) break;
      onFault(name);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      const fault = faults[name]?.(world, scale) ?? Promise.resolve();
      // A bus or a venue that is away is one thing; the others overlap with what follows.
      if (name === "venue restart" || name === "bus restart") await fault;
      else running.push(fault);
      await pause(world.random.integer(...APART_MS) * scale);
    }
  } while (untilMs !== null && Date.now() < untilMs);
  await Promise.all(running);
  world.line.toLose.clear();
  return counts;
}

function shuffled(names: readonly string[], random: Random): string[] {
  const left = [...names];
  const order: string[] = [];
  while (left.length > 0) order.push(...left.splice(random.integer(0, left.length - 1), 1));
  return order;
}
