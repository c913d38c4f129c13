/**
 * An empty service for bench/path.bench.ts: reads the stream FLOOR by an ordered consumer and answers a subject by
 * a durable publish on another one, with the expected last sequence of its subject as the services do. No parsing, no
 * state, no decision. Arguments: NATS url, then pairs `read>written`.
 */
import { DeliverPolicy, jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

const [url = "", ...pairs] = process.argv.slice(2);
const answers = new Map(pairs.map((pair) => pair.split(">", 2) as [string, string]));
const nc = await connect({ servers: url });
const js = jetstream(nc);
const lastSeq = new Map<string, number>();
const consumer = await js.consumers.get("FLOOR", { deliver_policy: DeliverPolicy.New });
await consumer.consume({
  callback: (message) => {
    const written = answers.get(message.subject);
    if (written === undefined) return;
    const expect = { lastSubjectSequence: lastSeq.get(written) ?? 0 };
    void js.publish(written, message.data, { msgID: `${written}:${message.seq}`, expect }).then((ack) => {
      lastSeq.set(written, ack.seq);
    });
  },
});
// The parent waits for this and ends the process when it is done.
nc.publish("floor-ready", written());
process.on("SIGTERM", () => process.exit(0));

function written(): string {
  return [...answers.values()].join(" ");
}
