/** Whatever comes from outside ends no process, loses no good neighbour, and leaves no book wrong and healthy. */
import { expect, test } from "vitest";
import { corpus } from "./inputs/corpus.ts";
import { damage, numbersFrom } from "./inputs/mutate.ts";
import { runCorpus, runInputs } from "./inputs.ts";

test.each(corpus.map((one) => [one.name, one] as const))("%s", async (_name, one) => {
  expect(await runCorpus([one])).toEqual([]);
});

test("damaged documents through every door, by a seed", async () => {
  const { found, clean, text } = await runInputs({ seed: "suite", documents: 1_000, say: () => undefined });
  expect(found.map(({ door, why }) => `${door}: ${why}`)).toEqual([]);
  expect(clean, text).toBe(true);
});

test("one seed does the same damage each time, and does some", () => {
  const document = () => ({
    list: [
      { a: "1", b: 2 },
      { a: "3", b: 4 },
    ],
    c: null,
  });
  const once = (seed: string): string => {
    const random = numbersFrom(seed);
    return Array.from({ length: 50 }, () => {
      const copy = document();
      damage(copy, random);
      return JSON.stringify(copy);
    }).join("\n");
  };
  expect(once("a")).toBe(once("a"));
  expect(once("a")).not.toBe(once("b"));
  expect(new Set(once("a").split("\n")).size).toBeGreaterThan(25);
});
