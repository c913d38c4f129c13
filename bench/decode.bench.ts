/**
 * OrderFilled logs: our decoder beside viem's decodeEventLog, same logs, same run, equal results.
 * 2026-11, 2 virtual cores, Node 24: `npm run bench decode`. Target: 50 times viem, whether wallets recur or not.
 */
import { decodeOrderFilled, type OrderFilled } from "@slipstream/polymarket/orderFilled";
import { fixedHex, logOfV1, logOfV2, orderFilledV1Abi, orderFilledV2Abi } from "@slipstream/polymarket/testing/logs";
import {
  defaultExchanges,
  EXCHANGE_V1,
  EXCHANGE_V2,
  EXCHANGE_V3,
  NEG_RISK_EXCHANGE_V2,
} from "@slipstream/polymarket/versions";
import type { RawLog } from "@slipstream/polymarket/words";
import { decodeEventLog, type Hex } from "viem";

export type BenchRow = { name: string; ours: string; floor: string; ratio: number };

const LOGS = 100_000;
/** Distinct tokens among the logs: about what the venue trades in a day. */
const TOKENS = 2_000;
/** Logs of one answer of a node: about what one block holds. */
const PAGE = 100;
const ROUNDS = 5;
/** viem gets every tenth page of a round, or a run would take minutes. */
const FLOOR_PAGES = 10;
const V1_EVERY = 10;
const V3_EVERY = 7;
/** Logs with amounts up to 2^256, compared and not timed: a chain has none, a decoder must not care. */
const WIDE_LOGS = 5_000;

/** xorshift128, seeded: the same logs in every run. */
function randomWords(seed: number): (bytes: number) => string {
  let [a, b, c, d] = [seed, 0x9e3779b9, 0x243f6a88, 0xb7e15162];
  const next = (): number => {
    const t = a ^ (a << 11);
    [a, b, c] = [b, c, d];
    d = (d ^ (d >>> 19) ^ t ^ (t >>> 8)) >>> 0;
    return d;
  };
  return (bytes) => {
    let hex = "";
    while (hex.length < bytes * 2) hex += next().toString(16).padStart(8, "0");
    return hex.slice(0, bytes * 2);
  };
}

type Wish = { readonly count: number; readonly wallets: number; readonly amountBytes: number };

/** Answers of a node: logs of all generations as JSON, a page each. */
function makePages({ count, wallets: walletCount, amountBytes }: Wish): string[] {
  const random = randomWords(20_261_120);
  const wallets = Array.from({ length: walletCount }, () => fixedHex(random(20), 20));
  const tokens = Array.from({ length: TOKENS }, () => BigInt(`0x${random(32)}`));
  const amount = (): bigint => BigInt(`0x${random(amountBytes)}`);
  const logs = Array.from({ length: count }, (_, i) => {
    const tokenId = tokens[Number(`0x${random(4)}`) % TOKENS] ?? 1n;
    const buys = i % 2 === 0;
    const exchange = i % V3_EVERY === 0 ? EXCHANGE_V3 : i % 3 === 0 ? NEG_RISK_EXCHANGE_V2 : EXCHANGE_V2;
    const order = {
      orderHash: fixedHex(random(32), 32),
      maker: wallets[(2 * i) % walletCount] ?? fixedHex("1", 20),
      taker: i % 4 === 0 ? exchange : (wallets[(2 * i + 1) % walletCount] ?? fixedHex("1", 20)),
      given: amount(),
      received: amount(),
      fee: BigInt(`0x${random(2)}`),
    };
    if (i % V1_EVERY === 0) {
      return logOfV1(EXCHANGE_V1, { ...order, makerAsset: buys ? 0n : tokenId, takerAsset: buys ? tokenId : 0n });
    }
    return logOfV2(exchange, { ...order, side: buys ? 0 : 1, tokenId });
  });
  return Array.from({ length: count / PAGE }, (_, n) => JSON.stringify(logs.slice(n * PAGE, (n + 1) * PAGE)));
}

/** viem's answer, untouched: the floor does nothing but decode. */
function viemDecode(log: RawLog) {
  const topics = log.topics as [Hex, ...Hex[]];
  const data = log.data as Hex;
  return log.address === EXCHANGE_V1
    ? decodeEventLog({ abi: orderFilledV1Abi, topics, data })
    : decodeEventLog({ abi: orderFilledV2Abi, topics, data });
}

type Theirs = ReturnType<typeof viemDecode>;
type Ours = ReturnType<typeof decodeOrderFilled>;

function assertEqual(log: RawLog, ours: Ours | undefined, theirs: Theirs | undefined): void {
  if (ours === undefined || theirs === undefined) throw new Error("a log was not decoded");
  const { args } = theirs;
  const isV2 = "side" in args;
  const buys = isV2 ? args.side === 0 : args.makerAssetId === 0n;
  const tokenId = isV2 ? args.tokenId : buys ? args.takerAssetId : args.makerAssetId;
  const taker = args.taker.toLowerCase();
  const expected: Omit<OrderFilled, "kind" | "exchange" | "generation"> = {
    orderHash: args.orderHash as OrderFilled["orderHash"],
    maker: args.maker.toLowerCase() as OrderFilled["maker"],
    taker: taker as OrderFilled["taker"],
    role: taker === log.address ? "TAKER" : "MAKER",
    side: buys ? "BUY" : "SELL",
    tokenId: tokenId.toString() as OrderFilled["tokenId"],
    sharesMicro: (buys ? args.takerAmountFilled : args.makerAmountFilled) as OrderFilled["sharesMicro"],
    usdcMicro: (buys ? args.makerAmountFilled : args.takerAmountFilled) as OrderFilled["usdcMicro"],
    feeMicro: args.fee as OrderFilled["feeMicro"],
    feeUnit: buys && !isV2 ? "SHARES" : "USDC",
  };
  for (const [key, value] of Object.entries(expected)) {
    if (ours[key as keyof typeof ours] !== value)
      throw new Error(`${key} differs from viem for ${JSON.stringify(log)}`);
  }
}

const decodeOurs = (log: RawLog): Ours => decodeOrderFilled(log, defaultExchanges);

function compare(pages: readonly string[]): void {
  for (const text of pages) {
    for (const log of JSON.parse(text) as RawLog[]) assertEqual(log, decodeOurs(log), viemDecode(log));
  }
}

/** Logs per second over the pages, each fresh from the parser as a reader meets it; parsing is not timed. */
function rate(pages: readonly string[], decode: (log: RawLog) => { readonly [key: string]: unknown }): number {
  let seen = 0;
  let ms = 0;
  for (const text of pages) {
    const page = JSON.parse(text) as RawLog[];
    const start = performance.now();
    for (const log of page) if (decode(log) !== undefined) seen++;
    ms += performance.now() - start;
  }
  return (seen * 1000) / ms;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

/**
 * Compares every record, then measures in alternating rounds. viem remembers 8,192 checksums of addresses, filled by the
 * comparison: recurring wallets favour it.
 */
export async function run(): Promise<BenchRow[]> {
  compare(makePages({ count: WIDE_LOGS, wallets: WIDE_LOGS, amountBytes: 32 }));
  return [
    { name: "OrderFilled decode, all wallets different", wallets: 2 * LOGS },
    { name: "OrderFilled decode, 200 wallets", wallets: 200 },
  ].map(({ name, wallets }) => {
    const pages = makePages({ count: LOGS, wallets, amountBytes: 4 });
    compare(pages);
    const floorPages = pages.filter((_, n) => n % FLOOR_PAGES === 0);
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(rate(pages, decodeOurs));
      theirs.push(rate(floorPages, viemDecode));
    }
    const [fast, slow] = [median(ours), median(theirs)];
    const perSecond = (value: number): string => `${Math.round(value / 1000).toLocaleString("en")} k logs/s`;
    return { name, ours: perSecond(fast), floor: `${perSecond(slow)} (viem decodeEventLog)`, ratio: fast / slow };
  });
}
