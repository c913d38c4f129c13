/**
 * What npm's scripts call: sets the clone up, then runs `start`, `test`, `cli`, `bench` or `faults` on the pinned Node.
 * Spawns that Node by path: a shell that has once found the host's `node` keeps using it.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { nodeBin, root, sayLine, setUp } from "./setup.mjs";

const cli = join(root, "cli", "src", "main.ts");
const isForeign = (args) => args.some((arg) => arg === "--leader" || arg.startsWith("--leader="));
/** A run with real leaders needs no chain of its own. */
const programsOfStart = (args) => (isForeign(args) ? "bus" : "all");

/** A tape is its own venue and chain, and needs a bus. */
function programsOfCommand(args) {
  if (args[0] === "start") return programsOfStart(args);
  return args[0] === "tape" && args[1] === "play" ? "bus" : "none";
}

const commands = {
  start: (args) => ({ programs: programsOfStart(args), argv: [cli, "start", ...args] }),
  cli: (args) => ({ programs: programsOfCommand(args), argv: [cli, ...args] }),
  test: (args) => ({
    programs: "all",
    argv: [join(root, "node_modules", "vitest", "vitest.mjs"), "run", "--root", root, ...args],
    says: `running vitest: ${args.length === 0 ? "unit, integration and end-to-end tests" : args.join(" ")}`,
  }),
  bench: (args) => ({ programs: "all", argv: [join(root, "bench", "run.ts"), ...args] }),
  faults: (args) => ({ programs: "all", argv: [join(root, "test", "faults", "main.ts"), ...args] }),
};

const PARENT_POLL_MS = 500;

/** npm dies of SIGTERM without passing it on; its script sees that only by having another parent. */
function onParentGone(act) {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    act();
  }, PARENT_POLL_MS);
  watch.unref();
}

/**
 * Runs the pinned Node and resolves with the exit code. On Ctrl-C in a terminal the whole foreground group gets SIGINT,
 * the child too, so here it is only waited for. SIGTERM, and SIGINT without a terminal, reach this process alone and are
 * passed on.
 */
function runNode(argv, env) {
  const child = spawn(nodeBin, argv, { stdio: "inherit", env });
  const hasTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  process.on("SIGINT", () => {
    if (!hasTerminal) child.kill("SIGINT");
  });
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  if (process.env.npm_lifecycle_event !== undefined) onParentGone(() => child.kill("SIGTERM"));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

async function main([name = "", ...args]) {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) throw new Error(`unknown command "${name}": one of ${Object.keys(commands).join(", ")}`);
  const { programs, argv, says } = command(args);
  const found = await setUp({ programs, say: sayLine });
  if (says !== undefined) process.stderr.write(`${says}\n`);
  return runNode(argv, { ...process.env, ...found });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  sayLine(error.message);
  process.exitCode = 1;
}
