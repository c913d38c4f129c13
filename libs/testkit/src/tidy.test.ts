/** Limits of style that matter, as tests. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = resolve(fileURLToPath(import.meta.url), "../../../..");
const LINES_MAX = 350;

/** Files that may be longer, each with its reason. */
const longFiles: Readonly<Record<string, string>> = {};

/** What may read the environment: the start of a program and its settings; tests, their kit and benches. */
const environmentReaders =
  /(^|\/)(main|config)\.ts$|\.test\.ts$|^libs\/testkit\/|^test\/|^bench\/|^vitest\.config\.ts$/;

const foldersPassedOver = new Set(["node_modules", "coverage", "artifacts"]);

type File = { readonly path: string; readonly text: string };

/** Every file below `folder` with one of these endings; hidden folders other than .ci hold nothing of ours. */
function filesBelow(folder: string, endings: RegExp): File[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const full = join(folder, entry.name);
    if (entry.isDirectory()) {
      const passedOver = foldersPassedOver.has(entry.name) || (entry.name.startsWith(".") && entry.name !== ".ci");
      return passedOver ? [] : filesBelow(full, endings);
    }
    if (!entry.isFile() || !endings.test(entry.name) || entry.name === "package-lock.json") return [];
    return [{ path: relative(root, full).split(sep).join("/"), text: readFileSync(full, "utf8") }];
  });
}

const sources = filesBelow(root, /\.ts$/);
const offending = (files: readonly File[], offends: (file: File) => boolean): string[] =>
  files.filter(offends).map((file) => file.path);

test("the sources are found", () => {
  expect(sources.map((file) => file.path)).toContain("libs/testkit/src/tidy.test.ts");
});

test(`no file is longer than ${LINES_MAX} lines`, () => {
  const lines = (file: File) => file.text.split("\n").length - 1;
  expect(offending(sources, (file) => lines(file) > LINES_MAX && !(file.path in longFiles))).toEqual([]);
});

test("the list of longer files names no file that is short enough or gone", () => {
  const long = new Set(sources.filter((file) => file.text.split("\n").length - 1 > LINES_MAX).map((file) => file.path));
  expect(Object.keys(longFiles).filter((path) => !long.has(path))).toEqual([]);
});

test("no leftovers of a merge or an editor", () => {
  expect(filesBelow(root, /\.(orig|rej|bak|swp)$|~$/).map((file) => file.path)).toEqual([]);
});

test("unions of literals, no enums", () => {
  expect(offending(sources, (file) => /^\s*(export\s+)?(declare\s+)?(const\s+)?enum\s/m.test(file.text))).toEqual([]);
});

test("the environment is read where a program starts, nowhere else", () => {
  // Comments may speak of it.
  const code = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  const reads = (file: File) => /process\s*\.\s*env\b/.test(code(file.text)) && !environmentReaders.test(file.path);
  expect(offending(sources, reads)).toEqual([]);
});

test("no path of one machine", () => {
  const written = filesBelow(root, /\.(ts|mjs|json|jsonc|yml|yaml|md|sh|conf|sol)$|^run$/);
  const home = /(?<![\w.-])(\/home\/[a-z]|\/Users\/[A-Za-z]|\/root\/|[A-Z]:\\Users\\)/;
  const isTest = (file: File) => file.path === "libs/testkit/src/tidy.test.ts";
  expect(
    offending(written, (file) => !isTest(file) && (home.test(file.text) || file.text.includes(`${root}/`))),
  ).toEqual([]);
});

test("tests have no limits of time of their own and do not judge how long something took", () => {
  const timed = [
    // A limit of a test or of a wait: the ones of vitest.config.ts and of `until` are against hanging.
    /^\s*\}, [0-9_]{5,}\);/m,
    /\n(\s*)\},\n\1[^\n{}[\]"`=:]*\d{3}[^\n{}[\]"`=:]*,\n\s*\);/,
    /\btimeout: [0-9_]+ \}|\btimeout: [0-9_]+,\n\}/,
    /\{ [^{}\n]*\bwhat: [^\n]*timeoutMs/,
    // Vitest's own waits end after a second.
    /\bvi\.wait(For|Until)\(|\bexpect\.poll\(/,
    /expect\([^\n]*(performance|Date)\.now\(\)[^\n]*\)\.toBeLess/,
  ];
  // Their subject is the waiting itself.
  const about = new Set(["libs/testkit/src/until.test.ts", "libs/testkit/src/tidy.test.ts"]);
  const tests = sources.filter((file) => file.path.endsWith(".test.ts") && !about.has(file.path));
  expect(offending(tests, (file) => timed.some((shape) => shape.test(file.text)))).toEqual([]);
});
