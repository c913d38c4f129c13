import type { Address } from "@slipstream/contracts/ids";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Act, actFilters, actsOf, isFillTransfer, type TxLog } from "./acts.ts";
import { fixedHex, logOfV1, logOfV2, rawLog } from "./testing/logs.ts";
import {
  CONDITIONAL_TOKENS,
  defaultExchanges,
  EXCHANGE_V1,
  EXCHANGE_V2,
  EXCHANGE_V3,
  NEG_RISK_ADAPTER,
  NEG_RISK_EXCHANGE_V1,
  NO_TOKEN_BURN_ADDRESS,
  POSITION_MANAGER,
  USDC_E,
  ZERO_ADDRESS,
} from "./versions.ts";
import type { RawLog } from "./words.ts";

const alice = fixedHex("a1", 20) as Address;
const bob = fixedHex("b0", 20) as Address;
/** One that has been replaced since. */
const adapter = "0xada200001000ef00d07553cee7006808f895c6f1" as Address;
const stranger = fixedHex("5a", 20) as Address;
const condition = fixedHex("c0de", 32);
const [YES, NO] = [11n, 12n];

type Parts = { readonly operator?: Address; readonly ledger?: Address };
const moved = (from: Address, to: Address, ids: readonly bigint[], amount: bigint, parts: Parts = {}): RawLog =>
  rawLog(parts.ledger ?? CONDITIONAL_TOKENS, "TRANSFER_BATCH", {
    ...{ operator: parts.operator ?? from, from, to },
    ...{ ids, values: ids.map(() => amount) },
  });
const one = (from: Address, to: Address, id: bigint, value: bigint, operator = from): RawLog =>
  rawLog(CONDITIONAL_TOKENS, "TRANSFER_SINGLE", { operator, from, to, id, value });
const ofCtf = (name: "CTF_POSITION_SPLIT" | "CTF_POSITIONS_MERGE", stakeholder: Address): RawLog =>
  rawLog(CONDITIONAL_TOKENS, name, {
    ...{ stakeholder, collateralToken: USDC_E, parentCollectionId: fixedHex("0", 32), conditionId: condition },
    ...{ partition: [1n, 2n], amount: 5n },
  });
const ofNegRisk = (name: "NEG_RISK_POSITION_SPLIT" | "NEG_RISK_POSITIONS_MERGE", stakeholder: Address): RawLog =>
  rawLog(NEG_RISK_ADAPTER, name, { stakeholder, conditionId: condition, amount: 5n });
const converted = (stakeholder: Address): RawLog =>
  rawLog(NEG_RISK_ADAPTER, "NEG_RISK_POSITIONS_CONVERTED", {
    ...{ stakeholder, marketId: condition, indexSet: 1n, amount: 5n },
  });
const redeemed = (redeemer: Address): RawLog =>
  rawLog(CONDITIONAL_TOKENS, "CTF_PAYOUT_REDEMPTION", {
    ...{ redeemer, collateralToken: USDC_E, parentCollectionId: fixedHex("0", 32), conditionId: condition },
    ...{ indexSets: [1n, 2n], payout: 5n },
  });
const fill = (maker: Address, side: "BUY" | "SELL", shares: bigint, tokenId = YES): RawLog =>
  logOfV2(EXCHANGE_V2, {
    ...{ orderHash: fixedHex("1", 32), maker, taker: bob, fee: 0n, tokenId, side: side === "BUY" ? 0 : 1 },
    ...(side === "BUY" ? { given: 1n, received: shares } : { given: shares, received: 1n }),
  });
const fillV1 = (exchange: Address, shares: bigint, fee: bigint): RawLog =>
  logOfV1(exchange, {
    ...{ orderHash: fixedHex("1", 32), maker: alice, taker: bob, given: 1n, received: shares, fee },
    ...{ makerAsset: 0n, takerAsset: YES },
  });

const numbered = (logs: readonly RawLog[]): TxLog[] => logs.map((log, at) => ({ ...log, logIndex: 100 + at }));
const short = ({ act, tokenId, sharesMicro, logIndex }: Act): string =>
  `${act} ${tokenId} ${sharesMicro} @${logIndex - 100}`;
const acts = (logs: readonly RawLog[], wallet = alice): Act[] => actsOf(numbered(logs), wallet, defaultExchanges);

type Row = readonly [name: string, logs: readonly RawLog[], expected: readonly string[]];
const rows: readonly Row[] = [
  [
    "a split at the ledger itself",
    [moved(ZERO_ADDRESS, alice, [YES, NO], 5n, { operator: alice }), ofCtf("CTF_POSITION_SPLIT", alice)],
    ["split 11 5 @0", "split 12 5 @0"],
  ],
  [
    "a merge at the ledger itself",
    [moved(alice, ZERO_ADDRESS, [YES, NO], 5n), ofCtf("CTF_POSITIONS_MERGE", alice)],
    ["merge 11 5 @0", "merge 12 5 @0"],
  ],
  [
    "a redemption burns token by token; nothing of a token is no act",
    [one(alice, ZERO_ADDRESS, YES, 5n), one(alice, ZERO_ADDRESS, NO, 0n), redeemed(alice)],
    ["redeem 11 5 @0"],
  ],
  [
    "a split by an adapter, who is the stakeholder",
    [
      moved(ZERO_ADDRESS, adapter, [YES, NO], 5n, { operator: adapter }),
      ofCtf("CTF_POSITION_SPLIT", adapter),
      moved(adapter, alice, [YES, NO], 5n),
    ],
    ["split 11 5 @2", "split 12 5 @2"],
  ],
  [
    "a merge by an adapter, and a redemption by the same one in the same transaction",
    [
      moved(alice, adapter, [YES, NO], 5n, { operator: adapter }),
      moved(adapter, ZERO_ADDRESS, [YES, NO], 5n),
      ofCtf("CTF_POSITIONS_MERGE", adapter),
      moved(alice, adapter, [21n, 22n], 6n, { operator: adapter }),
      one(adapter, ZERO_ADDRESS, 21n, 6n),
      one(adapter, ZERO_ADDRESS, 22n, 6n),
      redeemed(adapter),
    ],
    ["merge 11 5 @0", "merge 12 5 @0", "redeem 21 6 @3", "redeem 22 6 @3"],
  ],
  [
    "a merge through two adapters",
    [
      moved(alice, adapter, [YES, NO], 5n, { operator: adapter }),
      moved(adapter, NEG_RISK_ADAPTER, [YES, NO], 5n, { operator: NEG_RISK_ADAPTER }),
      moved(NEG_RISK_ADAPTER, ZERO_ADDRESS, [YES, NO], 5n),
      ofCtf("CTF_POSITIONS_MERGE", NEG_RISK_ADAPTER),
      ofNegRisk("NEG_RISK_POSITIONS_MERGE", adapter),
    ],
    ["merge 11 5 @0", "merge 12 5 @0"],
  ],
  [
    "a conversion: NO tokens burnt, YES tokens of another question made by a split inside",
    [
      moved(ZERO_ADDRESS, NEG_RISK_ADAPTER, [21n, 22n], 5n, { operator: NEG_RISK_ADAPTER }),
      ofCtf("CTF_POSITION_SPLIT", NEG_RISK_ADAPTER),
      moved(alice, NO_TOKEN_BURN_ADDRESS, [NO], 5n, { operator: NEG_RISK_ADAPTER }),
      moved(NEG_RISK_ADAPTER, NO_TOKEN_BURN_ADDRESS, [22n], 5n),
      moved(NEG_RISK_ADAPTER, alice, [21n], 5n),
      converted(alice),
    ],
    ["convert 12 5 @2", "convert 21 5 @4"],
  ],
  [
    "a split and a conversion of the same wallet, one after the other",
    [
      moved(ZERO_ADDRESS, NEG_RISK_ADAPTER, [YES, NO], 5n, { operator: NEG_RISK_ADAPTER }),
      ofCtf("CTF_POSITION_SPLIT", NEG_RISK_ADAPTER),
      moved(NEG_RISK_ADAPTER, alice, [YES, NO], 5n),
      ofNegRisk("NEG_RISK_POSITION_SPLIT", alice),
      moved(alice, NO_TOKEN_BURN_ADDRESS, [NO], 5n, { operator: NEG_RISK_ADAPTER }),
      converted(alice),
    ],
    ["split 11 5 @2", "split 12 5 @2", "convert 12 5 @4"],
  ],
  [
    "a conversion through two adapters",
    [
      moved(alice, adapter, [NO], 5n, { operator: adapter }),
      moved(ZERO_ADDRESS, NEG_RISK_ADAPTER, [21n, 22n], 5n, { operator: NEG_RISK_ADAPTER }),
      ofCtf("CTF_POSITION_SPLIT", NEG_RISK_ADAPTER),
      moved(adapter, NO_TOKEN_BURN_ADDRESS, [NO], 5n, { operator: NEG_RISK_ADAPTER }),
      moved(NEG_RISK_ADAPTER, NO_TOKEN_BURN_ADDRESS, [22n], 5n),
      moved(NEG_RISK_ADAPTER, adapter, [21n], 5n),
      converted(adapter),
      moved(adapter, alice, [21n], 5n),
    ],
    ["convert 12 5 @0", "convert 21 5 @7"],
  ],
  ["a transfer", [one(alice, bob, YES, 5n)], ["transferOut 11 5 @0"]],
  ["a transfer by an operator", [one(bob, alice, YES, 5n, adapter)], ["transferIn 11 5 @0"]],
  ["tokens sent to the burn address by hand", [one(alice, NO_TOKEN_BURN_ADDRESS, NO, 5n)], ["transferOut 12 5 @0"]],
  [
    "burnt tokens that no event explains",
    [moved(alice, ZERO_ADDRESS, [YES], 5n), ofCtf("CTF_POSITIONS_MERGE", bob)],
    ["transferOut 11 5 @0"],
  ],
  [
    "tokens given to somebody who merges others",
    [one(alice, bob, YES, 5n), moved(bob, ZERO_ADDRESS, [21n, 22n], 5n), ofCtf("CTF_POSITIONS_MERGE", bob)],
    ["transferOut 11 5 @0"],
  ],
  [
    "tokens that another wallet splits and sends on, and tokens that another one merges",
    [
      moved(ZERO_ADDRESS, bob, [YES, NO], 5n, { operator: bob }),
      ofCtf("CTF_POSITION_SPLIT", bob),
      moved(bob, alice, [YES, NO], 5n),
      moved(alice, stranger, [YES, NO], 4n),
      moved(stranger, ZERO_ADDRESS, [YES, NO], 4n),
      ofCtf("CTF_POSITIONS_MERGE", stranger),
    ],
    ["transferIn 11 5 @2", "transferIn 12 5 @2", "transferOut 11 4 @3", "transferOut 12 4 @3"],
  ],
  [
    "a batch that names a token twice",
    [moved(alice, bob, [YES, YES, NO], 5n)],
    ["transferOut 11 10 @0", "transferOut 12 5 @0"],
  ],
  ["what he sends to himself", [one(alice, alice, YES, 5n)], []],
  ["a ledger that is not the venue's", [moved(alice, bob, [YES], 5n, { ledger: adapter })], []],
  ["a purchase", [one(bob, alice, YES, 5n, EXCHANGE_V2), fill(alice, "BUY", 5n)], []],
  [
    "a minted purchase, through the exchange",
    [
      moved(ZERO_ADDRESS, adapter, [YES, NO], 5n, { operator: adapter }),
      ofCtf("CTF_POSITION_SPLIT", adapter),
      moved(adapter, EXCHANGE_V2, [YES, NO], 5n),
      one(EXCHANGE_V2, alice, YES, 5n),
      fill(alice, "BUY", 5n),
    ],
    [],
  ],
  [
    "a trade and a merge in one transaction: only the merge",
    [
      one(bob, alice, YES, 5n, EXCHANGE_V2),
      fill(alice, "BUY", 5n),
      moved(alice, adapter, [YES, NO], 4n, { operator: adapter }),
      moved(adapter, ZERO_ADDRESS, [YES, NO], 4n),
      ofCtf("CTF_POSITIONS_MERGE", adapter),
    ],
    ["merge 11 4 @2", "merge 12 4 @2"],
  ],
  [
    "a sale and a transfer of the same token in one transaction",
    [one(alice, bob, YES, 9n), one(alice, EXCHANGE_V2, YES, 5n, EXCHANGE_V2), fill(alice, "SELL", 5n)],
    ["transferOut 11 9 @0"],
  ],
  [
    "both sides of one match, and a split of the same token",
    [
      one(alice, alice, YES, 5n, EXCHANGE_V2),
      fill(alice, "SELL", 5n),
      fill(alice, "BUY", 5n),
      moved(ZERO_ADDRESS, alice, [YES, NO], 5n, { operator: alice }),
      ofCtf("CTF_POSITION_SPLIT", alice),
    ],
    ["split 11 5 @3", "split 12 5 @3"],
  ],
  [
    "the first generation takes the fee in shares, and what its fee module gives back arrives",
    [one(EXCHANGE_V1, alice, YES, 9n), fillV1(EXCHANGE_V1, 10n, 1n), one(adapter, alice, YES, 1n)],
    ["transferIn 11 1 @2"],
  ],
  [
    "a fill whose tokens an adapter moved for the exchange",
    [one(NEG_RISK_EXCHANGE_V1, alice, YES, 10n, NEG_RISK_ADAPTER), fillV1(NEG_RISK_EXCHANGE_V1, 10n, 0n)],
    [],
  ],
  [
    "a fill whose tokens were made for the buyer at once",
    [
      moved(ZERO_ADDRESS, alice, [YES], 5n, { operator: adapter, ledger: POSITION_MANAGER }),
      { ...fill(alice, "BUY", 5n), address: EXCHANGE_V3 },
    ],
    [],
  ],
  [
    "an exchange that moves more than the fills say",
    [one(bob, alice, YES, 7n, EXCHANGE_V2), fill(alice, "BUY", 5n)],
    ["transferIn 11 2 @0"],
  ],
];

describe("the acts of a wallet in one transaction", () => {
  test.each(rows)("%s", (_name, logs, expected) => {
    expect(acts(logs).map(short)).toEqual(expected);
  });

  test.each(rows)("%s: the order in which the logs are given does not matter", (_name, logs) => {
    const shuffled = fc.shuffledSubarray(numbered(logs), { minLength: logs.length });
    fc.assert(
      fc.property(shuffled, (some) => {
        expect(actsOf(some, alice, defaultExchanges)).toEqual(acts(logs));
      }),
      { numRuns: 5 },
    );
  });

  test("direction and counterparty are told", () => {
    expect(acts([one(alice, bob, YES, 5n)], bob)).toEqual([
      { act: "transferIn", direction: "in", tokenId: "11", sharesMicro: 5n, logIndex: 100, counterparty: alice },
    ]);
    const conversion = rows.find(([name]) => name.startsWith("a conversion:"))?.[1] ?? [];
    expect(acts(conversion).map(({ direction, counterparty }) => [direction, counterparty])).toEqual([
      ["out", NO_TOKEN_BURN_ADDRESS],
      ["in", NEG_RISK_ADAPTER],
    ]);
  });

  test("a transfer that cannot be read is an error: it might have been his", () => {
    const log = one(alice, bob, YES, 5n);
    expect(() => acts([{ ...log, data: log.data.slice(0, -2) }])).toThrow(/DATA_LENGTH_WRONG/);
  });
});

test("transfers that settle matches are known without their transaction; what an owner sends to an exchange is not", () => {
  const isFill = (log: RawLog): boolean => isFillTransfer(log, defaultExchanges);
  expect(isFill(one(bob, alice, YES, 5n, EXCHANGE_V2))).toBe(true);
  expect(isFill(one(alice, NEG_RISK_EXCHANGE_V1, YES, 5n, NEG_RISK_ADAPTER))).toBe(true);
  expect(isFill(one(EXCHANGE_V2, alice, YES, 5n))).toBe(true);
  expect(isFill(one(alice, EXCHANGE_V2, YES, 5n))).toBe(false);
  expect(isFill(one(alice, bob, YES, 5n))).toBe(false);
  expect(isFill(fill(alice, "BUY", 5n))).toBe(false);
});

test("two filters for each list of wallets: as sender, as receiver", () => {
  const wallets = Array.from({ length: 201 }, (_, n) => fixedHex((n + 1).toString(16), 20) as Address);
  const filters = actFilters(wallets);
  expect(filters.map(({ topics }) => [topics.length, topics.at(-1)?.length])).toEqual([
    [3, 200],
    [4, 200],
    [3, 1],
    [4, 1],
  ]);
  expect(new Set(filters.flatMap(({ address }) => address))).toEqual(new Set([CONDITIONAL_TOKENS, POSITION_MANAGER]));
});
