/** `slipstream status`: the live view once. */
import { watchMarkets } from "@slipstream/actor/markets";
import pino from "pino";
import { type BusAddress, withBus } from "../connection.ts";
import { followLog } from "../follow.ts";
import { renderLiveView } from "../liveView.ts";
import { readPending } from "../readPending.ts";
import { silentServices } from "../serviceHealth.ts";

/** Long enough for each service's heartbeat, which comes once a second. */
const LISTEN_MS = 1_300;
const WIDTH_DEFAULT = 140;

/** @returns 0 when every service was heard, 1 otherwise. */
export async function runStatus(address: BusAddress): Promise<number> {
  return withBus(address, async (bus) => {
    const following = await followLog(bus, (ms) => ms, "recent");
    const markets = await watchMarkets(bus, pino({ level: "silent" }));
    await Promise.all([following.caughtUp(), new Promise((resolve) => setTimeout(resolve, LISTEN_MS))]);
    const pending = await readPending(bus);
    const wallMs = Date.now();
    const text = renderLiveView(following.overview, {
      nowMs: wallMs,
      wallMs,
      width: process.stdout.columns ?? WIDTH_DEFAULT,
      rows: 10,
      market: (tokenId) => markets.byToken.get(tokenId),
      title: `Slipstream at ${bus.nc.getServer()}`,
      pending,
    });
    console.log(text);
    for (const line of following.unreadable) console.error(line);
    await markets.stop();
    await following.stop();
    return silentServices(following.overview, wallMs).length === 0 ? 0 : 1;
  });
}
