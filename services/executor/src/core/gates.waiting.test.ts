/** What a gate lacks is waited for a moment before it says no. */
import { describe, expect, test } from "vitest";
import { leaderFill, market, only, paper, price, quote, START_MS, tokenId } from "./facts.testing.ts";
import { goodStory } from "./story.testing.ts";
import type { Quote } from "./view.ts";

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
        secondSource: false,
      },
    ]);
    expect(made.own).toEqual([]);
    made.view.quote = quote;
    made.view.nowMs = START_MS + 120;
    made.say({ type: "DecideFill", account: paper, leaderFillId: leaderFill(1).leaderFillId, sinceMs: START_MS });
    expect(only(made.own, "OrderIntent")).toHaveLength(1);
  });

  describe("an offer at 0.02 when the leader has paid 0.50", () => {
    const cheap = { ...quote, bestBidMicro: price(0.01), bestAskMicro: price(0.02) };
    const id = leaderFill(1).leaderFillId;
    const decided = (second: Quote["second"], bestAskMicro = cheap.bestAskMicro) => {
      const made = goodStory();
      made.view.quote = { ...cheap, bestAskMicro };
      made.tell(leaderFill(1));
      const asked = made.requests.at(-1);
      made.view.quote = { ...cheap, bestAskMicro, second };
      made.view.nowMs = START_MS + 400;
      made.say({ type: "DecideFill", account: paper, leaderFillId: id, sinceMs: START_MS });
      return { asked, intents: only(made.own, "OrderIntent"), skips: only(made.own, "ExecutionAttempt") };
    };

    test("is not bought without a second source, nor when that has it not, or said so long ago", () => {
      for (const [second, secondMicro] of [
        [null, null],
        [{ bestAskMicro: null, ageMs: 5 }, null],
        [{ bestAskMicro: price(0.5), ageMs: 5 }, price(0.5)],
        [{ bestAskMicro: price(0.02), ageMs: 2_001 }, null],
      ] as const) {
        const { asked, intents, skips } = decided(second);
        expect(asked).toMatchObject({ type: "AwaitBook", secondSource: true });
        expect(intents).toEqual([]);
        const reason = { code: "BOOK_UNCONFIRMED", bestMicro: price(0.02), leaderPriceMicro: price(0.5), secondMicro };
        expect(skips.map(({ reasons }) => reasons)).toEqual([[reason]]);
      }
    });

    test("is bought when REST offers it too, and the intent says so", () => {
      const { intents } = decided({ bestAskMicro: price(0.03), ageMs: 5 });
      expect(intents.map(({ used }) => used.secondAskMicro)).toEqual([price(0.03)]);
    });

    test("a tenth cheaper needs nobody", () => {
      const made = goodStory();
      made.view.quote = { ...quote, bestAskMicro: price(0.45) };
      made.tell(leaderFill(1));
      expect(only(made.own, "OrderIntent")).toHaveLength(1);
    });
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
