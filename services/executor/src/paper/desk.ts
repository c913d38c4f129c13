/**
 * The paper venue as the executor's shell and replay use it: requests in, messages out. Books come from the caller, so the
 * same code runs on live replicas and on a tape.
 */
import type { BookHistory } from "@slipstream/book/history";
import type { ClientOrderId, TokenId } from "@slipstream/contracts/ids";
import type { CancelOrder, ExecutorMessage, PlaceOrder, ResumeOrder, VenueReport } from "../core/messages.ts";
import {
  activeMarkets,
  advance,
  answerBook,
  cancelOrder,
  createPaperEngine,
  endOverdue,
  idleMarkets,
  type MarketRef,
  marketOfOrder,
  openQuestions,
  type PaperEngine,
  placeOrder,
  resumeOrder,
} from "./engine.ts";
import type { PaperEvent } from "./events.ts";
import type { KnownMarket, Tokens } from "./market.ts";
import type { BookThen } from "./placement.ts";

/** A token's book as far as it is known; `watermarkMs` is the clock of the connection it is read from. */
export type KnownBook = { readonly history: BookHistory; readonly watermarkMs: number };

export type PaperDesk = {
  /** Performs a request at once; repeating one is harmless. */
  perform(request: PlaceOrder | ResumeOrder | CancelOrder): ExecutorMessage | null;
  /** Tokens whose books have to be followed: both of each market with an order, or with something taken. */
  tokens(): readonly TokenId[];
  /** Folds the markets with orders up to their watermarks. */
  advance(): readonly VenueReport[];
  /** The same for the markets without orders: some times a minute, before their books forget what happened. */
  keepUp(): void;
  /** Past books that only somebody else can know; answer each once. */
  questions(): readonly { readonly orderId: ClientOrderId; readonly tokenId: TokenId; readonly tsMs: number }[];
  /** @param then - null: nobody knows it. */
  answer(orderId: ClientOrderId, then: BookThen | null): readonly VenueReport[];
  /** Ends what a dead book keeps open. @param overdueMs - venue time that is certainly over. */
  endOverdue(overdueMs: number): readonly VenueReport[];
  /** Forgets everything: what is open comes back from the log. */
  reset(): void;
};

/**
 * @param sources.bookOf - null: nothing of the token has been read.
 * @param sources.closedMs - venue time at which the token's market was closed, as its definition says; null: it is open.
 */
export function createPaperDesk(sources: {
  readonly bookOf: (tokenId: TokenId) => KnownBook | null;
  readonly closedMs: (tokenId: TokenId) => number | null;
}): PaperDesk {
  let engine: PaperEngine = createPaperEngine();
  const known = (tokens: Tokens): KnownMarket | null => {
    const first = sources.bookOf(tokens[0]);
    const second = sources.bookOf(tokens[1]);
    const watermarkMs = Math.min(...[first, second].flatMap((book) => (book === null ? [] : [book.watermarkMs])));
    if (watermarkMs === Number.POSITIVE_INFINITY) return null;
    const closings = [first?.history.closedTsMs, second?.history.closedTsMs, sources.closedMs(tokens[0])];
    const closedMs = Math.min(...closings.map((atMs) => atMs ?? Number.POSITIVE_INFINITY));
    return {
      histories: [first?.history ?? null, second?.history ?? null],
      watermarkMs,
      closedMs: closedMs === Number.POSITIVE_INFINITY ? null : closedMs,
    };
  };
  const fold = ({ conditionId, tokens }: MarketRef): readonly PaperEvent[] => {
    const now = known(tokens);
    return now === null ? [] : advance(engine, conditionId, now);
  };
  return {
    perform: (request) => perform(engine, request),
    tokens: () => [...engine.desks.values()].flatMap(({ tokens }) => tokens),
    advance: () => activeMarkets(engine).flatMap((market) => reports(fold(market))),
    keepUp: () => {
      for (const market of idleMarkets(engine)) fold(market);
    },
    questions: () => openQuestions(engine),
    answer: (orderId, then) => {
      const market = marketOfOrder(engine, orderId);
      return market === null ? [] : reports(answerBook(engine, orderId, then, known(market.tokens)));
    },
    endOverdue: (overdueMs) => reports(endOverdue(engine, overdueMs)),
    reset: () => {
      engine = createPaperEngine();
    },
  };
}

function perform(engine: PaperEngine, request: PlaceOrder | ResumeOrder | CancelOrder): ExecutorMessage | null {
  switch (request.type) {
    case "PlaceOrder": {
      const { order } = request;
      const { orderId } = order;
      if (order.mode === "live") {
        const text = "the account trades live and live trading is not built yet";
        return { type: "VenueRefused", orderId, code: "LIVE_NOT_BUILT", text };
      }
      const placeAtMs = placeOrder(engine, order);
      return placeAtMs === null ? null : { type: "Placed", orderId, placeAtMs };
    }
    case "ResumeOrder": {
      const { order, knownFills, filledMicro } = request;
      resumeOrder(engine, order, { fills: knownFills, filledMicro });
      return null;
    }
    case "CancelOrder": {
      const { orderId, atMs } = request;
      return cancelOrder(engine, orderId, atMs) ? null : { type: "NotPlaced", orderId };
    }
  }
}

/** One message per order, in the order of its events. */
function reports(events: readonly PaperEvent[]): VenueReport[] {
  const byOrder = new Map<ClientOrderId, PaperEvent[]>();
  for (const event of events) {
    const list = byOrder.get(event.orderId);
    if (list === undefined) byOrder.set(event.orderId, [event]);
    else list.push(event);
  }
  return [...byOrder].map(([orderId, list]) => ({ type: "VenueReport", orderId, events: list }));
}
