/** Heartbeats of all services, from the bus. */
import type { Bus } from "@slipstream/actor/bus";
import { Heartbeat } from "@slipstream/contracts/live";
import { subjects } from "@slipstream/contracts/subjects";

/** Calls back for each heartbeat that can be read; one that cannot is silence. Returns how to stop. */
export function listenToHeartbeats(bus: Bus, onHeartbeat: (heartbeat: Heartbeat) => void): () => void {
  const subscription = bus.nc.subscribe(subjects.allHeartbeats, {
    callback: (error, message) => {
      if (error !== null) return;
      const read = parse(message.string());
      if (read !== null) onHeartbeat(read);
    },
  });
  return () => {
    if (!subscription.isClosed()) subscription.unsubscribe();
  };
}

function parse(text: string): Heartbeat | null {
  try {
    return Heartbeat.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
