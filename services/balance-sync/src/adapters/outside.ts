/** Nodes, index and version table, as the settings say. */

import type { Clock } from "@slipstream/actor/clock";
import type { Address, TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { decodeEip712Domain, ENCODED_EIP712_DOMAIN } from "@slipstream/polymarket/calls";
import { checkChain } from "@slipstream/polymarket/chainCheck";
import { createDataApi } from "@slipstream/polymarket/dataApi";
import { parseExactJson } from "@slipstream/polymarket/exactJson";
import { createHttpReader } from "@slipstream/polymarket/http";
import { createRateBudget, VENUE_BUDGETS } from "@slipstream/polymarket/rateBudget";
import type { RpcReader } from "@slipstream/polymarket/rpc";
import { createRpcPool, httpProviders, type RpcPool, type RpcProvider } from "@slipstream/polymarket/rpcPool";
import {
  CONDITIONAL_TOKENS,
  type ExchangeTable,
  exchangesWith,
  POSITION_MANAGER,
} from "@slipstream/polymarket/versions";
import type { Logger } from "pino";
import { type BalanceSyncSettings, providerUrls } from "../config.ts";
import type { BalanceSyncView } from "../core/messages.ts";
import { createIndexReader, type IndexReader } from "./holdingsIndex.ts";

type Outside = { readonly clock: Clock; readonly logger: Logger; readonly settings: BalanceSyncSettings };

export type Nodes = {
  readonly pool: RpcPool;
  /** The best first. */
  readonly providers: () => readonly RpcProvider[];
  /** Looks after those that are not in use; costs nothing with a single node. */
  readonly probe: () => void;
};

/** @throws ContractError CONFIG_INVALID for a node of another chain. */
export async function createNodes({ clock, logger, settings }: Outside): Promise<Nodes> {
  const providers = httpProviders(providerUrls(settings), {
    timeoutMs: settings.AQ_ONCHAIN_SYNC_TIMEOUT_SECONDS * 1_000,
  });
  const own = settings.AQ_ONCHAIN_PROVIDER_URL !== undefined;
  await checkChain(own ? "AQ_ONCHAIN_PROVIDER_URL" : "POLYGON_HTTP_URL", providers);
  const pool = createRpcPool({
    providers,
    steadyMs: clock.steadyMs,
    onChange: (change) => logger.info(change, "a node changed its state"),
  });
  return {
    pool,
    providers: () => {
      const picked = pool.pick();
      return [picked, ...pool.others(picked.name)];
    },
    probe: () => {
      if (providers.length > 1) void pool.probe();
    },
  };
}

/** Tries by itself, within bounds that end before the next asking. */
export function openIndex({ clock, logger, settings }: Outside): IndexReader {
  const http = createHttpReader({
    baseUrl: settings.DATA_API_URL,
    clock,
    random: Math.random,
    attemptsMax: 2,
    parse: parseExactJson,
    budget: createRateBudget({ name: "data-positions", perSecond: VENUE_BUDGETS.dataPositions, clock }),
  });
  return createIndexReader(createDataApi(http), (error) => logger.warn({ err: error }, "the Data API does not answer"));
}

/** The version table with the addresses of the settings in it. */
export const readExchanges = (settings: BalanceSyncSettings, rpc: RpcReader): Promise<ExchangeTable> =>
  exchangesWith({ ctf: settings.POLY_EXCHANGE_CTF, negRisk: settings.POLY_EXCHANGE_NEGRISK }, async (to) =>
    decodeEip712Domain(String(await rpc.call("eth_call", [{ to, data: ENCODED_EIP712_DOMAIN }, "latest"]))),
  );

const ledgerOfVersion: Readonly<Record<MarketDefinition["version"], Address>> = {
  v1: CONDITIONAL_TOKENS,
  v2: POSITION_MANAGER,
};

/** Where tokens are kept: as their market's version says, else the exchange they were traded on. Never a guess. */
export function ledgersBy(
  markets: ReadonlyMap<TokenId, Pick<MarketDefinition, "version">>,
  exchanges: ExchangeTable,
): BalanceSyncView["ledgerOf"] {
  return (tokenId, exchange) => {
    const market = markets.get(tokenId);
    if (market !== undefined) return ledgerOfVersion[market.version];
    return exchange === null ? null : (exchanges.byAddress.get(exchange)?.ledger.address ?? null);
  };
}
