/** Reads a tape (.jsonl or .jsonl.gz): its markets and what the market channel said. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { micro } from "./frames.ts";
import type { Fee, Market, Message } from "./types.ts";

type Fields = { readonly [key: string]: unknown };
export type TapeMarket = Market & { readonly fee: Fee; readonly minOrderSizeMicro: bigint };
export type Tape = {
  /** By condition id, as its last record said. */
  readonly markets: ReadonlyMap<string, TapeMarket>;
  /** Of all markets, in the tape's order. */
  readonly messages: readonly Message[];
};

const linesOf = (file: string): string[] => {
  const bytes = readFileSync(file);
  const text = (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  return text.split("\n").filter((line) => line.trim() !== "");
};

/** Returns the records of a file of JSON lines. */
export const recordsOf = (file: string): Fields[] => linesOf(file).map((line) => JSON.parse(line) as Fields);

function marketOf(gamma: Fields): TapeMarket | null {
  const tokens = JSON.parse(String(gamma["clobTokenIds"] ?? "[]")) as unknown[];
  const [first, second] = tokens.map(String);
  const tickMicro = micro(gamma["orderPriceMinTickSize"]);
  if (first === undefined || second === undefined || tickMicro === null) return null;
  const schedule = gamma["feesEnabled"] === false ? null : (gamma["feeSchedule"] as Fields | null | undefined);
  const rateMicro = micro(schedule?.["rate"] ?? 0) ?? 0n;
  return {
    tokens: [first, second],
    tickMicro,
    fee: { rateMicro, exponent: Number(schedule?.["exponent"] ?? 1) },
    minOrderSizeMicro: micro(gamma["orderMinSize"]) ?? 0n,
  };
}

/** When a definition that takes no orders says that the market closed (1.13). */
function closedOf(gamma: Fields, atMs: number): number | null {
  if (gamma["closed"] !== true && gamma["acceptingOrders"] !== false) return null;
  const told = Date.parse(String(gamma["closedTime"]).replace(" ", "T").replace(/\+00$/, "Z"));
  return Number.isNaN(told) ? atMs : told;
}

/** The end a recorder tells of a gap is no second one: the books came again in between. */
function gapOf(atMs: number, told: Fields, open: Set<unknown>): Message | null {
  if (told["of"] !== null && told["of"] !== "clob.market.ws") return null;
  const isEnd = told["untilMs"] !== null && open.has(told["sinceMs"]);
  open.add(told["sinceMs"]);
  return isEnd ? null : { kind: "gap", atMs, tokens: told["tokens"] as string[] | null };
}

/** Reads a whole tape. Endings that only the chain tells are not read. */
export function tapeOf(file: string): Tape {
  const markets = new Map<string, TapeMarket>();
  const messages: Message[] = [];
  const openGaps = new Set<unknown>();
  for (const { t, ch, d } of recordsOf(file)) {
    const atMs = Number(t);
    if (ch === "clob.market.ws") messages.push({ kind: "frame", atMs, text: String(d) });
    if (ch === "recorder.gap") {
      const gap = gapOf(atMs, d as Fields, openGaps);
      if (gap !== null) messages.push(gap);
    }
    if (ch === "gamma.market") {
      const market = marketOf(d as Fields);
      if (market !== null) markets.set(String((d as Fields)["conditionId"]).toLowerCase(), market);
      const closedMs = closedOf(d as Fields, atMs);
      if (market !== null && closedMs !== null) messages.push({ kind: "definition", atMs, closedMs });
    }
  }
  return { markets, messages };
}
