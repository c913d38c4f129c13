/** The venue of the fault runs on real sockets: the flow's books by market channel and REST, which can fail and restart. */
import type { Random } from "@slipstream/sandbox/actors/random";
import { clobRoutes } from "@slipstream/sandbox/venue/clobRoutes";
import {
  type Asked,
  type Handler,
  type HttpServer,
  refused,
  startHttp,
  upgradesAt,
} from "@slipstream/sandbox/venue/http";
import { createListings, newListing } from "@slipstream/sandbox/venue/listings";
import { createMarketChannel, MARKET_WS_PATH, type MarketChannel } from "@slipstream/sandbox/venue/marketWs";
import type { Flow } from "./booksFlow.ts";
import type { Line } from "./booksLine.ts";

export type BooksVenue = {
  readonly httpUrl: string;
  readonly wsUrl: string;
  channel(): MarketChannel;
  /** `errors` in [0, 1]: how many requests fail; `lagMs`: how old the books of REST are at most. */
  readonly rest: { errors: number; lagMs: number };
  readonly restCounts: { asked: number; failed: number; late: number };
  /** Ends all connections and listens no more, for so long. Books stay. */
  down(): Promise<void>;
  up(): Promise<void>;
  stop(): Promise<void>;
};

const HOST = "127.0.0.1";
const FAILURES = [500, 503, 425, 429] as const;

export async function startVenue(flow: Flow, line: Line, random: Random): Promise<BooksVenue> {
  const rest = { errors: 0, lagMs: 0 };
  const restCounts = { asked: 0, failed: 0, late: 0 };
  const listings = createListings();
  for (const market of flow.markets) listings.add(newListing(market, { slot: 0, generation: 0, endMs: 0 }));
  const routes = clobRoutes({ listings, feed: flow.feed, nowMs: Date.now });
  const books: Handler = async (asked: Asked) => {
    restCounts.asked += 1;
    if (random.chance(rest.errors)) {
      restCounts.failed += 1;
      return refused(random.pick(FAILURES) ?? 500, "out of order");
    }
    const handler = routes["POST /books"];
    if (handler === undefined) return refused(404, "no route");
    const answer = await handler(asked);
    if (rest.lagMs === 0) return answer;
    // The text is of now: it must not change while it waits.
    restCounts.late += 1;
    const body: unknown = JSON.parse(JSON.stringify(answer.body));
    await new Promise((resolve) => setTimeout(resolve, random.integer(0, rest.lagMs)));
    return { ...answer, body };
  };
  let channel = createMarketChannel(flow.feed, line.delivery);
  let server: HttpServer | null = null;
  let port = 0;
  const up = async (): Promise<void> => {
    server = await startHttp({
      host: HOST,
      port,
      onUpgrade: upgradesAt({ [MARKET_WS_PATH]: (...args) => channel.onUpgrade(...args) }),
      routes: { ...routes, "POST /books": books },
    });
    port = server.port;
  };
  const down = async (): Promise<void> => {
    channel.stop();
    await server?.stop();
    server = null;
    channel = createMarketChannel(flow.feed, line.delivery);
  };
  await up();
  return {
    httpUrl: `http://${HOST}:${port}`,
    wsUrl: `ws://${HOST}:${port}${MARKET_WS_PATH}`,
    channel: () => channel,
    rest,
    restCounts,
    down,
    up,
    stop: down,
  };
}
