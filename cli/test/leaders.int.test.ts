/** Who is followed, on a real bucket: what the command writes is what every service reads. */
import type { Address } from "@slipstream/contracts/ids";
import { LeaderConfig } from "@slipstream/contracts/policy";
import { buckets } from "@slipstream/contracts/subjects";
import { startTestBus, type TestBus } from "@slipstream/testkit/testBus";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addLeader, listLeaders, removeLeader } from "../src/configBucket.ts";

let testBus: TestBus;
beforeAll(async () => {
  testBus = await startTestBus();
});
afterAll(() => testBus?.stop());

const wallet = (n: number): Address => `0x${String(n).repeat(40)}` as Address;
async function written(leader: Address): Promise<LeaderConfig> {
  const entry = await (await testBus.bus.kvm.open(buckets.config)).get(`leaders.${leader}`);
  return LeaderConfig.parse(JSON.parse(entry?.string() ?? "null"));
}

test("a leader is removed with a word on what was bought after him, changed by another word, and comes back", async () => {
  const { bus } = testBus;
  const leader = wallet(1);
  const follow = { kind: "block" as const, block: 5 };
  await addLeader(bus, leader, { label: "whale", follow });
  expect(await removeLeader(bus, leader, "follow")).toBe("removed");
  expect(await written(leader)).toEqual({ leader, enabled: false, whenRemoved: "follow", label: "whale", follow });
  expect(await removeLeader(bus, leader, "follow")).toBe("kept");
  expect(await removeLeader(bus, leader, "close")).toBe("removed");
  expect(await listLeaders(bus)).toEqual([{ leader, label: "whale", whenRemoved: "close" }]);

  expect(await addLeader(bus, leader, { label: "", follow: null })).toBe("added");
  expect(await written(leader)).toEqual({ leader, enabled: true, label: "whale" });
  expect(await listLeaders(bus)).toEqual([{ leader, label: "whale", whenRemoved: null }]);
});

test("somebody who is followed gets a new label and is followed from where he was; none takes nothing away", async () => {
  const { bus } = testBus;
  const leader = wallet(5);
  const follow = { kind: "days" as const, days: 30 };
  await addLeader(bus, leader, { label: "whale", follow });
  expect(await addLeader(bus, leader, { label: "shark", follow: null })).toBe("renamed");
  expect(await written(leader)).toEqual({ leader, enabled: true, label: "shark", follow });
  for (const label of ["", "shark"]) expect(await addLeader(bus, leader, { label, follow: null })).toBe("kept");
  await expect(addLeader(bus, leader, { label: "x".repeat(65), follow: null })).rejects.toThrow(/label/);
  expect(await removeLeader(bus, leader, "keep")).toBe("removed");
  await (await bus.kvm.open(buckets.config)).delete(`leaders.${leader}`);
});

test("who is not known is not removed, and what cannot be read stands in nobody's way", async () => {
  const { bus } = testBus;
  const bucket = await bus.kvm.open(buckets.config);
  await bucket.put(`leaders.${wallet(2)}`, "{");
  await bucket.put(`leaders.${wallet(3)}`, "{}");
  for (const n of [2, 3, 4]) expect(await removeLeader(bus, wallet(n), "keep")).toBe("unknown");
  expect((await listLeaders(bus)).map(({ leader }) => leader)).toEqual([wallet(1)]);
  expect(await addLeader(bus, wallet(2), { label: "", follow: null })).toBe("added");
  await bucket.delete(`leaders.${wallet(2)}`);
  expect(await removeLeader(bus, wallet(2), "keep")).toBe("unknown");
});
