/** A TCP proxy before the broker that can lose the acknowledgement of a publish, and the link with it. */
import { connect, createServer, type Socket } from "node:net";

export type AckEater = {
  readonly url: string;
  /** The next acknowledgement of the log is not delivered and the link breaks instead. */
  eatNextAck(): void;
  eaten(): number;
  /** Breaks every link. */
  cut(): void;
  stop(): Promise<void>;
};

export async function startAckEater(brokerPort: number): Promise<AckEater> {
  const sockets = new Set<Socket>();
  let armed = false;
  let eaten = 0;
  const server = createServer((client) => {
    const broker = connect(brokerPort, "127.0.0.1");
    const close = (): void => {
      client.destroy();
      broker.destroy();
      sockets.delete(client);
    };
    sockets.add(client);
    for (const socket of [client, broker]) socket.on("error", close).on("close", close).setNoDelay(true);
    client.on("data", (bytes) => broker.write(bytes));
    broker.on("data", (bytes) => {
      if (armed && bytes.includes('{"stream":"FACTS"')) {
        armed = false;
        eaten += 1;
        close();
        return;
      }
      client.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `nats://127.0.0.1:${port}`,
    eatNextAck: () => {
      armed = true;
    },
    eaten: () => eaten,
    cut,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}
