/**
 * Books under every fault of sockets, REST and bus: at each instant, each of the executor's books equals the venue's true
 * book at that venue time, or is marked not healthy. `npm run faults -- books [--minutes 10] [--seed S] [--short]`
 *
 * What is promised: a lost message is noticed at the latest 2 s after the next message of its token was sent (bursts end
 * within 1 s by our clock); when none comes, by the audit: within its round and 5 s, and a round later if REST fails just
 * then. Until it is noticed nobody can know, and such books are counted as wrong within the window. A run is not clean when
 * one is wrong and healthy beyond it, or at rest.
 */
import type { Spell, Violation } from "./booksJudge.ts";
import { type RunOptions, type RunResult, runBooks } from "./booksRun.ts";

export type BooksOptions = Pick<
  RunOptions,
  "markets" | "scale" | "auditSeconds" | "silenceMs" | "tokensPerConnection"
> & {
  readonly seed: string;
  /** null: each fault once. */
  readonly minutes: number | null;
  readonly instantEveryMs: number;
  /** Added to what is promised: 0, or what a machine whose processors are busy may be late by. */
  readonly lateMs: number;
  readonly say: (line: string) => void;
};

/** 1,000 instants in 10 minutes, settings as they are by default but the tokens per connection. */
export const fullBooks = {
  ...{ markets: 100, scale: 1, auditSeconds: 90, silenceMs: 10_000, tokensPerConnection: 50 },
  ...{ minutes: 10, instantEveryMs: 590, lateMs: 0 },
};
export const shortBooks = {
  ...{ markets: 20, scale: 0.15, auditSeconds: 10, silenceMs: 3_000, tokensPerConnection: 10 },
  ...{ minutes: null, instantEveryMs: 200, lateMs: 120_000 },
};

const TOLD_WITHIN_MS = 2_000;
const AUDIT_TAKES_MS = 5_000;
const VIOLATIONS_SHOWN = 6;

/** @returns a report for a person, and whether nothing was wrong and healthy. */
export async function runBookFaults(
  options: BooksOptions,
): Promise<{ readonly text: string; readonly clean: boolean; readonly result: RunResult }> {
  const { minutes, auditSeconds, lateMs, say } = options;
  const startedMs = Date.now();
  const notes: Note[] = [];
  const result = await runBooks({
    ...options,
    faultsMs: minutes === null ? null : minutes * 60_000,
    window: {
      toldWithinMs: TOLD_WITHIN_MS + lateMs,
      untoldWithinMs: 2 * auditSeconds * 1_000 + AUDIT_TAKES_MS + lateMs,
    },
    restMs: TOLD_WITHIN_MS,
    onNote: (text) => {
      const atMs = Date.now();
      notes.push({ atMs, text });
      say(`${((atMs - startedMs) / 1_000).toFixed(1).padStart(7)} s  ${text}`);
    },
  });
  const { violations } = result.verdict;
  const first = new Map(violations.toReversed().map((violation) => [violation.tokenId, violation]));
  const explained = [...first.values()]
    .slice(0, VIOLATIONS_SHOWN)
    .flatMap((violation) => explain(violation, notes, result.told(violation.tokenId)));
  const lines = rowsOf(result, options).map(([name, text]) => `${name.padEnd(40)} ${text}`);
  const clean = violations.length === 0 && result.wrongAtRest === 0;
  return { text: [...lines, ...explained].join("\n"), clean, result };
}

type Note = { readonly atMs: number; readonly text: string };

function rowsOf(result: RunResult, { seed, markets }: BooksOptions): [string, string][] {
  const { verdict, instants, line, rest, flow, gauges, wrongAtRest, wholeAfterMs } = result;
  const { equal, notHealthy, wrongInWindow, spells, violations, epochs } = verdict;
  const no = sum(notHealthy.values());
  const all = equal + no + wrongInWindow + violations.length;
  const share = (count: number): string => `${((100 * count) / all).toFixed(3)} %`;
  const told = ["resyncs", "proofsPassed", "proofsFailed", "touchFailures"];
  return [
    ["seed", seed],
    [`faults: ${sum(result.faults.values())}`, listed(result.faults)],
    ["venue", `${2 * markets} tokens, ${flow.bursts} bursts, ${flow.trades} trades`],
    ["messages", listed(Object.entries(line))],
    ["REST", listed(Object.entries(rest))],
    ["instants × books", `${instants} × ${2 * markets}, and ${verdict.instants - instants} at rest`],
    ["equal", `${equal}, ${share(equal)} (availability)`],
    ["not healthy", `${no}, ${share(no)}: ${listed(notHealthy)}`],
    ["wrong and healthy within the window", `${wrongInWindow}, ${share(wrongInWindow)}`],
    ...spellRows(spells),
    ["wrong and healthy beyond the window", String(violations.length)],
    ["wrong and healthy at rest", String(wrongAtRest)],
    ["all right and healthy after the faults", `${wholeAfterMs} ms`],
    ["bookstore", listed(told.map((name) => [name, gauges[name] ?? 0]))],
    ["epochs compared", String(epochs.size)],
  ];
}

const sum = (counts: Iterable<number>): number => [...counts].reduce((total, count) => total + count, 0);
const listed = (counts: Iterable<readonly [string, number]>): string =>
  [...counts].map(([name, count]) => `${name} ${count}`).join(", ");

/** How long wrong books were called healthy, by what was missed first. */
function spellRows(spells: readonly Spell[]): [string, string][] {
  const causes = new Map<string, Spell[]>();
  for (const spell of spells) causes.set(spell.cause, [...(causes.get(spell.cause) ?? []), spell]);
  return [...causes].map(([cause, own]) => {
    const ends = ({ endedMs, seenMs }: Spell): number => endedMs ?? seenMs;
    const lasted = own.map((spell) => ends(spell) - spell.missedMs);
    // A book may be noticed by other means than the message that could tell, and before it.
    const known = own.flatMap((spell) => (spell.toldMs === null ? [] : [Math.max(0, ends(spell) - spell.toldMs)]));
    return [
      `  ${cause}: ${own.length} times`,
      `from the loss ${spread(lasted)}; from the first message that could tell (${known.length}) ${spread(known)}`,
    ];
  });
}

function spread(durations: readonly number[]): string {
  const sorted = durations.toSorted((a, b) => a - b);
  return `median ${sorted[Math.floor(sorted.length / 2)] ?? 0} ms, longest ${sorted.at(-1) ?? 0} ms`;
}

/** A violation with the faults and bookstore's words around it. */
function explain({ tokenId, atMs, text }: Violation, notes: readonly Note[], told: readonly string[]): string[] {
  const near = (ms: number): boolean => ms > atMs - 12_000 && ms < atMs + 3_000;
  return [
    "",
    `WRONG ${tokenId.slice(0, 10)}… asked at ${atMs}: ${text}`,
    ...notes.filter((note) => near(note.atMs)).map((note) => `   ${note.atMs} fault: ${note.text}`),
    ...told.filter((line) => near(Number(line.split(" ")[0]))).map((line) => `   ${line}`),
  ];
}
