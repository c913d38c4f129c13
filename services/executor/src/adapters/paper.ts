/** Runs the paper desk on live replicas: clocks move it, the bookstore answers for the past, the dead are ended. */
import { ask } from "@slipstream/actor/ask";
import type { Bus } from "@slipstream/actor/bus";
import type { Clock } from "@slipstream/actor/clock";
import type { ServiceContext } from "@slipstream/actor/service";
import { applySnapshot, createBook, gridFor, isRefusal } from "@slipstream/book/ladder";
import type { BookSnapshot } from "@slipstream/contracts/book";
import type { ClientOrderId, TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import type { executorEnv } from "../config.ts";
import type { CancelOrder, ExecutorMessage, PlaceOrder, ResumeOrder, VenueReport } from "../core/messages.ts";
import { createPaperDesk } from "../paper/desk.ts";
import { closedMsOf } from "../paper/market.ts";
import type { BookThen } from "../paper/placement.ts";
import type { Books } from "./books.ts";

export type PaperVenue = {
  perform(request: PlaceOrder | ResumeOrder | CancelOrder): ExecutorMessage | null;
  /** A book's clock has moved. */
  advance(): void;
  /** Asks for past books, ends what no clock will end. Call it some times a second. */
  look(): void;
  /** Both tokens of markets with open orders, or with depth that was taken. */
  tokens(): readonly TokenId[];
  /** Forgets all orders: another process owns them, or the log will give them back. */
  reset(): void;
};

const BOOK_AT_TIMEOUT_MS = 1_000;
/** World time without a watermark after which an order's moment is over: far beyond a restart of the bookstore. */
const OVERDUE_MS = 30_000;

export function createPaperVenue(options: {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly logger: ServiceContext<typeof executorEnv>["logger"];
  readonly books: Books;
  readonly market: (tokenId: TokenId) => MarketDefinition | null;
  readonly post: (message: ExecutorMessage) => boolean;
}): PaperVenue {
  const { bus, clock, logger, books, market, post } = options;
  const desk = createPaperDesk({
    bookOf: (tokenId) => books.known(tokenId),
    closedMs: (tokenId) => closedMsOf(market(tokenId)),
  });
  const asked = new Set<ClientOrderId>();
  let generation = 0;

  const tell = (reports: readonly VenueReport[]): void => {
    for (const report of reports) post(report);
  };
  const askBook = async (orderId: ClientOrderId, tokenId: TokenId, tsMs: number): Promise<void> => {
    const born = generation;
    const answer = await ask(bus, "bookstore", "bookAt", { tokenId, tsMs }, BOOK_AT_TIMEOUT_MS);
    if (born !== generation) return;
    asked.delete(orderId);
    // Nobody answered: it is asked again until the order is overdue. A no is an answer.
    if (
      !answer.ok &&
      (answer.code === "NO_RESPONDERS" || answer.code === "TIMEOUT" || answer.code === "DISCONNECTED")
    ) {
      return;
    }
    if (!answer.ok) logger.info({ orderId, tokenId, code: answer.code }, "the book of a placement is not known");
    tell(desk.answer(orderId, answer.ok ? bookOf(answer.value) : null));
  };
  return {
    perform: (request) => {
      for (const tokenId of request.type === "CancelOrder" ? [request.tokenId] : request.order.tokens) {
        books.touch(tokenId);
      }
      return desk.perform(request);
    },
    advance: () => {
      tell(desk.advance());
    },
    look: () => {
      for (const { orderId, tokenId, tsMs } of desk.questions()) {
        if (asked.has(orderId)) continue;
        asked.add(orderId);
        void askBook(orderId, tokenId, tsMs);
      }
      // By a clock that nobody has measured no moment is certainly over.
      if (clock.quality() !== null) tell(desk.endOverdue(clock.nowMs() - OVERDUE_MS));
      desk.keepUp();
    },
    tokens: () => desk.tokens(),
    reset: () => {
      generation += 1;
      asked.clear();
      desk.reset();
    },
  };
}

/** null for a book that breaks its own rules. */
function bookOf({ tokenId, tickMicro, bids, asks }: BookSnapshot): BookThen | null {
  const gridMicro = gridFor(tickMicro, bids, asks);
  if (gridMicro === null) return null;
  const book = createBook({ tokenId, tickMicro: gridMicro });
  return isRefusal(applySnapshot(book, bids, asks)) ? null : { book, tickMicro };
}
