/** A real nats-server with JetStream for one test file. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "@nats-io/transport-node";
import { onFreePort, type RunningProcess, waitUntilReady } from "@slipstream/actor/process";
import { natsServerBin } from "./binaries.ts";
import { makeFolder, removeFolder, startCounted } from "./processes.ts";

export type NatsOptions = {
  /** More lines of server configuration, appended as they are. */
  readonly config?: string;
  /** Kept at `stop`; absent: a temporary folder, removed at `stop`. */
  readonly storeDir?: string;
  readonly port?: number;
};

export type TestNats = {
  readonly url: string;
  readonly port: number;
  readonly storeDir: string;
  /** Changes at `restart`. */
  readonly pid: number;
  /** Ends it and removes what is temporary. Harmless the second time. */
  stop(): Promise<void>;
  /** SIGKILL, the store stays; `restart` brings it back. */
  kill9(): Promise<void>;
  /** Starts it again on the same port and store; ends it in good order first when it runs. */
  restart(): Promise<void>;
};

/** Against hanging only. */
const READY_TIMEOUT_MS = 120_000;

/**
 * Starts nats-server on a free port of 127.0.0.1, every write synced to disk before its acknowledgement, and resolves
 * when a client has connected and JetStream answers.
 * @throws Error with the server's output when it does not get ready.
 */
export async function startNats(options: NatsOptions = {}): Promise<TestNats> {
  const folder = makeFolder("nats");
  const storeDir = options.storeDir ?? join(folder, "store");
  const start = async (port: number): Promise<RunningProcess> => {
    const configFile = join(folder, "nats.conf");
    writeFileSync(configFile, configText(port, storeDir, options.config ?? ""));
    const server = await startCounted({ name: "nats-server", command: natsServerBin(), args: ["-c", configFile] });
    try {
      await waitUntilReady(server, () => answers(port), READY_TIMEOUT_MS);
    } catch (error) {
      await server.kill9();
      throw error;
    }
    return server;
  };
  const startOn = async (port: number) => ({ port, server: await start(port) });
  const first = await (options.port === undefined ? onFreePort(startOn) : startOn(options.port)).catch((error) => {
    removeFolder(folder);
    throw error;
  });
  const { port } = first;
  let { server } = first;
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    storeDir,
    get pid() {
      return server.pid;
    },
    stop: async () => {
      await server.terminate();
      removeFolder(folder);
    },
    kill9: async () => {
      await server.kill9();
    },
    restart: async () => {
      await server.terminate();
      server = await start(port);
    },
  };
}

const configText = (port: number, storeDir: string, more: string): string => `
host: "127.0.0.1"
port: ${port}
jetstream { store_dir: "${storeDir}", sync_interval: always, max_memory_store: 256MB, max_file_store: 32GB }
${more}
`;

async function answers(port: number): Promise<boolean> {
  try {
    const nc = await connect({ port, reconnect: false, timeout: 10_000 });
    try {
      await nc.request("$JS.API.INFO", "", { timeout: 10_000 });
      return true;
    } finally {
      await nc.close();
    }
  } catch {
    return false;
  }
}
