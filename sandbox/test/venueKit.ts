/** Shared by the tests of the running world: a world on free ports, and a reader of the market channel. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bookHash, lastTradeText } from "@slipstream/book/hash";
import { applyLevel, applySnapshot, type Book, createBook, isCrossed } from "@slipstream/book/ladder";
import type { TokenId } from "@slipstream/contracts/ids";
import { actFilters, actsOf, isFillTransfer, type TxLog } from "@slipstream/polymarket/acts";
import { createMarketParser, type MarketEvent, type TradeEvent } from "@slipstream/polymarket/marketChannel";
import { defaultExchanges } from "@slipstream/polymarket/versions";
import { anvilBin } from "@slipstream/testkit/binaries";
import WebSocket from "ws";
import { startWorld, type World, type WorldOptions } from "../src/world.ts";
import { type RawLog, rpc } from "./chainKit.ts";

export type TestWorld = { readonly world: World; readonly dir: string; readonly stop: () => Promise<void> };

export async function startTestWorld(changes: Partial<WorldOptions> = {}): Promise<TestWorld> {
  const dir = changes.dir ?? mkdtempSync(join(tmpdir(), "sandbox-world-"));
  const options = { seed: "test", blockTimeMs: 200, pace: "fast", dir, anvilBin: anvilBin(), ...changes } as const;
  const world = await startWorld(options);
  const stop = async () => {
    await world.stop();
    if (changes.dir === undefined) rmSync(dir, { recursive: true, force: true });
  };
  return { world, dir, stop };
}

export const tokensOf = (world: World): TokenId[] => world.markets.flatMap((market) => [...market.tokenIds]);

export async function readJson(url: string, body?: unknown): Promise<unknown> {
  const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const response = await fetch(url, init);
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

/** The acts of all leaders as a watcher reads them: filters, then receipts. */
export async function actsOnChain(world: World): Promise<string[]> {
  const url = world.endpoints.rpcHttpUrl;
  const wallets = world.leaders.map(({ address }) => address);
  const txs = new Set<string>();
  for (const { address, topics } of actFilters(wallets)) {
    const logs = (await rpc(url, "eth_getLogs", [{ address, topics, fromBlock: "0x0" }])) as RawLog[];
    for (const log of logs) if (!isFillTransfer(log, defaultExchanges)) txs.add(log.transactionHash);
  }
  const found: string[] = [];
  for (const txHash of txs) {
    const receipt = (await rpc(url, "eth_getTransactionReceipt", [txHash])) as { logs: RawLog[]; blockHash: string };
    const logs = receipt.logs.map((log): TxLog => ({ ...log, logIndex: Number(log.logIndex) }));
    for (const wallet of wallets) {
      for (const { act, direction, tokenId, sharesMicro } of actsOf(logs, wallet, defaultExchanges)) {
        found.push([wallet, act, direction, tokenId, sharesMicro, txHash, receipt.blockHash].join(" "));
      }
    }
  }
  return found.sort();
}

/** The same as the world tells them. */
export const actsTold = (world: World): string[] =>
  world
    .acts()
    .map(({ wallet, act, direction, tokenId, sharesMicro, txHash, blockHash }) =>
      [wallet, act, direction, tokenId, sharesMicro, txHash, blockHash].join(" "),
    )
    .sort();

export type Followed = {
  readonly books: ReadonlyMap<TokenId, Book>;
  readonly trades: readonly TradeEvent[];
  /** New and resolved markets. */
  readonly lives: readonly MarketEvent[];
  /** Books at the ends of bursts whose hash was right, and wrong. */
  readonly checks: { right: number; wrong: number };
  /** What could not be read. */
  readonly refused: readonly unknown[];
  readonly texts: readonly string[];
  closed(): boolean;
  /** Empty while it is open. */
  closeReason(): string;
  send(text: string): void;
  stop(): void;
};

type Open = { readonly tokenId: TokenId; readonly tsEventMs: number; readonly hash: string };

/** Subscribes, keeps the books, and checks the hash of each book whenever its next burst begins. */
export function follow(world: World, tokens: readonly TokenId[]): Followed {
  const socket = new WebSocket(world.endpoints.clobMarketWsUrl);
  const parser = createMarketParser();
  const books = new Map<TokenId, Book>();
  const open = new Map<TokenId, Open>();
  const trades: TradeEvent[] = [];
  const lives: MarketEvent[] = [];
  const refused: unknown[] = [];
  const texts: string[] = [];
  const checks = { right: 0, wrong: 0 };
  let closed = false;
  let closeReason = "";

  const check = ({ tokenId, tsEventMs, hash }: Open): void => {
    const [book, market] = [books.get(tokenId), world.markets.find((one) => one.tokenIds.includes(tokenId))];
    if (book === undefined || market === undefined) return;
    // The price in the hash is that of the burst's own last trade, which is printed later: every price is tried.
    const prices = Array.from({ length: 1_001 }, (_, thousandths) => lastTradeText(thousandths * 1_000));
    const isRight = prices.some((lastTradePrice) => bookHash({ book, market, tsEventMs, lastTradePrice }) === hash);
    checks[isRight && !isCrossed(book) ? "right" : "wrong"] += 1;
  };

  socket.on("open", () =>
    socket.send(JSON.stringify({ type: "market", assets_ids: tokens, custom_feature_enabled: true })),
  );
  socket.on("error", (error) => refused.push(error));
  socket.on("close", (_code, reason) => {
    closed = true;
    closeReason = String(reason);
  });
  socket.on("message", (data) => {
    const text = String(data);
    texts.push(text);
    const frame = parser.parse(text);
    refused.push(...frame.refused);
    for (const event of frame.events) {
      if (event.kind === "trade") trades.push(event);
      if (event.kind === "newMarket" || event.kind === "marketResolved") lives.push(event);
      if (event.kind === "book") {
        const book = createBook({ tokenId: event.tokenId, tickMicro: event.tickMicro ?? 1_000 });
        applySnapshot(book, event.bids, event.asks);
        books.set(event.tokenId, book);
        open.set(event.tokenId, { tokenId: event.tokenId, tsEventMs: event.tsEventMs, hash: event.hash });
      }
      if (event.kind !== "priceChange") continue;
      for (const { tokenId, side, priceMicro, sizeMicro, hash } of event.changes) {
        const before = open.get(tokenId);
        const book = books.get(tokenId);
        if (book === undefined) continue;
        if (before !== undefined && before.tsEventMs !== event.tsEventMs) check(before);
        applyLevel(book, side, priceMicro, sizeMicro);
        open.set(tokenId, { tokenId, tsEventMs: event.tsEventMs, hash });
      }
    }
  });
  return {
    books,
    trades,
    lives,
    checks,
    refused,
    texts,
    closed: () => closed,
    closeReason: () => closeReason,
    send: (text) => socket.send(text),
    stop: () => socket.terminate(),
  };
}
