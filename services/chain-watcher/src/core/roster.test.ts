import { type Address, shardOf } from "@slipstream/contracts/ids";
import fc from "fast-check";
import { expect, test } from "vitest";
import { followedByShard, followedIn, isRead, isWithin, putLeader, waitingOf, withPastOf } from "./roster.ts";
import type { LeaderState } from "./state.ts";

const wallet = (n: number): Address => `0x${n.toString(16).padStart(40, "0")}` as Address;
const stateOf = (kind: string): LeaderState => ({
  enabled: kind !== "off" && kind !== "leaving",
  leaving: kind === "leaving",
  follow: { kind: "now" },
  revision: 1,
  joined: kind !== "off" && kind !== "waiting" ? { toldFrom: 1, tsMs: 1 } : null,
  backfill: kind === "past" ? { fromBlock: 1, toBlock: 9, cursor: 3 } : null,
  earliest: null,
});
const changes = fc.array(
  fc.record({ n: fc.nat(12), kind: fc.constantFrom("off", "waiting", "followed", "past", "leaving") }),
  {
    maxLength: 60,
  },
);

test("whoever comes and goes: the index says what the leaders say, made at once or kept with each change", () => {
  fc.assert(
    fc.property(changes, fc.integer({ min: 1, max: 5 }), (made, every) => {
      const leaders = new Map<Address, LeaderState>();
      const isOurs = (shard: string): boolean => Number(shard) % every === 0;
      for (const [at, { n, kind }] of made.entries()) {
        const before = followedIn(leaders, isOurs);
        const wereThere = [...before];
        putLeader(leaders, wallet(n), stateOf(kind));
        expect([...before]).toEqual(wereThere);
        const isFollowed = ([, state]: [Address, LeaderState]): boolean => isRead(state);
        const followed = [...leaders].filter(isFollowed).map(([leader]) => leader);
        const ours = followed.filter((leader) => isOurs(shardOf(leader))).sort();
        // One map keeps its index, the other one is new and makes its own.
        for (const one of at % 7 === 0 ? [leaders, new Map(leaders)] : [leaders]) {
          expect([...followedIn(one, isOurs)].sort()).toEqual(ours);
          expect([...followedByShard(one).keys()].sort()).toEqual([...new Set(followed.map(shardOf))].sort());
          expect(waitingOf(one).size).toBe([...one.values()].filter((s) => s.enabled && s.joined === null).length);
          expect(withPastOf(one).size).toBe([...one.values()].filter((s) => s.enabled && s.backfill !== null).length);
        }
      }
    }),
  );
});

test("the same set is handed out until somebody comes or goes", () => {
  const leaders = new Map<Address, LeaderState>();
  for (let n = 0; n < 200; n++) putLeader(leaders, wallet(n), stateOf("followed"));
  const all = followedIn(leaders, () => true);
  expect(followedIn(leaders, () => true)).toBe(all);
  putLeader(leaders, wallet(3), { ...stateOf("past"), revision: 2 });
  expect(followedIn(leaders, () => true)).toBe(all);
  putLeader(leaders, wallet(3), stateOf("off"));
  const fewer = followedIn(leaders, () => true);
  expect(isWithin(fewer, all)).toBe(true);
  expect(isWithin(all, fewer)).toBe(false);
});
