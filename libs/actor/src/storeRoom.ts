/** How much room the disk of the log has, told to everybody every two seconds by whoever can look at it. */
import { statfs } from "node:fs/promises";
import { StoreRoom } from "@slipstream/contracts/live";
import { subjects } from "@slipstream/contracts/subjects";
import { z } from "zod";
import type { Bus } from "./bus.ts";
import { listen } from "./listen.ts";
import { wantedStreams } from "./provision.ts";

export const STORE_FREE_MB_MIN = 512;

const MB = 1_000_000;
const LOOK_EVERY_MS = 2_000;

/** Free megabytes for us on the disk of `folder`. @throws what the file system says. */
export async function freeMbOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return Math.floor((bavail * bsize) / MB);
}

/** What log and states may grow to on the disk, in MB: the sum of their limits. */
export const storeMbMax = (): number =>
  Math.ceil(
    wantedStreams().reduce((sum, { storage, max_bytes = 0 }) => sum + (storage === "memory" ? 0 : max_bytes), 0) / MB,
  );

/**
 * Looks and tells until it is stopped.
 * @param isStuck - whether the log is known to take no facts though its server runs.
 */
export function tellStoreRoom({
  bus,
  folder,
  haltBelowMb,
  isStuck = () => false,
}: {
  readonly bus: Bus;
  readonly folder: string;
  readonly haltBelowMb: number;
  readonly isStuck?: () => boolean;
}): () => void {
  const tell = async (): Promise<void> => {
    const freeMb = await freeMbOf(folder);
    if (!bus.connected() || bus.nc.isClosed()) return;
    const room: StoreRoom = {
      ...{ type: "StoreRoom", v: 1, freeMb, haltBelowMb },
      ...{ stuck: isStuck(), tsInitMs: Date.now() },
    };
    bus.nc.publish(subjects.storeRoom, JSON.stringify(z.encode(StoreRoom, room)));
  };
  // A folder that cannot be looked at is told by its silence: the last word stands.
  const tellQuietly = (): void => void tell().catch(() => undefined);
  tellQuietly();
  const timer = setInterval(tellQuietly, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}

/** Calls back with each word about the room; returns how to stop. */
export const listenToStoreRoom = (bus: Bus, call: (room: StoreRoom) => void): (() => void) =>
  listen(bus, subjects.storeRoom, StoreRoom, call);
