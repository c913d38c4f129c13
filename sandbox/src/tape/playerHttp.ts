/** REST of a tape: books of the CLOB, markets of Gamma, rows of the Data API, and the player's own control. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import type { TokenId } from "@slipstream/contracts/ids";
import { z } from "zod";
import type { TapeBooks } from "./tapeBooks.ts";

/** A Gamma object, and what it is found by. */
export type GammaRow = {
  readonly conditionId: string;
  readonly tokenIds: readonly string[];
  /** As it is at a world time, unix ms. */
  readonly at: (worldMs: number) => Readonly<Record<string, unknown>>;
};

export type PlayerHttpOptions = {
  readonly books: TapeBooks;
  readonly gamma: readonly GammaRow[];
  /** Rows of the Data API played so far, oldest first. */
  readonly activity: readonly Readonly<Record<string, unknown>>[];
  readonly worldMs: () => number;
  /** Answers GET /world, given the host the caller used. */
  readonly world: (host: string) => unknown;
  readonly play: () => unknown;
};

const BookRequests = z.array(z.looseObject({ token_id: z.string() })).max(500);
const PAGE_MAX = 100;
const NO_BOOK = { error: "No orderbook exists for the requested token id" };

type Answer = { readonly status: number; readonly body: unknown };
const ok = (body: unknown): Answer => ({ status: 200, body });
const notFound: Answer = { status: 404, body: { error: "not found" } };

/** Serves one request. Never rejects. */
export async function servePlayer(
  options: PlayerHttpOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const host = request.headers.host ?? "127.0.0.1";
  try {
    const url = new URL(request.url ?? "/", `http://${host}`);
    const body = request.method === "POST" ? await json(request).catch(() => null) : null;
    const { status, body: answer } = route(options, { method: request.method ?? "GET", url, host, body });
    // A venue's header tells its own time.
    const date = new Date(options.worldMs()).toUTCString();
    response.writeHead(status, { "content-type": "application/json", date });
    response.end(JSON.stringify(answer));
  } catch {
    response.destroy();
  }
}

type Asked = { readonly method: string; readonly url: URL; readonly host: string; readonly body: unknown };

function route(options: PlayerHttpOptions, { method, url, host, body }: Asked): Answer {
  const query = url.searchParams;
  switch (`${method} ${url.pathname}`) {
    case "GET /ok":
      return ok("OK");
    case "GET /time":
      return ok(Math.floor(options.worldMs() / 1_000));
    case "GET /version":
      return ok({ version: 2 });
    case "GET /book": {
      const book = options.books.restBook((query.get("token_id") ?? "") as TokenId);
      return book === null ? { status: 404, body: NO_BOOK } : ok(book);
    }
    case "POST /books": {
      const asked = BookRequests.safeParse(body);
      if (!asked.success) return { status: 400, body: { error: "Invalid payload" } };
      return ok(asked.data.flatMap(({ token_id }) => options.books.restBook(token_id as TokenId) ?? []));
    }
    case "GET /markets":
      return ok(gammaList(options.gamma, query, options.worldMs()));
    case "GET /markets/keyset":
      return ok(gammaPage(options.gamma, query, options.worldMs()));
    case "GET /activity":
    case "GET /trades": {
      const user = query.get("user")?.toLowerCase();
      const [start, end] = [Number(query.get("start") ?? 0), Number(query.get("end") ?? Number.MAX_SAFE_INTEGER)];
      const rows = options.activity.filter((row) => {
        const seconds = Number(row["timestamp"]);
        const isUsers = user === undefined || String(row["proxyWallet"]).toLowerCase() === user;
        return isUsers && seconds >= start && seconds <= end;
      });
      return ok(rows.reverse().slice(0, Math.min(PAGE_MAX, Number(query.get("limit") ?? PAGE_MAX))));
    }
    case "GET /positions":
      return ok([]);
    case "GET /world":
      return ok(options.world(host));
    case "POST /play":
      return ok(options.play());
    default:
      return notFound;
  }
}

function gammaList(rows: readonly GammaRow[], query: URLSearchParams, worldMs: number): unknown[] {
  const tokens = query.getAll("clob_token_ids");
  const conditions = query.getAll("condition_ids");
  const limit = Math.min(PAGE_MAX, Number(query.get("limit") ?? PAGE_MAX));
  return rows
    .filter(({ tokenIds }) => tokens.length === 0 || tokenIds.some((id) => tokens.includes(id)))
    .filter(({ conditionId }) => conditions.length === 0 || conditions.includes(conditionId))
    .slice(0, limit)
    .map(({ at }) => at(worldMs));
}

function gammaPage(rows: readonly GammaRow[], query: URLSearchParams, worldMs: number): unknown {
  const limit = Math.max(1, Math.min(PAGE_MAX, Number(query.get("limit") ?? PAGE_MAX)));
  const cursor = query.get("after_cursor");
  const start = cursor === null ? 0 : Number(Buffer.from(cursor, "base64").toString("utf8"));
  const end = start + limit;
  const markets = rows.slice(start, end).map(({ at }) => at(worldMs));
  return end < rows.length ? { markets, next_cursor: Buffer.from(String(end)).toString("base64") } : { markets };
}
