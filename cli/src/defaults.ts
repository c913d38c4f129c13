/** What a first start puts into the configuration: one paper account. Edit it in the `config` bucket. */
import type { AccountId } from "@slipstream/contracts/ids";
import { parseUsdc, priceMicro, sharesMicro } from "@slipstream/contracts/money";
import type { AccountPolicy } from "@slipstream/contracts/policy";

const PAPER = "paper" as AccountId;

export const defaultAccount: AccountPolicy = {
  account: PAPER,
  mode: "paper",
  enabled: true,
  initialCollateralMicro: parseUsdc("10000"),
  sizing: { kind: "percentage", ratioMicro: 100_000 },
  signalAgeMsMax: 15_000,
  makerRatioMicro: 1_000_000,
  priceGuardBps: 200,
  priceGuardTicks: 2,
  priceGuardMaxBps: 500,
  exits: { kind: "widen", everySeconds: 30, stepBps: 200, floorBps: null, bookAfterSeconds: 600 },
  bucketAgeMsMax: 3_600_000,
  timeInForce: "GTD",
  ttlMs: 5_000,
  submitLatencyMs: 150,
  caps: {
    orderUsdcMicro: parseUsdc("500"),
    tokenUsdcMicro: parseUsdc("2000"),
    grossUsdcMicro: parseUsdc("8000"),
    openPositionsMax: 50,
  },
  minPriceMicro: priceMicro(20_000),
  maxPriceMicro: priceMicro(980_000),
  onRetract: "keep",
  dustMicro: sharesMicro(10_000n),
};
