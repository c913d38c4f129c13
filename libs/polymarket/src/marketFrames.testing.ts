/** Messages of the market channel as the venue writes them, for tests of what reads them. */

export const YES = "114602688616062054693464639818826590702731982636255124778328943187816056373369";
export const NO = "112222077780534073126353733665449794547376835979729917699348268168151417239731";
export const market = `0x${"d2".repeat(32)}`;
export const timestamp = "1788786330404";
export const hash = "8f586c609394aa59b47792c3ade0ec455d30489c";
export const book = {
  market,
  asset_id: YES,
  timestamp,
  hash,
  bids: [
    { price: "0.01", size: "26.68" },
    { price: "0.62", size: "7.555554" },
  ],
  asks: [{ price: "0.99", size: "31045290" }],
  tick_size: "0.01",
  event_type: "book",
  last_trade_price: "0.620",
};
export const entry = { asset_id: NO, price: "0.09", size: "0", side: "BUY", hash, best_bid: "0.37", best_ask: "0.38" };
export const priceChange = { market, price_changes: [entry], timestamp, event_type: "price_change" };
