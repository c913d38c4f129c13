/** Rows of the Data API and of the live feed, in the venue's shapes: numbers with ten decimals, fees within the USDC. */
import { createRandom } from "../../sandbox/src/actors/random.ts";

const wallet = "0x5a00000000000000000000000000000000000007";
const START_SECONDS = 1_790_000_000;
const hex = (n: number, bytes: number): string => `0x${n.toString(16).padStart(bytes * 2, "0")}`;
const averageOf = (usdc: number, shares: number): number => Number((usdc / shares).toFixed(10));

/** `/activity` of one wallet: 42 trades, 7 of them with a taker's fee, and acts that are no fills between them. */
export function activity(): readonly Readonly<Record<string, unknown>>[] {
  const random = createRandom("activity");
  const act = (n: number, type: string, more: Readonly<Record<string, unknown>>) => ({
    proxyWallet: wallet,
    timestamp: START_SECONDS - n * 37,
    conditionId: "",
    type,
    size: 0,
    usdcSize: 0,
    transactionHash: hex(n + 1, 32),
    price: 0,
    asset: "",
    side: "",
    outcomeIndex: 999,
    ...more,
  });
  const trade = (n: number) => {
    const shares = random.integer(1_000_000, 900_000_000);
    const usdc = Math.floor((shares * random.integer(20, 980)) / 1_000);
    const fee = n % 6 === 0 ? Math.floor(usdc / 40) : 0;
    return act(n, "TRADE", {
      conditionId: hex(random.integer(1, 5), 32),
      size: shares / 1e6,
      usdcSize: (usdc + fee) / 1e6,
      price: averageOf(usdc, shares),
      asset: String(random.integer(1, 9)),
      side: random.chance(0.6) ? "BUY" : "SELL",
      outcomeIndex: 0,
    });
  };
  const others = ["MAKER_REBATE", "REWARD", "REWARD", "REDEEM", "TAKER_REBATE", "REWARD", "REDEEM", "REWARD"];
  const trades = Array.from({ length: 42 }, (_, n) => trade(n));
  const paid = others.map((type, n) => act(3 + n * 5, type, { size: 10.5 + n, usdcSize: 10.5 + n }));
  return [...trades, ...paid].sort((a, b) => b.timestamp - a.timestamp);
}

/** A taker buys of one seller and of two buyers of the sibling token, all in one transaction. */
const SESSION_TX = hex(0x5e5510, 32);

export function session() {
  const [yes, no] = ["8101", "8102"];
  type Leg = { trader: number; token_id: string | undefined; side: string; shares: number; usdc: number; tx: string };
  const row = ({ trader, token_id, side, shares, usdc, tx }: Leg) => ({
    trader: hex(trader, 20),
    market_id: hex(0xabc, 32),
    token_id,
    side,
    price: averageOf(usdc, shares),
    size: shares / 1e6,
    tx_hash: tx,
    source_ts_ms: START_SECONDS * 1_000,
  });
  const legs = [
    { trader: 2, token_id: yes, side: "SELL", shares: 20_000_000, usdc: 11_600_000 },
    { trader: 3, token_id: no, side: "BUY", shares: 71_135_592, usdc: 29_165_592 },
    { trader: 4, token_id: no, side: "BUY", shares: 10_000_000, usdc: 4_200_000 },
  ];
  const shares = legs.reduce((sum, leg) => sum + leg.shares, 0);
  // Of the sibling's buyers the taker pays what they leave of one dollar a share.
  const usdc = legs.reduce((sum, leg) => sum + (leg.side === "SELL" ? leg.usdc : leg.shares - leg.usdc), 0);
  const match = [{ trader: 1, token_id: yes, side: "BUY", shares, usdc }, ...legs];
  const before = { trader: 9, token_id: no, side: "SELL", shares: 5_000_000, usdc: 2_000_000, tx: hex(0x11, 32) };
  return { name: "made", events: [before, ...match.map((leg) => ({ ...leg, tx: SESSION_TX }))].map(row) };
}
