import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Address, TokenId } from "@slipstream/contracts/ids";
import { sharesMicro } from "@slipstream/contracts/money";
import { decodeOrderFilled } from "@slipstream/polymarket/orderFilled";
import { defaultExchanges } from "@slipstream/polymarket/versions";
import { afterAll, describe, expect, test } from "vitest";
import { addFills, readFills, type TapeHead, type TapeLog } from "./addFills.ts";
import { tapeBalances } from "./balances.ts";
import { loadTape, type TapeRecord, writeTape } from "./format.ts";

const folder = mkdtempSync(join(tmpdir(), "tape-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const leader = `0x${"Ab".repeat(20)}`;
const line = (over: Record<string, unknown> = {}): string =>
  JSON.stringify({ leader, tokenId: "77", side: "BUY", price: "0.62", size: "10", t: 5_000, role: "TAKER", ...over });
const frame = (t: number): TapeRecord => ({ t, ch: "clob.market.ws", d: "[]" });

describe("add-fills", () => {
  test("logs decode to exactly what was asked, between the records of the tape", async () => {
    const fills = await readFills(
      file(
        "fills.jsonl",
        `${line({ t: 6_000, side: "SELL", role: "MAKER", price: "0.615", size: "4.2" })}\n\n${line()}\n${line({ t: "5000" })}\n`,
      ),
    );
    const tape = addFills([frame(1_000), frame(5_000), frame(9_000)], fills);
    expect(tape.map(({ t, ch }) => `${t} ${ch}`)).toEqual([
      "1000 clob.market.ws",
      "1000 chain.head",
      "3000 chain.head",
      "5000 clob.market.ws",
      "5000 chain.head",
      "5000 chain.log",
      "5000 chain.log",
      "6000 chain.head",
      "6000 chain.log",
      "7000 chain.head",
      "9000 clob.market.ws",
      "9000 chain.head",
    ]);
    const logs = tape.filter(({ ch }) => ch === "chain.log").map(({ d }) => d as TapeLog);
    expect(logs.map((log) => decodeOrderFilled(log, defaultExchanges))).toMatchObject([
      {
        maker: leader.toLowerCase(),
        role: "TAKER",
        side: "BUY",
        tokenId: "77",
        sharesMicro: 10_000_000n,
        usdcMicro: 6_200_000n,
      },
      { role: "TAKER", side: "BUY", sharesMicro: 10_000_000n },
      { role: "MAKER", side: "SELL", sharesMicro: 4_200_000n, usdcMicro: 2_583_000n },
    ]);
    const heads = tape.filter(({ ch }) => ch === "chain.head").map(({ d }) => d as TapeHead);
    expect(heads[1]?.parentHash).toBe(heads[0]?.hash);
    expect(new Set(logs.map((log) => log.transactionHash)).size).toBe(3);
    expect(addFills([frame(1_000), frame(5_000), frame(9_000)], fills)).toEqual(tape);
  });

  test.each([
    ["not JSON", "{", /bad.jsonl, line 1: not JSON/],
    ["no wallet", line({ leader: "0x12" }), /line 1: [\s\S]*leader/],
    ["a number for a decimal", line({ price: 0.62 }), /line 1: [\s\S]*price/],
    ["seven decimals", line({ size: "1.0000001" }), /line 1: [\s\S]*size/],
    ["a price of 1", line({ price: "1" }), /a price below 1/],
    ["a role that is none", line({ role: "BOTH" }), /line 1: [\s\S]*role/],
    ["a cost no log can say", line({ price: "0.333333", size: "0.000001" }), /no whole micro-USDC/],
    ["a field too many", line({ fee: "1" }), /line 1: [\s\S]*fee/],
    ["a time in seconds", line({ t: 1_790_000_000 }), /line 1: t 1790000000 looks like seconds/],
  ])("%s is refused with file, line and field", async (_name, text, error) => {
    await expect(readFills(file("bad.jsonl", text))).rejects.toThrow(error);
  });
});

describe("tape files", () => {
  test.each(["a.jsonl", "a.jsonl.gz"])("%s comes back as it was written", async (name) => {
    const tape = [frame(1), frame(1), { t: 2, ch: "chain.head", d: { number: "0x1" } } as const];
    await writeTape(join(folder, name), tape);
    expect(await loadTape(join(folder, name))).toEqual(tape);
  });
  test.each([
    ["time runs back", `${JSON.stringify(frame(2))}\n${JSON.stringify(frame(1))}`, /line 2: t runs back/],
    ["a time in seconds", '{"t":1790000000,"ch":"clob.rest","d":1}', /line 1: t 1790000000 looks like seconds/],
    ["microseconds", '{"t":1790000000000000,"ch":"clob.rest","d":1}', /line 1: t \d+ looks like microseconds/],
    ["a frame that is no text", '{"t":1,"ch":"clob.market.ws","d":{}}', /line 1: d of clob.market.ws is no text/],
    ["an unknown channel", '{"t":1,"ch":"moon","d":1}', /line 1: /],
    ["no payload", '{"t":1,"ch":"clob.rest"}', /line 1: d is missing/],
    ["nothing", "", /holds no record/],
  ])("%s is refused", async (_name, text, error) => {
    await expect(loadTape(file("bad.tape", text))).rejects.toThrow(error);
  });
  test("a file that is not there is named", async () => {
    await expect(loadTape(join(folder, "gone.jsonl"))).rejects.toThrow(/gone\.jsonl cannot be read/);
  });
});

test("a wallet's balances follow its fills and are never overdrawn", async () => {
  const fills = await readFills(
    file(
      "b.jsonl",
      [line({ t: 1_000 }), line({ t: 3_000, side: "SELL", size: "25" }), line({ t: 5_000, size: "1" })].join("\n"),
    ),
  );
  const tape = addFills([frame(0)], fills);
  const blocks = tape.filter(({ ch }) => ch === "chain.log").map(({ d }) => Number((d as TapeLog).blockNumber));
  const balances = tapeBalances(tape);
  const held = [(blocks[0] ?? 0) - 1, ...blocks].map((block) =>
    balances.at(leader.toLowerCase() as Address, "77" as TokenId, block),
  );
  expect(held).toEqual([15_000_000n, 25_000_000n, 0n, 1_000_000n].map(sharesMicro));
  expect(balances.at(leader.toLowerCase() as Address, "78" as TokenId, 1)).toBe(0n);
});
