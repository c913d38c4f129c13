import { createHistory, openEpoch, recordLevel, recordTrade } from "@slipstream/book/history";
import type { AccountId, Address, ClientOrderId, ConditionId, TokenId } from "@slipstream/contracts/ids";
import { type PriceMicro, type Side, sharesMicro } from "@slipstream/contracts/money";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { OrderToPlace } from "../core/messages.ts";
import { advance, createPaperEngine, placeOrder } from "./engine.ts";
import type { PaperEvent } from "./events.ts";

const tokenId = "7" as TokenId;
type Change = {
  readonly kind: "level" | "trade";
  readonly atMs: number;
  readonly side: Side;
  readonly at: number;
  readonly size: number;
};
type Order = { readonly side: Side; readonly limit: number; readonly size: number; readonly placeAtMs: number };
type Told = readonly [kind: string, atMs: number, at: number, size: number];

const side = fc.constantFrom<Side>("BUY", "SELL");
const change = fc.record({
  kind: fc.constantFrom("level" as const, "level" as const, "trade" as const),
  gapMs: fc.nat(3),
  side,
  at: fc.integer({ min: 1, max: 9 }),
  size: fc.nat(12),
});
/** Times rise by 0 to 3 ms from 1,000; an order is placed somewhere among them. */
const changes = fc.array(change, { maxLength: 40 }).map((list) => {
  let atMs = 1_000;
  return list.map(({ gapMs, ...rest }): Change => {
    atMs += gapMs;
    return { ...rest, atMs };
  });
});
const order: fc.Arbitrary<Order> = fc.record({
  side,
  limit: fc.integer({ min: 1, max: 9 }),
  size: fc.integer({ min: 1, max: 30 }),
  placeAtMs: fc.integer({ min: 1_000, max: 1_060 }),
});
const TTL_MS = 25;
const LAST_MS = 2_000;

const toPlace = ({ side: of, limit, size, placeAtMs }: Order): OrderToPlace => ({
  orderId: "a" as ClientOrderId,
  account: "paper" as AccountId,
  mode: "paper",
  leader: `0x${"11".repeat(20)}` as Address,
  tokenId,
  conditionId: `0x${"c".repeat(64)}` as ConditionId,
  ...{ side: of, placeAtMs, timeInForce: "GTD", ttlMs: TTL_MS },
  limitPriceMicro: (limit * 100_000) as PriceMicro,
  sizeMicro: sharesMicro(BigInt(size) * 1_000_000n),
  fee: { rateMicro: 0, exponent: 1, takerOnly: true },
});

function viaEngine(list: readonly Change[], placed: Order, watermarks: readonly number[]): Told[] {
  const history = createHistory({ tokenId });
  openEpoch(history, { epoch: "1.1", seq: 0, tsEventMs: 1_000, tickMicro: 100_000, bids: [], asks: [] });
  list.forEach(({ kind, atMs, side: of, at, size }, n) => {
    const stamp = { seq: n + 1, tsEventMs: atMs };
    if (kind === "level") recordLevel(history, stamp, of, at * 100_000, size * 1_000_000);
    else recordTrade(history, stamp, of, at * 100_000, size * 1_000_000);
  });
  const engine = createPaperEngine();
  placeOrder(engine, toPlace(placed));
  const events: PaperEvent[] = [];
  for (const watermark of [...watermarks].sort((a, b) => a - b)) {
    events.push(...advance(engine, tokenId, history, watermark));
  }
  return [...events, ...advance(engine, tokenId, history, LAST_MS)].map((event) =>
    event.kind === "fill"
      ? [event.liquiditySide, event.atMs, event.priceMicro / 100_000, Number(event.sizeMicro) / 1e6]
      : [event.kind, event.atMs, 0, 0],
  );
}

/** The same story told with a full copy of the book after every change, and plain loops. */
function naively(list: readonly Change[], placed: Order): Told[] {
  type Sides = Record<Side, Map<number, number>>;
  const books: { atMs: number; book: Sides }[] = [{ atMs: 1_000, book: { BUY: new Map(), SELL: new Map() } }];
  for (const one of list) {
    const last = books.at(-1)?.book ?? { BUY: new Map(), SELL: new Map() };
    const book: Sides = { BUY: new Map(last.BUY), SELL: new Map(last.SELL) };
    if (one.kind === "level") book[one.side].set(one.at, one.size);
    books.push({ atMs: one.atMs, book });
  }
  const isBuy = placed.side === "BUY";
  const other: Side = isBuy ? "SELL" : "BUY";
  const inLimit = (at: number): boolean => (isBuy ? at <= placed.limit : at >= placed.limit);
  const told: Told[] = [];
  const taken = new Map<number, number>();
  let left = placed.size;
  const take = (kind: string, atMs: number, at: number, available: number): number => {
    const size = Math.min(left, available);
    left -= size;
    if (size > 0) told.push([kind, atMs, at, size]);
    return size;
  };
  const start = books.findLast(({ atMs }) => atMs <= placed.placeAtMs)?.book;
  const levels = [...(start?.[other] ?? [])].filter(([at]) => inLimit(at));
  for (const [at, size] of levels.sort(([a], [b]) => (isBuy ? a - b : b - a))) {
    taken.set(at, take("taker", placed.placeAtMs, at, size));
  }
  let queue = start?.[placed.side].get(placed.limit) ?? 0;
  let shrunk = { atMs: -1, size: 0 };
  for (const one of list) {
    if (one.atMs <= placed.placeAtMs || one.atMs >= placed.placeAtMs + TTL_MS || left === 0) continue;
    const before = books[list.indexOf(one)]?.book[one.side].get(one.at) ?? 0;
    if (one.kind === "level") {
      // A level that stays as it is is not a change.
      if (before === one.size) continue;
      if (one.side === placed.side && one.at === placed.limit && one.size < queue) {
        const moved = queue - one.size;
        shrunk = { atMs: one.atMs, size: shrunk.atMs === one.atMs ? Math.max(shrunk.size, moved) : moved };
        queue = one.size;
      }
      if (one.side === other && inLimit(one.at)) {
        const own = Math.min(taken.get(one.at) ?? 0, one.size);
        taken.set(one.at, own + take("maker", one.atMs, placed.limit, one.size - own));
      }
    } else if (one.side === other) {
      const isBeyond = isBuy ? one.at < placed.limit : one.at > placed.limit;
      if (isBeyond) {
        queue = 0;
        take("maker", one.atMs, placed.limit, one.size);
      } else if (one.at === placed.limit) {
        const counted = shrunk.atMs === one.atMs ? Math.min(shrunk.size, one.size) : 0;
        shrunk.size -= counted;
        const fresh = one.size - counted;
        const reaching = Math.max(0, fresh - queue);
        queue = Math.max(0, queue - fresh);
        take("maker", one.atMs, placed.limit, reaching);
      }
    }
  }
  if (left > 0) told.push(["expired", placed.placeAtMs + TTL_MS, 0, 0]);
  return told;
}

const numRuns = Number(process.env["FC_RUNS"] ?? 300);

test("the engine tells what full copies of the book tell", () => {
  fc.assert(
    fc.property(changes, order, (list, placed) => {
      expect(viaEngine(list, placed, [])).toEqual(naively(list, placed));
    }),
    { numRuns },
  );
});

test("it does not matter when the watermarks came", () => {
  const watermarks = fc.array(fc.integer({ min: 990, max: 1_100 }), { maxLength: 12 });
  fc.assert(
    fc.property(changes, order, watermarks, (list, placed, marks) => {
      expect(viaEngine(list, placed, marks)).toEqual(viaEngine(list, placed, []));
    }),
    { numRuns },
  );
});
