/**
 * What becomes of a market whose trading stops: its orders are taken off, and some seconds later the venue says who has
 * won, Gamma shows it closed, and the oracle reports to the chain; then who holds its tokens may redeem them.
 */
import type { Story } from "../actors/cast.ts";
import type { SandboxChain } from "../chain/types.ts";
import { quotesOf } from "../venue/books.ts";
import { closeMarket, type Exchange } from "../venue/exchange.ts";
import type { Feed } from "../venue/feed.ts";
import { isTraded, type Listing, winnerOf } from "../venue/listings.ts";
import type { Settlement } from "../venue/settlement.ts";
import type { Payouts, Telling } from "./schedule.ts";

export type EndingOptions = {
  readonly chain: Pick<SandboxChain, "resolve" | "isResolved" | "waitForTx" | "head">;
  readonly exchange: Exchange;
  readonly feed: Pick<Feed, "end" | "booksOf">;
  readonly story: () => Pick<Story, "close" | "pay">;
  readonly inOrder: Settlement["inOrder"];
  readonly nowMs: () => number;
  /** Something about a market changed that is kept. */
  readonly onChange: () => void;
  readonly onNote: (text: string, details: Readonly<Record<string, unknown>>) => void;
};

export type Ending = {
  /** Does what is due. Call it every tick, also while the actors pause. */
  tick(): void;
  stopTrading(listing: Listing): void;
  /** Who says what when; a part that has been said already is not said again. */
  tell(listing: Listing, payouts: Payouts, telling: Telling): void;
  /** Gamma shows it closed, with or without a result. */
  show(listing: Listing): void;
};

/** From the report to the first redemptions: some blocks, the same number of ticks in every run. */
const PAY_TICKS = 12;
const AGAIN_TICKS = 8;

export function createEnding(options: EndingOptions): Ending {
  const { chain, exchange, feed, story, inOrder, nowMs, onChange, onNote } = options;
  let tick = 0;
  let due: { readonly atTick: number; readonly run: () => void }[] = [];
  const after = (ticks: number, run: () => void): void => void due.push({ atTick: tick + ticks, run });

  const say = (listing: Listing, payouts: Payouts, isAnnounced: boolean): void => {
    if (listing.isSaid) return;
    const books = feed.booksOf(listing.market.tokenIds[0]);
    listing.lastTradeMicro = books === null ? listing.lastTradeMicro : quotesOf(books).lastTradeMicro;
    listing.isSaid = true;
    feed.end(listing.market, isAnnounced ? { winner: winnerOf(payouts), nowMs: nowMs() } : undefined);
    onChange();
  };
  const show = (listing: Listing): void => {
    listing.isShown = true;
    onChange();
  };

  const send = async (listing: Listing, payouts: Payouts): Promise<void> => {
    const { conditionId } = listing.market;
    if (await chain.isResolved(conditionId)) return reported(listing, chain.head().number);
    const txHash = await chain.resolve(conditionId, payouts);
    // Trades behind it need not wait for its block.
    void chain.waitForTx(txHash).then(
      (status) => (status.status === "mined" ? reported(listing, status.blockNumber) : again(listing, payouts)),
      () => again(listing, payouts),
    );
  };
  const report = (listing: Listing, payouts: Payouts): void => {
    if (listing.reportedBlock !== null) return;
    inOrder(() =>
      send(listing, payouts).catch((error: unknown) => {
        onNote("the oracle's report failed", { market: listing.market.slug, err: error });
        again(listing, payouts);
      }),
    );
  };
  const again = (listing: Listing, payouts: Payouts): void => after(AGAIN_TICKS, () => report(listing, payouts));
  const reported = (listing: Listing, block: number): void => {
    listing.reportedBlock = block;
    onChange();
  };
  const pay = (listing: Listing, payouts: Payouts): void => {
    if (listing.reportedBlock === null) after(AGAIN_TICKS, () => pay(listing, payouts));
    else story().pay(listing.market, payouts);
  };

  return {
    tick: () => {
      tick += 1;
      const now = due.filter(({ atTick }) => atTick <= tick);
      if (now.length === 0) return;
      due = due.filter(({ atTick }) => atTick > tick);
      for (const { run } of now) run();
    },
    stopTrading: (listing) => {
      if (!isTraded(listing)) return;
      closeMarket(exchange, listing.market.conditionId);
      story().close(listing.market);
      listing.closedMs = nowMs();
      onChange();
    },
    tell: (listing, payouts, { saidTicks, gammaTicks, chainTicks }) => {
      listing.payouts = payouts;
      after(saidTicks ?? Math.max(gammaTicks, chainTicks), () => say(listing, payouts, saidTicks !== null));
      after(gammaTicks, () => show(listing));
      after(chainTicks, () => report(listing, payouts));
      after(chainTicks + PAY_TICKS, () => pay(listing, payouts));
      onChange();
    },
    show,
  };
}
