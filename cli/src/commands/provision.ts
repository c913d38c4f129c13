/** `slipstream provision`: streams, buckets and the first paper account, for installations without `start`. */
import { provision } from "@slipstream/actor/provision";
import { seedAccount } from "../configBucket.ts";
import { type BusAddress, withBus } from "../connection.ts";
import { defaultAccount } from "../defaults.ts";

export async function runProvision(address: BusAddress): Promise<number> {
  return withBus(address, async (bus) => {
    await provision(bus.jsm);
    const seeded = await seedAccount(bus, defaultAccount);
    console.log(`streams and buckets are as they should be; account ${defaultAccount.account} ${seeded}`);
    return 0;
  });
}
