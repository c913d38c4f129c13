import { ContractError } from "@slipstream/contracts/errors";
import type { TokenId } from "@slipstream/contracts/ids";
import { describe, expect, test } from "vitest";
import { backoffMs } from "./backoff.ts";
import { createClobRest } from "./clobRest.ts";
import { createHttpReader, type HttpReader } from "./http.ts";
import { createRateBudget } from "./rateBudget.ts";
import type { WireClock } from "./wireClock.ts";

/** A clock on which every wait is over at once, and remembered. */
function hastyClock(): WireClock & { readonly waits: number[] } {
  const waits: number[] = [];
  let now = 1_000;
  return {
    waits,
    nowMs: () => now,
    after: (ms, call) => {
      waits.push(ms);
      now += ms;
      queueMicrotask(call);
      return { cancel: () => undefined };
    },
  };
}

type Reply = { status: number; body: string; headers?: Record<string, string> } | Error;

/** A venue that gives the replies in turn, the last one for ever. */
function reader(replies: readonly Reply[], clock = hastyClock()) {
  const asked: { url: string; body: string | null }[] = [];
  const fetch = async (url: unknown, init?: RequestInit): Promise<Response> => {
    const reply = replies[Math.min(asked.length, replies.length - 1)];
    asked.push({ url: String(url), body: typeof init?.body === "string" ? init.body : null });
    if (reply === undefined || reply instanceof Error) throw reply ?? new Error("no reply");
    return new Response(reply.body, { status: reply.status, headers: reply.headers ?? {} });
  };
  const http = createHttpReader({
    baseUrl: "http://venue",
    clock,
    random: () => 0.5,
    fetch: fetch as typeof globalThis.fetch,
  });
  return { http, asked, clock };
}
const ok = (value: unknown): Reply => ({ status: 200, body: JSON.stringify(value) });
const serving = (value: unknown): HttpReader => reader([ok(value)]).http;

describe("reads over HTTP", () => {
  test("silence, 5xx and 429 are repeated with growing waits, the venue's own wait is kept", async () => {
    const busy = { status: 429, body: "", headers: { "retry-after": "2" } };
    const { http, asked, clock } = reader([new TypeError("fetch failed"), { status: 502, body: "bad" }, busy, ok([1])]);
    await expect(http.get("/book", [["token_id", "7"]])).resolves.toEqual([1]);
    expect(asked.map((each) => each.url)).toEqual(new Array(4).fill("http://venue/book?token_id=7"));
    expect(clock.waits).toEqual([125, 250, 2_000]);
  });
  test("a venue that stays silent ends in an error that may be repeated", async () => {
    const { http, asked } = reader([new TypeError("fetch failed", { cause: new Error("ECONNREFUSED") })]);
    await expect(http.get("/time")).rejects.toMatchObject({
      code: "VENUE_UNREACHABLE",
      message: expect.stringMatching(/ECONNREFUSED/),
    });
    expect(asked).toHaveLength(4);
  });
  test.each([
    ["a refusal", { status: 400, body: '{"error":"bad token"}' }, "VENUE_REFUSED"],
    ["an answer that is no JSON", { status: 200, body: "<html>" }, "VENUE_UNREADABLE"],
  ])("%s is not repeated", async (_name, reply, code) => {
    const { http, asked } = reader([reply]);
    await expect(http.get("/book")).rejects.toMatchObject({ code });
    expect(asked).toHaveLength(1);
  });
  test("404 is an answer", async () => {
    await expect(reader([{ status: 404, body: "{}" }]).http.get("/book")).resolves.toBeNull();
  });
});

test("the back-off grows to its cap and is random over the whole range", () => {
  const policy = { firstMs: 250, capMs: 30_000 };
  expect([0, 1, 2, 6, 7, 1_000].map((n) => backoffMs(policy, n, 0.999_999))).toEqual([
    249, 499, 999, 15_999, 29_999, 29_999,
  ]);
  expect(backoffMs(policy, 5, 0)).toBe(0);
});

test("a budget makes the caller wait for the next window, and refuses what would take too long", async () => {
  const clock = hastyClock();
  const budget = createRateBudget({ name: "test", perSecond: 2, clock, waitMsMax: 1_500 });
  await budget.take(2);
  expect(clock.waits).toEqual([]);
  // The window is the real second: the clock of the test only says that waiting was asked for, and how long.
  const refusal = budget.take();
  await expect(refusal).rejects.toMatchObject({ code: "VENUE_REFUSED" });
  expect(clock.waits.length).toBeGreaterThan(0);
  expect(clock.waits.every((ms) => ms > 0 && ms <= 1_000)).toBe(true);
  budget.close();
});

const market = `0x${"dd".repeat(32)}`;
const restBook = (token: string) => ({
  market,
  asset_id: token,
  timestamp: "1778997825875",
  hash: "172231a6c00086ac1bf542b44355b9d37d9ff94e",
  bids: [{ price: "0.001", size: "5579792.8" }],
  asks: [{ price: "0.999", size: "31045290" }],
  min_order_size: "5",
  tick_size: "0.001",
  neg_risk: true,
  last_trade_price: "0.006",
});

describe("CLOB", () => {
  test("books come with what their hash covers; tokens without a book are named", async () => {
    const { http, asked } = reader([ok([restBook("1")])]);
    const answer = await createClobRest(http).books(["1", "2"] as TokenId[]);
    expect(asked).toEqual([{ url: "http://venue/books", body: '[{"token_id":"1"},{"token_id":"2"}]' }]);
    expect(answer.missing).toEqual(["2"]);
    expect(answer.books.get("1" as TokenId)).toEqual({
      kind: "book",
      tokenId: "1",
      conditionId: market,
      tsEventMs: 1_778_997_825_875,
      hash: "172231a6c00086ac1bf542b44355b9d37d9ff94e",
      bids: [1_000, 5_579_792_800_000],
      asks: [999_000, 31_045_290_000_000],
      tickMicro: 1_000,
      lastTradePrice: "0.006",
      minOrderSizeMicro: 5_000_000,
      negRisk: true,
    });
  });
  test("many tokens are asked for in batches", async () => {
    const { http, asked } = reader([ok([])]);
    const tokens = Array.from({ length: 250 }, (_, i) => String(i) as TokenId);
    expect((await createClobRest(http).books(tokens)).missing).toEqual(tokens);
    expect(asked).toHaveLength(3);
  });
  test("trading parameters are exact integers", async () => {
    const fields = {
      c: market,
      t: [
        { t: "1", o: "Yes" },
        { t: "2", o: "No" },
      ],
      mos: 5,
      mts: 0.0025,
      nr: true,
      ao: true,
      sd: 3,
      fd: { r: 0.07, e: 1, to: true },
    };
    await expect(createClobRest(serving(fields)).clobMarket(market as never)).resolves.toEqual({
      conditionId: market,
      tokens: [
        { tokenId: "1", outcome: "Yes" },
        { tokenId: "2", outcome: "No" },
      ],
      tickMicro: 2_500,
      minOrderSizeMicro: 5_000_000,
      negRisk: true,
      fee: { rateMicro: 70_000, exponent: 1, takerOnly: true },
      acceptingOrders: true,
      takerDelayMs: 3_000,
    });
    for (const change of [{ fd: { r: -1, e: 1, to: true } }, { mts: 1e-7 }, { c: "0x" }, { t: "x" }]) {
      const asked = createClobRest(serving({ ...fields, ...change })).clobMarket(market as never);
      await expect(asked).rejects.toMatchObject({ code: "VENUE_UNREADABLE" });
    }
  });
});

describe("one bad item of a list", () => {
  const level = { price: "0.4", size: "10" };
  const book = (asset: string, over: Record<string, unknown> = {}) => ({
    ...{ asset_id: asset, market: `0x${"ab".repeat(32)}`, timestamp: "1790000000000", hash: "" },
    ...{ bids: [level], asks: [], min_order_size: "5", tick_size: "0.01", neg_risk: false, ...over },
  });
  const read = (answer: unknown, ...tokens: string[]) =>
    createClobRest({ get: async () => answer, post: async () => answer }).books(tokens as TokenId[]);

  test.each([
    ["a side that is null", { bids: null }],
    ["a size below a micro", { bids: [{ price: "0.4", size: "1e-7" }] }],
    ["a time that is none", { timestamp: null }],
  ])("%s leaves the others", async (_name, over) => {
    const { books, missing, unreadable } = await read([book("1"), book("2", over), book("3")], "1", "2", "3", "4");
    expect([...books.keys()]).toEqual(["1", "3"]);
    expect(unreadable).toMatchObject([{ tokenId: "2" }]);
    expect(missing).toEqual(["4"]);
  });
  test("a book that names no token: nobody is called missing", async () => {
    const { books, missing, unreadable } = await read([null, book("1")], "1", "2");
    expect([books.size, missing, unreadable.length]).toEqual([1, [], 1]);
  });
  test("a book that nobody asked for is none", async () => {
    expect([...(await read([book("1"), book("9")], "1")).books.keys()]).toEqual(["1"]);
    const rest = createClobRest({ get: async () => book("9"), post: async () => null });
    await expect(rest.book("1" as TokenId)).rejects.toMatchObject({ code: "VENUE_UNREADABLE" });
  });
  test("a token that the venue refuses is found by halves, and the others are read; a venue that refuses all is let be", async () => {
    const tokens = Array.from({ length: 120 }, (_, n) => String(n + 1) as TokenId);
    let calls = 0;
    const refusing = (isBad: (token: string) => boolean): HttpReader => ({
      get: async () => null,
      post: async (_path, body) => {
        calls += 1;
        const asked = (body as { token_id: string }[]).map(({ token_id }) => token_id);
        if (asked.some(isBad)) throw new ContractError("VENUE_REFUSED", "/books answered 400: Invalid payload");
        return asked.map((token) => book(token));
      },
    });
    const { books, missing, unreadable } = await createClobRest(refusing((token) => token === "77")).books(tokens);
    expect([books.size, missing, unreadable.map(({ tokenId }) => tokenId)]).toEqual([119, [], ["77"]]);
    calls = 0;
    await expect(createClobRest(refusing(() => true)).books(tokens)).rejects.toMatchObject({ code: "VENUE_REFUSED" });
    expect(calls).toBeLessThan(40);
  });
});

test("an answer without end is none: it is not read on, nor asked for again", async () => {
  let calls = 0;
  let sent = 0;
  const endless = async (): Promise<Response> => {
    calls += 1;
    const part = new Uint8Array(4 * 1024 * 1024).fill(32);
    const pull = (to: ReadableStreamDefaultController): void => {
      sent += part.length;
      to.enqueue(part);
    };
    return new Response(new ReadableStream({ pull }));
  };
  const http = createHttpReader({ baseUrl: "http://venue", clock: hastyClock(), random: () => 0, fetch: endless });
  await expect(http.get("/activity")).rejects.toMatchObject({ code: "VENUE_UNREADABLE" });
  expect(calls).toBe(1);
  expect(sent).toBeLessThan(64 * 1024 * 1024);
});

test("words of the venue that are told are short and move no cursor", async () => {
  const text = `\u001b[2J${"x".repeat(100_000)}`;
  for (const status of [400, 200]) {
    const answer = async (): Promise<Response> => new Response(text, { status });
    const http = createHttpReader({ baseUrl: "http://venue", clock: hastyClock(), random: () => 0, fetch: answer });
    const error = await http.get("/books").catch((cause: unknown) => cause as Error);
    expect((error as Error).message).toMatch(/^\/books answered [^\p{Cc}]{0,300}$/u);
  }
});
