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
import { asFields, FieldInvalid, type Fields, isAbsent, micro, readBook } from "./marketMessages.ts";

/** A book of REST: as in the channel, with what the book hash covers beside it. */
export type RestBook = BookEvent & { readonly minOrderSizeMicro: number | null; readonly negRisk: boolean | null };

export type BooksAnswer = {
  /** Only of tokens that were asked for. */
  readonly books: ReadonlyMap<TokenId, RestBook>;
  /** The venue left them out: settled or unknown tokens. None while a book of the answer does not say whose it is. */
  readonly missing: readonly TokenId[];
  readonly unreadable: readonly UnreadableBook[];
};

/** One book of an answer that cannot be read, and why; null: it does not even name its token. */
export type UnreadableBook = { readonly tokenId: TokenId | null; readonly text: string };

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
  /** Any number of tokens, in batches. @throws ContractError VENUE_UNREADABLE when an answer is no list. */
  readonly books: (tokenIds: readonly TokenId[]) => Promise<BooksAnswer>;
  /** null: the venue has no book for it. */
  readonly book: (tokenId: TokenId) => Promise<RestBook | null>;
  readonly clobMarket: (conditionId: ConditionId) => Promise<ClobMarket | null>;
};

/** Some 4 KB per book: an answer stays below half a megabyte. */
const BOOKS_PER_REQUEST = 100;
/** Finds two refused tokens among a hundred; a venue that refuses everything is not asked for each of them. */
const HALVINGS_MAX = 14;

export function createClobRest(http: HttpReader): ClobRest {
  return {
    books: async (tokenIds) => {
      const books = new Map<TokenId, RestBook>();
      const unreadable: UnreadableBook[] = [];
      const asked = new Set(tokenIds);
      let halvings = HALVINGS_MAX;
      const read = async (batch: readonly TokenId[]): Promise<void> => {
        try {
          const answer = await http.post(
            "/books",
            batch.map((tokenId) => ({ token_id: tokenId })),
          );
          // 404 where none of them has a book.
          const found = answer === null ? { books: [], unreadable: [] } : readBooks(answer);
          for (const book of found.books) if (asked.has(book.tokenId)) books.set(book.tokenId, book);
          unreadable.push(...found.unreadable);
        } catch (error) {
          // One token that the venue will not be asked for takes no other's book with it.
          if (!(error instanceof ContractError) || error.code !== "VENUE_REFUSED" || tokenIds.length === 1) throw error;
          if (batch.length > 1 && halvings > 0) {
            halvings -= 1;
            const half = Math.ceil(batch.length / 2);
            for (const part of [batch.slice(0, half), batch.slice(half)]) await read(part);
          } else if (batch.length > 1 && books.size === 0) throw error;
          else unreadable.push(...batch.map((tokenId) => ({ tokenId, text: error.message })));
        }
      };
      for (let start = 0; start < tokenIds.length; start += BOOKS_PER_REQUEST)
        await read(tokenIds.slice(start, start + BOOKS_PER_REQUEST));
      const broken = new Set(unreadable.map(({ tokenId }) => tokenId));
      const missing = broken.has(null) ? [] : tokenIds.filter((tokenId) => !books.has(tokenId) && !broken.has(tokenId));
      return { books, missing, unreadable };
    },
    book: async (tokenId) => {
      const answer = await http.get("/book", [["token_id", tokenId]]);
      if (answer === null) return null;
      const book = readable("/book", () => restBook(answer));
      if (book.tokenId !== tokenId) throw unreadable("/book", `the book of ${book.tokenId}, ${tokenId} was asked for`);
      return book;
    },
    clobMarket: async (conditionId) => {
      const answer = await http.get(`/clob-markets/${conditionId}`);
      if (answer === null) return null;
      const market = readable("/clob-markets", () => clobMarket(asFields(answer, "market")));
      if (market.conditionId === conditionId) return market;
      throw unreadable("/clob-markets", `the market ${market.conditionId}, ${conditionId} was asked for`);
    },
  };
}

/**
 * Reads an answer of `POST /books`, as JSON: the good books, and what is wrong with the others.
 * @throws ContractError VENUE_UNREADABLE when it is no list.
 */
export function readBooks(answer: unknown): {
  readonly books: readonly RestBook[];
  readonly unreadable: readonly UnreadableBook[];
} {
  const books: RestBook[] = [];
  const unreadable: UnreadableBook[] = [];
  for (const value of readable("/books", () => listOf(answer))) {
    try {
      books.push(restBook(value));
    } catch (error) {
      if (!(error instanceof FieldInvalid)) throw error;
      const tokenId = TokenId.safeParse((value as Fields | null)?.["asset_id"]);
      unreadable.push({ tokenId: tokenId.success ? tokenId.data : null, text: error.message });
    }
  }
  return { books, unreadable };
}

function restBook(value: unknown): RestBook {
  const fields = asFields(value, "book");
  const negRisk = fields["neg_risk"];
  return {
    ...readBook(fields),
    minOrderSizeMicro: isAbsent(fields["min_order_size"]) ? null : micro(fields, "min_order_size"),
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
