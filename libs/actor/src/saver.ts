/** Saves the state of the owner now and then, one writing at a time. */
import type { Logger } from "pino";
import type { Snapshot, SnapshotStore } from "./snapshot.ts";

export type SaverOptions<State> = {
  readonly store: SnapshotStore<State>;
  readonly logger: Logger;
  readonly steadyMs: () => number;
  readonly everyMs: number;
  readonly everyFacts: number;
  /** Sequence of what is saved already. */
  readonly savedSeq: number;
  /** What to save and under which fence; null when it is not ours to save. Looked at again for each writing. */
  readonly current: () => { readonly snapshot: Snapshot<State>; readonly fence: number } | null;
  readonly onOvertaken: (fence: number) => void;
};

export type Saver = {
  /** Saves what is not yet saved; resolves when it is stored or has failed, which is logged. */
  save(): Promise<void>;
  stop(): void;
};

const CHECK_MS = 1_000;

export function startSaver<State>(options: SaverOptions<State>): Saver {
  const { store, logger, steadyMs, everyMs, everyFacts, current, onOvertaken } = options;
  let savedSeq = options.savedSeq;
  let triedMs = steadyMs();
  let writing: Promise<void> | null = null;

  const write = async (): Promise<void> => {
    const what = current();
    if (what === null || what.snapshot.lastApplied === savedSeq) return;
    triedMs = steadyMs();
    try {
      const answer = await store.write(what.snapshot, what.fence);
      if (answer !== null) return onOvertaken(answer.overtakenBy);
      savedSeq = what.snapshot.lastApplied;
      logger.debug({ seq: savedSeq }, "state saved");
    } catch (error) {
      logger.warn({ err: error }, "state not saved, tried again later");
    }
  };
  const save = async (): Promise<void> => {
    while (writing !== null) await writing;
    writing = write().finally(() => {
      writing = null;
    });
    await writing;
  };
  const timer = setInterval(
    () => {
      if (writing !== null) return;
      const lastApplied = current()?.snapshot.lastApplied ?? savedSeq;
      if (lastApplied - savedSeq >= everyFacts || steadyMs() - triedMs >= everyMs) void save();
    },
    Math.min(CHECK_MS, everyMs),
  );
  return { save, stop: () => clearInterval(timer) };
}
