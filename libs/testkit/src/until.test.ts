import { expect, test } from "vitest";
import { until } from "./until.ts";

test("answers with the first value that is there", async () => {
  const answers = [undefined, null, false, 0];
  expect(await until(() => answers.shift(), { what: "a number" })).toBe(0);
});

test("a condition that throws is not met yet", async () => {
  let calls = 0;
  const answer = await until(
    () => {
      calls += 1;
      if (calls < 3) throw new Error("not listening");
      return calls;
    },
    { what: "the third call" },
  );
  expect(answer).toBe(3);
});

test("says what it waited for and why the condition failed last", async () => {
  const never = until(
    () => {
      throw new Error("refused");
    },
    { what: "a connection", timeoutMs: 20 },
  );
  await expect(never).rejects.toThrow("waited 20 ms for a connection");
  await expect(never).rejects.toHaveProperty("cause.message", "refused");
});
