/**
 * Fills as the chain holds them now: the truth that tests compare with, and the source of the Data API. A reorg takes
 * blocks out again. Leaders' fills are kept as long as the chain can be read back and their market is answered for, other
 * wallets' as far as memory allows. Pure.
 */
import { Address, ConditionId, Hash, TokenId } from "@slipstream/contracts/ids";
import { sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import { decodeOrderFilled } from "@slipstream/polymarket/orderFilled";
import { defaultExchanges } from "@slipstream/polymarket/versions";
import { z } from "zod";
import type { NodeLog } from "../chain/blocks.ts";
import type { MinedBlock } from "../chain/types.ts";

const amount = z.string().regex(/^\d+$/).transform(BigInt);
/** A fill in JSON: amounts are digits in text. */
export const SettledFill = z.object({
  wallet: Address,
  role: z.enum(["MAKER", "TAKER"]),
  conditionId: ConditionId,
  tokenId: TokenId,
  side: z.enum(["BUY", "SELL"]),
  sharesMicro: amount.transform(sharesMicro),
  usdcMicro: amount.transform(usdcMicro),
  feeMicro: amount.transform(usdcMicro),
  txHash: Hash,
  logIndex: z.int(),
  blockNumber: z.int(),
  blockHash: Hash,
  blockMs: z.int(),
});
export type SettledFill = z.infer<typeof SettledFill>;

/** A line of JSON with amounts as digits in text. */
export const rowText = (row: unknown): string =>
  JSON.stringify(row, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value));

const Place = z.object({ transactionHash: Hash, logIndex: z.string().startsWith("0x") });

/** The fills among the logs of a block, one per order, in log order. */
export function fillsOfBlock(
  block: MinedBlock,
  logs: readonly NodeLog[],
  conditionOf: (tokenId: TokenId) => ConditionId | undefined,
): SettledFill[] {
  return logs.flatMap((log) => {
    const filled = decodeOrderFilled(log, defaultExchanges);
    if (filled.kind !== "orderFilled") return [];
    const { transactionHash, logIndex } = Place.parse(log);
    const conditionId = conditionOf(filled.tokenId);
    if (conditionId === undefined) return [];
    const { role, tokenId, side } = filled;
    return {
      wallet: Address.parse(filled.maker),
      ...{ role, conditionId, tokenId, side },
      sharesMicro: filled.sharesMicro,
      usdcMicro: filled.usdcMicro,
      feeMicro: usdcMicro(filled.feeMicro),
      txHash: transactionHash,
      logIndex: Number(logIndex),
      blockNumber: block.number,
      blockHash: block.hash,
      blockMs: block.timestampMs,
    };
  });
}

/** About an hour of everybody's fills. */
const OTHERS_MAX = 20_000;

export type SettledFills = {
  add(fills: readonly SettledFill[]): void;
  /** A block left the chain. @returns the fills that left with it. */
  remove(blockHash: Hash): SettledFill[];
  /** Lets go of leaders' fills. @returns how many. */
  forget(isForgotten: (fill: SettledFill) => boolean): number;
  /** Of the leaders, oldest first. */
  ofLeaders(): readonly SettledFill[];
  /** Everybody's that are known, oldest first. */
  all(): readonly SettledFill[];
};

export function createSettledFills(
  leaders: ReadonlySet<Address>,
  known: readonly SettledFill[],
  othersMax = OTHERS_MAX,
): SettledFills {
  let leading = known.filter((fill) => leaders.has(fill.wallet));
  let others = known.filter((fill) => !leaders.has(fill.wallet));
  return {
    add: (fills) => {
      leading.push(...fills.filter((fill) => leaders.has(fill.wallet)));
      others.push(...fills.filter((fill) => !leaders.has(fill.wallet)));
      if (others.length > othersMax) others = others.slice(-othersMax / 2);
    },
    remove: (blockHash) => {
      const gone = [...leading, ...others].filter((fill) => fill.blockHash === blockHash);
      leading = leading.filter((fill) => fill.blockHash !== blockHash);
      others = others.filter((fill) => fill.blockHash !== blockHash);
      return gone;
    },
    forget: (isForgotten) => {
      const before = leading.length;
      leading = leading.filter((fill) => !isForgotten(fill));
      return before - leading.length;
    },
    ofLeaders: () => leading,
    all: () => [...leading, ...others].sort(byPlace),
  };
}

const byPlace = (a: SettledFill, b: SettledFill): number => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex;
