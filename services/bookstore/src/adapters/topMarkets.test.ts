import { virtualClock } from "@slipstream/actor/clock";
import type { TokenId } from "@slipstream/contracts/ids";
import { eventually } from "@slipstream/testkit/until";
import { pino } from "pino";
import { expect, test, vi } from "vitest";
import { followTopMarkets } from "./topMarkets.ts";

const object = (n: number, more: object = {}) => ({
  conditionId: `0x${String(n).padStart(64, "0")}`,
  outcomes: '["Yes","No"]',
  clobTokenIds: `["${n}1","${n}2"]`,
  orderPriceMinTickSize: 0.01,
  orderMinSize: 5,
  acceptingOrders: true,
  ...more,
});

test("the tokens of the most liquid markets, asked again from time to time; a failure keeps the last ones", async () => {
  const clock = virtualClock(0);
  const asked: unknown[] = [];
  let answer: unknown = [object(3), object(1, { version: "v9" }), object(2)];
  const get = async (_path: string, query: unknown): Promise<unknown> => {
    asked.push(query);
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const onChange = vi.fn();
  const top = followTopMarkets({
    http: { get },
    clock,
    logger: pino({ level: "silent" }),
    count: 3,
    onChange,
  });
  await eventually(() => expect(onChange).toHaveBeenCalledTimes(1));
  expect(top.tokens()).toEqual(["31", "32", "21", "22"]);
  expect(top.market("22" as TokenId)?.conditionId).toBe(object(2).conditionId);
  expect(asked).toEqual([
    expect.arrayContaining([
      ["order", "liquidityNum"],
      ["limit", "3"],
    ]),
  ]);
  answer = new Error("busy");
  clock.advanceTo(600_000);
  await eventually(() => expect(clock.nextTimerMs()).toBe(630_000));
  expect(top.tokens()).toEqual(["31", "32", "21", "22"]);
  answer = [object(4)];
  clock.advanceTo(630_000);
  await eventually(() => expect(top.tokens()).toEqual(["41", "42"]));
  top.stop();
  expect(clock.nextTimerMs()).toBeNull();
});
