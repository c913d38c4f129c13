/**
 * A consumer in a thread of its own that stops reading for as long as it is told, and goes on. It subscribes every book
 * many times over, so that what it does not read soon fills what the server keeps for it.
 */
import { parentPort, workerData } from "node:worker_threads";
import { connectBus } from "@slipstream/actor/bus";
import { flatLevels } from "@slipstream/book/ladder";
import type { TokenId } from "@slipstream/contracts/ids";
import { subjects } from "@slipstream/contracts/subjects";
import { pino } from "pino";
import { followBook } from "./follower.ts";

export type StalledReaderData = {
  readonly url: string;
  readonly tokenId: TokenId;
  /** [0] is 1 while it is to stand still. */
  readonly gate: Int32Array;
};
export type StalledReaderReport = {
  readonly stalls: number;
  readonly disconnects: number;
  readonly healthy: boolean;
  readonly levels: { readonly bids: readonly number[]; readonly asks: readonly number[] } | null;
};

const COPIES = 50;
const { url, tokenId, gate } = workerData as StalledReaderData;
const bus = await connectBus({ url, name: "stalled", logger: pino({ level: "silent" }) });
const follower = followBook(bus, tokenId);
for (let copy = 0; copy < COPIES; copy += 1) bus.nc.subscribe(subjects.allBooks, { callback: () => undefined });
let stalls = 0;
let disconnects = 0;
void (async () => {
  for await (const status of bus.nc.status()) if (status.type === "disconnect") disconnects += 1;
})();
setInterval(() => {
  const { replica } = follower;
  const { book } = replica.history;
  const report: StalledReaderReport = {
    stalls,
    disconnects,
    healthy: replica.mode === "healthy" && replica.health === "healthy",
    levels: book === null ? null : { bids: flatLevels(book, "BUY"), asks: flatLevels(book, "SELL") },
  };
  parentPort?.postMessage(report);
  if (Atomics.load(gate, 0) === 0) return;
  stalls += 1;
  parentPort?.postMessage({ ...report, stalls });
  Atomics.wait(gate, 0, 1);
}, 20);
