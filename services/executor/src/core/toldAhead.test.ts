/** Exits that the chain does not show when they are decided: told ahead of it, or taken back for a while. */
import { describe, expect, test } from "vitest";
import { buckets, saved } from "./bucket.testing.ts";
import { leaderFill, loss, only, sale, shares } from "./facts.testing.ts";
import { bidAt, exits, lotOf, owedExits, tick } from "./stories.testing.ts";
import { endOrder, fillOrder, goodStory, type Story } from "./story.testing.ts";

/** He sold, in block 100 + n; another source tells of it before the chain does. */
const ahead = (n: number, sold: number) => sale(n, sold, { blockNumber: null, blockHash: null, logIndex: null });
const shown = (n: number, sold: number) => sale(n, sold, { occurrence: 1 });
const skips = (of: Story) =>
  only(of.own, "ExecutionAttempt").map(({ reasons, unfollowed }) => [reasons[0]?.code, unfollowed]);
const sold = (of: Story) => exits(of).map(({ sizeMicro }) => sizeMicro);
function bidding(): Story {
  const made = goodStory();
  bidAt(made, 0.5);
  return made;
}

describe("an exit that is told ahead of the chain", () => {
  test("closes what fills until the chain shows it", () => {
    const made = bidding();
    made.tell(leaderFill(1), ahead(2, 100));
    expect(skips(made)).toEqual([["FILL_NOT_ON_CHAIN", true]]);
    fillOrder(made, 10);
    tick(made, 1_000);
    expect(sold(made)).toEqual([]);
    made.tell(shown(2, 100));
    tick(made);
    expect(sold(made)).toEqual([shares(10)]);
  });

  test("closes its part of what fills after the chain has shown it", () => {
    const made = bidding();
    made.tell(leaderFill(1), ahead(2, 50), shown(2, 50));
    fillOrder(made, 10);
    endOrder(made, "canceled");
    tick(made);
    expect(sold(made)).toEqual([shares(5)]);
  });

  test("closes what is too little to be sold when it is told, and grows", () => {
    const made = bidding();
    made.tell(leaderFill(1));
    fillOrder(made, 3);
    endOrder(made, "expired");
    made.tell(ahead(3, 200), leaderFill(2));
    fillOrder(made, 10);
    made.tell(shown(3, 200));
    tick(made);
    expect(sold(made)).toEqual([shares(13)]);
  });

  test("closes what was saved up when it was told, and is bought until the chain shows it", () => {
    const made = bidding();
    made.tell(leaderFill(1, { sharesMicro: shares(30) }), ahead(3, 130), leaderFill(2));
    fillOrder(made, 13);
    made.tell(shown(3, 130));
    tick(made);
    expect(sold(made)).toEqual([shares(13)]);
  });

  test("takes its part of what is saved up, once that is known", () => {
    const made = bidding();
    made.tell(leaderFill(1, { sharesMicro: shares(30) }), ahead(2, 15));
    expect(saved(made)).toBe(shares(3));
    made.tell(shown(2, 15));
    expect(saved(made)).toBe(shares(1.5));
    expect(owedExits(made)).toEqual([]);
  });

  test("waits for nothing when the chain shows that nothing of it is held", () => {
    const made = bidding();
    made.tell(leaderFill(1, { sharesMicro: shares(30) }), ahead(2, 30), shown(2, 30));
    expect([buckets(made), owedExits(made), lotOf(made)]).toEqual([[], [], []]);
  });
});

describe("an exit that is decided while the chain has taken it back", () => {
  const now = (of: Story) => ({ tsEventMs: of.view.nowMs, tsInitMs: of.view.nowMs, tsSeenMs: of.view.nowMs });

  test("closes what is told and bought until it returns", () => {
    const made = bidding();
    made.tell(sale(3, 100), loss("LeaderFillReverted", sale(3, 100)));
    tick(made, 500);
    expect(skips(made)).toEqual([["FILL_REVERTED", true]]);
    made.tell(leaderFill(1, now(made)));
    fillOrder(made, 10);
    made.tell(shown(3, 100));
    tick(made);
    expect(sold(made)).toEqual([shares(10)]);
  });

  test("for good is not waited for", () => {
    const made = bidding();
    const lost = sale(3, 100);
    made.tell(lost, loss("LeaderFillReverted", lost), loss("LeaderFillRetracted", lost));
    tick(made, 500);
    expect(skips(made)).toEqual([["FILL_REVERTED", false]]);
    expect(owedExits(made)).toEqual([]);
  });
});

test("an exit that two sources tell differently waits for nothing when nothing is held", () => {
  const made = bidding();
  made.tell(sale(2, 100, { disputed: true }));
  expect(skips(made)).toEqual([["FILL_DISPUTED", true]]);
  expect(owedExits(made)).toEqual([]);
});
