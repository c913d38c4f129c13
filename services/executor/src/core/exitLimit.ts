/**
 * The limit of an exit and how it gives way: a pure function of the leader's price, since when the exit waits, the time and
 * the best bid, so that restarts and replays find the same.
 */
import { type PriceMicro, priceMicro, toTick } from "@slipstream/contracts/money";
import type { AccountPolicy } from "@slipstream/contracts/policy";
import { guardPrice } from "./price.ts";
import type { KnownFill } from "./state.ts";
import type { Quote } from "./view.ts";

export type ExitLimit = {
  readonly limitMicro: PriceMicro;
  /** When time alone lowers it next; null: not any more, or the book does. */
  readonly nextStepMs: number | null;
};

/**
 * The price an exit is measured by: the leader's own, or where he had none (he merged, or nobody left but his lot is to be
 * closed) the middle of the book, so that a gap of the book is not taken for a price. Null when the book is empty.
 */
export function exitPrice(
  { side, priceMicro: price }: Pick<KnownFill, "side" | "priceMicro">,
  { bestBidMicro: bid, bestAskMicro: ask }: Pick<Quote, "bestBidMicro" | "bestAskMicro">,
): PriceMicro | null {
  // What he paid is not what he left at.
  if (price !== null && side === "SELL") return price;
  if (bid === null || ask === null) return bid ?? ask;
  return priceMicro(Math.floor((bid + ask) / 2));
}

/** Returns the worst price an exit may trade at now, on tick and never below the policy's floor. */
export function exitLimit(asked: {
  readonly policy: Pick<AccountPolicy, "exits" | "priceGuardBps" | "priceGuardTicks" | "priceGuardMaxBps">;
  readonly leaderPriceMicro: PriceMicro;
  readonly tickMicro: PriceMicro;
  readonly sinceMs: number;
  readonly nowMs: number;
  /** null: nobody bids. */
  readonly bestBidMicro: PriceMicro | null;
}): ExitLimit {
  const { policy, leaderPriceMicro, tickMicro, bestBidMicro } = asked;
  const { exits } = policy;
  // Leaving is not made harder by a degraded state.
  // Above the highest price of the grid nothing can be asked: then the highest it is.
  const guard = toTick(
    guardPrice({ leaderPriceMicro, side: "SELL", tickMicro, policy, riskTicks: 0 }),
    tickMicro,
    "SELL",
  );
  const atBook = bestBidMicro === null ? null : toTick(bestBidMicro, tickMicro, "BUY");
  // Without a bid there is no book to sell at: the order rests where the guard is.
  if (exits.kind === "book") return { limitMicro: lower(guard, atBook), nextStepMs: null };
  const { everySeconds, stepBps, floorBps, bookAfterSeconds } = exits;
  const floor = toTick(Math.ceil((leaderPriceMicro * (floorBps ?? 0)) / 10_000), tickMicro, "SELL");
  const waitedMs = Math.max(0, asked.nowMs - asked.sinceMs);
  const everyMs = everySeconds * 1_000;
  const bookAfterMs = bookAfterSeconds * 1_000;
  const isAtBook = waitedMs >= bookAfterMs;
  // Then the book decides: while nobody bids it goes no lower, or a lone order would give the shares away.
  const steps = Math.floor(Math.min(waitedMs, bookAfterMs) / everyMs);
  const away = Math.floor((leaderPriceMicro * stepBps * steps) / 10_000);
  const widened = toTick(Math.max(0, guard - away), tickMicro, "SELL");
  const wanted = isAtBook ? lower(widened, atBook) : widened;
  const limitMicro = wanted > floor ? wanted : floor;
  if (limitMicro === floor || isAtBook) return { limitMicro, nextStepMs: null };
  return { limitMicro, nextStepMs: asked.sinceMs + Math.min((steps + 1) * everyMs, bookAfterMs) };
}

const lower = (a: PriceMicro, b: PriceMicro | null): PriceMicro => (b !== null && b < a ? b : a);

/** A limit that only the book moves rests this long, so that a day of it is some hundred orders. */
const REST_MS = 300_000;

/** An exit rests until its limit gives way, and no shorter than the policy says: so it keeps its place in the queue. */
export const exitTtlMs = (policy: Pick<AccountPolicy, "ttlMs">, nextStepMs: number | null, nowMs: number): number =>
  Math.max(policy.ttlMs, nextStepMs === null ? REST_MS : nextStepMs - nowMs);
