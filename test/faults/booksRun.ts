/**
 * One run: a venue under load, the real bookstore as a process, the executor's own copies of the books as its consumer,
 * faults between all of them, and the judge.
 */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Bus, connectBus } from "@slipstream/actor/bus";
import { exactClockText, MACHINE_CLOCK, systemClock } from "@slipstream/actor/clock";
import { publishMarket } from "@slipstream/actor/markets";
import { provision } from "@slipstream/actor/provision";
import type { BookUpdate } from "@slipstream/contracts/book";
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { createRandom } from "@slipstream/sandbox/actors/random";
import { startNats } from "@slipstream/testkit/nats";
import { makeFolder, removeFolder, startCounted } from "@slipstream/testkit/processes";
import { silentLogger } from "@slipstream/testkit/testBus";
import { until } from "@slipstream/testkit/until";
import { startBooks } from "../../services/executor/src/adapters/books.ts";
import { runFaults } from "./booksFaults.ts";
import { createFlow } from "./booksFlow.ts";
import { createJudge, type Verdict, type Window } from "./booksJudge.ts";
import { createLine, type LineCounts } from "./booksLine.ts";
import { startVenue } from "./booksVenue.ts";
import { startProxy } from "./tcpProxy.ts";

export type RunOptions = {
  readonly seed: string;
  readonly markets: number;
  /** null: each fault once. */
  readonly faultsMs: number | null;
  /** Makes faults and pauses between them shorter. */
  readonly scale: number;
  readonly instantEveryMs: number;
  /** Bookstore's settings. */
  readonly auditSeconds: number;
  readonly silenceMs: number;
  readonly tokensPerConnection: number;
  readonly window: Window;
  readonly onNote: (text: string) => void;
};

export type RunResult = {
  readonly verdict: Verdict;
  /** Instants before the last fault was over. */
  readonly instants: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly line: LineCounts;
  readonly rest: { readonly asked: number; readonly failed: number; readonly late: number };
  readonly flow: { readonly bursts: number; readonly trades: number };
  /** Of the bookstore's last heartbeats. */
  readonly gauges: Readonly<Record<string, number>>;
  /** Books wrong and healthy after the faults, when each market had moved once more. */
  readonly wrongAtRest: number;
  /** From the last fault's end to all books right and healthy. */
  readonly wholeAfterMs: number;
  /** What bookstore said last of a token beside its changes, to understand a violation. */
  readonly told: (tokenId: TokenId) => readonly string[];
};

const FLOW_MS = 20;
const LOOK_MS = 20;
const READY_MS = 30_000;
const WHOLE_MS = 45_000;
const TOLD_MAX = 200;
const bookstoreMain = fileURLToPath(new URL("../../services/bookstore/src/main.ts", import.meta.url));

export async function runBooks(options: RunOptions): Promise<RunResult> {
  const undo: (() => unknown)[] = [];
  try {
    return await run(options, undo);
  } finally {
    for (const step of undo.toReversed()) await step();
  }
}

async function run(options: RunOptions, undo: (() => unknown)[]): Promise<RunResult> {
  const { seed, onNote } = options;
  const random = createRandom(`${seed}|faults`);
  const nowMs = Date.now;
  const flow = createFlow({ seed, markets: options.markets, nowMs: nowMs() });
  const line = createLine(random, nowMs);
  const venue = await startVenue(flow, line, random);
  undo.push(venue.stop);
  const nats = await startNats();
  undo.push(nats.stop);
  const [toBookstore, toConsumer] = [await startProxy(nats.port), await startProxy(nats.port)];
  undo.push(toBookstore.stop, toConsumer.stop);
  const registry = await busAt(nats.url, "registry", undo);
  await provision(registry.jsm);
  const tell = async (definitions: readonly MarketDefinition[]): Promise<void> => {
    for (const definition of definitions) await publishMarket(registry, definition).catch(() => undefined);
  };
  await tell(flow.definitions());
  const bookstore = await startBookstore(options, { ...venue, natsPort: toBookstore.port }, undo);
  const gauges = followGauges(registry);
  const consumer = await busAt(`nats://127.0.0.1:${toConsumer.port}`, "executor", undo);
  const books = startBooks({ bus: consumer, clock: systemClock(), logger: silentLogger, onClock: () => undefined });
  undo.push(books.stop);
  undo.push(every(FLOW_MS, () => flow.tick(nowMs())));
  books.want(new Set(flow.tokenIds));
  const alive = (): void => {
    if (bookstore.exit() !== undefined) throw new Error(`bookstore has ended:\n${bookstore.outputTail()}`);
  };
  const told = followStatuses(registry);
  const all = flow.tokenIds.length;
  await until(() => books.counts().healthy === all, { what: "all books", timeoutMs: READY_MS });
  onNote(`${all} books are whole`);

  const judge = createJudge({ ...options, flow, line, books, nowMs });
  undo.push(every(LOOK_MS, judge.look));
  const instants = every(options.instantEveryMs, judge.instant);
  const untilMs = options.faultsMs === null ? null : nowMs() + options.faultsMs;
  const world = { flow, line, venue, random, nats, toBookstore, toConsumer, tell, silenceMs: options.silenceMs };
  const faults = await runFaults(world, { untilMs, scale: options.scale, onFault: onNote });
  instants();
  const { instants: duringFaults } = judge.verdict;
  alive();
  onNote("faults are over");
  const { wrongAtRest, wholeAfterMs } = await settle({ judge, flow, window: options.window });
  const counts = { line: line.counts(), rest: venue.restCounts, flow: flow.counts() };
  return {
    verdict: judge.verdict,
    instants: duringFaults,
    faults,
    ...counts,
    gauges: gauges(),
    wrongAtRest,
    wholeAfterMs,
    told,
  };
}

/** Each market moves once more; when the rules' time for that is over, every book is right or not healthy. Then all are. */
async function settle(parts: {
  readonly judge: ReturnType<typeof createJudge>;
  readonly flow: ReturnType<typeof createFlow>;
  readonly window: Window;
}): Promise<{ wrongAtRest: number; wholeAfterMs: number }> {
  const { judge, flow, window } = parts;
  const fromMs = Date.now();
  const { verdict } = judge;
  flow.stir(fromMs);
  await pause(window.toldWithinMs);
  const wrongBefore = verdict.wrongInWindow + verdict.violations.length;
  judge.instant();
  await until(() => judge.waiting() === 0, { what: "answers", timeoutMs: WHOLE_MS });
  const wrongAtRest = verdict.wrongInWindow + verdict.violations.length - wrongBefore;
  const allRight = async (): Promise<boolean> => {
    const before = verdict.equal;
    judge.instant();
    await until(() => judge.waiting() === 0, { what: "answers", timeoutMs: WHOLE_MS });
    return verdict.equal - before === flow.tokenIds.length;
  };
  await until(allRight, { what: "all books to be right and healthy", timeoutMs: WHOLE_MS });
  return { wrongAtRest, wholeAfterMs: Date.now() - fromMs };
}

async function busAt(url: string, name: string, undo: (() => unknown)[]): Promise<Bus> {
  const bus = await connectBus({ url, name, logger: silentLogger });
  undo.push(() => bus.nc.close());
  return bus;
}

async function startBookstore(
  { auditSeconds, silenceMs, tokensPerConnection }: RunOptions,
  at: { readonly wsUrl: string; readonly httpUrl: string; readonly natsPort: number },
  undo: (() => unknown)[],
) {
  const folder = makeFolder("books");
  undo.push(() => removeFolder(folder));
  const bookstore = await startCounted({
    name: "bookstore",
    command: process.execPath,
    args: [bookstoreMain],
    cwd: folder,
    env: {
      ...process.env,
      ...{ NATS_URL: `nats://127.0.0.1:${at.natsPort}`, INSTANCE: "books", HEALTH_PORT: "0", LOG_LEVEL: "error" },
      ...{ CLOB_MARKET_WS_URL: at.wsUrl, CLOB_HTTP_URL: at.httpUrl, GAMMA_URL: at.httpUrl },
      // The venue is on this machine.
      SLIPSTREAM_CLOCK: exactClockText(MACHINE_CLOCK),
      TOKENS_PER_CONNECTION: String(tokensPerConnection),
      BOOKS_SILENCE_MS: String(silenceMs),
      BOOKS_AUDIT_SECONDS: String(auditSeconds),
    },
    logFile: join(folder, "bookstore.log"),
  });
  undo.push(() => bookstore.terminate());
  return bookstore;
}

function followGauges(bus: Bus): () => Readonly<Record<string, number>> {
  let last: Record<string, number> = {};
  bus.nc.subscribe("hb.bookstore.>", {
    callback: (error, message) => {
      if (error === null) last = (message.json() as { gauges: Record<string, number> }).gauges;
    },
  });
  return () => last;
}

function followStatuses(bus: Bus): (tokenId: TokenId) => readonly string[] {
  const told = new Map<string, string[]>();
  bus.nc.subscribe("md.book.>", {
    callback: (error, message) => {
      if (error !== null) return;
      const update = message.json() as BookUpdate;
      if (update.type === "BookDelta") return;
      const { tokenId, tsInitMs, tsEventMs, epoch, seq, health } = update;
      const reason = update.type === "BookStatus" ? update.reason : "";
      const lines = told.get(tokenId) ?? [];
      lines.push(`${tsInitMs} ${update.type} ${epoch}/${seq} at ${tsEventMs} ${health} ${reason}`);
      told.set(tokenId, lines.slice(-TOLD_MAX));
    },
  });
  return (tokenId) => told.get(tokenId) ?? [];
}

function every(ms: number, call: () => void): () => void {
  const timer = setInterval(call, ms);
  return () => clearInterval(timer);
}
