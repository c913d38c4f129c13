/** Facts of others that the core folds, for its tests. */
import type { Fact } from "@slipstream/contracts/facts";
import { type ClientOrderId, ConditionId, factId, type LeaderFillId } from "@slipstream/contracts/ids";
import { priceMicro, sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import { LeaderConfig } from "@slipstream/contracts/policy";
import { EXCHANGE_V2 } from "@slipstream/polymarket/versions";
import { account } from "./coreRun.testing.ts";
import { createForkedChain, type ForkedChain, leader, tokens } from "./forkedChain.testing.ts";

const head = (type: string, name: string) => ({ v: 1, id: factId(type, name), tsEventMs: 1, tsInitMs: 1 }) as const;
const condition = ConditionId.parse(`0x${"c".repeat(64)}`);

export const followed: Fact = {
  type: "ConfigChanged",
  ...head("ConfigChanged", "leader"),
  key: `leaders.${leader}`,
  revision: 1,
  value: LeaderConfig.encode({ leader, enabled: true }),
};

export function progress(chain: ForkedChain): Fact {
  const newest = chain.head();
  return {
    type: "ChainProgress",
    ...head("ChainProgress", `all.${newest.hash}`),
    shard: "all",
    head: newest.number,
    headHash: newest.hash,
    headTsMs: newest.number,
    finalized: chain.finalized(),
    finalizedHash: newest.hash,
    cursor: chain.finalized(),
    openGaps: 0,
  };
}

/** Makes the token one that the leader is known to trade. */
export function leaderFill(n: number): Fact {
  const { hash } = createForkedChain().head();
  return {
    type: "LeaderFill",
    ...head("LeaderFill", String(n)),
    leaderFillId: String(n).padStart(32, "0") as LeaderFillId,
    occurrence: 0,
    chainId: 137,
    leader,
    role: "TAKER",
    side: "BUY",
    tokenId: tokens[n] ?? tokens[0] ?? ("0" as never),
    conditionId: condition,
    sharesMicro: sharesMicro(1n),
    usdcMicro: usdcMicro(1n),
    priceMicro: priceMicro(500_000),
    feeMicro: usdcMicro(0n),
    feeUnit: "USDC",
    exchange: EXCHANGE_V2,
    orderHash: hash,
    txHash: hash,
    blockNumber: 1,
    blockHash: hash,
    logIndex: n,
    ordinal: 0,
    source: "chain",
    historical: false,
    tsSeenMs: 1,
  };
}

/** An order of our account is open in this token. */
export const granted = (n: number): Fact => ({
  type: "ReservationGranted",
  ...head("ReservationGranted", String(n)),
  account,
  orderId: String(n).padStart(32, "0") as ClientOrderId,
  tokenId: tokens[n] ?? ("0" as never),
  side: "BUY",
  sizeMicro: sharesMicro(1n),
  collateralMicro: usdcMicro(1n),
  sharesMicro: sharesMicro(0n),
});
