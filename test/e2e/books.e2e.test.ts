/** Books under each fault of sockets, REST and bus once: equal to the venue's or marked not healthy, and whole again after. */
import { expectNoLeaks } from "@slipstream/testkit/processes";
import { afterAll, expect, test } from "vitest";
import { runBookFaults, shortBooks } from "../faults/books.ts";

afterAll(expectNoLeaks);

test("each of the executor's books is right or not healthy, whatever fails", async () => {
  const lines: string[] = [];
  const { text, result } = await runBookFaults({ ...shortBooks, seed: "books", say: (line) => lines.push(line) });
  const { verdict, line } = result;
  // A book that nobody's loss explains, or that stays wrong: how soon a loss is noticed is tested on virtual time. The run
  // itself ends only when all books are right and healthy again.
  expect(verdict.violations, `${lines.join("\n")}\n${text}`).toEqual([]);
  // The faults came through, and books were there all the same, in between and in the end.
  expect(line.lost).toBeGreaterThan(0);
  expect(line.repeated).toBeGreaterThan(0);
  expect(verdict.equal).toBeGreaterThan(2 * shortBooks.markets);
});
