/**
 * Markets end and others open in their place, so that the number of open ones stays. Scheduled ends count the story's
 * ticks: the same seed ends the same markets between the same acts.
 */
import { ContractError } from "@slipstream/contracts/errors";
import type { ConditionId } from "@slipstream/contracts/ids";
import { type Pace, type Story, TICK_MS } from "../actors/cast.ts";
import { createRandom } from "../actors/random.ts";
import { marketGroups } from "../markets.ts";
import { type Exchange, openMarket } from "../venue/exchange.ts";
import type { Feed } from "../venue/feed.ts";
import { isTraded, type Listing, type Listings, newListing } from "../venue/listings.ts";
import type { VenueMarket } from "../venue/market.ts";
import type { Ending } from "./ending.ts";
import {
  firstEndTicks,
  type Group,
  type MarketEnd,
  marketEnd,
  type Payouts,
  payoutsOf,
  promptTelling,
  type TellingOrder,
} from "./schedule.ts";
import type { Seat, Successors } from "./successors.ts";

export type LifecycleOptions = {
  readonly seed: string;
  readonly pace: Pace;
  readonly exchange: Exchange;
  readonly feed: Pick<Feed, "open">;
  readonly listings: Listings;
  readonly successors: Successors;
  readonly ending: Ending;
  readonly story: () => Pick<Story, "open">;
  readonly nowMs: () => number;
  /** Scheduled ends of earlier runs. */
  readonly ends: number;
  /** Markets end by themselves. */
  readonly isOn: boolean;
  /** Something changed that is kept. */
  readonly onChange: () => void;
  /** Nobody asks for this market any more. */
  readonly onForgotten: (market: VenueMarket) => void;
};

export type Wish = {
  /** Absent: the market that has been open longest. */
  readonly conditionId?: ConditionId | undefined;
  /** Of that market; its event's other questions follow. Absent: by chance. */
  readonly payouts?: Payouts | undefined;
  readonly order?: TellingOrder | undefined;
};
export type Ended = { readonly conditionId: ConditionId; readonly slug: string; readonly payouts: Payouts | null };

export type Lifecycle = {
  /** Every tick of the world. @param isPaused - the story stands still, and with it what is scheduled. */
  tick(isPaused: boolean): void;
  /** Ticks until a market's scheduled end; null: it has none. */
  endsIn(market: VenueMarket): number | null;
  setChurn(on: boolean): void;
  /**
   * Ends a market and the others of its event, or pays what was only closed. Nothing opens in its place while the churn
   * is off. @throws ContractError CONFIG_INVALID for a market that is unknown or resolved.
   */
  resolve(wish: Wish): Ended[];
  /** Trading stops and Gamma shows it, without a result. @throws ContractError as `resolve`. */
  close(wish: Pick<Wish, "conditionId">): Ended[];
  /** Scheduled ends so far, over all runs. */
  ends(): number;
};

/** The venue answers for a market so long after its trading has ended. */
export const KEEP_MS = 4 * 3_600_000;
/** The end of a market that has no scheduled one. */
const FAR_MS = 7 * 24 * 3_600_000;
const CLEAN_TICKS = 240;

const groups: readonly Group[] = marketGroups.map((slots) => ({ negRisk: slots.length > 1, questions: slots.length }));

export function createLifecycle(options: LifecycleOptions): Lifecycle {
  const { seed, pace, exchange, feed, listings, successors, ending, story, nowMs, onChange } = options;
  const wishes = createRandom(`${seed}|wishes`);
  let { ends, isOn } = options;
  let [ticks, churnTick] = [0, 0];
  let next: MarketEnd = marketEnd(seed, ends, groups, pace);
  let nextTick = firstEndTicks(next);
  /** The newest market of each place. */
  const seated = new Map<number, Listing>();
  for (const listing of listings.all()) seated.set(listing.slot, listing);

  const membersOf = (group: number): Listing[] => (marketGroups[group] ?? []).flatMap((slot) => seated.get(slot) ?? []);
  const seatsAfter = (group: number): Seat[] =>
    membersOf(group).map(({ slot, generation }) => ({ slot, generation: generation + 1 }));
  const groupAt = (slot: number): number => marketGroups.findIndex((slots) => slots.includes(slot));
  const isOpen = (group: number): boolean => membersOf(group).every(isTraded);

  /** Churn ticks at which a group ends next. */
  const endTickOf = (group: number): number => {
    let at = nextTick;
    let end = next;
    for (let n = ends + 1; end.group !== group; n++) {
      end = marketEnd(seed, n, groups, pace);
      at += end.afterTicks;
    }
    return at;
  };
  const endMsOf = (slot: number): number =>
    nowMs() + (isOn ? Math.max(0, endTickOf(groupAt(slot)) - churnTick) * TICK_MS : FAR_MS);
  const setEnds = (): void => {
    for (const listing of seated.values()) if (isTraded(listing)) listing.endMs = endMsOf(listing.slot);
  };
  setEnds();

  /** Opens what stands in the places of a group that has ended, if it is ready. */
  const openNext = (group: number): void => {
    for (const { market, slot, generation } of successors.take(seatsAfter(group)) ?? []) {
      const listing = newListing(market, { slot, generation, endMs: endMsOf(slot) });
      openMarket(exchange, market);
      listings.add(listing);
      seated.set(slot, listing);
      feed.open(market, nowMs());
      story().open(market);
      onChange();
    }
  };
  const churn = (): void => {
    churnTick += 1;
    const { group, payouts, telling } = next;
    const seats = seatsAfter(group);
    if (isOpen(group)) successors.want(seats);
    if (churnTick >= nextTick && isOpen(group) && successors.isReady(seats)) {
      ends += 1;
      next = marketEnd(seed, ends, groups, pace);
      nextTick = churnTick + next.afterTicks;
      for (const [index, listing] of membersOf(group).entries()) {
        ending.stopTrading(listing);
        ending.tell(listing, payouts[index] ?? [1, 0], telling);
      }
    }
    for (const closed of groups.keys()) if (!isOpen(closed)) openNext(closed);
  };

  const forgetOld = (): void => {
    for (const listing of [...listings.all()]) {
      const { market, closedMs, isShown, reportedBlock } = listing;
      if (closedMs === null || closedMs > nowMs() - KEEP_MS || !isShown || reportedBlock === null) continue;
      // Its place remembers its number until the next market has it.
      if (seated.get(listing.slot) === listing) continue;
      listings.forget(market.conditionId);
      options.onForgotten(market);
      onChange();
    }
  };

  const wanted = (conditionId: ConditionId | undefined): Listing => {
    const listing =
      conditionId === undefined
        ? [...listings.all()].find(isTraded)
        : [...listings.all()].find((one) => one.market.conditionId === conditionId);
    if (listing !== undefined && listing.payouts === null) return listing;
    const which = conditionId === undefined ? "no market is open" : `${conditionId} is resolved or no market`;
    throw new ContractError("CONFIG_INVALID", `nothing to end: ${which}`);
  };
  /** A market and the others of its event; its places may have been taken by later ones. */
  const companions = ({ slot, generation }: Listing): Listing[] =>
    [...listings.all()].filter((one) => groupAt(one.slot) === groupAt(slot) && one.generation === generation);
  const ended = ({ market, payouts }: Listing): Ended => ({
    ...{ conditionId: market.conditionId, slug: market.slug, payouts },
  });

  return {
    tick: (isPaused) => {
      ticks += 1;
      if (isOn && !isPaused) churn();
      ending.tick();
      if (ticks % CLEAN_TICKS === 0) forgetOld();
    },
    endsIn: ({ conditionId }) => {
      const listing = isOn ? listings.get(conditionId) : undefined;
      return listing === undefined ? null : endTickOf(groupAt(listing.slot)) - churnTick;
    },
    setChurn: (on) => {
      isOn = on;
      setEnds();
    },
    resolve: ({ conditionId, payouts, order }) => {
      const first = wanted(conditionId);
      const members = companions(first);
      const drawn = payoutsOf(groups[groupAt(first.slot)] ?? { negRisk: false, questions: 1 }, wishes);
      const telling = promptTelling(order ?? (wishes.chance(0.5) ? "gammaFirst" : "chainFirst"));
      for (const [index, listing] of members.entries()) {
        ending.stopTrading(listing);
        const own = payouts ?? drawn[index] ?? [1, 0];
        // One question of an event was told: the others are not true.
        ending.tell(listing, listing === first || payouts === undefined ? own : [0, 1], telling);
      }
      return members.map(ended);
    },
    close: ({ conditionId }) => {
      const members = companions(wanted(conditionId));
      for (const listing of members) {
        ending.stopTrading(listing);
        ending.show(listing);
      }
      return members.map(ended);
    },
    ends: () => ends,
  };
}
