/**
 * A chain of any length of which nothing is stored: each block follows from its number and a seed, so whoever asks for a
 * block twice gets the same, and what a watcher has to tell of a range is known without it. It never forks.
 */
import { Address, type Hash } from "@slipstream/contracts/ids";
import { type Bloom, bloomOf } from "@slipstream/polymarket/bloom";
import { ORDER_FILLED_V2, ORDERS_MATCHED_V2, TRANSFER_SINGLE } from "@slipstream/polymarket/topics";
import { CONDITIONAL_TOKENS, EXCHANGE_V2 } from "@slipstream/polymarket/versions";

export type ChainShape = {
  readonly seed: number;
  readonly leaders: readonly Address[];
  /** Wallets that nobody follows; each trade is between one of them and a leader. */
  readonly strangers: readonly Address[];
  /** Transactions of leaders in a block. */
  readonly tradesIn: (blockNumber: number) => number;
  /** Every so many transactions one is no trade: a leader sends tokens away. */
  readonly actEvery: number;
  /** Time of a block, Unix milliseconds. */
  readonly blockMs: (blockNumber: number) => number;
  /** `full`: a bloom that says maybe to everything, as in crowded blocks; `true`: that of the logs. */
  readonly bloom: "full" | "true";
};

export type GeneratedLog = {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
  readonly blockNumber: string;
  readonly blockHash: string;
  readonly blockTimestamp: string;
  readonly transactionHash: string;
  readonly logIndex: string;
  readonly removed: false;
};

/** What a watcher has to tell, by transaction: each holds one fill or one act of one leader. */
export type Due = { readonly fills: readonly string[]; readonly acts: readonly string[] };

const LOGS_PER_TRADE = 4;
const TOKENS = 40;
const FULL_BLOOM = `0x${"f".repeat(512)}`;

const word = (value: number): string => value.toString(16).padStart(64, "0");
const wallet = (address: string): string => `0x${address.slice(2).padStart(64, "0")}`;
export const quantity = (value: number): string => `0x${value.toString(16)}`;

/** Wallets made of a number each. */
export const walletsOf = (first: number, count: number): Address[] =>
  Array.from({ length: count }, (_, n) => Address.parse(`0x${(first + n).toString(16).padStart(8, "0").repeat(5)}`));

/** Thirty-two well mixed bits of some numbers. */
function mixed(...parts: readonly number[]): number {
  let h = 0x9e3779b9;
  for (const part of parts) {
    h = Math.imul(h ^ part, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
  }
  return h >>> 0;
}

export type GeneratedChain = {
  readonly shape: ChainShape;
  hashOf(blockNumber: number): Hash;
  header(blockNumber: number): Readonly<Record<string, string>>;
  logs(blockNumber: number): readonly GeneratedLog[];
  /** The logs of a transaction by its hash; null: no transaction of this chain. */
  receipt(txHash: string): { readonly blockHash: Hash; readonly logs: readonly GeneratedLog[] } | null;
  /** What the blocks from `fromBlock` to `toBlock` hold of leaders. */
  due(fromBlock: number, toBlock: number): Due;
};

export function generatedChain(shape: ChainShape): GeneratedChain {
  const { seed, leaders, strangers } = shape;
  const name = seed.toString(16).padStart(8, "0");
  const hashOf = (blockNumber: number): Hash => `0x${name}${blockNumber.toString(16).padStart(56, "0")}` as Hash;
  const txHashOf = (blockNumber: number, n: number): Hash =>
    `0x${name}${blockNumber.toString(16).padStart(40, "0")}${n.toString(16).padStart(16, "0")}` as Hash;
  const pick = <T>(from: readonly T[], ...parts: readonly number[]): T =>
    from[mixed(seed, ...parts) % from.length] as T;
  const isAct = (blockNumber: number, n: number): boolean => mixed(seed, blockNumber, n, 4) % shape.actEvery === 0;

  /** A leader and a stranger trade, or a leader sends tokens to a stranger. */
  const transaction = (blockNumber: number, n: number): GeneratedLog[] => {
    const leader = pick(leaders, blockNumber, n, 1);
    const stranger = pick(strangers, blockNumber, n, 2);
    const random = mixed(seed, blockNumber, n, 3);
    const token = word(1 + (random % TOKENS));
    const shares = 1_000_000 * (1 + (random % 97));
    const usdc = (shares / 100) * (1 + (random % 99));
    const at = {
      blockNumber: quantity(blockNumber),
      blockHash: hashOf(blockNumber),
      blockTimestamp: quantity(Math.floor(shape.blockMs(blockNumber) / 1_000)),
      transactionHash: txHashOf(blockNumber, n),
      removed: false as const,
    };
    const placed = (log: Pick<GeneratedLog, "address" | "topics" | "data">, index: number): GeneratedLog => ({
      ...log,
      ...at,
      logIndex: quantity(n * LOGS_PER_TRADE + index),
    });
    const moved = (operator: string, from: string, to: string) => ({
      address: CONDITIONAL_TOKENS,
      topics: [TRANSFER_SINGLE, wallet(operator), wallet(from), wallet(to)],
      data: `0x${token}${word(shares)}`,
    });
    if (isAct(blockNumber, n)) return [placed(moved(leader, leader, stranger), 0)];
    // Every eighth time the leader's order is the active one; the active one buys.
    const [active, resting] = random % 8 === 0 ? [leader, stranger] : [stranger, leader];
    const order = (side: number): string =>
      `0x${name}${side === 0 ? "a" : "b"}${blockNumber.toString(16).padStart(39, "0")}${n.toString(16).padStart(16, "0")}`;
    const filled = (side: 0 | 1, maker: string, taker: string) => ({
      address: EXCHANGE_V2,
      topics: [ORDER_FILLED_V2, order(side), wallet(maker), wallet(taker)],
      data: `0x${[word(side), token, ...(side === 0 ? [word(usdc), word(shares)] : [word(shares), word(usdc)])].join("")}${word(0).repeat(3)}`,
    });
    return [
      filled(1, resting, active),
      moved(EXCHANGE_V2, resting, active),
      filled(0, active, EXCHANGE_V2),
      {
        address: EXCHANGE_V2,
        topics: [ORDERS_MATCHED_V2, order(0), wallet(active)],
        data: `0x${word(0)}${token}${word(usdc)}${word(shares)}`,
      },
    ].map(placed);
  };
  const logs = (blockNumber: number): GeneratedLog[] =>
    Array.from({ length: shape.tradesIn(blockNumber) }, (_, n) => transaction(blockNumber, n)).flat();
  const bloom = (blockNumber: number): Bloom => (shape.bloom === "full" ? FULL_BLOOM : bloomOf(logs(blockNumber)));

  return {
    shape,
    hashOf,
    header: (blockNumber) => ({
      number: quantity(blockNumber),
      hash: hashOf(blockNumber),
      parentHash: hashOf(blockNumber - 1),
      timestamp: quantity(Math.floor(shape.blockMs(blockNumber) / 1_000)),
      logsBloom: bloom(blockNumber),
    }),
    logs,
    receipt: (txHash) => {
      const blockNumber = Number(`0x${txHash.slice(10, 50)}`);
      const n = Number(`0x${txHash.slice(50)}`);
      if (txHashOf(blockNumber, n) !== txHash || n >= shape.tradesIn(blockNumber)) return null;
      return { blockHash: hashOf(blockNumber), logs: transaction(blockNumber, n) };
    },
    due: (fromBlock, toBlock) => {
      const fills: string[] = [];
      const acts: string[] = [];
      for (let blockNumber = fromBlock; blockNumber <= toBlock; blockNumber++) {
        for (let n = 0; n < shape.tradesIn(blockNumber); n++) {
          const txHash = txHashOf(blockNumber, n);
          if (isAct(blockNumber, n)) acts.push(txHash);
          else fills.push(txHash);
        }
      }
      return { fills, acts };
    },
  };
}
