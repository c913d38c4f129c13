/** What the state holds follows from what stands, not from how long it has run. */
import type { FactOf } from "@slipstream/contracts/facts";
import type { LeaderFillId, TokenId } from "@slipstream/contracts/ids";
import { expect, test } from "vitest";
import { HOLDINGS_MAX } from "./evolve.ts";
import { balance, fillId, leaderFill, removed, sale, shares, tokenId } from "./facts.testing.ts";
import { exits, holdingTen, lotOf, tick } from "./stories.testing.ts";
import { fillOrder, goodStory, type Story } from "./story.testing.ts";

const HOUR_MS = 3_600_000;
const STEP_MS = 2_000;

/** He goes on trading a token that we hold, in fills that we do not copy, over hours. */
function tradeOn(of: Story, count: number, from = 10_000): void {
  for (let n = from; n < from + count; n++) {
    of.view.nowMs += STEP_MS;
    const at = { tsEventMs: of.view.nowMs, tsInitMs: of.view.nowMs };
    of.tell(leaderFill(n, { ...at, historical: true }));
  }
}

/** All that is named by what stands, by the state itself. */
function referenced(of: Story): Set<LeaderFillId> {
  const { lots, copied, unfollowed, orders } = of.state();
  return new Set([
    ...[...lots.values()].flatMap(({ parts }) => [...parts.keys()]),
    ...[...copied.values()].flatMap((steps) => steps.map(({ id }) => id)),
    ...[...unfollowed.values(), ...orders.values()].map(({ leaderFillId }) => leaderFillId),
  ]);
}

test("while a lot stands, the leader's other fills of its token are forgotten, and those that it names stay", () => {
  const made = holdingTen();
  tradeOn(made, 4_000);
  const { fills } = made.state();
  // Ten minutes of them, and what came since it was last tidied up.
  expect(fills.size).toBeLessThan(600_000 / STEP_MS + 256 + 10);
  for (const id of referenced(made)) expect(fills.has(id)).toBe(true);
  expect(lotOf(made)).toEqual([shares(10)]);
});

test("an exit after hours closes the same part as one at once", () => {
  const [soon, late] = [holdingTen(), holdingTen()];
  tradeOn(late, 4_000);
  const sizes = [soon, late].map((made) => {
    // Seen when it is told.
    const at = { tsEventMs: made.view.nowMs - 1_000, tsInitMs: made.view.nowMs - 100 };
    made.tell(sale(20_000, 60, at));
    return exits(made).map(({ sizeMicro }) => sizeMicro);
  });
  expect(sizes).toEqual([sizes[0], sizes[0]]);
  expect(sizes[0]).toHaveLength(1);
});

test("a purchase that is taken back after hours is sold, as long as something is held for it", () => {
  const made = holdingTen();
  tradeOn(made, 2_000);
  const [id] = [...made.state().lots.values()].flatMap(({ parts }) => [...parts.keys()]);
  expect(made.state().fills.get(id ?? fillId(0))?.side).toBe("BUY");
  made.tell(removed("close"));
  tick(made);
  expect(exits(made).at(-1)).toMatchObject({ sizeMicro: shares(10) });
});

test("what leaders hold of tokens is bounded, but for tokens of ours", () => {
  const made = goodStory();
  made.tell(balance(101, 100), leaderFill(1));
  fillOrder(made, 10);
  for (let n = 0; n < HOLDINGS_MAX + 600; n++) {
    const at = { tsEventMs: made.view.nowMs + HOUR_MS, tsInitMs: made.view.nowMs + HOUR_MS };
    const other: Partial<FactOf<"LeaderFill">> = { ...at, tokenId: `${n + 1_000}` as TokenId, historical: true };
    made.fold(leaderFill(10_000 + n, other));
  }
  const { holdings } = made.state();
  expect(holdings.size).toBeLessThanOrEqual(HOLDINGS_MAX + 256);
  expect([...holdings.keys()].some((key) => key.endsWith(`|${tokenId}`))).toBe(true);
});
