/**
 * The rules of docs/paper-engine.md once more, slowly and plainly: whole lists, plain numbers of micro-units, no histories.
 * For tests that compare it with the engine. One function, as every rule looks at all that was told so far.
 */
import { otherSide, type Side } from "@slipstream/contracts/money";
import type { OrderToPlace } from "../core/messages.ts";

type Which = 0 | 1;
/** Own coordinates of the token; in the order in which the venue told them. */
export type Told =
  | { kind: "level"; which: Which; atMs: number; side: Side; price: number; size: number }
  | { kind: "gap"; which: Which; atMs: number; knownThroughMs: number }
  | { kind: "book"; which: Which; atMs: number; levels: readonly (readonly [Side, number, number])[] }
  | { kind: "print"; which: Which; atMs: number; side: Side; price: number; size: number };
export type RefOrder = OrderToPlace & { cancelAtMs: number | null };
type Untold = { atMs: number; size: number };
type Live = {
  order: RefOrder;
  which: Which;
  left: number;
  n: number;
  state: "waiting" | "resting" | "over";
  /** null in a gap. */
  ahead: number | null;
  shown: number;
  moved: Untold[];
  early: Untold[];
};

const WINDOW_MS = 1_000;
const ONE = 1_000_000;
const key = (side: Side, price: number): string => `${side} ${price}`;
const toMarket = (which: Which, side: Side, price: number): [Side, number] =>
  which === 0 ? [side, price] : [otherSide(side), ONE - price];

/** What is told of each order, as short lines in the sequence of events. */
export function referenceOf(told: readonly Told[], orders: readonly RefOrder[], untilMs: number): string[] {
  const lines: string[] = [];
  const books: [Map<string, number>, Map<string, number>] = [new Map(), new Map()];
  const known = [false, false];
  const taken = new Map<string, number>();
  let teller: Which | null = null;
  /** All changes and prints so far, for the second before a placement. */
  const past: { atMs: number; which: Which; side: Side; price: number; size: number; before: number | null }[] = [];
  const wholeSince = [0, 0];
  const live: Live[] = orders.map((order) => ({
    ...{ order, which: order.tokens[1] === order.tokenId ? 1 : 0, left: Number(order.sizeMicro), n: 0 },
    ...{ state: "waiting", ahead: null, shown: 0, moved: [], early: [] },
  }));
  const takenKey = (one: Live, side: Side, price: number): string =>
    `${one.order.account} ${key(...toMarket(one.which, side, price))}`;
  const fill = (one: Live, what: string, atMs: number, price: number, size: number): number => {
    const amount = Math.min(one.left, size);
    if (amount <= 0) return 0;
    one.left -= amount;
    lines.push(`${one.order.orderId} ${what} ${one.n} ${amount}@${price} t${atMs}`);
    one.n += 1;
    if (one.left === 0) one.state = "over";
    return amount;
  };
  const finish = (one: Live, why: string, atMs: number): void => {
    one.state = "over";
    lines.push(`${one.order.orderId} ${why} t${atMs}`);
  };
  const explained = (list: Untold[], size: number, atMs: number): number => {
    let left = size;
    for (const entry of list) {
      if (atMs - entry.atMs > WINDOW_MS) continue;
      const used = Math.min(left, entry.size);
      entry.size -= used;
      left -= used;
    }
    return size - left;
  };
  const inSequence = (): Live[] =>
    live
      .filter(({ state }) => state === "resting")
      .map((one) => ({ one, at: toMarket(one.which, one.order.side, one.order.limitPriceMicro) }))
      .sort((a, b) => {
        if (a.at[0] !== b.at[0]) return a.at[0] === "BUY" ? -1 : 1;
        const byPrice = a.at[0] === "BUY" ? b.at[1] - a.at[1] : a.at[1] - b.at[1];
        return byPrice || a.one.order.placeAtMs - b.one.order.placeAtMs || live.indexOf(a.one) - live.indexOf(b.one);
      })
      .map(({ one }) => one);
  const crossingOf = (one: Live): [number, number][] => {
    const { side, limitPriceMicro: limit } = one.order;
    const levels = [...books[one.which]].flatMap(([name, size]): [number, number][] => {
      const [of = "", price = ""] = name.split(" ");
      const at = Number(price);
      const isIn = of === otherSide(side) && size > 0 && (side === "BUY" ? at <= limit : at >= limit);
      return isIn ? [[at, size]] : [];
    });
    return levels.sort(([a], [b]) => (side === "BUY" ? a - b : b - a));
  };
  const available = (one: Live, price: number, size: number): number =>
    Math.max(0, size - (taken.get(takenKey(one, otherSide(one.order.side), price)) ?? 0));
  const takeAt = (one: Live, price: number, size: number): void => {
    const name = takenKey(one, otherSide(one.order.side), price);
    taken.set(name, (taken.get(name) ?? 0) + size);
  };
  const ownShown = (one: Live): number => books[one.which].get(key(one.order.side, one.order.limitPriceMicro)) ?? 0;
  const capTaken = (market: string, size: number): void => {
    for (const name of taken.keys()) {
      if (name.endsWith(` ${market}`)) taken.set(name, Math.min(taken.get(name) ?? 0, size));
    }
  };
  const chooseTeller = (isNewBookOf: Which | null): void => {
    const next: Which | null = known[0] ? 0 : known[1] ? 1 : null;
    if (next === null || (next === teller && isNewBookOf !== next)) return;
    teller = next;
    for (const name of taken.keys()) {
      const [, side, price] = name.split(" ");
      const [ownSide, ownPrice] = toMarket(next, side as Side, Number(price));
      capTaken(`${side} ${price}`, books[next].get(key(ownSide, ownPrice)) ?? 0);
    }
  };
  const onLevel = (one: Live, total: number, atMs: number): void => {
    const gone = Math.max(0, one.shown - total);
    one.shown = total;
    if (one.ahead === null || gone === 0) return;
    const byPrint = explained(one.early, gone, atMs);
    const moved = Math.max(0, one.ahead - total);
    one.ahead -= moved;
    one.moved.push({ atMs, size: Math.min(moved, gone - byPrint) });
  };
  const onPrint = (one: Live, size: number, atMs: number): number => {
    const fresh = size - explained(one.moved, size, atMs);
    one.early.push({ atMs, size: Math.min(fresh, one.shown) });
    const reaching = Math.max(0, fresh - (one.ahead ?? 0));
    one.ahead = Math.max(0, (one.ahead ?? 0) - fresh);
    return reaching;
  };
  const place = (one: Live, atMs: number): void => {
    const { order } = one;
    if (!known[one.which]) return finish(one, "blind", atMs);
    const levels = crossingOf(one)
      .map(([price, size]) => [price, available(one, price, size)] as const)
      .filter(([, size]) => size > 0);
    const most = levels.reduce((sum, [, size]) => sum + size, 0);
    if (order.timeInForce === "FOK" && most < one.left) return finish(one, "killed", atMs);
    for (const [price, size] of levels) takeAt(one, price, fill(one, "taker", atMs, price, size));
    if (one.left === 0) return undefined;
    if (order.timeInForce !== "GTD") return finish(one, "remainder", atMs);
    one.state = "resting";
    const [side, price] = toMarket(one.which, order.side, order.limitPriceMicro);
    for (const event of past) {
      if (event.atMs <= atMs - WINDOW_MS || event.atMs < (wholeSince[one.which] ?? 0)) continue;
      if (event.before !== null) {
        if (event.which !== one.which || event.side !== order.side || event.price !== order.limitPriceMicro) continue;
        one.shown = event.before;
        one.ahead = event.before;
        onLevel(one, event.size, event.atMs);
      } else {
        const [printSide, printPrice] = toMarket(event.which, event.side, event.price);
        if (printSide === side || printPrice !== price) continue;
        const later = past.find(
          (other) =>
            other.before !== null &&
            past.indexOf(other) > past.indexOf(event) &&
            other.which === one.which &&
            other.side === order.side &&
            other.price === order.limitPriceMicro,
        );
        one.shown = later?.before ?? ownShown(one);
        one.ahead = one.shown;
        onPrint(one, event.size, event.atMs);
      }
    }
    one.shown = ownShown(one);
    one.ahead = one.shown;
  };
  const happen = (event: Told): void => {
    const book = books[event.which];
    if (event.kind === "gap") {
      known[event.which] = false;
      for (const one of live) if (one.which === event.which && one.state === "resting") one.ahead = null;
      chooseTeller(null);
    } else if (event.kind === "book") {
      book.clear();
      for (const [side, price, size] of event.levels) book.set(key(side, price), size);
      known[event.which] = true;
      wholeSince[event.which] = event.atMs;
      chooseTeller(event.which);
      for (const one of inSequence()) {
        if (one.which !== event.which) continue;
        Object.assign(one, { ahead: ownShown(one), shown: ownShown(one), moved: [], early: [] });
        for (const [price, size] of crossingOf(one)) {
          takeAt(one, price, fill(one, "maker", event.atMs, one.order.limitPriceMicro, available(one, price, size)));
        }
      }
    } else if (event.kind === "level") {
      const before = book.get(key(event.side, event.price)) ?? 0;
      past.push({ ...event, before });
      book.set(key(event.side, event.price), event.size);
      if (teller === event.which) capTaken(key(...toMarket(event.which, event.side, event.price)), event.size);
      for (const one of inSequence()) {
        const { side, limitPriceMicro: limit } = one.order;
        if (one.which !== event.which || one.ahead === null) continue;
        if (event.side === side) {
          if (event.price === limit) onLevel(one, event.size, event.atMs);
        } else if (side === "BUY" ? event.price <= limit : event.price >= limit) {
          takeAt(one, event.price, fill(one, "maker", event.atMs, limit, available(one, event.price, event.size)));
        }
      }
    } else {
      past.push({ ...event, before: null });
      const [side, price] = toMarket(event.which, event.side, event.price);
      const given = new Map<string, number>();
      for (const one of inSequence()) {
        const [ownSide, ownPrice] = toMarket(one.which, one.order.side, one.order.limitPriceMicro);
        if (one.ahead === null || ownSide === side) continue;
        const isBeyond = ownSide === "BUY" ? price < ownPrice : price > ownPrice;
        if (!isBeyond && price !== ownPrice) continue;
        if (isBeyond) one.ahead = 0;
        const reaching = isBeyond ? event.size : onPrint(one, event.size, event.atMs);
        const before = given.get(one.order.account) ?? 0;
        const got = fill(one, "maker", event.atMs, one.order.limitPriceMicro, Math.max(0, reaching - before));
        given.set(one.order.account, before + got);
      }
    }
  };

  const gaps = told.flatMap((event, n) => (event.kind === "gap" ? [{ ...event, n }] : []));
  const counted = told.filter(
    (event, n) =>
      event.kind !== "print" || !gaps.some((gap) => gap.which === event.which && gap.n > n && event.atMs >= gap.atMs),
  );
  type Moment = { atMs: number; rank: number; tie: number; run: () => void };
  const moments: Moment[] = counted.map((event) => ({
    ...{ atMs: event.atMs, rank: event.kind === "print" ? 4 : 3, tie: event.which, run: () => happen(event) },
  }));
  for (const one of live) {
    const { placeAtMs, ttlMs, cancelAtMs } = one.order;
    const ends = (why: string, atMs: number, isDue: () => boolean) => (): void => {
      if (isDue()) finish(one, why, atMs);
    };
    const endMs = placeAtMs + ttlMs;
    if (cancelAtMs !== null)
      moments.push({
        atMs: cancelAtMs,
        rank: 1,
        tie: 0,
        run: ends("canceled", cancelAtMs, () => one.state !== "over"),
      });
    moments.push({ atMs: endMs, rank: 2, tie: 0, run: ends("expired", endMs, () => one.state === "resting") });
    const arrive = (): void => (one.state === "waiting" ? place(one, placeAtMs) : undefined);
    moments.push({ atMs: placeAtMs, rank: 5, tie: 0, run: arrive });
  }
  moments.sort((a, b) => a.atMs - b.atMs || a.rank - b.rank || a.tie - b.tie);
  for (const { atMs, run } of moments) if (atMs <= untilMs) run();
  return lines;
}
