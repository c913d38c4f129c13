/**
 * OrderFilled logs: our decoder beside viem's decodeEventLog, same logs, same run, equal results.
 * 2026-11, 2 virtual cores, Node 24: `npm run bench`. Target: 50 times viem when every wallet is another one.
 */
import { decodeOrderFilled, type OrderFilled } from "@slipstream/polymarket/orderFilled";
import { fixedHex, logOfV1, logOfV2, orderFilledV1Abi, orderFilledV2Abi } from "@slipstream/polymarket/testing/logs";
import { defaultExchanges, EXCHANGE_V1, EXCHANGE_V2, NEG_RISK_EXCHANGE_V2 } from "@slipstream/polymarket/versions";
import type { RawLog } from "@slipstream/polymarket/words";
import { decodeEventLog, type Hex } from "viem";

export type BenchRow = { name: string; ours: string; floor: string; ratio: number };

const LOGS = 100_000;
/** Distinct tokens among the logs: about what the venue trades in a day. */
const TOKENS = 2_000;
const ROUNDS = 5;
const V1_EVERY = 10;

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

function makeLogs(walletCount: number): RawLog[] {
  const random = randomWords(20_261_120);
  const wallets = Array.from({ length: walletCount }, () => fixedHex(random(20), 20));
  const tokens = Array.from({ length: TOKENS }, () => BigInt(`0x${random(32)}`));
  const logs = Array.from({ length: LOGS }, (_, i) => {
    const tokenId = tokens[Number(`0x${random(4)}`) % TOKENS] ?? 1n;
    const buys = i % 2 === 0;
    const exchange = i % 3 === 0 ? NEG_RISK_EXCHANGE_V2 : EXCHANGE_V2;
    const order = {
      orderHash: fixedHex(random(32), 32),
      maker: wallets[(2 * i) % walletCount] ?? fixedHex("1", 20),
      taker: i % 4 === 0 ? exchange : (wallets[(2 * i + 1) % walletCount] ?? fixedHex("1", 20)),
      given: BigInt(`0x${random(4)}`),
      received: BigInt(`0x${random(4)}`),
      fee: BigInt(`0x${random(2)}`),
    };
    if (i % V1_EVERY === 0) {
      return logOfV1(EXCHANGE_V1, { ...order, makerAsset: buys ? 0n : tokenId, takerAsset: buys ? tokenId : 0n });
    }
    return logOfV2(exchange, { ...order, side: buys ? 0 : 1, tokenId });
  });
  // As a node delivers them: strings fresh from JSON, not ropes of an encoder.
  return JSON.parse(JSON.stringify(logs)) as RawLog[];
}

/** viem's answer, untouched: the floor does nothing but decode. */
function viemDecode(log: RawLog) {
  const topics = log.topics as [Hex, ...Hex[]];
  const data = log.data as Hex;
  return log.address === EXCHANGE_V1
    ? decodeEventLog({ abi: orderFilledV1Abi, topics, data })
    : decodeEventLog({ abi: orderFilledV2Abi, topics, data });
}

function assertEqual(log: RawLog, ours: ReturnType<typeof decodeOrderFilled>): void {
  const { args } = viemDecode(log);
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

/** Logs per second over all of `logs`, once. */
function rate(logs: readonly RawLog[], decode: (log: RawLog) => { readonly [key: string]: unknown }): number {
  let seen = 0;
  const start = performance.now();
  for (const log of logs) if (decode(log) !== undefined) seen++;
  return (seen * 1000) / (performance.now() - start);
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

/**
 * Compares every log, then measures in alternating rounds. viem's cache of address checksums is filled by the
 * comparison: with recurring wallets this favours viem, with 200,000 distinct ones it holds 8,192 of them.
 */
export async function run(): Promise<BenchRow[]> {
  return [
    { name: "OrderFilled decode, all wallets different", wallets: 2 * LOGS },
    { name: "OrderFilled decode, 200 wallets", wallets: 200 },
  ].map(({ name, wallets }) => {
    const logs = makeLogs(wallets);
    for (const log of logs) assertEqual(log, decodeOrderFilled(log, defaultExchanges));
    const ours: number[] = [];
    const floor: number[] = [];
    const sample = logs.slice(0, LOGS / ROUNDS);
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(rate(logs, (log) => decodeOrderFilled(log, defaultExchanges)));
      floor.push(rate(round === 0 ? logs : sample, viemDecode));
    }
    const [fast, slow] = [median(ours), median(floor)];
    const perSecond = (value: number): string => `${Math.round(value / 1000).toLocaleString("en")} k logs/s`;
    return { name, ours: perSecond(fast), floor: `${perSecond(slow)} (viem decodeEventLog)`, ratio: fast / slow };
  });
}
