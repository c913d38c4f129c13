/** What the processes of services inherit. */
import type { CliSettings } from "./config.ts";
import type { World } from "./worldClient.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Settings that name parts of the real venue; empty is absent, also where a file `.env` sets them. */
const NOT_IN_A_LOCAL_WORLD = {
  AQ_ONCHAIN_PROVIDER_URL: "",
  POLY_EXCHANGE_CTF: "",
  POLY_EXCHANGE_NEGRISK: "",
  AQ_WALLET_SIGNER: "",
  AQ_WALLET_FUNDER: "",
  AQ_WALLET_SIGNATURE_TYPE: "",
  AQ_WALLET_ACCOUNT: "",
  AQ_WALLET_TRACKED: "",
};

/** The real venue's endpoints by a person's settings; where several nodes are named, as text that services take apart. */
export const venueEndpoints = (settings: CliSettings): World["endpoints"] => ({
  rpcHttpUrl: settings.POLYGON_HTTP_URL.join(","),
  rpcWsUrl: settings.POLYGON_WS_URL.join(","),
  clobHttpUrl: settings.CLOB_HTTP_URL,
  clobMarketWsUrl: settings.CLOB_MARKET_WS_URL,
  gammaUrl: settings.GAMMA_URL,
  dataApiUrl: settings.DATA_API_URL,
  rtdsUrl: settings.RTDS_URL,
});

/** A person's settings as far as they concern the world that a run is in. */
export const settingsIn = (env: Environment, isLocalWorld: boolean): Environment => ({
  ...env,
  ...(isLocalWorld ? NOT_IN_A_LOCAL_WORLD : {}),
});

/**
 * Returns a person's settings with the run's own bus and endpoints in place of theirs. In a local world (sandbox, tape)
 * nothing of it may point to the real venue: balances of one chain beside fills of another would be nonsense.
 */
export function serviceEnv(options: {
  readonly env: Environment;
  readonly natsUrl: string;
  readonly endpoints: World["endpoints"];
  readonly isLocalWorld: boolean;
}): Environment {
  const { env, natsUrl, endpoints, isLocalWorld } = options;
  return {
    ...settingsIn(env, isLocalWorld),
    NATS_URL: natsUrl,
    POLYGON_HTTP_URL: endpoints.rpcHttpUrl,
    POLYGON_WS_URL: endpoints.rpcWsUrl,
    CLOB_HTTP_URL: endpoints.clobHttpUrl,
    CLOB_MARKET_WS_URL: endpoints.clobMarketWsUrl,
    GAMMA_URL: endpoints.gammaUrl,
    DATA_API_URL: endpoints.dataApiUrl,
    RTDS_URL: endpoints.rtdsUrl,
  };
}
