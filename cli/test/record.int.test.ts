/** `slipstream record` as a process against a running world: sealed, killed, cut off; each checked, played and replayed. */
import { join, resolve } from "node:path";
import { startProcess } from "@slipstream/actor/process";
import type { Address, TokenId } from "@slipstream/contracts/ids";
import { loadTape, scanTape, type TapeRecord } from "@slipstream/sandbox/tape/format";
import { startTapePlayer } from "@slipstream/sandbox/tape/player";
import { RecordingIndex, tapeParts } from "@slipstream/sandbox/tape/recording";
import { startWorld, type World } from "@slipstream/sandbox/world";
import { anvilBin } from "@slipstream/testkit/binaries";
import { expectNoLeaks, makeFolder, removeFolder, startCounted } from "@slipstream/testkit/processes";
import { until } from "@slipstream/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { defaultAccount } from "../src/defaults.ts";
import { replay } from "../src/replay/replay.ts";
import { type CheckReport, complaintsOf, createTapeCheck } from "../src/tapeCheck/check.ts";

const main = resolve(import.meta.dirname, "../src/main.ts");
const folder = makeFolder("record");
let world: World;
beforeAll(async () => {
  const dir = join(folder, "world");
  world = await startWorld({ seed: "record", blockTimeMs: 500, pace: "fast", dir, anvilBin: anvilBin() });
});
afterAll(async () => {
  await world.stop();
  removeFolder(folder);
  await expectNoLeaks();
});

const environment = () => ({
  PATH: process.env["PATH"],
  SLIPSTREAM_HOME: join(folder, "home"),
  POLYGON_HTTP_URL: world.endpoints.rpcHttpUrl,
  POLYGON_WS_URL: world.endpoints.rpcWsUrl,
  CLOB_HTTP_URL: world.endpoints.clobHttpUrl,
  CLOB_MARKET_WS_URL: world.endpoints.clobMarketWsUrl,
  GAMMA_URL: world.endpoints.gammaUrl,
});
/** The settings of the services name the world; every leader's fills and all of its markets are recorded. */
const record = (out: string, ...more: string[]) =>
  startCounted({
    name: "record",
    command: process.execPath,
    args: [main, "record", "--out", out, "--top", "20", ...leaders().flatMap((one) => ["--leader", one]), ...more],
    env: environment(),
  });
const leaders = (): Address[] => world.leaders.map(({ address }) => address);
async function checkCommand(tape: string): Promise<{ code: number | null; output: string }> {
  const command = { name: "tape check", command: process.execPath, args: [main, "tape", "check", tape] };
  const running = await startProcess({ ...command, env: environment() });
  const { code } = await running.exited;
  return { code, output: running.outputTail() };
}
async function read(path: string): Promise<{ records: TapeRecord[]; report: CheckReport; problems: string[] }> {
  const check = createTapeCheck({ silenceMs: 30_000 });
  const records: TapeRecord[] = [];
  const problems: string[] = [];
  for await (const batch of scanTape(path)) {
    problems.push(...batch.problems.map(({ kind }) => kind));
    for (const one of batch.records) {
      records.push(one);
      check.take(one);
    }
  }
  return { records, report: check.end(), problems };
}
const countOf = async (path: string, channel: string): Promise<number> =>
  (await read(path)).records.filter(({ ch }) => ch === channel).length;
const reaches = (path: string, channel: string, count: number) =>
  until(async () => (await countOf(path, channel)) >= count, { timeoutMs: 20_000, what: `${count} of ${channel}` });
/** Every book was proved at least some times and never disproved. */
function expectProved({ tokens }: CheckReport): void {
  expect(tokens.length).toBe(world.markets.length * 2);
  for (const { passed, failed, health, assumed } of tokens) {
    expect({ failed, health, assumed }).toEqual({ failed: 0, health: "healthy", assumed: false });
    expect(passed).toBeGreaterThan(0);
  }
}

const sealed = join(folder, "sealed");
const killed = join(folder, "killed");

test("Ctrl-C seals a recording that is whole; kill -9 costs no more than its last moment", async () => {
  const [one, two] = await Promise.all([record(sealed), record(killed, "--rotate-minutes", "1")]);
  await reaches(killed, "clob.market.ws", 300);
  await two.kill9();
  await reaches(sealed, "clob.market.ws", 500);
  await reaches(sealed, "chain.log", 3);
  one.child.kill("SIGINT");
  expect(await one.exited).toMatchObject({ code: 0 });

  const whole = await read(sealed);
  expect(complaintsOf(whole.report)).toEqual([]);
  expect(whole.problems).toEqual([]);
  expectProved(whole.report);
  expect(tapeParts(sealed).index).toMatchObject({ endedBy: "a signal", parts: [{ records: whole.records.length }] });
  expect(await checkCommand(sealed)).toMatchObject({ code: 0, output: expect.stringContaining("whole: no gap") });

  const cut = await read(killed);
  expect(cut.problems).toEqual(["truncated"]);
  expect(complaintsOf(cut.report)).toEqual([]);
  expectProved(cut.report);
  expect(RecordingIndex.parse(tapeParts(killed).index)).toMatchObject({ endedMs: null });
  const told = await checkCommand(killed);
  expect(told).toMatchObject({ code: 1 });
  expect(told.output).toMatch(/wrong: .*part-000001.tape.jsonl.gz ends early after line \d+/);
  expect(told.output.match(/^wrong: /gm)).toHaveLength(1);
}, 60_000);

test("what was killed plays: subscribers get the recorded frames with their bytes", async () => {
  const said: string[] = [];
  const tape = await loadTape(killed, { onTruncated: (text) => said.push(text) });
  expect(said).toHaveLength(1);
  const player = await startTapePlayer({ tape, leadMs: 300, speed: 50 });
  const socket = new WebSocket(player.endpoints.clobMarketWsUrl);
  try {
    const frames: string[] = [];
    socket.on("message", (data) => frames.push(String(data)));
    await new Promise((opened) => socket.once("open", opened));
    const tokens: TokenId[] = player.markets.flatMap((market) => market.tokens.map(({ tokenId }) => tokenId));
    socket.send(JSON.stringify({ type: "market", assets_ids: tokens }));
    await until(() => frames.length > 0, { what: "the first frame" });
    expect(await player.play()).toMatchObject({ framesRefused: 0, given: tape.length });
    const recorded = tape.filter(({ ch }) => ch === "clob.market.ws").map(({ d }) => d);
    await until(() => frames.length === recorded.length + 1, { what: "all frames" });
    expect(frames.slice(1)).toEqual(recorded);
  } finally {
    socket.terminate();
    await player.stop();
  }
}, 30_000);

test("what was sealed replays: every fill of the leaders, none twice, and books proved", async () => {
  const tape = await loadTape(sealed);
  const { report, proofs, assumed } = replay({ tape, leaders: leaders(), account: defaultAccount });
  expect(report).toMatchObject({ missed: 0, duplicated: 0, errors: [] });
  expect(report.leaderFills).toBeGreaterThan(0);
  expect(proofs.failed).toBe(0);
  expect(proofs.passed).toBeGreaterThan(0);
  // As the venue, the sandbox leaves out a delay that there is not.
  expect(assumed.filter((text) => !text.endsWith(": no taker delay (its record does not say)"))).toEqual([]);
});

test("a cut connection is a gap that is told, and the books after it are proved again", async () => {
  const out = join(folder, "cut");
  const running = await record(out);
  await reaches(out, "clob.market.ws", 60);
  await world.faults.apply({ kind: "dropMarketSockets" });
  await world.faults.apply({ kind: "dropRpcSockets" });
  await reaches(out, "recorder.gap", 4);
  const before = await countOf(out, "clob.market.ws");
  await reaches(out, "clob.market.ws", before + 150);
  running.child.kill("SIGINT");
  expect(await running.exited).toMatchObject({ code: 0 });
  const { report, problems } = await read(out);
  expect(problems).toEqual([]);
  expectProved(report);
  // The chain was read again where its socket was lost: no block is missing, so that gap is none.
  expect(report.gaps.map(({ of }) => of).sort()).toEqual(["chain.log", "clob.market.ws"]);
  expect(complaintsOf(report)).toEqual([
    expect.stringMatching(/^gap of .*connection lost; m0 is lost.*connected again$/),
  ]);
}, 60_000);
