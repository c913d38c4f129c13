/** Trades of leaders with each other and with others, made of a seed, settled as quickly as asked. */
import { createHash } from "node:crypto";
import { Hash } from "@slipstream/contracts/ids";
import {
  add,
  notional,
  priceMicro,
  type SharesMicro,
  type Side,
  sharesMicro,
  subtract,
  type UsdcMicro,
  usdcMicro,
} from "@slipstream/contracts/money";
import type { Random } from "@slipstream/sandbox/actors/random";
import type { ChainMarket, Match, MatchedOrder, SandboxChain, SandboxWallet } from "@slipstream/sandbox/chain/types";

export type TraderOptions = {
  readonly chain: Pick<SandboxChain, "settleAll">;
  readonly random: Random;
  readonly seed: string;
  readonly markets: readonly ChainMarket[];
  readonly leaders: readonly SandboxWallet[];
  readonly others: readonly SandboxWallet[];
  /** How likely an order is a leader's. */
  readonly leaderChance: number;
};

export type Trader = {
  /** Sends so many transactions, of several matches each; they are mined with the next block. */
  trade(transactions: number): Promise<void>;
};

const MATCHES_MAX = 3;
const RESTING_MAX = 3;
const IDENTICAL_CHANCE = 0.3;
const SELF_CHANCE = 0.1;
const FEE_CHANCE = 0.3;
const OFFERED_CHANCE = 0.2;
/** Few enough that equal fills come by themselves. */
const sizes = [1_000_000n, 5_000_000n, 7_654_321n, 12_345_678n, 20_000_000n].map(sharesMicro);
const ONE = 1_000_000;

type Draft = Omit<MatchedOrder, "orderHash">;

export function createTrader({ chain, random, seed, markets, leaders, others, leaderChance }: TraderOptions): Trader {
  let orders = 0;
  const anybody = (): SandboxWallet => {
    const wallet = random.pick(random.chance(leaderChance) ? leaders : others);
    if (wallet === undefined) throw new Error("nobody to trade");
    return wallet;
  };
  const signed = (draft: Draft): MatchedOrder => {
    orders += 1;
    const orderHash = Hash.parse(`0x${createHash("sha256").update(`${seed}|${orders}`).digest("hex")}`);
    return { ...draft, orderHash };
  };
  const matchOf = (market: ChainMarket): Match => {
    const side: Side = random.chance(0.5) ? "BUY" : "SELL";
    const outcome = random.integer(0, 1);
    const price = priceMicro(random.integer(1, 99) * 10_000);
    const active = anybody();
    const crosses = random.chance(0.6);
    const token = (at: number) => market.tokenIds[at === 0 ? 0 : 1];
    const count = random.integer(1, RESTING_MAX);
    const resting: Draft[] = [];
    for (let n = 0; n < count; n++) {
      const repeated = resting.at(-1);
      if (repeated !== undefined && random.chance(IDENTICAL_CHANCE)) {
        resting.push(repeated);
        continue;
      }
      const size = random.pick(sizes) ?? sharesMicro(1_000_000n);
      resting.push({
        maker: (random.chance(SELF_CHANCE) ? active : anybody()).address,
        side: crosses === (side === "BUY") ? "SELL" : "BUY",
        tokenId: token(crosses ? outcome : 1 - outcome),
        sharesMicro: size,
        usdcMicro: notional(crosses ? price : priceMicro(ONE - price), size, "floor"),
        feeMicro: usdcMicro(0n),
      });
    }
    const shares = add(...resting.map((order) => order.sharesMicro));
    const paid = add(...resting.map((order) => (crosses ? order.usdcMicro : complement(order))));
    const offers = side === "BUY" && random.chance(OFFERED_CHANCE);
    return {
      conditionId: market.conditionId,
      active: signed({
        maker: active.address,
        side,
        tokenId: token(outcome),
        sharesMicro: shares,
        usdcMicro: offers ? add(paid, usdcMicro(10_000n)) : paid,
        feeMicro: usdcMicro(random.chance(FEE_CHANCE) ? 12_345n : 0n),
      }),
      resting: resting.map(signed),
    };
  };
  const again = ({ conditionId, active, resting }: Match): Match => ({
    conditionId,
    active: signed(active),
    resting: resting.map(signed),
  });

  return {
    trade: async (transactions) => {
      for (let n = 0; n < transactions; n++) {
        const exchange = random.pick(markets)?.exchange;
        const tradable = markets.filter((market) => market.exchange === exchange);
        const matches: Match[] = [];
        const count = random.integer(1, MATCHES_MAX);
        for (let m = 0; m < count; m++) {
          const market = random.pick(tradable);
          const last = matches.at(-1);
          if (last !== undefined && random.chance(IDENTICAL_CHANCE)) matches.push(again(last));
          else if (market !== undefined) matches.push(matchOf(market));
        }
        await chain.settleAll(matches);
      }
    },
  };
}

/** What the other side of a pair pays or gets: together they are one USDC a share. */
const complement = (order: { readonly sharesMicro: SharesMicro; readonly usdcMicro: UsdcMicro }): UsdcMicro =>
  subtract(notional(priceMicro(ONE), order.sharesMicro, "floor"), order.usdcMicro);
