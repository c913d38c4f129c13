/** How far a reader of the log has come, and who waits for it to come further. */

export type ReaderPosition = {
  /** Last sequence taken. */
  at(): number;
  /** Highest sequence the log is known to have. */
  known(): number;
  moveTo(seq: number): void;
  /** The log was seen to reach `seq`. */
  learn(seq: number): void;
  /** The log can be seen again: whoever waited for that looks anew. */
  seen(): void;
  /** Resolves when `seq` is taken. @throws the reason given to `giveUp`, also to the one that names `of`. */
  taken(seq: number, of?: object): Promise<void>;
  /** Resolves when everything known is taken, and the log can be seen. @throws as `taken`. */
  caughtUp(): Promise<void>;
  /** Rejects those who wait under the name `of`; without a name, everyone. */
  giveUp(reason: Error, of?: object): void;
};

/** "sight": waits for the log to be visible, not for a sequence. */
type Waiter = {
  readonly seq: number | "sight";
  readonly of: object | undefined;
  resolve(): void;
  reject(reason: Error): void;
};

/** @param blind - true while messages may be missing. */
export function createReaderPosition(after: number, blind: () => boolean): ReaderPosition {
  let position = after;
  let known = after;
  const waiters = new Set<Waiter>();
  const release = (isMet: (seq: Waiter["seq"]) => boolean): void => {
    for (const waiter of waiters) {
      if (!isMet(waiter.seq)) continue;
      waiters.delete(waiter);
      waiter.resolve();
    }
  };
  const wait = (seq: Waiter["seq"], of?: object): Promise<void> =>
    new Promise((resolve, reject) => {
      waiters.add({ seq, of, resolve, reject });
    });
  const taken = (seq: number, of?: object): Promise<void> => (seq <= position ? Promise.resolve() : wait(seq, of));
  return {
    at: () => position,
    known: () => known,
    moveTo: (seq) => {
      position = seq;
      release((wanted) => wanted !== "sight" && wanted <= position);
    },
    learn: (seq) => {
      known = Math.max(known, seq);
    },
    seen: () => {
      if (!blind()) release((wanted) => wanted === "sight");
    },
    taken,
    caughtUp: async () => {
      while (blind() || known > position) {
        if (blind()) await wait("sight");
        await taken(known);
      }
    },
    giveUp: (reason, of) => {
      for (const waiter of waiters) {
        if (of !== undefined && waiter.of !== of) continue;
        waiters.delete(waiter);
        waiter.reject(reason);
      }
    },
  };
}
