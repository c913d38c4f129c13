/** Market definitions on the stream MARKETS: the last one per condition. */
import { DeliverPolicy } from "@nats-io/jetstream";
import { ContractError } from "@slipstream/contracts/errors";
import type { ConditionId, TokenId } from "@slipstream/contracts/ids";
import { MarketDefinition } from "@slipstream/contracts/market";
import { readJson } from "@slipstream/contracts/readJson";
import { streams, subjects } from "@slipstream/contracts/subjects";
import type { Logger } from "pino";
import { z } from "zod";
import type { Bus } from "./bus.ts";
import { followRemade } from "./remade.ts";

export type Markets = {
  readonly byCondition: ReadonlyMap<ConditionId, MarketDefinition>;
  readonly byToken: ReadonlyMap<TokenId, MarketDefinition>;
  stop(): Promise<void>;
};

const EXPIRES_MS = 2_000;

/**
 * Follows all market definitions; resolves when the ones known at the call have been read. A definition that cannot be
 * read is logged and left out: its market stays unknown, and unknown markets are not traded. When the stream is made again
 * what was known stays known.
 * @param onChange - called for each definition read, after the maps have it.
 */
export async function watchMarkets(
  bus: Bus,
  logger: Logger,
  onChange?: (market: MarketDefinition) => void,
): Promise<Markets> {
  const byCondition = new Map<ConditionId, MarketDefinition>();
  const byToken = new Map<TokenId, MarketDefinition>();
  const read = (text: string, seq: number): void => {
    const decoded = readJson(MarketDefinition, text);
    if (decoded === null) {
      logger.error({ stream: streams.markets, seq }, "market definition cannot be read, left out");
      return;
    }
    byCondition.set(decoded.conditionId, decoded);
    for (const { tokenId } of decoded.tokens) byToken.set(tokenId, decoded);
    onChange?.(decoded);
  };
  let caughtUp: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    caughtUp = resolve;
  });
  const stop = await followRemade({ bus, logger, stream: streams.markets }, async () => {
    const consumer = await bus.js.consumers.get(streams.markets, {
      filter_subjects: subjects.allMarkets,
      deliver_policy: DeliverPolicy.LastPerSubject,
    });
    const { num_pending: known } = await consumer.info();
    if (known === 0) caughtUp();
    const messages = await consumer.consume({
      expires: EXPIRES_MS,
      max_messages: 500,
      callback: (message) => {
        read(message.string(), message.seq);
        if (message.info.pending === 0) caughtUp();
      },
    });
    return async () => {
      await messages.close();
    };
  });
  await ready;
  return { byCondition, byToken, stop };
}

/**
 * Publishes a definition; equal ones follow each other harmlessly, the last counts.
 * @throws ContractError MESSAGE_MALFORMED for one that its own schema refuses.
 */
export async function publishMarket(bus: Bus, market: MarketDefinition): Promise<void> {
  const encoded = z.safeEncode(MarketDefinition, market);
  if (!encoded.success) throw new ContractError("MESSAGE_MALFORMED", z.prettifyError(encoded.error));
  await bus.js.publish(subjects.market(market.conditionId), JSON.stringify(encoded.data), { retries: 3 });
}
