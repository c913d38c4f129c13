/** A tape played through real sockets: what a subscriber sees, byte for byte, and what REST and the chain answer. */
import { systemClock } from "@slipstream/actor/clock";
import type { Address, TokenId } from "@slipstream/contracts/ids";
import { parseShares, priceMicro } from "@slipstream/contracts/money";
import { decodeUintArray, encodeBalanceOfBatch } from "@slipstream/polymarket/calls";
import { gammaClient, marketOfGamma } from "@slipstream/polymarket/gamma";
import { createHttpReader } from "@slipstream/polymarket/http";
import { connectRpcSocket, httpRpc } from "@slipstream/polymarket/rpc";
import { sampleTapes } from "@slipstream/testkit/samples";
import { HANGING_MS, until } from "@slipstream/testkit/until";
import { afterEach, expect, test } from "vitest";
import WebSocket from "ws";
import { type AddedFill, addFills, type TapeLog } from "../src/tape/addFills.ts";
import { loadTape, type TapeRecord } from "../src/tape/format.ts";
import { startTapePlayer, type TapePlayer, type TapePlayerOptions } from "../src/tape/player.ts";

const START = 1_790_000_000_000;
const condition = `0x${"ab".repeat(32)}`;
const [yes, no] = ["11", "22"] as [TokenId, TokenId];
const leader = `0x${"1e".repeat(20)}` as Address;

const book = (asset_id: string, bid: string, ask: string): Record<string, unknown> => ({
  event_type: "book",
  market: condition,
  asset_id,
  timestamp: String(START),
  hash: "0".repeat(40),
  bids: [{ price: bid, size: "100" }],
  asks: [{ price: ask, size: "50" }],
  tick_size: "0.01",
  last_trade_price: "0.400",
});
const change = (tokenId: string, price: string, size: string): string =>
  JSON.stringify({
    market: condition,
    price_changes: [
      { asset_id: tokenId, price, size, side: "BUY", hash: "1".repeat(40), best_bid: price, best_ask: "" },
    ],
    timestamp: String(START + 40),
    event_type: "price_change",
  });
const frame = (at: number, d: string): TapeRecord => ({ t: START + at, ch: "clob.market.ws", d });
const market = [
  frame(0, JSON.stringify([book(yes, "0.4", "0.41"), book(no, "0.59", "0.6")])),
  frame(20, ""),
  frame(50, change(yes, "0.4", "70.5")),
  frame(60, change("33", "0.1", "1")),
];
const fill = (at: number, side: "BUY" | "SELL", size: string): AddedFill => ({
  leader,
  tokenId: yes,
  side,
  priceMicro: priceMicro(410_000),
  sizeMicro: parseShares(size),
  t: START + at,
  role: "TAKER",
});

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});
async function player(options: TapePlayerOptions): Promise<TapePlayer> {
  const started = await startTapePlayer(options);
  open.push(started.stop);
  return started;
}
async function subscribe(url: string, tokens: readonly string[]): Promise<string[]> {
  const socket = new WebSocket(url);
  const frames: string[] = [];
  socket.on("message", (data) => frames.push(String(data)));
  open.push(() => socket.terminate());
  await new Promise((opened) => socket.once("open", opened));
  socket.send(JSON.stringify({ type: "market", assets_ids: tokens, custom_feature_enabled: true }));
  await until(() => frames.length > 0, { what: "the first frame" });
  return frames;
}

test("subscribers get the frames of their tokens with their bytes; who comes late gets the books as they stand", async () => {
  const played = await player({ tape: market, leadMs: 200 });
  const early = await subscribe(played.endpoints.clobMarketWsUrl, [yes]);
  const other = await subscribe(played.endpoints.clobMarketWsUrl, ["33"]);
  expect(await played.play()).toMatchObject({ framesRefused: 0, lateMsMax: expect.any(Number) });
  await until(() => early.length === 4 && other.length === 3, { what: "all frames" });
  expect(early).toEqual(["[]\n", ...market.slice(0, 3).map(({ d }) => d)]);
  expect(other).toEqual(["[]\n", "", market[3]?.d]);
  const late = await subscribe(played.endpoints.clobMarketWsUrl, [yes, "44"]);
  expect(JSON.parse(late[0] ?? "")).toMatchObject([
    { event_type: "book", asset_id: yes, bids: [{ price: "0.4", size: "70.5" }], tick_size: "0.01" },
  ]);
  const rest = await fetch(new URL("/books", played.endpoints.clobHttpUrl), {
    method: "POST",
    body: JSON.stringify([{ token_id: yes }, { token_id: "44" }]),
  });
  expect(await rest.json()).toMatchObject([
    { asset_id: yes, bids: [{ price: "0.4", size: "70.5" }], min_order_size: "5", neg_risk: false },
  ]);
  const gamma = gammaClient(
    createHttpReader({ baseUrl: played.endpoints.gammaUrl, clock: systemClock(), random: () => 0 }),
  );
  const [object] = await gamma.byTokens([no]);
  expect(marketOfGamma(object, 1)).toMatchObject({ conditionId: condition, tickMicro: 10_000, takerDelayMs: 0 });
  expect((await gamma.openPage(null)).markets).toEqual([object]);
});

test("fills are logs of a chain that lives before the tape, and balances follow them", async () => {
  const tape = addFills(market, [fill(30, "BUY", "10"), fill(80, "SELL", "4")]);
  const logs = tape.filter(({ ch }) => ch === "chain.log").map(({ d }) => d as TapeLog);
  const played = await player({ tape, leadMs: 400, speed: 2 });
  const world = await fetch(new URL("/world", played.endpoints.clobHttpUrl));
  expect(await world.json()).toMatchObject({
    endpoints: played.endpoints,
    leaders: [{ address: leader }],
    clock: played.clock,
  });
  const { rpcHttpUrl, rpcWsUrl } = played.endpoints;
  const rpc = httpRpc(rpcHttpUrl, { timeoutMs: HANGING_MS });
  const socket = await connectRpcSocket(rpcWsUrl, { timeoutMs: HANGING_MS });
  open.push(socket.close);
  const heard: unknown[] = [];
  const maker = `0x${leader.slice(2).padStart(64, "0")}`;
  const filter = { topics: [null, null, [maker]] };
  await socket.subscribe(["logs", filter], (log) => heard.push(log));
  const headBefore = Number(await rpc.call("eth_blockNumber"));
  expect(await rpc.call("eth_getLogs", [{ ...filter, fromBlock: "0x0", toBlock: "latest" }])).toEqual([]);
  expect(await played.play()).toMatchObject({ given: tape.length });
  await until(() => heard.length === 2, { what: "the notifications" });
  expect(heard).toEqual(logs);
  expect(await rpc.call("eth_getLogs", [{ ...filter, fromBlock: "0x0", toBlock: "latest" }])).toEqual(logs);
  expect(headBefore).toBeLessThan(Number(logs[0]?.blockNumber));
  const block = (await rpc.call("eth_getBlockByNumber", [logs[0]?.blockNumber, false])) as { hash: string };
  expect(block.hash).toBe(logs[0]?.blockHash);
  const heldAt = async (at: unknown) => {
    const data = encodeBalanceOfBatch([
      { owner: leader, tokenId: yes },
      { owner: leader, tokenId: no },
    ]);
    const to = "0x4D97DCd97eC945f40cF65F87097ACe5EA0476045";
    return decodeUintArray(String(await rpc.call("eth_call", [{ to, data }, at])), 2);
  };
  expect(await heldAt(logs[0]?.blockNumber)).toEqual([10_000_000n, 0n]);
  expect(await heldAt({ blockHash: logs[1]?.blockHash })).toEqual([6_000_000n, 0n]);
  await expect(rpc.call("eth_sendRawTransaction", ["0x"])).rejects.toThrow(/does not exist/);
});

const small = sampleTapes.filter(({ name }) => name.endsWith(".jsonl"));
test.each(small)("$name: every frame arrives, and the last books have the hashes of the tape", async ({ path }) => {
  const tape = await loadTape(path);
  const played = await player({ tape, leadMs: 200, speed: 400 });
  const tokens = played.markets[0]?.tokens.map(({ tokenId }) => tokenId) ?? [];
  const frames = await subscribe(played.endpoints.clobMarketWsUrl, tokens);
  await played.play();
  await until(() => frames.length === tape.length + 1, { what: "all frames" });
  expect(frames.slice(1)).toEqual(tape.map(({ d }) => d));
  const last = JSON.parse(frames.at(-1) ?? "") as { price_changes: { asset_id: string; hash: string }[] };
  for (const { asset_id, hash } of last.price_changes) {
    const answer = await fetch(new URL(`/book?token_id=${asset_id}`, played.endpoints.clobHttpUrl));
    expect(await answer.json()).toMatchObject({ hash });
  }
});
