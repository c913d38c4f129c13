/** What a gate lacks is waited for a moment before it says no. */
import { describe, expect, test } from "vitest";
import { leaderFill, market, only, paper, quote, START_MS, tokenId } from "./facts.testing.ts";
import { goodStory } from "./story.testing.ts";

describe("a moment's patience", () => {
  test("a book that comes within the first touch is traded on", () => {
    const made = goodStory();
    made.view.quote = null;
    made.tell(leaderFill(1));
    expect(made.requests).toEqual([
      {
        type: "AwaitBook",
        account: "paper",
        leaderFillId: leaderFill(1).leaderFillId,
        tokenId,
        sinceMs: START_MS,
        untilMs: START_MS + 400,
      },
    ]);
    expect(made.own).toEqual([]);
    made.view.quote = quote;
    made.view.nowMs = START_MS + 120;
    made.say({ type: "DecideFill", account: paper, leaderFillId: leaderFill(1).leaderFillId, sinceMs: START_MS });
    expect(only(made.own, "OrderIntent")).toHaveLength(1);
  });

  test("a market that becomes known moves the decision to the market's chain", () => {
    const made = goodStory();
    made.view.market = null;
    made.tell(leaderFill(1, { conditionId: null }));
    made.view.market = market;
    made.say({ type: "DecideFill", account: paper, leaderFillId: leaderFill(1).leaderFillId, sinceMs: START_MS });
    expect(only(made.own, "OrderIntent")[0]?.conditionId).toBe(market.conditionId);
  });
});
