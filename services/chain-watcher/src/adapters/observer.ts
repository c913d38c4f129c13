/** Raw logs as observations: with their block's time, and their market when it can be known in time. */
import { ask } from "@slipstream/actor/ask";
import type { Bus } from "@slipstream/actor/bus";
import type { Markets } from "@slipstream/actor/markets";
import { ContractError } from "@slipstream/contracts/errors";
import type { TokenId } from "@slipstream/contracts/ids";
import { decodeOrderFilled } from "@slipstream/polymarket/orderFilled";
import type { ExchangeTable } from "@slipstream/polymarket/versions";
import type { Logger } from "pino";
import type { ObservedFill } from "../core/messages.ts";
import { observedFill } from "../core/observe.ts";
import type { WireLog } from "./wire.ts";

/** A fill in an unknown token waits this long for its market; then it is told without. */
const RESOLVE_MS_MAX = 400;
/** The definition follows the answer through another stream. */
const UNKNOWN_KEEP_MS = 10_000;
/** Answers kept; beyond it they are asked for again. */
const TOKENS_MAX = 20_000;

/** @throws ContractError RPC_UNREADABLE for a log that cannot be read. */
export type Observer = (logs: readonly WireLog[], tsSeenMs: number) => Promise<ObservedFill[]>;

export function createObserver(options: {
  readonly bus: Bus;
  readonly markets: Markets;
  readonly exchanges: () => ExchangeTable;
  readonly blockMs: (log: WireLog) => Promise<number>;
  readonly nowMs: () => number;
  readonly logger: Logger;
}): Observer {
  const { bus, markets, exchanges, blockMs, nowMs, logger } = options;
  const unknown = new Map<TokenId, number>();

  const knowMarket = async (log: WireLog): Promise<void> => {
    const fill = decodeOrderFilled(log, exchanges());
    if (fill.kind !== "orderFilled" || markets.byToken.has(fill.tokenId) || found.has(fill.tokenId)) return;
    if (nowMs() - (unknown.get(fill.tokenId) ?? Number.NEGATIVE_INFINITY) < UNKNOWN_KEEP_MS) return;
    const asked = asking.get(fill.tokenId) ?? resolve(fill.tokenId).finally(() => asking.delete(fill.tokenId));
    asking.set(fill.tokenId, asked);
    await asked;
  };
  const resolve = async (tokenId: TokenId): Promise<void> => {
    const answer = await ask(bus, "registry", "resolve", { tokenId }, RESOLVE_MS_MAX);
    for (const memory of [found, unknown]) if (memory.size >= TOKENS_MAX) memory.clear();
    if (answer.ok) found.set(tokenId, answer.value.conditionId);
    else unknown.set(tokenId, nowMs());
  };
  /** Many logs of one answer are of the same few tokens. */
  const asking = new Map<TokenId, Promise<void>>();
  const found = new Map<TokenId, ObservedFill["conditionId"] & string>();

  /** What cannot be read may be a fill: the cursor must not pass it. @throws ContractError RPC_UNREADABLE */
  const mustBeEmpty = (log: WireLog): void => {
    const fill = decodeOrderFilled(log, exchanges());
    const about = { txHash: log.transactionHash, logIndex: log.logIndex, address: log.address };
    if (fill.kind === "orderFilled" && fill.sharesMicro === 0n) return logger.debug(about, "a fill of no shares");
    const why = fill.kind === "orderFilled" ? "its hashes are none" : `${fill.code}: ${fill.detail}`;
    logger.error({ ...about, why }, "fill cannot be read");
    throw new ContractError("RPC_UNREADABLE", `log ${log.logIndex} of ${log.transactionHash} cannot be read: ${why}`);
  };

  return async (logs, tsSeenMs) => {
    await Promise.all(logs.map(knowMarket));
    const fills: ObservedFill[] = [];
    for (const log of logs) {
      const fill = observedFill(log, {
        tsSeenMs,
        blockMs: await blockMs(log),
        exchanges: exchanges(),
        market: (tokenId) => {
          const conditionId = found.get(tokenId);
          return markets.byToken.get(tokenId) ?? (conditionId === undefined ? undefined : { conditionId });
        },
      });
      if (fill !== null) fills.push(fill);
      else mustBeEmpty(log);
    }
    return fills;
  };
}
