/** Gamma, the CLOB's REST, the Data API and the live feed. A list with one bad item keeps the others. */
import { Address, ConditionId, type TokenId } from "@slipstream/contracts/ids";
import { MarketDefinition } from "@slipstream/contracts/market";
import { createClobRest } from "@slipstream/polymarket/clobRest";
import { createDataApi } from "@slipstream/polymarket/dataApi";
import { gammaClient, marketOfGamma, stoppedMarket } from "@slipstream/polymarket/gamma";
import type { HttpReader } from "@slipstream/polymarket/http";
import { readRtdsMessage } from "@slipstream/polymarket/rtds";
import { readSample, samplesIn } from "@slipstream/testkit/samples";
import { z } from "zod";
import type { Door } from "./door.ts";
import { rowsToFacts } from "./watcherDoors.ts";

const NOW_MS = 1_790_000_000_000;
const answering = (answer: unknown): HttpReader => ({ get: async () => answer, post: async () => answer });
const samples = (folder: string, fits: RegExp): unknown[] =>
  samplesIn(folder, fits).map(({ path }) => JSON.parse(readSample(path)));
const textOf = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) => (typeof each === "bigint" ? `${each}n` : each));

/** Items of the good list that stand unchanged in the damaged one, by their text. */
export function untouched(damaged: unknown, good: unknown): unknown[] {
  if (!Array.isArray(damaged) || !Array.isArray(good)) return [];
  const still = new Set(damaged.map(textOf));
  return good.filter((item) => still.has(textOf(item)));
}

const [firstMarket] = samples("gamma", /^gamma_market\.json$/).map((one) => (Array.isArray(one) ? one[0] : one));
const gammaObjects = [0, 1, 2].map((n) => {
  const tokens = JSON.stringify([`${n + 1}1`, `${n + 1}2`]);
  const conditionId = `0x${String(n + 1).padStart(64, "0")}`;
  return { ...(firstMarket as object), conditionId, clobTokenIds: tokens };
});

const gamma: Door = {
  name: "Gamma",
  documents: [gammaObjects],
  enter: async (damaged, good) => {
    const ids = gammaObjects.map(({ conditionId }) => ConditionId.parse(conditionId));
    const found = await gammaClient(answering(damaged)).byConditions(ids);
    const read = found.flatMap((json) => {
      const market = marketOfGamma(json, NOW_MS);
      const known = marketOfGamma(gammaObjects[0], NOW_MS);
      if (!("kind" in known)) z.encode(MarketDefinition, stoppedMarket(known, json, NOW_MS));
      if ("kind" in market) return [];
      z.encode(MarketDefinition, market);
      return [market.conditionId as string];
    });
    const lost = untouched(damaged, good).find((item) => !read.includes((item as { conditionId: string }).conditionId));
    return lost === undefined ? null : `lost the market ${textOf(lost).slice(0, 100)}`;
  },
};

const bookList = samples("clob", /^clob-books\.json$/).map((one) => (one as unknown[]).slice(0, 3));
const clob: Door = {
  name: "CLOB REST",
  documents: bookList,
  enter: async (damaged, good) => {
    const ids = (good as { asset_id: TokenId }[]).map(({ asset_id }) => asset_id);
    const { books, missing, unreadable } = await createClobRest(answering(damaged)).books(ids);
    const expected = (await createClobRest(answering(good)).books(ids)).books;
    for (const item of untouched(damaged, good) as { asset_id: TokenId }[]) {
      const isDoubled =
        (damaged as { asset_id?: unknown }[]).filter((one) => one?.asset_id === item.asset_id).length > 1;
      if (isDoubled) continue;
      const own = books.get(item.asset_id);
      if (textOf(own) !== textOf(expected.get(item.asset_id))) return `lost the book of ${item.asset_id}`;
      if (missing.includes(item.asset_id)) return `${item.asset_id} is said to have no book`;
    }
    return [...books.values()].length + missing.length + unreadable.length >= 0 ? null : "nothing was answered";
  },
};

const rows = samples("data-api", /activity.*\.json$/)
  .map((one) => (one as { type?: string }[]).filter(({ type }) => type === "TRADE").slice(0, 4))
  .filter((list) => list.length > 1);
const walletOf = (list: unknown): Address =>
  Address.parse(((list as { proxyWallet: string }[])[0]?.proxyWallet ?? "").toLowerCase());
const WINDOW = { startSeconds: 0, endSeconds: 2_000_000_000, limit: 500 };

const activity: Door = {
  name: "Data API, activity",
  documents: rows,
  enter: async (damaged, good) => {
    const user = walletOf(good);
    const { fills } = await createDataApi(answering(damaged)).fills(user, "activity", WINDOW);
    const expected = (list: unknown) => createDataApi(answering(list)).fills(user, "activity", WINDOW);
    const kept = await expected(untouched(damaged, good));
    const told = new Set(fills.map(textOf));
    if (!kept.fills.every((fill) => told.has(textOf(fill)))) return "lost a good row";
    return rowsToFacts("data_api", fills);
  },
};

const holdings = rows.map((list) =>
  list.map((row, n) => ({
    ...(row as object),
    asset: String(n + 1),
    size: 1.5 + n,
    conditionId: `0x${"a".repeat(64)}`,
  })),
);
const positions: Door = {
  name: "Data API, positions",
  documents: holdings,
  enter: async (damaged, good) => {
    const read = async (list: unknown) => (await createDataApi(answering(list)).positions(walletOf(good))).rows;
    const told = new Set((await read(damaged)).map(textOf));
    return (await read(untouched(damaged, good))).every((row) => told.has(textOf(row))) ? null : "lost a good holding";
  },
};

const rtds: Door = {
  name: "RTDS",
  isText: true,
  documents: rows.flatMap((list) =>
    list.map((payload) => ({ topic: "activity", type: "trades", timestamp: NOW_MS, connection_id: "c", payload })),
  ),
  enter: (damaged) => {
    const message = readRtdsMessage(typeof damaged === "string" ? damaged : (JSON.stringify(damaged) ?? ""));
    return message.kind === "trade" ? rowsToFacts("rtds", [message.trade]) : null;
  },
};

export const venueDoors: readonly Door[] = [gamma, clob, activity, positions, rtds];
