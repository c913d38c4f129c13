import { balanceSyncEnv, providerUrls, walletsOf } from "@slipstream/balance-sync/config";
import { watcherEnv } from "@slipstream/chain-watcher/config";
import { parseEnv } from "@slipstream/contracts/env";
import { expect, test } from "vitest";
import { readSettings } from "./config.ts";
import { serviceEnv, venueEndpoints } from "./serviceEnv.ts";

const endpoints = {
  rpcHttpUrl: "http://127.0.0.1:1",
  rpcWsUrl: "ws://127.0.0.1:1",
  clobHttpUrl: "http://127.0.0.1:2",
  clobMarketWsUrl: "ws://127.0.0.1:2/ws/market",
  gammaUrl: "http://127.0.0.1:2",
  dataApiUrl: "http://127.0.0.1:2",
  rtdsUrl: "ws://127.0.0.1:2/rtds",
};
const env = {
  POLYGON_HTTP_URL: "https://node.example",
  AQ_ONCHAIN_PROVIDER_URL: "https://balances.example",
  POLY_EXCHANGE_CTF: `0x${"e1".repeat(20)}`,
  AQ_WALLET_SIGNER: `0x${"b1".repeat(20)}`,
  AQ_WALLET_FUNDER: `0x${"b1".repeat(20)}`,
  AQ_WALLET_SIGNATURE_TYPE: "0",
  LOG_LEVEL: "debug",
};
const inherited = (isLocalWorld: boolean) =>
  serviceEnv({ env, natsUrl: "nats://127.0.0.1:3", endpoints, isLocalWorld });

test("in a local world nothing is read from the real one, whatever a person has set for it", () => {
  const balances = parseEnv(balanceSyncEnv, inherited(true));
  expect(providerUrls(balances)).toEqual([endpoints.rpcHttpUrl]);
  expect(walletsOf(balances)).toEqual([]);
  expect(parseEnv(watcherEnv, inherited(true)).POLY_EXCHANGE_CTF).toBeUndefined();
  expect(inherited(true)).toMatchObject({ LOG_LEVEL: "debug", NATS_URL: "nats://127.0.0.1:3" });
});

test("with the real venue a person's node for balances and exchanges hold", () => {
  const balances = parseEnv(balanceSyncEnv, inherited(false));
  expect(providerUrls(balances)).toEqual(["https://balances.example"]);
  expect(walletsOf(balances).map(({ address }) => address)).toEqual([env.AQ_WALLET_FUNDER]);
  expect(parseEnv(watcherEnv, inherited(false)).POLY_EXCHANGE_CTF).toBe(env.POLY_EXCHANGE_CTF);
});

test("several nodes reach the services as several", () => {
  const nodes = ["https://one.example/key", "https://two.example"];
  const sockets = ["wss://one.example/key", "wss://two.example"];
  const settings = readSettings({ POLYGON_HTTP_URL: nodes.join(", "), POLYGON_WS_URL: sockets.join(",") });
  const inherits = serviceEnv({
    ...{ env: {}, natsUrl: "nats://127.0.0.1:3", isLocalWorld: false },
    endpoints: venueEndpoints(settings),
  });
  expect(parseEnv(watcherEnv, inherits)).toMatchObject({ POLYGON_HTTP_URL: nodes, POLYGON_WS_URL: sockets });
  expect(providerUrls(parseEnv(balanceSyncEnv, inherits))).toEqual(nodes);
});

test("a list with a wrong node ends the start with the variable", () => {
  const wrong = { POLYGON_HTTP_URL: "https://one.example,two.example" };
  expect(() => readSettings(wrong)).toThrow(/POLYGON_HTTP_URL=.*number 2 of 2/);
});
