/**
 * Child processes of one machine: started so that they cannot outlive their parent unseen, waited for by condition,
 * ended by their own id. Used by the supervisor and by the tests.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

/** How a process ended: an exit code or a signal. */
export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type ProcessOptions = {
  /** What a person calls it; used in errors. */
  readonly name: string;
  readonly command: string;
  readonly args?: readonly string[];
  readonly cwd?: string;
  /** The whole environment; absent: inherited. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Standard output and error are appended here; absent: only their last 16 KiB are kept, see `outputTail`. */
  readonly logFile?: string;
  /** Opens an IPC channel, by which a Node child notices that its parent died (`process.on("disconnect")`). */
  readonly ipc?: boolean;
  /** Own process group, so that Ctrl-C in a terminal reaches the parent only. */
  readonly detached?: boolean;
};

export type RunningProcess = {
  readonly name: string;
  readonly pid: number;
  /** For IPC messages; signals go through the functions below. */
  readonly child: ChildProcess;
  /** Settles once, when the process has ended; never rejects. */
  readonly exited: Promise<Exit>;
  /** Absent while it runs. */
  exit(): Exit | undefined;
  /** The last of what it printed, for error messages. */
  outputTail(): string;
  /** SIGTERM, and SIGKILL when it still runs after `graceMs` (default 5,000). Harmless when it has ended. */
  terminate(graceMs?: number): Promise<Exit>;
  /** SIGKILL; resolves when the process is gone. */
  kill9(): Promise<Exit>;
};

const TAIL_BYTES_MAX = 16 * 1024;
const GRACE_MS_DEFAULT = 5_000;
const GONE_POLL_MS = 20;

/** Ties the child's life to ours: the kernel signals it when we die, even by -9. util-linux, so present on any Linux. */
const setpriv = ["/usr/bin/setpriv", "/bin/setpriv"].find((path) => process.platform === "linux" && existsSync(path));

/**
 * Starts a process and resolves when the system has started it (not when it is ready: see `waitForPort`).
 * On Linux it gets SIGTERM when this process, or the thread that started it, dies. `setpriv` replaces itself by the
 * command, so `pid` is the command's own.
 * @throws Error with the name and the command when it cannot be started.
 */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  const { name, command, args = [], cwd, env, logFile, ipc = false, detached = false } = options;
  // setpriv would report a missing command only by its exit code, so look first.
  if (command.includes("/") && !existsSync(command)) throw new Error(`${name}: there is no ${command}`);
  const [file, fileArgs] =
    setpriv === undefined ? [command, args] : [setpriv, ["--pdeathsig", "SIGTERM", "--", command, ...args]];
  const log = logFile === undefined ? undefined : openSync(logFile, "a");
  const sink = log ?? "pipe";
  const child = spawn(file, [...fileArgs], {
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
    detached,
    stdio: ipc ? ["ignore", sink, sink, "ipc"] : ["ignore", sink, sink],
  });
  if (log !== undefined) closeSync(log);
  const tail = keepTail(child);
  let exit: Exit | undefined;
  const exited = new Promise<Exit>((resolve) => {
    child.once("exit", (code, signal) => {
      exit = { code, signal };
      resolve(exit);
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) => reject(new Error(`${name}: cannot start ${command}`, { cause })));
  });
  // Later errors (a message to a closed channel, a signal that came too late) show in `exited`.
  child.on("error", () => undefined);
  const { pid } = child;
  if (pid === undefined) throw new Error(`${name}: ${command} has no process id`);
  const kill9 = (): Promise<Exit> => {
    if (exit === undefined) child.kill("SIGKILL");
    return exited;
  };
  const terminate = async (graceMs = GRACE_MS_DEFAULT): Promise<Exit> => {
    if (exit !== undefined) return exit;
    child.kill("SIGTERM");
    const timer = new AbortController();
    const late = pause(graceMs, "late" as const, { signal: timer.signal }).catch(() => "cancelled" as const);
    const first = await Promise.race([exited, late]);
    timer.abort();
    return typeof first === "string" ? kill9() : first;
  };
  const outputTail = () => (logFile === undefined ? tail() : readFileSync(logFile, "utf8").slice(-TAIL_BYTES_MAX));
  return { name, pid, child, exited, exit: () => exit, outputTail, terminate, kill9 };
}

/** Reads what the child prints, so that it never blocks on a full pipe, and keeps the end. */
function keepTail(child: ChildProcess): () => string {
  let kept = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      kept = (kept + text).slice(-TAIL_BYTES_MAX);
    });
  }
  return () => kept;
}

/** True while a process of this id exists (a zombie counts as gone where /proc tells). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it exists and belongs to someone else.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3) !== "Z";
  } catch {
    return process.platform !== "linux";
  }
}

/** Ends a process that is not our child: SIGTERM, and SIGKILL when it still runs after `graceMs`. Resolves when it is gone. */
export async function endProcess(pid: number, graceMs: number): Promise<void> {
  const birth = birthOf(pid);
  const send = (signal: NodeJS.Signals): void => {
    try {
      process.kill(pid, signal);
    } catch {
      // Gone in between.
    }
  };
  const isThere = (): boolean => isAlive(pid) && birthOf(pid) === birth;
  send("SIGTERM");
  const deadline = performance.now() + graceMs;
  while (isThere() && performance.now() < deadline) await pause(GONE_POLL_MS);
  if (isThere()) send("SIGKILL");
  while (isThere()) await pause(GONE_POLL_MS);
}

/**
 * What tells a process from a later one of the same id: the boot of the machine and when in it the process was started.
 * null: it is gone, or the system does not tell.
 */
export function birthOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold spaces; `starttime` is the 20th field behind it.
    const started = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}:${started}`;
  } catch {
    return null;
  }
}

/** Below the range from which Linux picks ports of outgoing connections (32,768 up), so a restart finds its port free. */
const PORT_FIRST = 15_000;
const PORT_COUNT = 17_000;
const portsGiven = new Set<number>();

/**
 * Finds a TCP port on which nobody listens on 127.0.0.1; this process never gets the same one twice.
 * Another process may still take it before it is bound: see `onFreePort`.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 200; tries += 1) {
    const port = PORT_FIRST + Math.floor(Math.random() * PORT_COUNT);
    if (portsGiven.has(port)) continue;
    if (!(await canListen(port))) continue;
    portsGiven.add(port);
    return port;
  }
  throw new Error(`no free port between ${PORT_FIRST} and ${PORT_FIRST + PORT_COUNT}`);
}

const PORT_TRIES = 3;

/**
 * Runs `start` with a free port, and again with another one when somebody took it in between.
 * @throws what `start` throws; a taken port is known by "address already in use" in the text.
 */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start(await freePort());
    } catch (error) {
      const taken = error instanceof Error && /address (already )?in use|EADDRINUSE/i.test(error.message);
      if (!taken || tries >= PORT_TRIES) throw error;
    }
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
    socket.setTimeout(1_000, () => end(false));
  });
}

/**
 * Resolves when `ready` answers true; polls from 2 ms up to 50 ms apart.
 * @throws Error as soon as the process has ended, or after `timeoutMs`, with the end of its output.
 */
export async function waitUntilReady(
  running: RunningProcess,
  ready: () => Promise<boolean>,
  timeoutMs: number,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (let waitMs = 2; ; waitMs = Math.min(waitMs * 1.5, 50)) {
    const exit = running.exit();
    if (exit !== undefined) {
      const how = exit.signal ?? `code ${exit.code}`;
      throw new Error(`${running.name} ended (${how}) before it was ready:\n${running.outputTail()}`);
    }
    if (await ready()) return;
    if (performance.now() > deadline) {
      throw new Error(`${running.name} was not ready within ${timeoutMs} ms:\n${running.outputTail()}`);
    }
    await pause(waitMs);
  }
}

/** Resolves when something accepts connections on 127.0.0.1:`port`. @throws Error as `waitUntilReady`. */
export const waitForPort = (running: RunningProcess, port: number, timeoutMs: number): Promise<void> =>
  waitUntilReady(running, () => accepts(port), timeoutMs);
