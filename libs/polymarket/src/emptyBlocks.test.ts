import { TransientError } from "@slipstream/contracts/errors";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bloomOf, itemsKept, mayContain } from "./bloom.ts";
import { type BloomHeader, type NamedRpc, suspectEmpty, verifyEmpty } from "./emptyBlocks.ts";
import { type LogFilter, matches } from "./logFilter.ts";
import { RpcRefusedError } from "./rpc.ts";
import { fixedHex } from "./testing/logs.ts";

const [exchange, filled, order] = [fixedHex("e1", 20), fixedHex("f1", 32), fixedHex("0d", 32)];
const [alice, bob] = [fixedHex("a1", 32), fixedHex("b0", 32)];
const hash = fixedHex("b1", 32);
const fill = { address: exchange, topics: [filled, order, alice], blockHash: hash, logIndex: "0x1" };
/** Its items make the bloom say that a fill of Alice may be there. */
const decoys = [
  { address: exchange, topics: [filled, order, bob], blockHash: hash },
  { address: fixedHex("99", 20), topics: [alice], blockHash: hash },
];
const filter: LogFilter = { address: [exchange], topics: [[filled], null, [alice]] };
const headerOf = (logs: Parameters<typeof bloomOf>[0]): BloomHeader => ({ hash, logsBloom: bloomOf(logs) });
const truly = headerOf([fill]);
const falsely = headerOf(decoys);

describe("which empty answers are doubted", () => {
  test("one for a block whose bloom holds exchange, event and wallet, narrowed to them", () => {
    const wide: LogFilter = { address: [exchange, fixedHex("77", 20)], topics: [[filled], null, [alice, bob]] };
    expect(suspectEmpty(truly, [wide], [])).toEqual([filter]);
  });
  test.each([
    ["the node gave a log of it", truly, [fill], []],
    ["the node gave a log of another block only", truly, [{ ...fill, blockHash: fixedHex("b2", 32) }], [filter]],
    ["the bloom excludes the wallet", headerOf([{ ...fill, topics: [filled, order, bob] }]), [], []],
    ["the bloom is empty", headerOf([]), [], []],
    ["the bloom is full", { hash, logsBloom: `0x${"f".repeat(512)}` }, [], []],
    ["the bloom is half full and may be wrong", falsely, [], [filter]],
  ])("%s", (_name, header, logs, doubted) => {
    expect(suspectEmpty(header, [filter], logs)).toEqual(doubted);
  });
  test("each filter by itself", () => {
    const ofBob: LogFilter = { ...filter, topics: [[filled], null, [bob]] };
    const header = headerOf([fill, ...decoys]);
    expect(suspectEmpty(header, [filter, ofBob], [fill])).toEqual([ofBob]);
  });
});

type Fake = { readonly byHash: unknown; readonly receipts?: unknown };
/** A node that answers, or throws what is an Error. */
function node(name: string, { byHash, receipts = new Error("no receipts") }: Fake): NamedRpc & { asked: string[] } {
  const asked: string[] = [];
  const call = async (method: string): Promise<unknown> => {
    asked.push(method);
    const answer = method === "eth_getLogs" ? byHash : receipts;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { name, rpc: { call }, asked };
}
const gone = new TransientError("RPC_UNREACHABLE", "gone");
const unknownBlock = new RpcRefusedError("eth_getLogs", { code: -32000, message: "unknown block" });
const receiptsOf = (...logs: unknown[]) => [{ logs: [] }, { logs }];
const verdict = (header: BloomHeader, doubted: Fake, ...witnesses: Fake[]) =>
  verifyEmpty({
    header,
    filters: [filter],
    doubted: node("doubted", doubted),
    witnesses: witnesses.map((fake, index) => node(`w${index + 1}`, fake)),
  });
const found = { logs: [fill] };

test("what logs hold is not remembered, only what filters ask for", async () => {
  const hex = (kind: string, n: number): string => fixedHex(`${kind}${n.toString(16).padStart(8, "0")}`, 32);
  const stranger = (n: number) => ({ ...fill, topics: [filled, hex("0d", n), alice, hex("c0", n)] });
  const ask = (n: number) => {
    const header = headerOf([stranger(n)]);
    expect(suspectEmpty(header, [filter], [])).toEqual([filter]);
    return verdict(header, { byHash: [] }, { byHash: [stranger(n)] });
  };
  await ask(0);
  const before = itemsKept();
  for (let n = 1; n <= 2_000; n++) expect((await ask(n)).kind).toBe("lying");
  expect(itemsKept()).toBe(before);
});

describe("how a doubt is settled", () => {
  test.each([
    ["another node has none either", falsely, [{ byHash: [] }, { byHash: [] }], { kind: "empty", by: "w1" }],
    [
      "the first witness is gone",
      falsely,
      [{ byHash: [] }, { byHash: gone }, { byHash: [] }],
      { kind: "empty", by: "w2" },
    ],
    [
      "another node has it, this one by hash too",
      truly,
      [{ byHash: [fill] }, { byHash: [fill] }],
      { kind: "lying", by: "w1", ...found },
    ],
    [
      "another node has it, this one denies it by hash",
      truly,
      [{ byHash: [] }, { byHash: [fill] }],
      { kind: "lying", by: "w1", ...found },
    ],
    [
      "another node has it, this one lacks the block",
      truly,
      [{ byHash: unknownBlock }, { byHash: [fill] }],
      { kind: "logs", by: "w1", ...found },
    ],
    [
      "alone, and by hash it gives what it left out",
      truly,
      [{ byHash: [fill] }],
      { kind: "lying", by: "doubted", ...found },
    ],
    [
      "alone, and its receipts have it",
      truly,
      [{ byHash: [], receipts: receiptsOf(fill) }],
      { kind: "lying", by: "doubted", ...found },
    ],
    [
      "alone, and its receipts explain the bloom without it",
      falsely,
      [{ byHash: [], receipts: receiptsOf(...decoys) }],
      { kind: "empty", by: "doubted" },
    ],
    [
      "receipts with logs beyond the bloom are complete too",
      falsely,
      [{ byHash: gone, receipts: receiptsOf(...decoys, { ...fill, address: fixedHex("1010", 20), topics: [order] }) }],
      { kind: "empty", by: "doubted" },
    ],
    [
      "receipts that leave out as well prove nothing",
      truly,
      [{ byHash: [], receipts: receiptsOf() }],
      { kind: "unknown", problems: [`doubted gave receipts of ${hash} that do not explain its bloom`] },
    ],
    [
      "no way is open",
      truly,
      [{ byHash: gone }, { byHash: gone }],
      { kind: "unknown", problems: ["w1: gone", "doubted: gone", "doubted: no receipts"] },
    ],
    [
      "an answer of another shape is no answer",
      truly,
      [{ byHash: "none" }],
      { kind: "unknown", problems: ["doubted: no list of logs", "doubted: no receipts"] },
    ],
  ] as const)("%s", async (_name, header, [doubted, ...witnesses], expected) => {
    expect(await verdict(header, doubted, ...witnesses)).toEqual(expected);
  });

  test.each([
    ["of another block", { ...fill, blockHash: fixedHex("b2", 32) }],
    ["that was not asked for", { ...fill, topics: [filled, order, bob] }],
    ["that the bloom excludes", { ...fill, topics: [filled, fixedHex("bad", 32), alice] }],
  ])("a witness that gives a log %s convicts nobody", async (_name, log) => {
    const { kind } = await verdict(truly, { byHash: gone }, { byHash: [log] });
    expect(kind).toBe("unknown");
  });

  test("no more than a few witnesses are asked", async () => {
    const crowd = Array.from({ length: 6 }, () => ({ byHash: gone }));
    expect(await verdict(truly, { byHash: gone }, ...crowd)).toMatchObject({
      problems: ["w1: gone", "w2: gone", "w3: gone", "doubted: gone", "doubted: no receipts"],
    });
  });
});

test("an honest node is never convicted, whatever is in the block and whoever is down", async () => {
  const item = (bytes: number) => fc.integer({ min: 1, max: 12 }).map((n) => fixedHex(n.toString(16), bytes));
  const anyLog = fc.record({
    address: item(20),
    topics: fc.array(item(32), { minLength: 1, maxLength: 3 }),
    blockHash: fc.constant(hash),
  });
  const up = fc.tuple(fc.boolean(), fc.boolean(), fc.boolean());
  let doubts = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyLog, { maxLength: 30 }),
      item(20),
      item(32),
      item(32),
      up,
      async (logs, address, first, third, alive) => {
        const wanted: LogFilter = { address: [address], topics: [[first], null, [third]] };
        const header = headerOf(logs);
        const truth = logs.filter((log) => matches(wanted, log));
        const honest = (name: string, isUp: boolean): NamedRpc =>
          node(name, isUp ? { byHash: truth, receipts: receiptsOf(...logs) } : { byHash: gone, receipts: gone });
        const filters = suspectEmpty(header, [wanted], truth, 1);
        if (filters.length === 0) return;
        doubts += 1;
        expect(mayContain(header.logsBloom, [address, first, third])).toBe(true);
        const result = await verifyEmpty({
          header,
          filters,
          doubted: honest("doubted", alive[0]),
          witnesses: [honest("w1", alive[1]), honest("w2", alive[2])],
        });
        expect(result.kind).toBe(alive.includes(true) ? "empty" : "unknown");
      },
    ),
    { numRuns: Number(process.env["FC_RUNS"] ?? 300) },
  );
  expect(doubts).toBeGreaterThan(0);
});
