import { divide, MICRO, parseShares } from "@slipstream/contracts/money";
import { readSample, samplesIn } from "@slipstream/testkit/samples";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TxLog } from "./acts.ts";
import { exactFill, needsExactCost } from "./exactCost.ts";
import { decodeOrderFilled, type OrderFilled } from "./orderFilled.ts";
import { fixedHex } from "./testing/logs.ts";
import {
  filledLog,
  matchedLog,
  matchLogs,
  numbered,
  refundLog,
  type TestMatch,
  type TestOrder,
  testHash,
} from "./testing/matches.ts";
import {
  defaultExchanges,
  EXCHANGE_V1,
  EXCHANGE_V2,
  EXCHANGE_V3,
  NEG_RISK_EXCHANGE_V1,
  NEG_RISK_EXCHANGE_V2,
} from "./versions.ts";
import type { RawLog } from "./words.ts";

const table = defaultExchanges;
const wallet = (n: number) => fixedHex(`a${n}`, 20);
const [alice, bob, carol] = [wallet(1), wallet(2), wallet(3)];
const [YES, NO] = [111n, 222n];
const share = MICRO;
const order = (n: number, maker: string, rest: Omit<TestOrder, "n" | "maker">): TestOrder => ({ n, maker, ...rest });

/** The OrderFilled of order `n`; `nth` of them. */
function logOf(logs: readonly TxLog[], n: number, nth = 0): TxLog {
  const found = logs.filter(
    (log) => log.topics[1] === testHash(n) && decodeOrderFilled(log, table).kind === "orderFilled",
  )[nth];
  if (found === undefined) throw new Error(`no fill ${nth} of order ${n}`);
  return found;
}
const exactOf = (logs: readonly RawLog[], n: number, nth = 0) => {
  const all = numbered(logs);
  return exactFill(all, logOf(all, n, nth), table);
};

/** Buys 10 YES: 6 from a seller at 0.40, 4 minted against a buyer of NO at 0.55, having offered 0.50. */
const mixedBuy = (exchange: string, fee = 0n): TestMatch => ({
  exchange,
  active: order(1, alice, { side: "BUY", token: YES, shares: 10n * share, usdc: 5n * share, fee }),
  resting: [
    order(2, bob, { side: "SELL", token: YES, shares: 6n * share, usdc: 2_400_000n }),
    order(3, carol, { side: "BUY", token: NO, shares: 4n * share, usdc: 2_200_000n }),
  ],
});
const mixedCost = 4_200_000n;

describe("what an active order really paid", () => {
  test.each([
    ["V1", EXCHANGE_V1],
    ["V1 neg-risk", NEG_RISK_EXCHANGE_V1],
    ["V2", EXCHANGE_V2],
    ["V2 neg-risk", NEG_RISK_EXCHANGE_V2],
  ])("%s: the log says what was offered, the legs what it cost", (_name, exchange) => {
    expect(exactOf(matchLogs(mixedBuy(exchange)), 1)).toEqual({
      kind: "exact",
      usdcMicro: mixedCost,
      leftoverMicro: 800_000n,
      feeMicro: 0n,
      feeUnit: exchange === EXCHANGE_V1 || exchange === NEG_RISK_EXCHANGE_V1 ? "SHARES" : "USDC",
      difference: true,
    });
  });
  test("V3 and purely complementary V2 log what was executed: no difference", () => {
    const { active, resting } = mixedBuy(EXCHANGE_V3);
    const executed = matchLogs({ exchange: EXCHANGE_V3, active: { ...active, usdc: mixedCost }, resting });
    expect(exactOf(executed, 1)).toMatchObject({ usdcMicro: mixedCost, leftoverMicro: 0n, difference: false });
    const seller = order(2, bob, { side: "SELL", token: YES, shares: 10n * share, usdc: 4n * share });
    const direct = matchLogs({ exchange: EXCHANGE_V2, active: { ...active, usdc: 4n * share }, resting: [seller] });
    expect(exactOf(direct, 1)).toMatchObject({ usdcMicro: 4n * share, leftoverMicro: 0n, difference: false });
  });
  test("a sale gets what buyers pay, and of a merge what the other seller does not get", () => {
    const logs = matchLogs({
      exchange: EXCHANGE_V1,
      active: order(1, alice, { side: "SELL", token: YES, shares: 10n * share, usdc: 4_300_000n }),
      resting: [
        order(2, bob, { side: "BUY", token: YES, shares: 6n * share, usdc: 2_700_000n }),
        order(3, carol, { side: "SELL", token: NO, shares: 4n * share, usdc: 2_400_000n }),
      ],
    });
    expect(exactOf(logs, 1)).toMatchObject({ usdcMicro: 4_300_000n, leftoverMicro: 0n, difference: false });
  });
  test("a resting order is exact as it is logged, whatever its match", () => {
    const logs = matchLogs(mixedBuy(EXCHANGE_V1));
    expect(exactOf(logs, 3)).toMatchObject({ usdcMicro: 2_200_000n, leftoverMicro: 0n, difference: false });
  });
  test("matches of one transaction are kept apart, also of two exchanges and of one order", () => {
    const second: TestMatch = {
      exchange: EXCHANGE_V2,
      active: order(1, alice, { side: "BUY", token: YES, shares: 2n * share, usdc: share }),
      resting: [order(3, carol, { side: "BUY", token: NO, shares: 2n * share, usdc: 1_300_000n })],
    };
    const logs = [...matchLogs(mixedBuy(EXCHANGE_V2)), ...matchLogs(mixedBuy(EXCHANGE_V1)), ...matchLogs(second)];
    expect(exactOf(logs, 1, 0)).toMatchObject({ usdcMicro: mixedCost });
    expect(exactOf(logs, 1, 1)).toMatchObject({ usdcMicro: mixedCost });
    expect(exactOf(logs, 1, 2)).toMatchObject({ usdcMicro: 700_000n, leftoverMicro: 300_000n });
  });
  test("orders that the operator of V1 filled himself are no legs of the match after them", () => {
    const single = filledLog(
      EXCHANGE_V1,
      order(9, bob, { side: "SELL", token: YES, shares: share, usdc: 1n }),
      wallet(9),
    );
    expect(exactOf([single, ...matchLogs(mixedBuy(EXCHANGE_V1))], 1)).toMatchObject({ usdcMicro: mixedCost });
  });
});

describe("what fee was kept", () => {
  const match = mixedBuy(EXCHANGE_V1, 300_000n);
  const refunded = (amount: bigint, named: boolean): TestMatch => ({
    ...match,
    refunds: [{ order: match.active, amount, named }],
  });
  test.each([
    ["nothing given back", match, 300_000n, 1],
    ["a part given back, the order named", refunded(120_000n, true), 180_000n, 1],
    ["all given back, the order named", refunded(300_000n, true), 0n, 1],
    ["a part given back, only the wallet named", refunded(120_000n, false), 180_000n, 1],
  ])("%s", (_name, each, fee, n) => {
    expect(exactOf(matchLogs(each), n)).toMatchObject({ feeMicro: fee, feeUnit: "SHARES", difference: true });
  });
  test("a seller's fee and refund are in USDC, of a resting order too", () => {
    const seller = order(2, bob, { side: "SELL", token: YES, shares: 10n * share, usdc: 4n * share, fee: 90_000n });
    const active = { ...match.active, usdc: 4n * share, fee: 0n };
    const refunds = [{ order: seller, amount: 50_000n, named: true }];
    const logs = matchLogs({ exchange: EXCHANGE_V1, active, resting: [seller], refunds });
    expect(exactOf(logs, 2)).toMatchObject({ feeMicro: 40_000n, feeUnit: "USDC", difference: true });
    expect(exactOf(logs, 1)).toMatchObject({ feeMicro: 0n, difference: false });
  });
  test("each of two fills of one order has the refund that comes after it", () => {
    const logs = [...matchLogs(refunded(120_000n, true)), ...matchLogs(refunded(7n, true)), ...matchLogs(match)];
    expect([0, 1, 2].map((nth) => exactOf(logs, 1, nth))).toMatchObject([
      { feeMicro: 180_000n },
      { feeMicro: 299_993n },
      { feeMicro: 300_000n },
    ]);
  });
  test("a log like a refund from somebody who received no fee is nobody's", () => {
    const forged = refundLog({ order: match.active, amount: 300_000n, named: true }, wallet(66));
    expect(exactOf([...matchLogs(match), forged], 1)).toMatchObject({ feeMicro: 300_000n });
  });
});

describe("what the logs do not determine is unknown", () => {
  const match = mixedBuy(EXCHANGE_V1, 300_000n);
  const { active, resting } = match;
  const [seller, buyer] = resting as [TestOrder, TestOrder];
  const refund = (amount: bigint, named: boolean) => ({ order: active, amount, named });
  const withActive = (changes: Partial<TestOrder>) => ({ ...match, active: { ...active, ...changes } });
  test.each<[string, RawLog[], string]>([
    ["the log of the active order without its OrdersMatched", matchLogs(match).slice(0, -1), "MATCH_NOT_CLOSED"],
    [
      "an OrdersMatched of another order",
      [...matchLogs(match).slice(0, -1), matchedLog(EXCHANGE_V1, { ...active, n: 77 })],
      "MATCH_NOT_CLOSED",
    ],
    ["a leg that is missing", matchLogs({ ...match, resting: [seller] }), "SHARES_DO_NOT_ADD_UP"],
    ["no leg at all", matchLogs({ ...match, resting: [] }), "SHARES_DO_NOT_ADD_UP"],
    [
      "a seller of the other token",
      matchLogs({ ...match, resting: [{ ...seller, token: NO }, buyer] }),
      "LEG_NOT_CROSSING",
    ],
    [
      "two tokens beside the active one",
      matchLogs({ ...match, resting: [{ ...seller, side: "BUY", token: 333n }, buyer] }),
      "LEG_NOT_CROSSING",
    ],
    [
      "a buyer above one",
      matchLogs({ ...match, resting: [seller, { ...buyer, usdc: 5n * share }] }),
      "LEG_NOT_CROSSING",
    ],
    ["less offered than it cost", matchLogs(withActive({ usdc: mixedCost - 1n })), "COST_ABOVE_OFFER"],
    [
      "two refunds of one fill",
      matchLogs({ ...match, refunds: [refund(1n, true), refund(2n, true)] }),
      "REFUND_AMBIGUOUS",
    ],
    [
      "refunds of both kinds",
      matchLogs({ ...match, refunds: [refund(1n, true), refund(2n, false)] }),
      "REFUND_AMBIGUOUS",
    ],
    ["more given back than charged", matchLogs({ ...match, refunds: [refund(300_001n, true)] }), "REFUND_ABOVE_FEE"],
    [
      "a refund that names the order and another wallet",
      [...matchLogs(match), refundLog({ order: { ...active, maker: bob }, amount: 1n, named: true })],
      "REFUND_AMBIGUOUS",
    ],
    [
      "a fill of the same exchange that cannot be read",
      [{ ...filledLog(EXCHANGE_V1, seller, alice), data: "0x" }, ...matchLogs(match)],
      "LOGS_UNREADABLE",
    ],
  ])("%s", (_name, logs, code) => {
    expect(exactOf(logs, 1)).toMatchObject({ kind: "unknown", code });
  });
  test("one refund that names no order, for two fills of a wallet in one match", () => {
    const twice = [seller, { ...seller, n: 5 }].map((one) => ({ ...one, shares: 5n * share, fee: 9_000n }));
    const refunds = twice.slice(0, 1).map((one) => ({ order: one, amount: 4_000n, named: false }));
    const logs = matchLogs({ exchange: EXCHANGE_V1, active, resting: twice, refunds });
    expect(exactOf(logs, 2)).toMatchObject({ kind: "unknown", code: "REFUND_AMBIGUOUS" });
    expect(exactOf(logs, 1)).toMatchObject({ kind: "exact", feeMicro: 300_000n });
  });
  test("a log index that is no fill of the transaction", () => {
    expect(exactFill(numbered(matchLogs(match)), { logIndex: 3 }, table)).toMatchObject({ code: "LOGS_UNREADABLE" });
  });
});

test.each<[Parameters<typeof needsExactCost>[0], boolean]>(
  (["V1", "V2", "V3"] as const).flatMap((generation) =>
    (["MAKER", "TAKER"] as const).flatMap((role) =>
      (["BUY", "SELL"] as const).flatMap((side) =>
        [0n, 5n].map((fee): [Parameters<typeof needsExactCost>[0], boolean] => [
          { generation, role, side, feeMicro: fee as OrderFilled["feeMicro"] },
          generation !== "V3" && ((role === "TAKER" && side === "BUY") || (generation === "V1" && fee > 0n)),
        ]),
      ),
    ),
  ),
)("%o needs its transaction: %s", (fill, needed) => {
  expect(needsExactCost(fill)).toBe(needed);
});

const amount = (max: bigint) => fc.bigInt({ min: 1n, max });
const legArb = fc.record({
  shares: amount(10n ** 12n),
  perMille: fc.integer({ min: 1, max: 999 }),
  crosses: fc.boolean(),
});
const matchArb = fc.record({
  exchange: fc.constantFrom(...table.rows.map((row) => row.address)),
  side: fc.constantFrom("BUY" as const, "SELL" as const),
  yes: fc.boolean(),
  legs: fc.array(legArb, { minLength: 1, maxLength: 6 }),
  surplus: fc.oneof(fc.constant(0n), amount(10n ** 9n)),
  fee: fc.oneof(fc.constant(0n), amount(10n ** 6n)),
  refundPerMille: fc.option(fc.integer({ min: 1, max: 1000 })),
});

test("of any transaction, every fill is told as it was made", () => {
  fc.assert(
    fc.property(fc.array(matchArb, { minLength: 1, maxLength: 4 }), fc.boolean(), (wishes, named) => {
      const truths: { n: number; usdc: bigint; fee: bigint; leftover: bigint }[] = [];
      const logs = wishes.flatMap((wish, at) => {
        const [token, other] = wish.yes ? [YES, NO] : [NO, YES];
        const buys = wish.side === "BUY";
        let executed = 0n;
        let shares = 0n;
        const resting = wish.legs.map((leg, i): TestOrder => {
          const own = divide(leg.shares * BigInt(leg.perMille), 1_000n, "floor");
          const side = leg.crosses === buys ? ("SELL" as const) : ("BUY" as const);
          executed += leg.crosses ? own : leg.shares - own;
          shares += leg.shares;
          const n = at * 100 + i + 1;
          truths.push({ n, usdc: own, fee: 0n, leftover: 0n });
          return { n, maker: wallet(i), side, token: leg.crosses ? token : other, shares: leg.shares, usdc: own };
        });
        const generation = table.byAddress.get(wish.exchange)?.generation;
        const showsOffer =
          buys && (generation === "V1" || (generation === "V2" && wish.legs.some((leg) => !leg.crosses)));
        const leftover = showsOffer ? wish.surplus : 0n;
        // A wallet of its own for each match, or refunds without a name would be ambiguous.
        const active: TestOrder = {
          n: at * 100 + 99,
          maker: fixedHex(`b${at}`, 20),
          side: wish.side,
          token,
          shares,
          usdc: executed + leftover,
          fee: wish.fee,
        };
        const refund = generation === "V1" ? divide(wish.fee * BigInt(wish.refundPerMille ?? 0), 1_000n, "floor") : 0n;
        truths.push({ n: active.n, usdc: executed, fee: wish.fee - refund, leftover });
        const refunds = refund === 0n ? [] : [{ order: active, amount: refund, named }];
        return matchLogs({ exchange: wish.exchange, active, resting, refunds });
      });
      const all = numbered(logs);
      for (const { n, usdc, fee, leftover } of truths) {
        const log = logOf(all, n);
        const fill = decodeOrderFilled(log, table);
        const exact = exactFill(all.toReversed(), log, table);
        expect(exact).toMatchObject({ kind: "exact", usdcMicro: usdc, feeMicro: fee, leftoverMicro: leftover });
        if (fill.kind === "refused" || exact.kind === "unknown") throw new Error("not read");
        expect(exact.difference).toBe(usdc !== fill.usdcMicro || fee !== fill.feeMicro);
        if (exact.difference) expect(needsExactCost(fill)).toBe(true);
      }
    }),
    { numRuns: Number(process.env["FC_RUNS"] ?? 150) },
  );
});

/** The one transaction of each session whose rows begin with the active order and hold all of its match. */
const wholeMatches = ["0x9f91347d26757cc23c90bc617e9e3a74815f38e43333d73bbcfbbaa1dddc149e", testHash(0x5e5510)];

test.each(samplesIn("rtds", /^session/))("a match of four orders in $name costs what the venue said", ({ path }) => {
  type Row = { tx_hash: string; trader: string; side: "BUY" | "SELL"; price: number; size: number; token_id: string };
  const { events } = JSON.parse(readSample(path)) as { events: Row[] };
  const rows = events.filter((row) => wholeMatches.includes(row.tx_hash));
  // Micro-USDC, from the price of ten digits.
  const usdcOf = ({ price, size }: Row): bigint => BigInt(Math.round(price * size * 1e6));
  const [taken, ...legs] = rows.map((row, n) =>
    order(n, row.trader, {
      side: row.side,
      token: BigInt(row.token_id),
      shares: parseShares(String(row.size)),
      usdc: usdcOf(row),
    }),
  );
  if (taken === undefined) throw new Error("the transaction is not in the recording");
  expect(legs).toHaveLength(3);
  const offered = { ...taken, usdc: taken.usdc + share };
  expect(exactOf(matchLogs({ exchange: EXCHANGE_V2, active: offered, resting: legs }), 0)).toMatchObject({
    usdcMicro: taken.usdc,
    leftoverMicro: share,
    difference: true,
  });
});
