import type { AccountId, Address, TokenId } from "@slipstream/contracts/ids";
import type { HeldLot } from "@slipstream/contracts/live";
import type { SharesMicro } from "@slipstream/contracts/money";
import type { WhenRemoved } from "@slipstream/contracts/policy";
import { expect, test } from "vitest";
import { leaderLine, parseFollow, parseLeaders, parseWhenRemoved, type RemoveWords } from "./leaders.ts";

test.each([
  [undefined, null],
  ["now", { kind: "now" }],
  ["90840326", { kind: "block", block: 90_840_326 }],
  ["30d", { kind: "days", days: 30 }],
])("--from %s", (text, follow) => expect(parseFollow(text)).toEqual(follow));

test.each(["", "yesterday", "0d", "366d", "-1", "1.5"])("--from %j is refused with what is allowed", (text) => {
  expect(() => parseFollow(text)).toThrow(/now, a block, or 1d to 365d/);
});

test("a wallet that is mistyped is refused with the right form, one in lower case is not", () => {
  const text = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
  expect(parseLeaders([`${text},${text.toLowerCase()}`])).toEqual([text.toLowerCase(), text.toLowerCase()]);
  expect(() => parseLeaders([text.replace("5aA", "5Aa")])).toThrow(/is no wallet: an address is 0x and 40 .*EIP-55/);
  expect(() => parseLeaders([`0x${"0".repeat(40)}`])).toThrow(/is no wallet: .*nobody/);
});

test("a profile page by its wallet is that wallet; a name is refused with what to do", () => {
  const address = `0x${"ab".repeat(20)}`;
  for (const page of [
    `https://polymarket.com/profile/${address}`,
    `polymarket.com/profile/${address}?tab=activity`,
    `https://www.polymarket.com/en/profile/${address}/`,
  ]) {
    expect(parseLeaders([page])).toEqual([address]);
  }
  for (const name of ["@whale", "https://polymarket.com/@whale", "https://polymarket.com/profile/%40whale"]) {
    expect(() => parseLeaders([name])).toThrow(/is a name, .* cannot be looked up: .* give the address/);
  }
  expect(() => parseLeaders([`https://polymarket.com/profile/0x${"0".repeat(40)}`])).toThrow(/nobody/);
});

const wallet = `0x${"1".repeat(40)}` as Address;
const lot = (sharesMicro: bigint, isDust = false, leader = wallet): HeldLot => ({
  ...{ account: "paper" as AccountId, leader, tokenId: "7" as TokenId, isDust, isUnpaid: false, whenRemoved: null },
  sharesMicro: sharesMicro as SharesMicro,
});
const other = lot(9n, false, `0x${"2".repeat(40)}` as Address);

test.each<[string, WhenRemoved | null, readonly HeldLot[] | null, string]>([
  ["a leader who is followed", null, [lot(5n)], "followed"],
  ["removed, lots left", "follow", [lot(5n), lot(6n), other], "leaving (2 lots)"],
  ["removed, a lot and dust", "follow", [lot(5n), lot(1n, true)], "leaving (1 lot, 1 lot of dust)"],
  ["removed and flat", "follow", [other], "removed"],
  ["removed, only dust left", "close", [lot(1n, true)], "removed (1 lot of dust)"],
  ["being closed", "close", [lot(5n)], "closing (1 lot)"],
  ["kept", "keep", [lot(5n), lot(6n)], "removed (2 lots kept)"],
  ["no executor", "close", null, "removed (close; the executor does not say what is left)"],
])("leaders list: %s", (_name, whenRemoved, lots, state) => {
  expect(leaderLine({ leader: wallet, label: "whale", whenRemoved }, lots)).toBe(`${wallet}  ${state}  whale`);
});

test("leaders remove: what becomes of the lots", () => {
  const said = (word?: keyof RemoveWords): RemoveWords => ({
    ...{ exits: false, close: false, keep: false },
    ...(word === undefined ? {} : { [word]: true }),
  });
  expect([parseWhenRemoved(said()), parseWhenRemoved(said("exits"))]).toEqual(["follow", "follow"]);
  expect([parseWhenRemoved(said("close")), parseWhenRemoved(said("keep"))]).toEqual(["close", "keep"]);
  expect(() => parseWhenRemoved({ exits: false, close: true, keep: true })).toThrow(
    /one of --exits, --close and --keep/,
  );
});
