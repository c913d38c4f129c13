import type { Address } from "@slipstream/contracts/ids";
import fc from "fast-check";
import { type AbiEvent, decodeEventLog, type Hex, toEventSelector } from "viem";
import { describe, expect, test } from "vitest";
import { decodeOrderFilled, fillPrice, type OrderFilled } from "./orderFilled.ts";
import { eventAbis, fixedHex, logOfV1, logOfV2, orderFilledV1Abi, orderFilledV2Abi } from "./testing/logs.ts";
import * as topics from "./topics.ts";
import { defaultExchanges, EXCHANGE_V1, EXCHANGE_V2, EXCHANGE_V3, NEG_RISK_EXCHANGE_V2 } from "./versions.ts";
import type { LogRefusal, RawLog } from "./words.ts";

const alice = fixedHex("a1", 20) as Address;
const bob = fixedHex("b0", 20) as Address;
const hash = fixedHex("0d", 32);
const table = defaultExchanges;

test("every topic is the hash of the signature in its comment", () => {
  for (const [name, abi] of Object.entries(eventAbis)) {
    expect((topics as Record<string, string>)[name], name).toBe(toEventSelector(abi as AbiEvent));
  }
  expect(Object.keys(eventAbis).sort()).toEqual(Object.keys(topics).sort());
});

describe("one match, read from its logs", () => {
  const YES = 111n;
  const NO = 222n;
  const share = 1_000_000n;
  const maker = (side: number, tokenId: bigint, given: bigint, received: bigint) =>
    decodeOrderFilled(
      logOfV2(EXCHANGE_V2, { orderHash: hash, maker: bob, taker: alice, side, tokenId, given, received, fee: 0n }),
      table,
    );
  const active = (side: number, tokenId: bigint, given: bigint, received: bigint, fee: bigint) =>
    decodeOrderFilled(
      logOfV2(EXCHANGE_V2, { orderHash: hash, maker: alice, taker: EXCHANGE_V2, side, tokenId, given, received, fee }),
      table,
    );

  test("COMPLEMENTARY: the resting order sells what the active order buys", () => {
    expect(maker(1, YES, 10n * share, 6n * share)).toMatchObject({
      side: "SELL",
      tokenId: "111",
      role: "MAKER",
      sharesMicro: 10n * share,
      usdcMicro: 6n * share,
    });
    expect(active(0, YES, 6n * share, 10n * share, 168_000n)).toMatchObject({
      side: "BUY",
      tokenId: "111",
      role: "TAKER",
      sharesMicro: 10n * share,
      usdcMicro: 6n * share,
      feeMicro: 168_000n,
      feeUnit: "USDC",
    });
  });
  test("MINT: both orders buy, each its own token, and the prices sum to one", () => {
    const resting = maker(0, NO, 4n * share, 10n * share);
    const taken = active(0, YES, 6n * share, 10n * share, 0n);
    expect(resting).toMatchObject({ side: "BUY", tokenId: "222", role: "MAKER" });
    expect(taken).toMatchObject({ side: "BUY", tokenId: "111", role: "TAKER" });
    if (resting.kind === "refused" || taken.kind === "refused") throw new Error("refused");
    expect(Number(fillPrice(resting)) + Number(fillPrice(taken))).toBe(1_000_000);
  });
  test("MERGE: both orders sell, each its own token", () => {
    expect(maker(1, NO, 10n * share, 4n * share)).toMatchObject({
      side: "SELL",
      tokenId: "222",
      role: "MAKER",
      usdcMicro: 4n * share,
    });
    expect(active(1, YES, 10n * share, 6n * share, 0n)).toMatchObject({
      side: "SELL",
      tokenId: "111",
      role: "TAKER",
      usdcMicro: 6n * share,
    });
  });
  test("V1: the fee of a buyer is in shares, of a seller in USDC", () => {
    const common = { orderHash: hash, maker: alice, taker: bob, fee: 1_770_000n };
    expect(
      decodeOrderFilled(
        logOfV1(EXCHANGE_V1, { ...common, makerAsset: 0n, takerAsset: YES, given: 7_434_000n, received: 17_700_000n }),
        table,
      ),
    ).toMatchObject({
      generation: "V1",
      side: "BUY",
      tokenId: "111",
      sharesMicro: 17_700_000n,
      usdcMicro: 7_434_000n,
      feeMicro: 1_770_000n,
      feeUnit: "SHARES",
    });
    expect(
      decodeOrderFilled(
        logOfV1(EXCHANGE_V1, { ...common, makerAsset: YES, takerAsset: 0n, given: 17_700_000n, received: 7_434_000n }),
        table,
      ),
    ).toMatchObject({
      side: "SELL",
      sharesMicro: 17_700_000n,
      usdcMicro: 7_434_000n,
      feeUnit: "USDC",
    });
  });
  test("the exchange of another generation or kind is another taker", () => {
    const log = logOfV2(NEG_RISK_EXCHANGE_V2, {
      orderHash: hash,
      maker: alice,
      taker: EXCHANGE_V2,
      side: 0,
      tokenId: YES,
      given: 1n,
      received: 2n,
      fee: 0n,
    });
    expect(decodeOrderFilled(log, table)).toMatchObject({
      role: "MAKER",
      exchange: NEG_RISK_EXCHANGE_V2,
      generation: "V2",
    });
  });
  test("an upper-case address of the log is the same exchange", () => {
    const log = logOfV2(EXCHANGE_V2, {
      orderHash: hash,
      maker: alice,
      taker: EXCHANGE_V2,
      side: 0,
      tokenId: YES,
      given: 1n,
      received: 2n,
      fee: 0n,
    });
    expect(decodeOrderFilled({ ...log, address: log.address.toUpperCase().replace("0X", "0x") }, table)).toMatchObject({
      role: "TAKER",
      exchange: EXCHANGE_V2,
    });
  });
});

describe("what is no known layout is refused", () => {
  const good = logOfV2(EXCHANGE_V2, {
    orderHash: hash,
    maker: alice,
    taker: bob,
    side: 0,
    tokenId: 7n,
    given: 1n,
    received: 2n,
    fee: 0n,
  });
  const v1 = logOfV1(EXCHANGE_V1, {
    orderHash: hash,
    maker: alice,
    taker: bob,
    makerAsset: 0n,
    takerAsset: 7n,
    given: 1n,
    received: 2n,
    fee: 0n,
  });
  const word = (n: number, text: string, data: string) =>
    data.slice(0, 2 + n * 64) + text.padStart(64, "0") + data.slice(2 + (n + 1) * 64);
  const [t0 = "", t1 = "", t2 = "", t3 = ""] = good.topics;
  test.each([
    ["an address outside the table", { ...good, address: alice }, "ADDRESS_UNKNOWN"],
    ["the V1 event on a V2 exchange", { ...v1, address: EXCHANGE_V2 }, "EVENT_UNKNOWN"],
    ["the V2 event on a V1 exchange", { ...good, address: EXCHANGE_V1 }, "EVENT_UNKNOWN"],
    ["no topic", { ...good, topics: [] }, "EVENT_UNKNOWN"],
    ["three topics", { ...good, topics: [t0, t1, t2] }, "TOPIC_COUNT_WRONG"],
    ["five topics", { ...good, topics: [t0, t1, t2, t3, t3] }, "TOPIC_COUNT_WRONG"],
    [
      "a wallet topic with dirt above the address",
      { ...good, topics: [t0, t1, t2.replace("0x0", "0x1"), t3] },
      "TOPIC_MALFORMED",
    ],
    ["an order hash that is too short", { ...good, topics: [t0, t1.slice(0, 60), t2, t3] }, "TOPIC_MALFORMED"],
    ["one word too few", { ...good, data: good.data.slice(0, -64) }, "DATA_LENGTH_WRONG"],
    ["half a word too many", { ...good, data: `${good.data}${"0".repeat(32)}` }, "DATA_LENGTH_WRONG"],
    ["side 2", { ...good, data: word(0, "2", good.data) }, "SIDE_UNKNOWN"],
    ["side 16", { ...good, data: word(0, "10", good.data) }, "SIDE_UNKNOWN"],
    ["a token that is not hex", { ...good, data: word(1, "xyz", good.data) }, "DATA_MALFORMED"],
    ["an amount that is not hex", { ...good, data: word(2, "1g", good.data) }, "DATA_MALFORMED"],
    ["a large amount that is not hex", { ...good, data: word(3, `1${"0".repeat(20)}z`, good.data) }, "DATA_MALFORMED"],
    ["V1 with two tokens", { ...v1, data: word(0, "5", v1.data) }, "ASSETS_AMBIGUOUS"],
    ["V1 with no token", { ...v1, data: word(1, "0", v1.data) }, "ASSETS_AMBIGUOUS"],
  ])("%s", (_name, log, code) => {
    expect(decodeOrderFilled(log, table)).toMatchObject({ kind: "refused", code });
  });
});

const uint = (bits: number) => fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n });
const amount = fc.oneof(uint(40), uint(53), uint(256));
const wallet = uint(160).map((value) => fixedHex(value.toString(16), 20) as Address);
const common = {
  orderHash: uint(256).map((value) => fixedHex(value.toString(16), 32)),
  maker: wallet,
  given: amount,
  received: amount,
  fee: amount,
  tokenId: uint(256).filter((value) => value > 0n),
  buys: fc.boolean(),
};

/** The same record, from viem's decoding. */
function byViem(log: RawLog): unknown {
  const row = table.byAddress.get(log.address);
  const topicList = log.topics as [Hex, ...Hex[]];
  const data = log.data as Hex;
  if (row?.generation === "V1") {
    const { args } = decodeEventLog({ abi: orderFilledV1Abi, topics: topicList, data });
    const buys = args.makerAssetId === 0n;
    return record(log, { ...args, buys, tokenId: buys ? args.takerAssetId : args.makerAssetId, inShares: buys });
  }
  const { args } = decodeEventLog({ abi: orderFilledV2Abi, topics: topicList, data });
  return record(log, { ...args, buys: args.side === 0, inShares: false });
}

function record(
  log: RawLog,
  args: {
    orderHash: string;
    maker: string;
    taker: string;
    buys: boolean;
    inShares: boolean;
    tokenId: bigint;
    makerAmountFilled: bigint;
    takerAmountFilled: bigint;
    fee: bigint;
  },
): OrderFilled | LogRefusal {
  return {
    kind: "orderFilled",
    exchange: log.address,
    generation: table.byAddress.get(log.address)?.generation,
    orderHash: args.orderHash,
    maker: args.maker.toLowerCase(),
    taker: args.taker.toLowerCase(),
    role: args.taker.toLowerCase() === log.address ? "TAKER" : "MAKER",
    side: args.buys ? "BUY" : "SELL",
    tokenId: args.tokenId.toString(),
    sharesMicro: args.buys ? args.takerAmountFilled : args.makerAmountFilled,
    usdcMicro: args.buys ? args.makerAmountFilled : args.takerAmountFilled,
    feeMicro: args.fee,
    feeUnit: args.inShares ? "SHARES" : "USDC",
  } as OrderFilled;
}

test("random logs of all generations decode as viem decodes them", () => {
  const exchange = fc.constantFrom(...table.rows.map((row) => row.address));
  fc.assert(
    fc.property(exchange, fc.record(common), fc.option(wallet), (address, order, other) => {
      const taker = other ?? address;
      const side = order.buys ? 0 : 1;
      const assets = { makerAsset: order.buys ? 0n : order.tokenId, takerAsset: order.buys ? order.tokenId : 0n };
      const isV1 = table.byAddress.get(address)?.generation === "V1";
      const log = isV1 ? logOfV1(address, { ...order, ...assets, taker }) : logOfV2(address, { ...order, side, taker });
      expect(decodeOrderFilled(log, table)).toEqual(byViem(log));
    }),
    { numRuns: Number(process.env["PROPERTY_RUNS"] ?? 2000) },
  );
});

test("a log with characters changed is refused or decodes as viem decodes it, never otherwise", () => {
  const good = logOfV2(EXCHANGE_V3, {
    orderHash: hash,
    maker: alice,
    taker: bob,
    side: 1,
    tokenId: 7n,
    given: 5n,
    received: 2n,
    fee: 1n,
  });
  fc.assert(
    fc.property(fc.nat(good.data.length - 3), fc.constantFrom(..."0123456789abcdefgz -"), (at, char) => {
      const data = good.data.slice(0, at + 2) + char + good.data.slice(at + 3);
      const decoded = decodeOrderFilled({ ...good, data }, table);
      // Builder and metadata, the last two words, are not read.
      if (decoded.kind === "refused" || at >= 5 * 64) return;
      expect(decoded).toEqual(byViem({ ...good, data }));
    }),
  );
});
