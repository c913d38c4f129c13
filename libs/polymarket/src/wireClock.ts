/** The part of a clock that clients of the venue need; the services' clock fits. */
export type WireClock = {
  /** Unix milliseconds. */
  nowMs(): number;
  after(ms: number, call: () => void): { cancel(): void };
};

/** Resolves after `ms` of the clock. */
export const pause = (clock: WireClock, ms: number): Promise<void> =>
  new Promise((resolve) => {
    clock.after(ms, resolve);
  });
