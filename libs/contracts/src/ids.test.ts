import { expect, test } from "vitest";
import {
  type AccountId,
  type Address,
  attemptId,
  fnv1a,
  type Hash,
  leaderFillId,
  partitionOf,
  shardOf,
  type TokenId,
} from "./ids.ts";
import { sharesMicro } from "./money.ts";

const fill = {
  chainId: 137,
  txHash: `0x${"ab".repeat(32)}` as Hash,
  leader: `0x${"11".repeat(20)}` as Address,
  tokenId: "123" as TokenId,
  side: "BUY" as const,
  sharesMicro: sharesMicro(1n),
  ordinal: 0,
};

test.each([
  ["", 0x811c9dc5],
  ["a", 0xe40c292c],
  ["foobar", 0xbf9cf968],
])("fnv1a of %j is the published vector", (text, hash) => expect(fnv1a(text)).toBe(hash));

test("each part of a fill's content is part of its identity, its block is not", () => {
  const others = [
    { ...fill, chainId: 80_002 },
    { ...fill, txHash: `0x${"ac".repeat(32)}` as Hash },
    { ...fill, leader: `0x${"12".repeat(20)}` as Address },
    { ...fill, tokenId: "1234" as TokenId },
    { ...fill, side: "SELL" as const },
    { ...fill, sharesMicro: sharesMicro(2n) },
    { ...fill, ordinal: 1 },
  ];
  const ids = new Set([fill, ...others].map(leaderFillId));
  expect(ids.size).toBe(others.length + 1);
  expect(leaderFillId({ ...fill })).toBe(leaderFillId(fill));
});

test("one attempt per account and fill; partitions and shards are two digits", () => {
  const id = leaderFillId(fill);
  expect(attemptId("a" as AccountId, id)).not.toBe(attemptId("b" as AccountId, id));
  expect(partitionOf(fill.tokenId)).toMatch(/^(0\d|1[0-5])$/);
  expect(shardOf(fill.leader)).toMatch(/^[0-6]\d$/);
});
