/** Tapes, replayed directly and through real sockets, services and bus: the same leader fills and decisions. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { addFills } from "@slipstream/sandbox/tape/addFills";
import { loadTape, type TapeRecord, writeTape } from "@slipstream/sandbox/tape/format";
import { fillsAtTheTouch } from "@slipstream/sandbox/tape/touchFills.testing";
import { expectNoLeaks, makeFolder, removeFolder } from "@slipstream/testkit/processes";
import { sampleTapes } from "@slipstream/testkit/samples";
import { afterAll, expect, test } from "vitest";
import { defaultAccount } from "../../cli/src/defaults.ts";
import { fillLine, replay } from "../../cli/src/replay/replay.ts";
import { startRun } from "./kit.ts";

const folder = makeFolder("tapes");
afterAll(() => {
  removeFolder(folder);
  expectNoLeaks();
});

type OwnFill = { leaderFillId: string; tokenId: string; priceMicro: number; sizeMicro: string; atMs: number };
/** The largest recording would take too long. */
const played = [
  ["made-rain-", 5, 9_000],
  ["lol-", 5, 9_000],
  ["mlb-hou-bal-", 60, 30_000],
] as const;
const rounds = played.flatMap(([start, speed, everyMs]) =>
  sampleTapes.filter(({ name }) => name.startsWith(start)).map(({ name, path }) => ({ name, path, speed, everyMs })),
);

test.each(rounds)("$name at $speed ×: played as replayed", async ({ name, path, speed, everyMs }) => {
  const recorded = await loadTape(path);
  const tape = addFills(recorded, fillsAtTheTouch(recorded, everyMs));
  const file = join(folder, `${name}.tape.jsonl.gz`);
  await writeTape(file, tape);
  const direct = replay({ tape, leaders: [], account: defaultAccount });
  const fillsFile = join(folder, `${name}.fills.jsonl`);
  const run = await startRun(["tape", "play", file, "--speed", String(speed), "--fills-out", fillsFile]);
  try {
    expect({ code: await run.exitCode(), errors: run.report().errors }).toEqual({ code: 0, errors: [] });
    const played = run.report();
    expect(played.leaderFills).toBe(direct.report.leaderFills);
    expect(played.attempts.trade + played.attempts.skip).toBe(
      direct.report.attempts.trade + direct.report.attempts.skip,
    );
    const read = (lines: string[]): OwnFill[] =>
      lines.filter((line) => line !== "").map((line) => JSON.parse(line) as OwnFill);
    const ours = read(readFileSync(fillsFile, "utf8").split("\n"));
    const theirs = read(direct.fills.map(fillLine));
    // How late the slowest of its decisions was, in the world's time: few enough samples for p99 to be the latest.
    const { seenToPublished, publishedToDecided, decidedToPlaced } = played.latencyMs;
    const lateMs = seenToPublished.p99 + publishedToDecided.p99 + decidedToPlaced.p99;
    expect(unexplained(ours, theirs, tape, SLACK_MS + lateMs)).toEqual([]);
  } finally {
    await run.clean();
  }
});

/**
 * Differences that timing does not explain. Both ways see the same book at the same venue time, so the fills of a leader's
 * fill may differ only when a frame of its market lies between the two times of placement, or when an earlier difference
 * in the same token changed what was held. `atMs` tells the time of placement.
 */
function unexplained(
  played: readonly OwnFill[],
  direct: readonly OwnFill[],
  tape: readonly TapeRecord[],
  slackMs: number,
): string[] {
  const frames = tape.filter(({ ch }) => ch === "clob.market.ws").map(({ t }) => t);
  const byLeaderFill = (fills: readonly OwnFill[]): Map<string, OwnFill[]> =>
    Map.groupBy(fills, (fill) => fill.leaderFillId);
  const [mine, theirs] = [byLeaderFill(played), byLeaderFill(direct)];
  const touched = new Set<string>();
  const found: string[] = [];
  const ids = [...new Set([...theirs.keys(), ...mine.keys()])];
  const timeOf = (id: string): number =>
    Math.min(...[...(theirs.get(id) ?? []), ...(mine.get(id) ?? [])].map((fill) => fill.atMs));
  for (const id of ids.sort((a, b) => timeOf(a) - timeOf(b))) {
    const [a, b] = [mine.get(id) ?? [], theirs.get(id) ?? []];
    const essence = (fills: readonly OwnFill[]): string =>
      fills.map(({ priceMicro, sizeMicro }) => `${sizeMicro}@${priceMicro}`).join(" ");
    if (essence(a) === essence(b)) continue;
    const token = (a[0] ?? b[0])?.tokenId ?? "";
    const times = [...a, ...b].map((fill) => fill.atMs);
    const moved = frames.some((t) => t >= Math.min(...times) - slackMs && t <= Math.max(...times) + slackMs);
    if (!moved && !touched.has(token)) found.push(`${id}: played ${essence(a)}, replayed ${essence(b)}`);
    touched.add(token);
  }
  return found;
}
/** A tape's receive times lag behind venue time by up to 400 ms; the rest is for what no latency measures. */
const SLACK_MS = 1_500;
