/** Orders obey the venue's rules, and what the venue says at the last moment is told. */
import { describe, expect, test } from "vitest";
import {
  balance,
  grant,
  leaderFill,
  market,
  only,
  price,
  quote,
  START_MS,
  sale,
  shares,
  tokenId,
} from "./facts.testing.ts";
import { fillOrder, goodStory, type Story } from "./story.testing.ts";

const intents = (of: Story) =>
  only(of.own, "OrderIntent").map(({ limitPriceMicro, sizeMicro }) => [limitPriceMicro / 1e6, Number(sizeMicro) / 1e6]);
const placed = (of: Story) => of.requests.flatMap((request) => (request.type === "PlaceOrder" ? [request.order] : []));
const guard = { priceGuardTicks: 0, priceGuardBps: 0 };

describe("price", () => {
  test.each<[string, number | null, number, number]>([
    ["a coarser tick than the minute-old definition's", 10_000, 1_000, 0.48],
    ["a finer one", 1_000, 10_000, 0.485],
    ["a book that does not tell its tick: the definition's", null, 5_000, 0.485],
  ])("is on the tick of the book: %s", (_name, bookTick, definitionTick, limit) => {
    const made = goodStory(guard);
    made.view.market = { ...market, tickMicro: definitionTick as typeof market.tickMicro };
    made.view.quote = { ...quote, tickMicro: bookTick as typeof quote.tickMicro, bestAskMicro: price(0.47) };
    made.tell(leaderFill(1, { priceMicro: price(0.485) }));
    expect(intents(made)[0]?.[0]).toBe(limit);
  });
});

describe("size", () => {
  test.each<[string, "GTD" | "FAK" | "FOK", number]>([
    ["GTD in hundredths", "GTD", 11.37],
    ["FAK in whole cents: 11 × 0.58 is 6.38", "FAK", 11],
    ["FOK too", "FOK", 11],
  ])("%s", (_name, timeInForce, size) => {
    const made = goodStory({ ...guard, timeInForce });
    made.view.quote = { ...quote, bestAskMicro: price(0.57) };
    made.tell(leaderFill(1, { priceMicro: price(0.58), sharesMicro: shares(113.7) }));
    expect(intents(made)).toEqual([[0.58, size]]);
  });

  test("what is granted is shrunk to what the venue takes, and the rest is given back when that is filled", () => {
    const made = goodStory({ ...guard, timeInForce: "FAK" }, "silent");
    made.view.quote = { ...quote, bestAskMicro: price(0.57) };
    made.tell(leaderFill(1, { priceMicro: price(0.58), sharesMicro: shares(115) }));
    const intent = only(made.own, "OrderIntent")[0] ?? expect.fail("an order was meant");
    made.tell(grant(intent, shares(9.87)));
    expect(placed(made)).toMatchObject([{ sizeMicro: shares(9.5), restMicro: shares(0.37) }]);
  });

  test.each([
    [5.49, [5], 0],
    [4.99, [], 1],
  ])("granted %d, where 5 is the smallest", (granted, sent, abandoned) => {
    const made = goodStory({ ...guard, timeInForce: "FAK" }, "silent");
    made.view.quote = { ...quote, bestAskMicro: price(0.57) };
    made.tell(leaderFill(1, { priceMicro: price(0.58), sharesMicro: shares(115) }));
    made.tell(grant(only(made.own, "OrderIntent")[0] ?? expect.fail("an order was meant"), shares(granted)));
    expect(placed(made).map(({ sizeMicro }) => Number(sizeMicro) / 1e6)).toEqual(sent);
    expect(only(made.own, "OrderAbandoned")).toHaveLength(abandoned);
  });

  test("an exit rests, whatever the policy says of purchases, so it may be as exact as the lot", () => {
    const made = goodStory({ ...guard, timeInForce: "FAK" });
    made.view.market = { ...market, tickMicro: price(0.001) };
    made.view.quote = { ...quote, tickMicro: price(0.001), bestBidMicro: price(0.49), bestAskMicro: price(0.48) };
    made.tell(balance(100, 0), leaderFill(1, { priceMicro: price(0.5), sharesMicro: shares(113.8) }));
    fillOrder(made, 11.35);
    made.tell(sale(2, 113.8, { priceMicro: price(0.485) }));
    // 11.35 × 0.485 has five decimals: by FAK the venue would take 11.34.
    expect(intents(made).at(-1)).toEqual([0.485, 11.35]);
  });
});

describe("what the venue says at T", () => {
  const open = () => {
    const made = goodStory();
    made.tell(leaderFill(1));
    const { orderId } = only(made.own, "OrderIntent")[0] ?? expect.fail("an order was meant");
    made.say({ type: "Placed", orderId, placeAtMs: START_MS + 150 });
    return { made, orderId };
  };

  test("a refusal becomes OrderRejected, with the venue's words", () => {
    const { made, orderId } = open();
    const refused = { kind: "refused" as const, orderId, tokenId, atMs: START_MS + 150 };
    const text = "order a is invalid. Price (0.485) breaks minimum tick size rule: 0.01";
    made.say({ type: "VenueReport", orderId, events: [{ ...refused, code: "PRICE_OFF_TICK", text }] });
    expect(only(made.own, "OrderRejected")).toMatchObject([
      { orderId, code: "PRICE_OFF_TICK", text, tsEventMs: START_MS + 150 },
    ]);
    expect(made.state().orders.get(orderId)?.status ?? "gone").toMatch(/rejected|gone/);
  });

  test("an order whose market closes is cancelled at that time", () => {
    const { made, orderId } = open();
    made.say({ type: "VenueReport", orderId, events: [{ kind: "closed", orderId, tokenId, atMs: START_MS + 900 }] });
    expect(only(made.own, "OrderCanceled")).toMatchObject([{ reason: "MARKET_CLOSED", tsEventMs: START_MS + 900 }]);
  });
});
