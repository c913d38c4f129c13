/** Logs of every kind that the watcher reads, encoded by viem, each with what it says. */
import { fixedHex, logOfV1, logOfV2, rawLog } from "../../libs/polymarket/src/testing/logs.ts";
import { EXCHANGE_V1, EXCHANGE_V2, EXCHANGE_V3, NEG_RISK_EXCHANGE_V2 } from "../../libs/polymarket/src/versions.ts";
import type { RawLog } from "../../libs/polymarket/src/words.ts";

type Sample = { readonly name: string; readonly log: RawLog; readonly expected: Readonly<Record<string, unknown>> };

const CTF = "0x4d97dcd97ec945f40cf65f87097ace5ea0476045";
const NEG_RISK_ADAPTER = "0xd91e80cf2e7be2e162c6513ced06f1dd0da35296";
const USDC_E = "0x2791bca1f2de4661ed88a30c99a7a9449aa84174";
const [maker, taker, other] = ["a1", "a2", "a3"].map((tail) => `0x5a${tail.padStart(38, "0")}`) as [
  string,
  string,
  string,
];
const token = 77_000_000_000_000_000_000_000_000_000_000_000_001n;
const condition = fixedHex("c0ffee", 32);
const orderHash = (n: number): string => fixedHex(n.toString(16), 32);

type Fill = { name: string; exchange: string; side: "BUY" | "SELL"; shares: number; usdc: number; fee?: number };

/** Amounts in 1e-6; `own`: the log of the active order, whose taker is the exchange. */
function fill({ name, exchange, side, shares, usdc, fee = 0 }: Fill, own: boolean, n: number): Sample {
  const [given, received] = side === "BUY" ? [usdc, shares] : [shares, usdc];
  const [of, against] = own ? [taker, exchange] : [maker, taker];
  const common = {
    orderHash: orderHash(n),
    maker: of,
    taker: against,
    given: BigInt(given),
    received: BigInt(received),
    fee: BigInt(fee),
  };
  const [makerAsset, takerAsset] = side === "BUY" ? [0n, token] : [token, 0n];
  const log =
    exchange === EXCHANGE_V1
      ? logOfV1(exchange, { ...common, makerAsset, takerAsset })
      : logOfV2(exchange, { ...common, side: side === "BUY" ? 0 : 1, tokenId: token });
  const expected = {
    side,
    maker: of,
    taker: against,
    taker_is_exchange: own,
    tokenId: String(token),
    shares: shares / 1e6,
    usdc: usdc / 1e6,
    fee: fee / 1e6,
    price: Number((usdc / shares).toFixed(10)),
  };
  return { name, log, expected };
}

const amounts = { stakeholder: other, conditionId: condition };
const split = { ...amounts, collateralToken: USDC_E, parentCollectionId: orderHash(0), partition: [1n, 2n] };

/** Returns the samples with the block places a node would give. */
export function chainLogs(): readonly Sample[] {
  const samples: Sample[] = [
    fill(
      { name: "v2_std_maker_buy", exchange: EXCHANGE_V2, side: "BUY", shares: 2_560_000, usdc: 2_355_200 },
      false,
      1,
    ),
    fill(
      { name: "v2_std_taker_sell", exchange: EXCHANGE_V2, side: "SELL", shares: 2_560_000, usdc: 2_355_200 },
      true,
      2,
    ),
    fill(
      {
        name: "v2_negrisk_taker_buy",
        exchange: NEG_RISK_EXCHANGE_V2,
        side: "BUY",
        shares: 261_000_001,
        usdc: 234_660_000,
        fee: 71_000,
      },
      true,
      3,
    ),
    fill({ name: "v3_maker_sell", exchange: EXCHANGE_V3, side: "SELL", shares: 4_180_000, usdc: 3_929_200 }, false, 4),
    fill(
      {
        name: "v1_maker_buy_with_fee",
        exchange: EXCHANGE_V1,
        side: "BUY",
        shares: 17_700_000,
        usdc: 7_434_000,
        fee: 1_770_000,
      },
      false,
      5,
    ),
    {
      name: "ctf_split",
      log: rawLog(CTF, "CTF_POSITION_SPLIT", { ...split, amount: 20_000_000n }),
      expected: { ...amounts, amount: 20 },
    },
    {
      name: "ctf_merge",
      log: rawLog(CTF, "CTF_POSITIONS_MERGE", { ...split, amount: 21_120_000n }),
      expected: { ...amounts, amount: 21.12 },
    },
    {
      name: "negrisk_conversion",
      log: rawLog(NEG_RISK_ADAPTER, "NEG_RISK_POSITIONS_CONVERTED", {
        stakeholder: other,
        marketId: condition,
        indexSet: 1_024n,
        amount: 10_000_000n,
      }),
      expected: { stakeholder: other, marketId: condition, indexSet: 1_024, amount: 10 },
    },
    {
      name: "collateral_paid",
      log: rawLog(USDC_E, "ERC20_TRANSFER", { from: CTF, to: other, value: 5_050_504n }),
      expected: { from: CTF, to: other, value: 5.050504 },
    },
  ];
  return samples.map((sample, at) => {
    const blockNumber = `0x${(95_000_000 + at).toString(16)}`;
    return {
      ...sample,
      log: { ...sample.log, blockNumber, transactionHash: orderHash(900 + at), logIndex: `0x${at}` },
    };
  });
}
