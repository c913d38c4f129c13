/** The processes of a local run: bus, world and services, with the environment each needs. */
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Bus } from "@slipstream/actor/bus";
import { exactClockText, faceOf, MACHINE_CLOCK } from "@slipstream/actor/clock";
import { freePort } from "@slipstream/actor/process";
import { startServiceClock } from "@slipstream/actor/serviceClock";
import { ContractError } from "@slipstream/contracts/errors";
import type { Address } from "@slipstream/contracts/ids";
import { type ServiceName, serviceNames } from "@slipstream/contracts/subjects";
import { withoutPaths } from "@slipstream/contracts/urls";
import { pino } from "pino";
import { checkAllSettings } from "./allSettings.ts";
import { type CliSettings, shownPath } from "./config.ts";
import { checkRoom, isRoomLow, watchDisk } from "./diskWatch.ts";
import { nodeFlags } from "./nodeFlags.ts";
import { type RunBus, startBus } from "./runBus.ts";
import type { RunFolder } from "./runFolder.ts";
import { type Environment, serviceEnv, settingsIn, venueEndpoints } from "./serviceEnv.ts";
import { createSupervisor, logTail, type Supervisor, sizeOf } from "./supervisor.ts";
import { fetchWorld, type World } from "./worldClient.ts";

/** A recording served in place of a venue. */
export type TapeWorld = {
  readonly file: string;
  readonly speed: number;
  readonly firstMs: number;
  readonly lastMs: number;
};

export type StackOptions = {
  /** Null: the sandbox, or the real venue when there are leaders. */
  readonly tape: TapeWorld | null;
  readonly leaders: readonly Address[];
  readonly settings: CliSettings;
  readonly folder: RunFolder;
  /** What the processes inherit. */
  readonly env: Environment;
  readonly say: (line: string) => void;
  readonly onFatal: (error: Error) => void;
};

export type Stack = {
  /** The world's time of a moment of the wall clock. */
  worldMs(wallMs: number): number;
  readonly title: string;
  readonly natsUrl: string;
  readonly rpcHttpUrls: readonly string[];
  /** Null with the real venue. */
  readonly sandboxUrl: string | null;
  readonly leaders: readonly { address: Address; label: string }[];
  readonly shownLogs: string;
  readonly shownHome: string;
  startServices(): Promise<void>;
  /** Tells how much room there is, and brings the bus back when there is some again; returns how to stop. */
  watchDisk(bus: Bus): () => void;
  /** Faults: what was done to the run (a process killed from outside). Errors: what went wrong by itself. */
  incidents(): { faults: string[]; errors: string[] };
  stop(graceMs: number): Promise<string[]>;
};

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const READY_MS = 60_000;
const WORLD_READY_MS = 60_000;
const REACH_MS = 8_000;

function titleOf({ tape, leaders, settings }: StackOptions, real: boolean): string {
  if (tape !== null) return `tape ${tape.file} at ${tape.speed} ×`;
  return real ? `real venue, on paper, ${leaders.length} leaders` : `sandbox, seed ${settings.SANDBOX_SEED}`;
}

/** Starts the bus and the world. Services start later, when the streams are there. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { settings, folder, say, onFatal } = options;
  const { tape } = options;
  const real = options.leaders.length > 0 && tape === null;
  const home = real ? "polygon" : tape === null ? "sandbox" : "tape";
  const leadMs = settings.TAPE_LEAD_SECONDS * 1_000;
  const mapping = tape === null ? null : { realMs: Date.now() + leadMs, worldMs: tape.firstMs, speed: tape.speed };
  const env = mapping === null ? options.env : { ...options.env, SLIPSTREAM_CLOCK: exactClockText(mapping) };
  checkAllSettings(settingsIn(env, !real), home === "sandbox");
  await checkRoom(folder.path, settings.STORE_FREE_MB_MIN, say);
  if (real) await checkReachable(settings, say);
  mkdirSync(folder.logs, { recursive: true });
  const faults: string[] = [];
  const errors: string[] = [];
  const supervisor = createSupervisor(
    (event) => {
      if (event.kind === "died") {
        const line = `${event.name} ended unexpectedly (${event.how})`;
        (event.how.startsWith("SIG") ? faults : errors).push(line);
        say(`${line}, starting it again`);
      }
      record();
    },
    onFatal,
    () => isRoomLow(folder.path, settings.STORE_FREE_MB_MIN),
  );
  let runBus: RunBus | null = null;
  let natsUrl = settings.NATS_URL ?? "";
  let sandboxUrl: string | null = null;
  const record = (): void => {
    try {
      folder.write({
        natsUrl: natsUrl === "" ? null : natsUrl,
        sandboxUrl,
        pid: process.pid,
        children: supervisor.pids(),
      });
    } catch (error) {
      // A full disk ends no run: what stands there still names the bus, whose address does not change.
      say(`run.json could not be written: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  let world: Awaited<ReturnType<typeof startWorld>> | null = null;
  try {
    if (settings.NATS_URL === undefined) {
      const port = await freePort();
      natsUrl = `nats://127.0.0.1:${port}`;
      runBus = await startBus(supervisor, options, { port, home });
    }
    if (!real) world = await startWorld(supervisor, { ...options, env });
  } catch (error) {
    // Half a stack is none: what did start must not stay behind.
    await supervisor.stop(READY_MS);
    throw error;
  }
  sandboxUrl = world?.url ?? null;
  record();
  const endpoints = world?.world.endpoints ?? venueEndpoints(settings);
  // A sandbox's world runs by this machine's clock, a tape's by its mapping.
  const time = startServiceClock(
    real ? { CLOB_HTTP_URL: endpoints.clobHttpUrl } : { SLIPSTREAM_CLOCK: exactClockText(mapping ?? MACHINE_CLOCK) },
    pino({ level: "silent" }),
  );
  await time.firstMeasured();
  return {
    worldMs: (wallMs) => (mapping === null ? wallMs + (time.clock.quality()?.offsetMs ?? 0) : faceOf(mapping, wallMs)),
    title: titleOf(options, real),
    natsUrl,
    rpcHttpUrls: endpoints.rpcHttpUrl.split(","),
    sandboxUrl: world?.url ?? null,
    leaders:
      options.leaders.length > 0
        ? options.leaders.map((address) => ({ address, label: "" }))
        : (world?.world.leaders ?? []),
    shownLogs: shownPath(folder.logs),
    shownHome: shownPath(folder.path),
    startServices: async () => {
      const inherited = serviceEnv({ env, natsUrl, endpoints, isLocalWorld: !real });
      await Promise.all(serviceNames.map((name) => startService(supervisor, { folder, env: inherited }, name)));
      record();
    },
    watchDisk: (bus) => {
      if (runBus === null) return () => undefined;
      return watchDisk({ bus, runBus, supervisor, say, haltBelowMb: settings.STORE_FREE_MB_MIN });
    },
    incidents: () => ({ faults: [...faults], errors: [...errors] }),
    stop: (graceMs) => {
      time.stop();
      return supervisor.stop(graceMs);
    },
  };
}

async function startWorld(
  supervisor: Supervisor,
  { folder, settings, say, env, tape }: StackOptions,
): Promise<{ url: string; world: World }> {
  const port = await freePort();
  const rpcPort = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const logFile = folder.file("logs", "sandbox.log");
  say(
    tape === null
      ? "starting the sandbox: a local chain, a venue, leaders and market makers"
      : `serving the tape ${tape.file} at ${tape.speed} × through sockets`,
  );
  const logFrom = sizeOf(logFile);
  const running = await supervisor.start({
    name: "sandbox",
    command: process.execPath,
    args: [tape === null ? join(root, "sandbox", "src", "main.ts") : join(root, "sandbox", "src", "tape", "main.ts")],
    env: {
      ...env,
      SANDBOX_PORT: String(port),
      SANDBOX_RPC_PORT: String(rpcPort),
      SANDBOX_DIR: folder.file("sandbox", "world"),
      SANDBOX_SEED: settings.SANDBOX_SEED,
      TAPE_FILE: tape?.file,
    },
    logFile,
    tier: 1,
  });
  const deadline = performance.now() + WORLD_READY_MS;
  while (performance.now() < deadline && running.exit() === undefined) {
    const world = await fetchWorld(url).catch(() => null);
    if (world !== null) return { url, world };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new ContractError("VENUE_UNREACHABLE", `the sandbox did not get ready:\n${logTail(logFile, logFrom)}`);
}

async function startService(
  supervisor: Supervisor,
  { folder, env }: Pick<StackOptions, "folder" | "env">,
  name: ServiceName,
): Promise<void> {
  await supervisor.start({
    name,
    command: process.execPath,
    args: [...nodeFlags(name), join(root, "services", name, "src", "main.ts")],
    env,
    logFile: folder.file("logs", `${name}.log`),
    tier: 2,
  });
}

/**
 * One node of the chain that answers is enough; one that does not is said.
 * @throws ContractError VENUE_UNREACHABLE that names each endpoint which does not answer, and its variable.
 */
async function checkReachable(settings: CliSettings, say: StackOptions["say"]): Promise<void> {
  const chainId = { method: "POST", body: '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}' };
  const probes: readonly { name: string; urls: readonly string[]; path: string; init: RequestInit }[] = [
    { name: "POLYGON_HTTP_URL", urls: settings.POLYGON_HTTP_URL, path: "", init: chainId },
    { name: "CLOB_HTTP_URL", urls: [settings.CLOB_HTTP_URL], path: "/time", init: {} },
    { name: "GAMMA_URL", urls: [settings.GAMMA_URL], path: "/markets?limit=1", init: {} },
  ];
  const results = await Promise.all(
    probes.map(async ({ name, urls, path, init }) => {
      const answers = await Promise.all(urls.map((url) => isReachable(`${url}${path}`, init)));
      const lines = urls.flatMap((url, n) => (answers[n] === true ? [] : [`${name} = ${withoutPaths(url)}`]));
      return { isUsable: answers.includes(true), lines };
    }),
  );
  for (const { isUsable, lines } of results) if (isUsable) for (const line of lines) say(`does not answer: ${line}`);
  const silent = results.filter(({ isUsable }) => !isUsable).flatMap(({ lines }) => lines);
  if (silent.length === 0) return;
  throw new ContractError(
    "VENUE_UNREACHABLE",
    `the real venue cannot be reached from here:\n  ${silent.join("\n  ")}\nCheck the network, or set these variables to endpoints that answer. Without --leader, npm start runs a local sandbox.`,
  );
}

const isReachable = (url: string, init: RequestInit): Promise<boolean> =>
  fetch(url, {
    ...init,
    headers: { "content-type": "application/json" },
    signal: AbortSignal.timeout(REACH_MS),
  }).then(
    () => true,
    () => false,
  );
