/** Words for stories about buckets. */
import type { FactOf } from "@slipstream/contracts/facts";
import { add } from "@slipstream/contracts/money";
import { sumOf } from "./bucket.ts";
import { leaderFill, only, price, quote, shares } from "./facts.testing.ts";
import type { Story } from "./story.testing.ts";

/** A fill of which our tenth is `ours`, at a price, whose signal is now. */
export const small = (of: Story, n: number, ours: number, at = 0.5): FactOf<"LeaderFill"> => {
  of.view.quote = { ...quote, bestBidMicro: price(at - 0.01), bestAskMicro: price(at) };
  const times = { tsEventMs: of.view.nowMs, tsInitMs: of.view.nowMs, tsSeenMs: of.view.nowMs };
  return leaderFill(n, { ...times, sharesMicro: shares(ours * 10), priceMicro: price(at) });
};
export const buckets = (of: Story) => [...of.state().buckets.values()];
export const saved = (of: Story) => add(shares(0), ...buckets(of).map(sumOf));
export const intents = (of: Story) => only(of.own, "OrderIntent").filter(({ kind }) => kind === "ENTRY");
