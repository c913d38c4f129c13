/** What stands after a person's words, on a real log. */
import { startTestBus, type TestBus } from "@slipstream/testkit/testBus";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { runOperator, standingHalts } from "../src/commands/operator.ts";
import { seedAccount } from "../src/configBucket.ts";
import { defaultAccount } from "../src/defaults.ts";

let testBus: TestBus;
let url: string;
const said: string[] = [];
beforeAll(async () => {
  testBus = await startTestBus();
  url = testBus.bus.nc.getServer();
  vi.spyOn(console, "log").mockImplementation((line: string) => void said.push(line));
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  await seedAccount(testBus.bus, defaultAccount);
});
afterAll(async () => {
  vi.restoreAllMocks();
  await testBus?.stop();
});
const operator = (command: "halt" | "resume", account?: string) =>
  runOperator({ urls: [url], withinMs: 3_000 }, command, { why: "test", account });

test("a resume says what else a person has halted", async () => {
  await operator("halt", "paper");
  expect(await standingHalts(testBus.bus)).toEqual([{ kind: "account", id: "paper" }]);
  await operator("halt");
  said.length = 0;
  await operator("resume");
  expect(said.at(-1)).toBe("still halted: the account paper; to end it: npm run slipstream -- resume --account paper");
  await operator("halt");
  await operator("resume", "paper");
  expect(said.at(-1)).toBe("still halted: everything; to end it: npm run slipstream -- resume");
  await operator("resume");
  expect(said.at(-1)).toMatch(/^resumed/);
  expect(await standingHalts(testBus.bus)).toEqual([]);
});

test("an account that nobody has is not halted, and the answer names those there are", async () => {
  await expect(operator("halt", "papre")).rejects.toThrow(/no account is called papre, so nothing is halted: .*paper/);
  expect(await standingHalts(testBus.bus)).toEqual([]);
});
