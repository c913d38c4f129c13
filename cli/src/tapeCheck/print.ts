/** What `tape info` and `tape check` show. Pure. */
import type { TapeProblem } from "@slipstream/sandbox/tape/format";
import type { CheckReport, TokenReport } from "./check.ts";
import type { TapeFiles } from "./files.ts";

const count = (value: number): string => value.toLocaleString("en-US");
const clock = (ms: number): string => new Date(ms).toISOString();

function spanText(ms: number): string {
  const seconds = ms / 1_000;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}

/** The head of both commands: size, span, records. */
export function headLines(
  path: string,
  { files, bytes, sealed }: TapeFiles,
  tape: {
    readonly records: number;
    readonly firstMs: number;
    readonly lastMs: number;
    readonly channels: Readonly<Record<string, number>>;
  },
): string[] {
  const seal = sealed === null ? [] : [sealed ? "sealed" : "not sealed: its recorder was killed, or still runs"];
  return [
    [path, `${files} ${files === 1 ? "file" : "files"}`, `${(bytes / 1e6).toFixed(1)} MB`, ...seal].join(" · "),
    `${count(tape.records)} records, ${spanText(tape.lastMs - tape.firstMs)} from ${clock(tape.firstMs)}`,
    ...Object.entries(tape.channels).map(([channel, n]) => `  ${channel.padEnd(16)} ${count(n).padStart(12)}`),
  ];
}

const TOKENS_SHOWN = 40;
const SILENCES_SHOWN = 10;

/** Everything a check has to say but its verdict. */
export function checkLines({ tokens, silences }: CheckReport): string[] {
  const sum = (of: (token: TokenReport) => number): string =>
    count(tokens.reduce((total, token) => total + of(token), 0));
  const proved = [
    `books: ${tokens.length} tokens, proved by hash ${sum((one) => one.passed)} times`,
    `(${sum((one) => one.proved)} of ${sum((one) => one.updates)} updates),`,
    `not ${sum((one) => one.failed)} times, unknown ${sum((one) => one.unknown)} times`,
  ].join(" ");
  // What needs a look first: failures, then what nothing proves.
  const ordered = [...tokens].sort((a, b) => b.failed - a.failed || a.passed - b.passed);
  const width = 34;
  const rows = ordered.slice(0, TOKENS_SHOWN).map((token) => {
    const { tokenId, question, updates, passed, failed, unknown, health, assumed } = token;
    const name = `${shortId(tokenId)} ${question}`.slice(0, width).padEnd(width);
    const numbers = [updates, passed, failed, unknown].map((n) => count(n).padStart(9)).join("");
    return `  ${name}${numbers}  ${health}${assumed ? ", minimum and neg-risk assumed" : ""}`;
  });
  const more = tokens.length - rows.length;
  return [
    proved,
    `  ${"token".padEnd(width)}${["updates", "proved", "failed", "unknown"].map((text) => text.padStart(9)).join("")}  at the end`,
    ...rows,
    ...(more > 0 ? [`  … and ${more} more, all better`] : []),
    ...silences
      .slice(0, SILENCES_SHOWN)
      .map(({ of, fromMs, ms }) => `quiet: ${of} said nothing for ${spanText(ms)} from ${clock(fromMs)}`),
    ...(silences.length > SILENCES_SHOWN ? [`quiet: … ${silences.length - SILENCES_SHOWN} times more`] : []),
  ];
}

const shortId = (id: string): string => (id.length > 12 ? `${id.slice(0, 5)}…${id.slice(-4)}` : id);

const PROBLEMS_SHOWN = 10;

/** Lines and files that could not be read. */
export function problemLines(problems: readonly TapeProblem[]): string[] {
  const lines = problems.slice(0, PROBLEMS_SHOWN).map(({ kind, file, line, why }) => {
    if (kind === "truncated") return `${file} ends early after line ${line - 1}: whoever wrote it was stopped`;
    if (kind === "corrupt") return `${file} cannot be read beyond line ${line - 1}: ${why}`;
    return `${file}, line ${line}: ${why}`;
  });
  const more = problems.length - lines.length;
  return more > 0 ? [...lines, `… and ${more} more such lines`] : lines;
}
