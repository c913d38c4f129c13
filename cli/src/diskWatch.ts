/**
 * The disk of a local run: told at the start, watched while it runs. When it is full nothing is traded; when there is room
 * again a bus that had stopped taking facts is started anew, and the run goes on.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Bus } from "@slipstream/actor/bus";
import { freeMbOf, storeMbMax, tellStoreRoom } from "@slipstream/actor/storeRoom";
import { ContractError } from "@slipstream/contracts/errors";
import { shownPath } from "./config.ts";
import type { RunBus } from "./runBus.ts";
import type { Supervisor } from "./supervisor.ts";

type Say = (line: string) => void;

const LOOK_EVERY_MS = 2_000;

/**
 * Says how much room there is and how much is needed.
 * @throws ContractError DISK_FULL when there is too little to begin with.
 */
export async function checkRoom(folder: string, haltBelowMb: number, say: Say): Promise<void> {
  const freeMb = await freeMbOf(folder);
  const neededMb = storeMbMax() + haltBelowMb;
  const text = `disk of ${shownPath(folder)}: ${freeMb} MB free; log and states grow to ${storeMbMax()} MB at most, and below ${haltBelowMb} MB free (STORE_FREE_MB_MIN) nothing is traded`;
  if (freeMb < haltBelowMb) {
    throw new ContractError(
      "DISK_FULL",
      `too little room to start. ${text}. Make room, or set SLIPSTREAM_HOME to another disk.`,
    );
  }
  say(freeMb < neededMb ? `${text}. It may become full: make room, or use a larger disk` : text);
}

/** Whether there is less room than trading needs. */
export const isRoomLow = async (folder: string, haltBelowMb: number): Promise<boolean> =>
  freeMbOf(folder).then(
    (freeMb) => freeMb < haltBelowMb,
    () => false,
  );

/** Tells everybody how much room there is, and starts a stuck bus again once there is enough. Returns how to stop. */
export function watchDisk({
  bus,
  runBus,
  supervisor,
  haltBelowMb,
  say,
}: {
  readonly bus: Bus;
  readonly runBus: RunBus;
  readonly supervisor: Pick<Supervisor, "restart">;
  readonly haltBelowMb: number;
  readonly say: Say;
}): () => void {
  const stopping = new AbortController();
  const { signal } = stopping;
  let stuck = false;
  let isLow = false;
  const look = async (): Promise<void> => {
    const wasLow = isLow;
    isLow = await isRoomLow(runBus.store, haltBelowMb);
    if (isLow && !wasLow) say(`the disk is full: nothing is traded until ${haltBelowMb} MB are free`);
    if (!isLow && wasLow) say("there is room on the disk again");
    stuck = await runBus.isStuck();
    if (!stuck || isLow) return;
    say("the bus has stopped taking facts since a write failed, and there is room now: starting it again");
    await supervisor.restart("nats-server");
  };
  void (async () => {
    while (!signal.aborted) {
      await look().catch((error: unknown) => say(`the disk could not be looked at: ${String(error)}`));
      await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  })();
  const stopTelling = tellStoreRoom({ bus, folder: runBus.store, haltBelowMb, isStuck: () => stuck });
  return () => {
    stopping.abort();
    stopTelling();
  };
}
