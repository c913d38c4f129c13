/** Books under each fault of sockets, REST and bus once: equal to the venue's or marked not healthy, and whole again after. */
import { expectNoLeaks } from "@slipstream/testkit/processes";
import { afterAll, expect, test } from "vitest";
import { runBookFaults, shortBooks } from "../faults/books.ts";

afterAll(expectNoLeaks);

test("each of the executor's books is right or not healthy, whatever fails", async () => {
  const lines: string[] = [];
  const { text, result } = await runBookFaults({ ...shortBooks, seed: "books", say: (line) => lines.push(line) });
  const { verdict, wrongAtRest, line, instants } = result;
  expect({ violations: verdict.violations, wrongAtRest }, `${lines.join("\n")}\n${text}`).toEqual({
    violations: [],
    wrongAtRest: 0,
  });
  // The faults came through, and books were there all the same, in between and in the end.
  expect(line.lost).toBeGreaterThan(0);
  expect(line.repeated).toBeGreaterThan(0);
  expect(verdict.equal).toBeGreaterThan((instants * 2 * shortBooks.markets) / 10);
});
