/**
 * The paper venue as the executor's shell and replay use it: requests in, messages out. Books come from the caller, so the
 * same code runs on live replicas and on a tape.
 */
import type { BookHistory } from "@slipstream/book/history";
import type { Book } from "@slipstream/book/ladder";
import type { ClientOrderId, TokenId } from "@slipstream/contracts/ids";
import type { CancelOrder, ExecutorMessage, PlaceOrder, ResumeOrder, VenueReport } from "../core/messages.ts";
import {
  activeTokens,
  advance,
  answerBook,
  cancelOrder,
  createPaperEngine,
  endOverdue,
  openQuestions,
  type PaperEngine,
  placeOrder,
  resumeOrder,
} from "./engine.ts";
import type { PaperEvent } from "./events.ts";

/** A token's book as far as it is known; `watermarkMs` is the clock of the connection it is read from. */
export type KnownBook = { readonly history: BookHistory; readonly watermarkMs: number };

export type PaperDesk = {
  /** Performs a request at once; repeating one is harmless. */
  perform(request: PlaceOrder | ResumeOrder | CancelOrder): ExecutorMessage | null;
  /** Tokens whose book has to be advanced. */
  tokens(): readonly TokenId[];
  /** Folds a token's book up to its watermark. */
  advance(tokenId: TokenId): readonly VenueReport[];
  /** Past books that only somebody else can know; answer each once. */
  questions(): readonly { readonly orderId: ClientOrderId; readonly tokenId: TokenId; readonly tsMs: number }[];
  answer(orderId: ClientOrderId, tokenId: TokenId, book: Book | null): readonly VenueReport[];
  /** Ends what a dead book keeps open. @param overdueMs - venue time that is certainly over. */
  endOverdue(overdueMs: number): readonly VenueReport[];
  /** Forgets everything: what is open comes back from the log. */
  reset(): void;
};

export function createPaperDesk(bookOf: (tokenId: TokenId) => KnownBook | null): PaperDesk {
  let engine: PaperEngine = createPaperEngine();
  return {
    perform: (request) => perform(engine, request),
    tokens: () => activeTokens(engine),
    advance: (tokenId) => {
      const known = bookOf(tokenId);
      return known === null ? [] : reports(advance(engine, tokenId, known.history, known.watermarkMs));
    },
    questions: () => openQuestions(engine),
    answer: (orderId, tokenId, book) => reports(answerBook(engine, orderId, book, bookOf(tokenId)?.history ?? null)),
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
