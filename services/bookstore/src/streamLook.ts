/** What a stream source asks for by itself: books that are missing, that are doubted, that are due to be compared. */
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketFeed } from "./adapters/marketFeed.ts";
import type { RestBooks } from "./adapters/restBooks.ts";
import { createAuditRound, takeTurns } from "./core/auditRound.ts";
import { doubtedTokens, tokensToAskAgain, tokensWithoutBook } from "./core/deskAnswers.ts";
import type { SettledTokens } from "./settledTokens.ts";
import type { SourceOptions } from "./source.ts";

/** Opening books come within 0.52 s of a subscription (reference §6.1): only later ones are missed. */
const OPENING_WAIT_MS = 700;
const ASK_AGAIN_MS = 500;
const ASK_AGAIN_MS_MAX = 30_000;
const JOIN_AGAIN_MS = 2_000;
/** The opening book comes within half a second: the stream is asked again after a while, then later and later. */
const STREAM_AGAIN_MS = 5_000;
const STREAM_AGAIN_MS_MAX = 60_000;
/** A token with a book for so long was asked for well. */
const STREAM_WELL_MS = 10_000;
/** Single failed proofs pass within 50 ms as a rule (reference §6.4); a doubt that lasts is settled by REST. */
const DOUBT_ASK_MS = 500;
const DOUBT_AGAIN_MS = 5_000;
const AUDIT_LOOK_MS = 1_000;
/** What the parts of one source share. */
export type Parts = {
  readonly options: SourceOptions;
  readonly settled: SettledTokens;
  readonly feed: MarketFeed;
  readonly rest: RestBooks;
  readonly restFailure: () => string | null;
};

type Asking = { readonly tries: number; readonly nextMs: number };

/** Asks for what is missing, for what is doubted, and for what is due to be audited. */
export function createLook({ options, settled, feed, rest }: Parts): () => void {
  const { desk, clock, settings } = options;
  const withRest = settings.BOOKSTORE_MODE === "ws+snapshot";
  const asking = new Map<TokenId, Asking>();
  const streamAsks = new Map<TokenId, Asking>();
  const doubted = new Map<TokenId, Asking>();
  const askedFacts = new Map<TokenId, true>();
  const round = createAuditRound();
  let lastAuditMs = clock.nowMs();

  /** True when the stream will not bring the book by itself: it is open and silent about it, or was never open yet. */
  const isDue = (tokenId: TokenId, nowMs: number): boolean => {
    const book = desk.books.get(tokenId);
    const link = feed.linkOf(tokenId);
    if (book === undefined || link === null || settled.has(tokenId, nowMs)) return false;
    if ((asking.get(tokenId)?.nextMs ?? 0) > nowMs) return false;
    if (link.openSinceMs === null) return false;
    const awaitsOpening = desk.connections.get(link.name)?.opening.has(tokenId) === true;
    return !awaitsOpening || nowMs - link.openSinceMs >= OPENING_WAIT_MS;
  };
  const askStream = (tokenId: TokenId, nowMs: number): void => {
    const { tries = 0, nextMs = 0 } = streamAsks.get(tokenId) ?? {};
    if (nextMs > nowMs || feed.linkOf(tokenId)?.openSinceMs === null) return;
    const waitMs = Math.min(STREAM_AGAIN_MS_MAX, STREAM_AGAIN_MS * 2 ** Math.min(tries, 10));
    streamAsks.set(tokenId, { tries: tries + 1, nextMs: nowMs + waitMs });
    feed.again(tokenId);
  };
  /** Those REST could not settle; whose book has stood since is asked for quickly again. */
  const askAgain = (nowMs: number): void => {
    for (const tokenId of tokensToAskAgain(desk)) askStream(tokenId, nowMs);
    for (const [tokenId, { nextMs }] of streamAsks) {
      const health = desk.books.get(tokenId)?.health;
      if (health === undefined || (health === "healthy" && nowMs - nextMs >= STREAM_WELL_MS))
        streamAsks.delete(tokenId);
    }
  };
  const askMissing = (nowMs: number): void => {
    const missing = tokensWithoutBook(desk);
    forgetOthers(asking, missing);
    const due = missing.filter((tokenId) => isDue(tokenId, nowMs));
    for (const tokenId of due) {
      const tries = (asking.get(tokenId)?.tries ?? 0) + 1;
      // What the stream tells meanwhile is what REST can be joined to.
      const { entries = [], fromMs = 0 } = desk.books.get(tokenId)?.joining ?? {};
      const isTold = entries.length > 0 || nowMs < fromMs + 2 * JOIN_AGAIN_MS;
      const maxMs = isTold ? JOIN_AGAIN_MS : ASK_AGAIN_MS_MAX;
      const waitMs = Math.min(maxMs, ASK_AGAIN_MS * 2 ** Math.min(tries - 1, 10));
      asking.set(tokenId, { tries, nextMs: nowMs + waitMs });
      // REST may not answer at all, and is not believed alone.
      if (!withRest || (tries > 1 && !isTold)) askStream(tokenId, nowMs);
    }
    if (withRest) rest.ask(due, "seed");
  };
  const settleDoubts = (nowMs: number): void => {
    const tokens = doubtedTokens(desk);
    forgetOthers(doubted, tokens);
    for (const tokenId of tokens) {
      const { tries, nextMs } = doubted.get(tokenId) ?? { tries: 0, nextMs: nowMs + DOUBT_ASK_MS };
      const isDue = nextMs <= nowMs;
      doubted.set(tokenId, isDue ? { tries: tries + 1, nextMs: nowMs + DOUBT_AGAIN_MS } : { tries, nextMs });
      if (!isDue) continue;
      if (withRest) rest.ask([tokenId], "refresh");
      // What REST has not settled, or what there is no REST for, is for the stream.
      if (!withRest || tries > 0) askStream(tokenId, nowMs);
    }
  };
  const audit = (nowMs: number): void => {
    const elapsedMs = nowMs - lastAuditMs;
    if (elapsedMs < AUDIT_LOOK_MS) return;
    lastAuditMs = nowMs;
    const books = [...desk.books.values()].filter(({ health }) => health === "healthy");
    const healthy = new Set(books.map(({ tokenId }) => tokenId));
    // What the hash covers beside the levels comes from the market's definition, or from REST.
    const unproved = books.filter(({ market, tokenId }) => market === null && !askedFacts.has(tokenId));
    for (const { tokenId } of unproved) askedFacts.set(tokenId, true);
    forgetOthers(askedFacts, [...desk.books.keys()]);
    rest.ask(
      unproved.map(({ tokenId }) => tokenId),
      "audit",
    );
    rest.ask(takeTurns(round, healthy, elapsedMs, settings.BOOKS_AUDIT_SECONDS * 1_000), "audit");
  };
  return () => {
    const nowMs = clock.nowMs();
    askMissing(nowMs);
    settleDoubts(nowMs);
    askAgain(nowMs);
    if (withRest) audit(nowMs);
  };
}

function forgetOthers(map: Map<TokenId, unknown>, tokens: readonly TokenId[]): void {
  const still = new Set(tokens);
  for (const tokenId of map.keys()) if (!still.has(tokenId)) map.delete(tokenId);
}
