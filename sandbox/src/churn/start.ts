/** The life of markets in a running world: as the folder has it, and kept there at every change. */
import type { Pace, Story } from "../actors/cast.ts";
import type { SandboxChain } from "../chain/types.ts";
import { type EndowmentOptions, stock } from "../endowment.ts";
import type { Exchange } from "../venue/exchange.ts";
import type { Feed } from "../venue/feed.ts";
import { createListings, isTraded, type Listings } from "../venue/listings.ts";
import { forgetTokens } from "../venue/purses.ts";
import type { Settlement } from "../venue/settlement.ts";
import { createEnding, type Ending } from "./ending.ts";
import { createLifecycle, type Lifecycle } from "./lifecycle.ts";
import { listingOf, type MarketRecords, recordOf } from "./records.ts";
import { promptTelling } from "./schedule.ts";
import { createSuccessors } from "./successors.ts";

/** A chain that was killed goes back by fewer blocks than this. */
const DOUBTED_BLOCKS = 64;

/** Markets as the run before left them. @param chain - has all of them, in their order. */
export async function restoreListings({ markets }: MarketRecords, chain: SandboxChain): Promise<Listings> {
  const listings = createListings();
  const head = chain.head().number;
  for (const [index, record] of markets.entries()) {
    const onChain = chain.markets[index];
    if (onChain === undefined) continue;
    const listing = listingOf(record, onChain);
    const isDoubted = listing.reportedBlock !== null && listing.reportedBlock > head - DOUBTED_BLOCKS;
    if (isDoubted && !(await chain.isResolved(onChain.conditionId))) listing.reportedBlock = null;
    listings.add(listing);
  }
  return listings;
}

export type ChurnOptions = {
  readonly seed: string;
  readonly pace: Pace;
  readonly chain: SandboxChain;
  readonly exchange: Exchange;
  readonly feed: Feed;
  readonly listings: Listings;
  readonly endowment: EndowmentOptions;
  readonly story: () => Story;
  readonly inOrder: Settlement["inOrder"];
  readonly nowMs: () => number;
  readonly ends: number;
  readonly isOn: boolean;
  readonly keep: (records: MarketRecords) => void;
  readonly onNote: (text: string, details: Readonly<Record<string, unknown>>) => void;
};

/** Nothing happens before the first tick, which takes up what the run before has left unfinished. */
export function startChurn(options: ChurnOptions): Lifecycle {
  const { seed, pace, chain, exchange, feed, listings, endowment, story, nowMs, onNote } = options;
  let isDirty = true;
  const onChange = (): void => {
    isDirty = true;
  };
  const ending = createEnding({ chain, exchange, feed, story, inOrder: options.inOrder, nowMs, onChange, onNote });
  const successors = createSuccessors({ chain, stock: (markets) => stock(endowment, markets), nowMs, onNote });
  const lifecycle = createLifecycle({
    ...{ seed, pace, exchange, feed, listings, successors, ending, story, nowMs, onChange },
    ...{ ends: options.ends, isOn: options.isOn },
    onForgotten: ({ conditionId, tokenIds }) => {
      chain.forgetMarket(conditionId);
      forgetTokens(exchange.purses, tokenIds);
    },
  });
  let isResumed = false;
  return {
    ...lifecycle,
    tick: (isPaused) => {
      if (!isResumed) resume(listings, ending, story());
      isResumed = true;
      lifecycle.tick(isPaused);
      if (!isDirty) return;
      isDirty = false;
      options.keep({ ends: lifecycle.ends(), markets: [...listings.all()].map(recordOf) });
    },
  };
}

/** What was to be said is said now; tokens that were not redeemed may be. */
function resume(listings: Listings, ending: Ending, story: Story): void {
  for (const listing of listings.all()) {
    const { market, payouts, isSaid, isShown, reportedBlock } = listing;
    if (isTraded(listing) || payouts === null) continue;
    if (isSaid && isShown && reportedBlock !== null) story.pay(market, payouts);
    else ending.tell(listing, payouts, promptTelling("gammaFirst"));
  }
}
