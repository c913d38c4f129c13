/** The rhythm of the world: every tick the actors act, the channels tell, the chain gets what was traded. */
import { type Story, TICK_MS } from "./actors/cast.ts";
import type { Lifecycle } from "./churn/lifecycle.ts";
import { type EndowmentOptions, recycle } from "./endowment.ts";
import type { Feed } from "./venue/feed.ts";
import type { SettledDeeds } from "./venue/settledDeeds.ts";
import type { Settlement } from "./venue/settlement.ts";

export type Playing = {
  readonly story: Story;
  readonly lifecycle: Pick<Lifecycle, "tick">;
  readonly feed: Feed;
  readonly settlement: Settlement;
  readonly deeds: SettledDeeds;
  readonly endowment: EndowmentOptions;
  readonly nowMs: () => number;
  readonly paused: () => boolean;
  readonly onNote: (text: string, details: Readonly<Record<string, unknown>>) => void;
};

const RECYCLE_TICKS = 240;

/** Plays the first tick at once. @returns a function that ends it when the node has the last trade. */
export function startPlaying(playing: Playing): () => Promise<void> {
  const { story, lifecycle, feed, settlement, deeds, endowment, nowMs, paused, onNote } = playing;
  let ticks = 0;
  const play = (): void => {
    const atMs = nowMs();
    lifecycle.tick(paused());
    if (paused()) {
      // Nobody trades, but a market may have been closed.
      feed.publish(atMs);
      return;
    }
    ticks += 1;
    story.tick(atMs);
    const trades = feed.publish(atMs);
    story.onTrades(trades);
    for (const trade of trades) settlement.settle(trade);
    for (const deed of story.takeDeeds()) deeds.send(deed);
    if (ticks % RECYCLE_TICKS !== 0) return;
    void recycle(endowment).catch((error: unknown) => onNote("wallets were not balanced", { err: error }));
  };
  play();
  const timer = setInterval(play, TICK_MS);
  return async () => {
    clearInterval(timer);
    await settlement.sent();
  };
}
