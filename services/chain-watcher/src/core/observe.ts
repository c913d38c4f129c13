/** A raw OrderFilled log as an observation of the core. */
import type { TokenId } from "@slipstream/contracts/ids";
import { Address, Hash } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import type { PriceMicro } from "@slipstream/contracts/money";
import { decodeOrderFilled, fillPrice } from "@slipstream/polymarket/orderFilled";
import { defaultExchanges, type ExchangeTable } from "@slipstream/polymarket/versions";
import type { RawLog } from "@slipstream/polymarket/words";
import type { ObservedFill } from "./messages.ts";

/** A log with its place on the chain, as JSON-RPC gives it. */
export type PlacedLog = RawLog & {
  readonly transactionHash: string;
  readonly blockNumber: string;
  readonly blockHash: string;
  readonly logIndex: string;
};

export type ObserveOptions = {
  readonly tsSeenMs: number;
  /** Time of the log's block. */
  readonly blockMs: number;
  readonly market: (tokenId: TokenId) => Pick<MarketDefinition, "conditionId"> | undefined;
  readonly exchanges?: ExchangeTable;
};

/** An average above 1 USDC a share is what an active V1 BUY offered, unused money included: told as 1, amounts as logged. */
const PRICE_CEILING = 1_000_000 as PriceMicro;

/** @returns null for a log that is not exactly an OrderFilled of a known exchange, or of no shares. */
export function observedFill(log: PlacedLog, options: ObserveOptions): ObservedFill | null {
  const fill = decodeOrderFilled(log, options.exchanges ?? defaultExchanges);
  if (fill.kind !== "orderFilled" || fill.sharesMicro === 0n) return null;
  const txHash = Hash.safeParse(log.transactionHash);
  const blockHash = Hash.safeParse(log.blockHash);
  const orderHash = Hash.safeParse(fill.orderHash);
  const maker = Address.safeParse(fill.maker);
  if (!txHash.success || !blockHash.success || !orderHash.success || !maker.success) return null;
  return {
    leader: maker.data,
    role: fill.role,
    side: fill.side,
    tokenId: fill.tokenId,
    conditionId: options.market(fill.tokenId)?.conditionId ?? null,
    sharesMicro: fill.sharesMicro,
    usdcMicro: fill.usdcMicro,
    priceMicro: fillPrice(fill) ?? PRICE_CEILING,
    feeMicro: fill.feeMicro,
    feeUnit: fill.feeUnit,
    exchange: fill.exchange,
    orderHash: orderHash.data,
    txHash: txHash.data,
    blockNumber: Number(log.blockNumber),
    blockHash: blockHash.data,
    logIndex: Number(log.logIndex),
    source: "chain",
    raw: JSON.stringify({ topics: log.topics, data: log.data }),
    tsEventMs: options.blockMs,
    tsSeenMs: options.tsSeenMs,
  };
}
