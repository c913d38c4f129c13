/** `slipstream provision`: streams, buckets and the first paper account, for installations without `start`. */
import { connectBus } from "@slipstream/actor/bus";
import { startProvisioner } from "@slipstream/actor/provisioner";
import { tellStoreRoom } from "@slipstream/actor/storeRoom";
import pino from "pino";
import { seedAccount } from "../configBucket.ts";
import { type BusAddress, withBus } from "../connection.ts";
import { defaultAccount } from "../defaults.ts";
import { checkRoom } from "../diskWatch.ts";

const say = (line: string): void => console.log(line);

/** Once: for a start by hand, and for services that begin when it has ended. */
export async function runProvision(address: BusAddress): Promise<number> {
  return withBus(address, async (bus) => {
    const provisioner = await startProvisioner({ bus, logger: pino({ level: "silent" }), say });
    await provisioner.stop();
    const seeded = await seedAccount(bus, defaultAccount);
    say(`streams and buckets are as they should be; account ${defaultAccount.account} ${seeded}`);
    return 0;
  });
}

/**
 * Until it is ended: what vanishes is made again. Waits for the bus as long as it takes.
 * @param store - a folder on the disk of the bus, whose room is told to everybody; null: nobody looks at it.
 */
export async function watchProvision(
  { urls: [url] }: BusAddress,
  {
    store,
    haltBelowMb,
    signal,
  }: { readonly store: string | null; readonly haltBelowMb: number; readonly signal: AbortSignal },
): Promise<number> {
  // Who looks after a full disk goes on looking.
  if (store !== null) await checkRoom(store, haltBelowMb, say).catch((error: Error) => say(error.message));
  const logger = pino({ level: "warn", base: { service: "provisioner" } });
  const bus = await connectBus({ url, name: "provisioner", logger, signal });
  try {
    const provisioner = await startProvisioner({ bus, logger, say });
    const stopTelling = store === null ? () => undefined : tellStoreRoom({ bus, folder: store, haltBelowMb });
    say("streams and buckets are as they should be, and are kept so");
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
      void bus.closed.then(() => resolve());
    });
    stopTelling();
    await provisioner.stop();
    return signal.aborted ? 0 : 1;
  } finally {
    await bus.drain();
  }
}
