/** How long to wait before the next try. */

export type BackoffPolicy = {
  /** Bound of the random wait before the second try; doubles with each try. */
  readonly firstMs: number;
  readonly capMs: number;
};

/** The venue's own client reconnects so: anywhere in [0, 250 ms * 2^n], at most 30 s (docs/venue.md, Market channel). */
export const RECONNECT: BackoffPolicy = { firstMs: 250, capMs: 30_000 };
export const READ_RETRY: BackoffPolicy = { firstMs: 250, capMs: 5_000 };

/**
 * Returns a wait in ms: random over the whole range, so that many clients cut off together do not return together.
 * @param failures - tries that failed in a row, from 0.
 * @param random - in [0, 1).
 */
export const backoffMs = (policy: BackoffPolicy, failures: number, random: number): number =>
  Math.floor(random * Math.min(policy.capMs, policy.firstMs * 2 ** Math.min(failures, 30)));
