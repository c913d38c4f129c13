/**
 * The public part of the CLOB's REST: books, trading parameters. Its `/time` is read by the clocks.
 * @see docs/venue.md, CLOB REST
 */
import { ContractError } from "@slipstream/contracts/errors";
import { ConditionId, TokenId } from "@slipstream/contracts/ids";
import type { FeeSchedule } from "@slipstream/contracts/money";
import { feeScheduleOf } from "./feeSchedule.ts";
import type { HttpReader } from "./http.ts";
import type { BookEvent } from "./marketChannel.ts";
import { asFields, FieldInvalid, type Fields, micro, readBook } from "./marketMessages.ts";

/** A book of REST: as in the channel, with what the book hash covers beside it. */
export type RestBook = BookEvent & { readonly minOrderSizeMicro: number | null; readonly negRisk: boolean | null };

export type BooksAnswer = {
  readonly books: ReadonlyMap<TokenId, RestBook>;
  /** The venue left them out: settled or unknown tokens. */
  readonly missing: readonly TokenId[];
};

/** Trading parameters of a market, from its short object. */
export type ClobMarket = {
  readonly conditionId: ConditionId;
  readonly tokens: readonly { readonly tokenId: TokenId; readonly outcome: string }[];
  readonly tickMicro: number;
  readonly minOrderSizeMicro: number;
  readonly negRisk: boolean;
  readonly fee: FeeSchedule;
  readonly acceptingOrders: boolean;
  readonly takerDelayMs: number;
};

export type ClobRest = {
  /** Any number of tokens, in batches. @throws ContractError VENUE_UNREADABLE when one book is malformed. */
  readonly books: (tokenIds: readonly TokenId[]) => Promise<BooksAnswer>;
  /** null: the venue has no book for it. */
  readonly book: (tokenId: TokenId) => Promise<RestBook | null>;
  readonly clobMarket: (conditionId: ConditionId) => Promise<ClobMarket | null>;
};

/** Some 4 KB per book: an answer stays below half a megabyte. */
const BOOKS_PER_REQUEST = 100;

export function createClobRest(http: HttpReader): ClobRest {
  return {
    books: async (tokenIds) => {
      const books = new Map<TokenId, RestBook>();
      for (let start = 0; start < tokenIds.length; start += BOOKS_PER_REQUEST) {
        const batch = tokenIds.slice(start, start + BOOKS_PER_REQUEST);
        const answer = await http.post(
          "/books",
          batch.map((tokenId) => ({ token_id: tokenId })),
        );
        // 404 where none of them has a book.
        if (answer === null) continue;
        for (const book of readBooks(answer)) books.set(book.tokenId, book);
      }
      return { books, missing: tokenIds.filter((tokenId) => !books.has(tokenId)) };
    },
    book: async (tokenId) => {
      const answer = await http.get("/book", [["token_id", tokenId]]);
      return answer === null ? null : readable("/book", () => restBook(answer));
    },
    clobMarket: async (conditionId) => {
      const answer = await http.get(`/clob-markets/${conditionId}`);
      return answer === null ? null : readable("/clob-markets", () => clobMarket(asFields(answer, "market")));
    },
  };
}

/**
 * Reads an answer of `POST /books`, as JSON.
 * @throws ContractError VENUE_UNREADABLE when one book is malformed.
 */
export const readBooks = (answer: unknown): RestBook[] => readable("/books", () => listOf(answer).map(restBook));

function restBook(value: unknown): RestBook {
  const fields = asFields(value, "book");
  const negRisk = fields["neg_risk"];
  return {
    ...readBook(fields),
    minOrderSizeMicro: fields["min_order_size"] === undefined ? null : micro(fields, "min_order_size"),
    negRisk: typeof negRisk === "boolean" ? negRisk : null,
  };
}

/** Keys of the short object are explained in docs/venue.md, CLOB REST. */
function clobMarket(fields: Fields): ClobMarket {
  const conditionId = ConditionId.safeParse(fields["c"]);
  if (!conditionId.success) throw new FieldInvalid(`c: ${JSON.stringify(fields["c"])}`);
  const fee = feeScheduleOf(fields["fd"], { rate: "r", exponent: "e", takerOnly: "to" });
  if (fee === null) throw new FieldInvalid(`fd: ${JSON.stringify(fields["fd"])}`);
  return {
    conditionId: conditionId.data,
    tokens: listOf(fields["t"]).map((value) => {
      const { t, o } = asFields(value, "t");
      const tokenId = TokenId.safeParse(t);
      if (!tokenId.success) throw new FieldInvalid(`t: ${JSON.stringify(t)}`);
      return { tokenId: tokenId.data, outcome: String(o ?? "") };
    }),
    tickMicro: micro(fields, "mts"),
    minOrderSizeMicro: micro(fields, "mos"),
    negRisk: fields["nr"] === true,
    fee,
    acceptingOrders: fields["ao"] === true,
    takerDelayMs: fields["sd"] === undefined || fields["sd"] === null ? 0 : micro(fields, "sd") / 1000,
  };
}

function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value as unknown[];
  throw new FieldInvalid(`an array was expected, not ${(JSON.stringify(value) ?? "nothing").slice(0, 100)}`);
}

function readable<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof FieldInvalid) throw unreadable(path, error.message);
    throw error;
  }
}

const unreadable = (path: string, detail: string): ContractError =>
  new ContractError("VENUE_UNREADABLE", `${path} answered what cannot be read: ${detail}`);
