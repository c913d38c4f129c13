/**
 * Tries the compose file for real, in a project of its own: from nothing to copies within two minutes, down with the
 * volumes kept, up again where it stopped. Needs a Docker engine: node deploy/check.mjs
 */
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const PROJECT = "slipstream-check";
const COPIES_WITHIN_MS = 120_000;
const POLL_MS = 2_000;

const succeeds = (command, args) => spawnSync(command, args, { stdio: "ignore" }).status === 0;
const [program, ...first] = succeeds("docker", ["compose", "version"]) ? ["docker", "compose"] : ["docker-compose"];

/** Runs compose in the project; the output is shown, or returned. */
function compose(args, { quiet = false } = {}) {
  const all = [...first, "-p", PROJECT, "--profile", "sandbox", ...args];
  const ran = spawnSync(program, all, {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", quiet ? "pipe" : "inherit"],
  });
  if (ran.error !== undefined) throw ran.error;
  return ran;
}

function must(args) {
  const { status, stdout } = compose(args);
  process.stdout.write(stdout);
  if (status !== 0) throw new Error(`compose ${args.join(" ")}: exit code ${status}`);
}

/** The live view, and what of it is judged. */
function readStatus() {
  const { stdout } = compose(["run", "--rm", "-T", "cli", "status"], { quiet: true });
  const number = (pattern) => Number(pattern.exec(stdout)?.[1] ?? "0");
  return {
    text: stdout,
    normal: /^risk NORMAL/m.test(stdout),
    log: number(/\| log (\d+)/),
    leaderFills: number(/^LEADER FILLS (\d+)/m),
    copies: number(/, (\d+) fills of our own/),
  };
}

async function waitForStatus(wanted, sinceMs, withinMs) {
  for (;;) {
    const status = readStatus();
    const tookMs = Date.now() - sinceMs;
    if (wanted(status)) return { ...status, tookMs };
    if (tookMs > withinMs) throw new Error(`not so after ${Math.round(tookMs / 1_000)} s:\n${status.text}`);
    await pause(POLL_MS);
  }
}

/** A service that ended by itself was started again by Docker, and would pass unseen. */
function mustHaveNoFailure() {
  const failed = compose(["logs", "--no-color"], { quiet: true })
    .stdout.split("\n")
    .filter((line) => line.includes('"level":60'));
  if (failed.length > 0) throw new Error(`a service failed:\n${failed.join("\n")}`);
}

const seconds = (ms) => `${(ms / 1_000).toFixed(1)} s`;

function failWith(error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
  for (const line of compose(["ps"], { quiet: true }).stdout.split("\n")) console.error(line);
  console.error(compose(["logs", "--no-color", "--tail=15"], { quiet: true }).stdout);
}

try {
  must(["build"]);
  compose(["down", "-v"], { quiet: true });

  const startedMs = Date.now();
  must(["up", "-d"]);
  const before = await waitForStatus((status) => status.normal && status.copies > 0, startedMs, COPIES_WITHIN_MS);
  console.log(before.text);
  console.log(`copies ${seconds(before.tookMs)} after "up" from nothing`);

  mustHaveNoFailure();
  // Without -v: the volumes stay.
  must(["down"]);
  const againMs = Date.now();
  must(["up", "-d"]);
  const goesOn = (status) =>
    status.normal &&
    status.leaderFills > before.leaderFills &&
    status.copies > before.copies &&
    status.log > before.log;
  const after = await waitForStatus(goesOn, againMs, COPIES_WITHIN_MS);
  mustHaveNoFailure();
  console.log(after.text);
  console.log(
    `went on after ${seconds(after.tookMs)}: leader fills ${before.leaderFills} → ${after.leaderFills}, ` +
      `copies ${before.copies} → ${after.copies}, log ${before.log} → ${after.log}`,
  );
} catch (error) {
  failWith(error);
} finally {
  compose(["down", "-v"], { quiet: true });
}
