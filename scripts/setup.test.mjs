import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fetchRelease, findNatsServer, isNewEnough, mirrorRoots } from "./nats-server.mjs";
import { cacheFolder, packagesAreCurrent } from "./setup.mjs";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "slipstream-setup-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A program that answers --version as nats-server does. */
function fakeServer(path, version) {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  chmodSync(path, 0o755);
  return path;
}

describe("finding nats-server", () => {
  test.each([
    ["2.9.10", false],
    ["2.10.27", false],
    ["2.11.0", true],
    ["2.15.1", true],
    ["3.0.0", true],
  ])("%s is new enough: %s", (version, expected) => expect(isNewEnough(version)).toBe(expected));

  test("an old one on PATH is passed over for a newer one in the cache", () => {
    fakeServer(join(folder, "path", "nats-server"), "2.9.10");
    const cached = fakeServer(join(folder, "cache", "bin", "nats-server"), "2.15.1");
    // The machine's own may be newer: then that one wins, but never the old one.
    const found = findNatsServer({ env: { PATH: join(folder, "path") }, cacheDir: join(folder, "cache") });
    expect([cached, "/usr/sbin/nats-server", "/usr/local/bin/nats-server"]).toContain(found);
  });

  test("a setting that is too old or wrong is an error that names it", () => {
    const old = fakeServer(join(folder, "old"), "2.10.27");
    const find = (NATS_SERVER_BIN) => () => findNatsServer({ env: { NATS_SERVER_BIN }, cacheDir: folder });
    expect(find(old)).toThrow(`NATS_SERVER_BIN=${old} is 2.10.27, needed is 2.11 or newer`);
    expect(find("/no/such")).toThrow("NATS_SERVER_BIN=/no/such is not a nats-server that runs here");
  });

  test("mirrors: Debian's own first, none of the suites that only patch", () => {
    const printed = [
      "'https://packages.example.org/apt/dists/tool/InRelease' packages.example.org_apt_dists_tool_InRelease 0 ",
      "'http://mirror.example.org/debian/dists/bookworm/InRelease' mirror.example.org_debian_dists_bookworm_InRelease 0 ",
      "'http://mirror.example.org/debian/dists/bookworm-updates/InRelease' mirror_updates 0 ",
      "'http://security.example.org/debian-security/dists/bookworm-security/InRelease' security 0 ",
      "'http://mirror.example.org/debian/dists/bookworm/main/binary-amd64/Packages.xz' packages 0 ",
    ];
    expect(mirrorRoots(printed.join("\n"))).toEqual([
      "http://mirror.example.org/debian/",
      "https://packages.example.org/apt/",
    ]);
  });
});

describe("the official release", () => {
  /** Serves one made release from this machine. */
  async function withRelease(checksumOf, use) {
    let archive = Buffer.alloc(0);
    let name = "";
    const server = createServer((request, response) => {
      const file = request.url.split("/").at(-1);
      // The name is asked for by its platform: pack what is asked for.
      if (file === "SHA256SUMS") return response.end(`${checksumOf(archive)}  ${name}.tar.gz\n`);
      return response.end(archive);
    });
    const [os, cpu] = [process.platform, process.arch === "x64" ? "amd64" : process.arch];
    name = `nats-server-v2.14.2-${os}-${cpu}`;
    fakeServer(join(folder, "made", name, "nats-server"), "2.14.2");
    spawnSync("tar", ["-czf", join(folder, "made.tar.gz"), "-C", join(folder, "made"), name]);
    archive = readFileSync(join(folder, "made.tar.gz"));
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      mkdirSync(join(folder, "work"));
      await use(`http://127.0.0.1:${server.address().port}`);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  }
  const get = (releasesUrl) => fetchRelease({ folder: join(folder, "work"), say: () => undefined, releasesUrl });

  test("is unpacked when its checksum is the published one", () =>
    withRelease(
      (archive) => createHash("sha256").update(archive).digest("hex"),
      async (url) => expect(existsSync(await get(url))).toBe(true),
    ));

  test("is refused, and nothing unpacked, when the checksum differs", () =>
    withRelease(
      () => "0".repeat(64),
      async (url) => {
        await expect(get(url)).rejects.toThrow("checksum of nats-server-v2.14.2");
        expect(readdirSync(join(folder, "work"))).toEqual([]);
      },
    ));

  test("an address nobody answers at ends with the reason", async () => {
    await expect(get("http://127.0.0.1:1")).rejects.toThrow(/^official release: /);
  });
});

describe("installed packages", () => {
  const wanted = { version: "1.0.0", integrity: "sha512-a" };
  const lock = {
    packages: {
      "": { name: "root" },
      "libs/a": { version: "0.1.0" },
      "node_modules/@s/a": { resolved: "libs/a", link: true },
      "node_modules/b": wanted,
      "node_modules/b-other-os": { ...wanted, optional: true },
    },
  };
  const all = { "node_modules/@s/a": { resolved: "libs/a", link: true }, "node_modules/b": wanted };
  test.each([
    ["the same, another platform's absent", all, true],
    ["a package missing", { "node_modules/@s/a": all["node_modules/@s/a"] }, false],
    ["a workspace not linked", { "node_modules/b": wanted }, false],
    ["another version", { ...all, "node_modules/b": { ...wanted, version: "1.0.1" } }, false],
    ["another content", { ...all, "node_modules/b": { ...wanted, integrity: "sha512-b" } }, false],
  ])("%s", (_, packages, expected) => expect(packagesAreCurrent(lock, { packages })).toBe(expected));
});

describe("the cache folder", () => {
  test("the setting comes first, then the system's, then the home", () => {
    const env = { SLIPSTREAM_CACHE: join(folder, "a"), XDG_CACHE_HOME: join(folder, "b"), HOME: join(folder, "c") };
    expect(cacheFolder(env)).toBe(join(folder, "a"));
    expect(cacheFolder({ ...env, SLIPSTREAM_CACHE: "" })).toBe(join(folder, "b", "slipstream"));
    expect(cacheFolder({ HOME: env.HOME })).toBe(join(folder, "c", ".cache", "slipstream"));
  });

  test("without a usable home it lies in the clone", () => {
    writeFileSync(join(folder, "file"), "");
    expect(cacheFolder({ HOME: join(folder, "file") }, folder)).toBe(join(folder, ".slipstream", "cache"));
  });
});
