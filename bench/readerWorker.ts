/**
 * Subscribers of bench/bookstore.bench.ts, each on a connection of its own: they hear every book and every clock, and
 * count what is missing of each token by its sequence. They answer `bench.counts`. Arguments: NATS url, how many.
 */
import { connect } from "@nats-io/transport-node";

type Heard = { updates: number; lost: number };

const [natsUrl = "", count = "1"] = process.argv.slice(2);
const heard: Heard[] = [];
for (let n = 0; n < Number(count); n += 1) {
  const nc = await connect({ servers: natsUrl });
  const own: Heard = { updates: 0, lost: 0 };
  const last = new Map<string, number>();
  heard.push(own);
  nc.subscribe("md.book.v1.*", {
    callback: (error, message) => {
      if (error !== null) return;
      const { type, seq } = message.json() as { type?: string; seq?: number };
      // The floor has no sequence.
      if (seq !== undefined) {
        const before = last.get(message.subject);
        if (before !== undefined && type !== "BookSnapshot") own.lost += Math.max(0, seq - before - 1);
        last.set(message.subject, seq);
        if (type !== "BookDelta") return;
      }
      own.updates += 1;
    },
  });
  nc.subscribe("md.clock.v1", { callback: () => undefined });
  await nc.flush();
  if (n > 0) continue;
  nc.subscribe("bench.counts", { callback: (_error, message) => void message.respond(JSON.stringify(heard)) });
  nc.subscribe("bench.reset", {
    callback: (_error, message) => {
      for (const each of heard) Object.assign(each, { updates: 0, lost: 0 });
      message.respond();
    },
  });
  await nc.flush();
}
process.on("SIGTERM", () => process.exit(0));
