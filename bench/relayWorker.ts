/**
 * The floor of bench/bookstore.bench.ts: the market channel to the bus and nothing else. JSON.parse of each frame, one
 * message per token. Arguments: NATS url, market channel, tokens per connection, tokens.
 */
import { connect } from "@nats-io/transport-node";
import WebSocket from "ws";

type Frame = { event_type: string; timestamp: string; price_changes: { asset_id: string }[] };

const [natsUrl = "", wsUrl = "", perConnection = "200", ...tokens] = process.argv.slice(2);
const nc = await connect({ servers: natsUrl });
for (let at = 0; at < tokens.length; at += Number(perConnection)) {
  const socket = new WebSocket(wsUrl, { perMessageDeflate: false });
  const own = tokens.slice(at, at + Number(perConnection));
  socket.on("open", () => socket.send(JSON.stringify({ type: "market", assets_ids: own })));
  socket.on("message", (data) => {
    const frame = JSON.parse(String(data)) as Frame | unknown[];
    if (Array.isArray(frame) || frame.event_type !== "price_change") return;
    for (const change of frame.price_changes) {
      const message = { ...change, tsEventMs: Number(frame.timestamp) };
      nc.publish(`md.book.v1.${change.asset_id}`, JSON.stringify(message));
    }
  });
}
process.on("SIGTERM", () => process.exit(0));
