/** Short words for stories. */
import { balance, fillOrder, goodStory, leaderFill, only, price, quote, type Story } from "./story.testing.ts";

export const lotOf = (of: Story) => [...of.state().lots.values()].map(({ sizeMicro }) => sizeMicro);
export const owedExits = (of: Story) => [...of.state().unfollowed.values()].map(({ remainingMicro }) => remainingMicro);
export const exits = (of: Story) => only(of.own, "OrderIntent").filter(({ kind }) => kind === "EXIT");
export const tick = (of: Story, afterMs = 0): void => {
  of.view.nowMs += afterMs;
  of.say({ type: "Tick" });
};
export const bidAt = (of: Story, at: number): void => {
  of.view.quote = { ...quote, bestBidMicro: price(at) };
};
/** We hold 10 of the leader's 100. */
export function holdingTen(): Story {
  const made = goodStory();
  bidAt(made, 0.5);
  made.tell(leaderFill(1));
  fillOrder(made, 10);
  made.tell(balance(101, 100));
  return made;
}
