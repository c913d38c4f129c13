/**
 * Finds a nats-server of 2.11 or newer, or fetches one: the distribution's newer package through the machine's own
 * mirror (no root needed), else the official release. Plain JavaScript, valid on Node 20, no dependency.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";

/** Ordered consumers, per-message TTL and expected-last-sequence behave as the bus needs from here on. */
const VERSION_MIN = [2, 11];
/** The official release that is fetched where no mirror has a newer package. */
const RELEASE = "v2.14.2";
const RELEASES_URL = "https://github.com/nats-io/nats-server/releases/download";
/** Debian's suites that carry a new enough package, oldest first. */
const SUITES = ["forky", "testing", "sid"];
const MIRRORS_MAX = 2;

/** The version a binary tells, such as "2.15.1"; undefined when it is no nats-server or does not run here. */
export function versionOf(binary) {
  const { stdout } = spawnSync(binary, ["--version"], { encoding: "utf8", timeout: 10_000 });
  return /^nats-server: v(\d+\.\d+\.\d+)/.exec(stdout ?? "")?.[1];
}

/** True from 2.11 on. */
export function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > VERSION_MIN[0] || (major === VERSION_MIN[0] && minor >= VERSION_MIN[1]);
}

const choices =
  "set NATS_SERVER_BIN to a nats-server of 2.11 or newer, put one on PATH, or let this machine reach its apt mirror or github.com";

/**
 * Path of a usable nats-server that is already here, or undefined. A setting that is wrong is an error, not passed over.
 * Presence on PATH proves nothing (Debian 12 has 2.9.10), so each is asked for its version.
 */
export function findNatsServer({ env, cacheDir }) {
  if (env.NATS_SERVER_BIN) {
    const version = versionOf(env.NATS_SERVER_BIN);
    if (version !== undefined && isNewEnough(version)) return env.NATS_SERVER_BIN;
    const what =
      version === undefined ? "is not a nats-server that runs here" : `is ${version}, needed is 2.11 or newer`;
    throw new Error(`NATS_SERVER_BIN=${env.NATS_SERVER_BIN} ${what}`);
  }
  const folders = [...(env.PATH ?? "").split(delimiter), "/usr/local/bin", "/usr/sbin"].filter((path) => path !== "");
  const candidates = [...new Set(folders)].map((folder) => join(folder, "nats-server"));
  return [...candidates, cachedPath(cacheDir)].find((path) => {
    const version = existsSync(path) ? versionOf(path) : undefined;
    return version !== undefined && isNewEnough(version);
  });
}

const cachedPath = (cacheDir) => join(cacheDir, "bin", "nats-server");

/**
 * Fetches nats-server into the cache folder and returns its path.
 * @throws Error with one sentence: what failed and what can be done.
 */
export async function fetchNatsServer({ cacheDir, say, releasesUrl = RELEASES_URL }) {
  const folder = workFolder(cacheDir);
  const failures = [];
  try {
    for (const way of [fetchByApt, fetchRelease]) {
      try {
        const unpacked = await way({ folder, say, releasesUrl });
        return keep(unpacked, cacheDir, say);
      } catch (error) {
        failures.push(error.message);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  throw new Error(`no nats-server could be fetched (${failures.join("; ")}): ${choices}`);
}

/** An empty folder of this process; those that a killed process left behind are removed. */
function workFolder(cacheDir) {
  mkdirSync(cacheDir, { recursive: true });
  for (const name of readdirSync(cacheDir)) {
    const pid = /^fetch-(\d+)-/.exec(name)?.[1];
    if (pid === undefined) continue;
    try {
      process.kill(Number(pid), 0);
    } catch (error) {
      if (error.code === "ESRCH") rmSync(join(cacheDir, name), { recursive: true, force: true });
    }
  }
  return mkdtempSync(join(cacheDir, `fetch-${process.pid}-`));
}

/** Moves a checked binary to its place in one step, so that nobody ever sees half of it. */
function keep(unpacked, cacheDir, say) {
  const version = versionOf(unpacked);
  if (version === undefined) throw new Error("the fetched nats-server does not run here");
  if (!isNewEnough(version)) throw new Error(`the fetched nats-server is only ${version}`);
  const place = cachedPath(cacheDir);
  const temporary = `${place}.${process.pid}`;
  mkdirSync(join(cacheDir, "bin"), { recursive: true });
  copyFileSync(unpacked, temporary);
  chmodSync(temporary, 0o755);
  renameSync(temporary, place);
  say(`nats-server ${version} is ready`);
  return place;
}

/**
 * The roots of the mirrors this machine is set up for, Debian's first: from `apt-get update --print-uris`, which prints
 * `'<root>dists/<suite>/InRelease' …` for every source format, without network.
 */
export function mirrorRoots(printedUris) {
  const roots = new Set();
  for (const [, root, suite] of printedUris.matchAll(/^'(\S+?)dists\/(\S+?)\/InRelease'/gm)) {
    if (!/(security|updates|backports)/.test(suite)) roots.add(root);
  }
  const isDebian = (root) => /\/debian\/$/.test(root);
  return [...roots].sort((a, b) => Number(isDebian(b)) - Number(isDebian(a)));
}

function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: "utf8",
    timeout: 180_000,
    ...options,
  });
  return { ok: status === 0, stdout: stdout ?? "", stderr: `${stderr ?? ""}${error?.message ?? ""}` };
}

const networkError = /resolv|could not connect|unable to connect|refused|timed out|timeout|unreachable/i;

/** By apt, into a folder of our own: the machine's package lists and sources stay as they are. */
function fetchByApt({ folder, say }) {
  const empty = join(folder, "empty");
  mkdirSync(join(empty, "partial"), { recursive: true });
  const uris = run("apt-get", ["update", "--print-uris", "-o", `Dir::State::lists=${empty}`]);
  if (!uris.ok) throw new Error("apt: not usable on this machine");
  const roots = mirrorRoots(uris.stdout).slice(0, MIRRORS_MAX);
  if (roots.length === 0) throw new Error("apt: no mirror is set up");
  say("fetching nats-server through this machine's package mirror …");
  let last = "";
  for (const root of roots) {
    for (const suite of SUITES) {
      const area = mkdtempSync(join(folder, "apt-"));
      const outcome = downloadPackage(area, root, suite);
      if (outcome.binary !== undefined) return outcome.binary;
      // apt's last line only counts the failures; the first tells what failed.
      last = /^[EW]: (.+)$/m.exec(outcome.problem)?.[1] ?? outcome.problem.trim();
      // Three seconds for each suite are not worth waiting for when nothing is reachable at all.
      if (networkError.test(outcome.problem)) throw new Error(`apt: ${last}`);
    }
  }
  throw new Error(`apt: ${last}`);
}

function downloadPackage(area, root, suite) {
  const conf = writeAptFiles(area, root, suite);
  // `-c` is read after the machine's own configuration and so wins over it; the variable APT_CONFIG would be read before.
  const apt = (args, cwd) => run("apt-get", ["-c", conf, "-q", ...args], { cwd });
  // Without --error-on=any an update that reached nobody ends with 0.
  const update = apt(["--error-on=any", "update"], area);
  if (!update.ok) return { problem: update.stderr };
  const packages = join(area, "packages");
  mkdirSync(packages);
  const download = apt(["download", `nats-server/${suite}`], packages);
  const file = readdirSync(packages).find((name) => name.endsWith(".deb"));
  if (!download.ok || file === undefined) return { problem: download.stderr };
  const unpack = run("dpkg-deb", ["-x", join(packages, file), join(area, "root")]);
  if (!unpack.ok) return { problem: unpack.stderr };
  const binary = ["usr/sbin/nats-server", "usr/bin/nats-server"]
    .map((path) => join(area, "root", path))
    .find((path) => existsSync(path));
  return binary === undefined ? { problem: `${file} holds no nats-server` } : { binary };
}

/** Writes the source and the configuration of one apt run; signatures are still checked. */
function writeAptFiles(area, root, suite) {
  for (const path of ["lists/partial", "cache/archives/partial"]) mkdirSync(join(area, path), { recursive: true });
  const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
  const sources = ["Types: deb", `URIs: ${root}`, `Suites: ${suite}`, "Components: main", "Targets: Packages"];
  if (existsSync(keyring)) sources.push(`Signed-By: ${keyring}`);
  writeFileSync(join(area, "mirror.sources"), `${sources.join("\n")}\n`);
  const conf = [
    // The machine's hooks are not ours to run.
    "#clear APT::Update::Post-Invoke;",
    "#clear APT::Update::Post-Invoke-Success;",
    `Dir::Etc::sourcelist "${join(area, "mirror.sources")}";`,
    'Dir::Etc::sourceparts "-";',
    `Dir::State::lists "${join(area, "lists")}";`,
    `Dir::Cache "${join(area, "cache")}";`,
    'APT::Sandbox::User "root";',
    'Acquire::Languages "none";',
    'Acquire::Retries "1";',
    // A frozen mirror's release file has expired.
    'Acquire::Check-Valid-Until "false";',
    'Acquire::Check-Date "false";',
  ];
  const path = join(area, "apt.conf");
  writeFileSync(path, `${conf.join("\n")}\n`);
  return path;
}

/** The official release, its checksum compared with the list published beside it. */
export async function fetchRelease({ folder, say, releasesUrl }) {
  const cpu = { x64: "amd64", arm64: "arm64" }[process.arch];
  const os = { linux: "linux", darwin: "darwin" }[process.platform];
  if (cpu === undefined || os === undefined) throw new Error(`no release for ${process.platform} ${process.arch}`);
  const name = `nats-server-${RELEASE}-${os}-${cpu}`;
  const get = async (file, timeoutMs) => {
    const response = await fetch(`${releasesUrl}/${RELEASE}/${file}`, { signal: AbortSignal.timeout(timeoutMs) }).catch(
      (error) => {
        throw new Error(`official release: ${error.cause?.code ?? error.cause?.message ?? error.message}`);
      },
    );
    if (!response.ok) throw new Error(`official release: ${file} answered ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  };
  say(`fetching the official nats-server ${RELEASE} …`);
  const sums = (await get("SHA256SUMS", 10_000)).toString("utf8");
  const expected = sums
    .split("\n")
    .find((line) => line.trim().endsWith(`${name}.tar.gz`))
    ?.split(/\s+/)[0];
  if (expected === undefined) throw new Error(`official release: no checksum for ${name}`);
  const archive = await get(`${name}.tar.gz`, 180_000);
  const actual = createHash("sha256").update(archive).digest("hex");
  if (actual !== expected) throw new Error(`official release: checksum of ${name} differs`);
  const file = join(folder, "release.tar.gz");
  writeFileSync(file, archive);
  const unpack = run("tar", ["-xzf", file, "-C", folder]);
  if (!unpack.ok) throw new Error(`official release: ${unpack.stderr.trim()}`);
  return join(folder, name, "nats-server");
}
