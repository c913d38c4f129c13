/**
 * The face of the paper engine to the reference. It is the only file here that knows the engine: it hands over the same
 * messages and orders that the reference gets, and brings what the engine told into the same shape.
 */
import type { Market, Message, Order, OrderResult } from "./types.ts";

/**
 * What an adapter has to do:
 * - `messages` come in this sequence, frames by `connection` (left out: both tokens on one), gaps and definitions at their
 *   place between the frames. A `pong` says up to which time everything but prints has come.
 * - Orders are handed over before their T is decided, in the sequence of the list, which is that of their acceptance; a
 *   cancel is handed over with its time `cancelAtMs` before that time is decided.
 * - After the last message everything is decided: the watermark goes beyond all ends.
 * - A result for each order. `end` is null when the engine told no end.
 */
export type RunEngine = (market: Market, messages: readonly Message[], orders: readonly Order[]) => OrderResult[];

/** Null until somebody who knows the engine has written it; what needs it says so and is skipped. */
export const runEngine: RunEngine | null = null;
