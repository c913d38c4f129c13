/**
 * Set-up of a clone: packages, nats-server, anvil. Does what is missing and nothing else, so a second start is quick.
 * Plain JavaScript, valid on Node 20, no dependency. Alone: `node scripts/setup.mjs`.
 */
import { spawn, spawnSync } from "node:child_process";
import {
  accessSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { fetchNatsServer, findNatsServer } from "./nats-server.mjs";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** The Node that runs everything, whatever the host has. */
export const nodeBin = join(root, "node_modules", ".bin", "node");

/**
 * Folder that outlives clones: SLIPSTREAM_CACHE, XDG_CACHE_HOME/slipstream, ~/.cache/slipstream, else inside the clone.
 * The first that can be written to; created here.
 */
export function cacheFolder(env, clone = root) {
  const wanted = [
    env.SLIPSTREAM_CACHE,
    env.XDG_CACHE_HOME && join(env.XDG_CACHE_HOME, "slipstream"),
    env.HOME && join(env.HOME, ".cache", "slipstream"),
    join(clone, ".slipstream", "cache"),
  ];
  for (const folder of wanted.filter((path) => path)) {
    try {
      mkdirSync(folder, { recursive: true });
      accessSync(folder, constants.W_OK);
      return folder;
    } catch {
      // Read-only or no home: the next one.
    }
  }
  throw new Error("no folder for the cache can be written to: set SLIPSTREAM_CACHE");
}

/**
 * True when what is installed is what the lock file says. npm writes node_modules/.package-lock.json as the last step
 * of an install, so a broken one is noticed too. Optional packages are for other platforms and may be absent.
 */
export function packagesAreCurrent(lock, installed) {
  return Object.entries(lock.packages).every(([path, wanted]) => {
    if (!path.includes("node_modules/")) return true;
    const present = installed.packages[path];
    if (present === undefined) return wanted.optional === true;
    return present.version === wanted.version && present.integrity === wanted.integrity && present.link === wanted.link;
  });
}

function packagesNeeded() {
  const read = (path) => JSON.parse(readFileSync(join(root, path), "utf8"));
  try {
    return !packagesAreCurrent(read("package-lock.json"), read("node_modules/.package-lock.json"));
  } catch {
    return true;
  }
}

async function installPackages(say) {
  if (!packagesNeeded()) return;
  const release = await takeInstallLock(say);
  try {
    // Whoever held the lock may have done it.
    if (!packagesNeeded()) return;
    say("installing packages (half a minute the first time) …");
    const code = await npm(["ci", "--loglevel=error", "--include=dev", "--include=optional"], root);
    if (code !== 0) throw new Error(`npm ci ended with code ${code}; see its messages above`);
  } finally {
    release();
  }
}

/** Two first starts at once must not empty node_modules under each other: the second waits. */
async function takeInstallLock(say) {
  mkdirSync(join(root, ".slipstream"), { recursive: true });
  const file = join(root, ".slipstream", "install.lock");
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, `${process.pid}`);
  try {
    for (let said = false; ; ) {
      try {
        // Linking is one step and fails when the lock exists, so nobody ever sees a lock without its holder.
        linkSync(mine, file);
        return () => rmSync(file, { force: true });
      } catch (error) {
        if (error.code !== "EEXIST") throw error;
      }
      if (!holderLives(file)) rmSync(file, { force: true });
      else if (!said) {
        say("waiting for another start that installs packages …");
        said = true;
      }
      await pause(200);
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

function holderLives(file) {
  try {
    process.kill(Number(readFileSync(file, "utf8")), 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function npm(args, cwd) {
  // The Node of node_modules is replaced while npm runs, so npm must not find it first on PATH.
  const path = (process.env.PATH ?? "")
    .split(delimiter)
    .filter((folder) => !folder.endsWith(join("node_modules", ".bin")))
    .join(delimiter);
  return new Promise((resolve, reject) => {
    const child = spawn("npm", args, {
      cwd,
      env: { ...process.env, PATH: path },
      stdio: ["ignore", "ignore", "inherit"],
    });
    child.once("error", () => reject(new Error("npm cannot be started: is it on PATH?")));
    child.once("exit", (code, signal) => resolve(code ?? signal));
  });
}

function checkNode() {
  try {
    // Follows the link: with --ignore-scripts, or under an npm that blocks scripts, its target is missing.
    realpathSync(nodeBin);
  } catch {
    throw new Error(
      "the package `node` (Node 24) has no binary: npm did not run its install script; run `npm ci` without --ignore-scripts",
    );
  }
}

function anvilRuns(binary) {
  return spawnSync(binary, ["--version"], { encoding: "utf8", timeout: 10_000 }).status === 0;
}

/** The version that the lock file pins, so that other platforms get the same one. */
function anvilVersion() {
  const sandbox = JSON.parse(readFileSync(join(root, "sandbox", "package.json"), "utf8"));
  return sandbox.optionalDependencies["@foundry-rs/anvil-linux-amd64"];
}

const anvilPackage = () => `@foundry-rs/anvil-${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;

/** Path of an anvil that is already here, or undefined. */
export function findAnvil({ env, cacheDir }) {
  if (env.ANVIL_BIN) {
    if (anvilRuns(env.ANVIL_BIN)) return env.ANVIL_BIN;
    throw new Error(`ANVIL_BIN=${env.ANVIL_BIN} does not run here`);
  }
  const candidates = [
    join(root, "node_modules", anvilPackage(), "bin", "anvil"),
    ...(env.PATH ?? "")
      .split(delimiter)
      .filter((path) => path !== "" && !path.includes("node_modules"))
      .map((path) => join(path, "anvil")),
    join(cacheDir, "anvil", "node_modules", anvilPackage(), "bin", "anvil"),
  ];
  return candidates.find((path) => existsSync(path) && anvilRuns(path));
}

async function fetchAnvil({ env, cacheDir, say }) {
  const folder = join(cacheDir, "anvil");
  mkdirSync(folder, { recursive: true });
  say(`installing ${anvilPackage()} …`);
  const wanted = `${anvilPackage()}@${anvilVersion()}`;
  const code = await npm(["install", "--prefix", folder, "--no-save", "--loglevel=error", wanted], folder);
  const found = code === 0 ? findAnvil({ env, cacheDir }) : undefined;
  if (found !== undefined) return found;
  throw new Error(
    `no anvil for ${process.platform} ${process.arch}: set ANVIL_BIN to one, put one on PATH, or let npm reach ${wanted}`,
  );
}

/**
 * Finds the programs, fetches what is missing, and returns the environment for what is started next.
 * @param programs - "all"; "bus": an anvil is used when it is there, but not fetched; "none": neither is looked for.
 * @param say - one short line of progress at a time; not called when there is nothing to do.
 * @throws Error with one sentence that says what is missing and what to do.
 */
export async function findPrograms({ programs, env = process.env, say }) {
  const cacheDir = cacheFolder(env);
  const found = { NODE_COMPILE_CACHE: env.NODE_COMPILE_CACHE || join(cacheDir, "compile") };
  if (programs === "none") return found;
  found.NATS_SERVER_BIN = findNatsServer({ env, cacheDir }) ?? (await fetchNatsServer({ cacheDir, say }));
  const anvil = findAnvil({ env, cacheDir });
  if (anvil !== undefined) found.ANVIL_BIN = anvil;
  else if (programs === "all") found.ANVIL_BIN = await fetchAnvil({ env, cacheDir, say });
  return found;
}

/** Installs the packages where needed, then `findPrograms`. */
export async function setUp(options) {
  await installPackages(options.say);
  checkNode();
  return findPrograms(options);
}

/** Progress goes to standard error: standard output belongs to what is started. */
export const sayLine = (text) => process.stderr.write(`set-up: ${text}\n`);

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    await setUp({ programs: "all", say: sayLine });
  } catch (error) {
    sayLine(error.message);
    process.exitCode = 1;
  }
}
