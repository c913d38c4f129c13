import type { FactOf } from "@slipstream/contracts/facts";
import { describe, expect, test } from "vitest";
import {
  balance,
  leaderFact,
  leaderFill,
  only,
  policyFact,
  price,
  quote,
  riskFact,
  sale,
  shares,
} from "./facts.testing.ts";
import { reduceOnly } from "./stories.testing.ts";
import { fillOrder, goodStory, type Story } from "./story.testing.ts";

describe("exits are asked less", () => {
  const holding = (): Story => {
    const made = goodStory();
    made.tell(leaderFill(1));
    fillOrder(made, 10);
    return made;
  };

  test.each<[string, (of: Story) => void, Partial<FactOf<"LeaderFill">>]>([
    ["a fill of any age", () => undefined, { tsEventMs: 1 }],
    ["a historical fill", () => undefined, { historical: true }],
    ["reduce-only", (of) => of.tell(riskFact("degrade", 2, { parameters: reduceOnly })), {}],
    [
      "a chain that lags",
      (of) => {
        of.view.chainLagMs = 99_000;
      },
      {},
    ],
    ["a leader who is not followed any more", (of) => of.tell(leaderFact(false)), {}],
    ["an account that is switched off", (of) => of.tell(policyFact({ enabled: false }, 2)), {}],
  ])("%s", (_name, given, over) => {
    const made = holding();
    made.view.quote = { ...quote, bestBidMicro: price(0.5) };
    made.fold(balance(101, 100));
    given(made);
    made.tell(sale(2, 50, over));
    const exits = only(made.own, "OrderIntent").filter(({ kind }) => kind === "EXIT");
    expect(exits.map(({ side, sizeMicro, limitPriceMicro }) => ({ side, sizeMicro, limitPriceMicro }))).toEqual([
      { side: "SELL", sizeMicro: shares(5), limitPriceMicro: price(0.48) },
    ]);
  });

  test("a halt stops an exit, which is kept", () => {
    const made = holding();
    made.fold(balance(101, 100));
    made.tell(riskFact("halt", 2), sale(2, 50));
    const attempt = only(made.own, "ExecutionAttempt")[0];
    expect(attempt?.reasons[0]?.code).toBe("RISK_HALT");
    expect(attempt?.unfollowed).toBe(true);
    expect([...made.state().unfollowed.values()].map(({ remainingMicro }) => remainingMicro)).toEqual([shares(5)]);
  });
});
