/** Where the venue and a public node of its chain are reached without an account: the defaults of all settings. */
export const publicEndpoints = {
  polygonHttpUrl: "https://polygon-bor-rpc.publicnode.com",
  polygonWsUrl: "wss://polygon-bor-rpc.publicnode.com",
  clobHttpUrl: "https://clob.polymarket.com",
  clobMarketWsUrl: "wss://ws-subscriptions-clob.polymarket.com/ws/market",
  gammaUrl: "https://gamma-api.polymarket.com",
  dataApiUrl: "https://data-api.polymarket.com",
  rtdsUrl: "wss://ws-live-data.polymarket.com",
} as const;
