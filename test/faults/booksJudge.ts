/**
 * Compares a consumer's books with the venue's at instants, all tokens each time. What was true at an instant is copied
 * then; the consumer is asked as soon as its clock says that it knows everything up to it.
 *
 * A book that differs and is called healthy is excused while something that was missed cannot have been noticed yet:
 * `toldWithinMs` after the first message that could tell, `untoldWithinMs` after the loss when none came.
 */
import { bookAt } from "@slipstream/book/historyAnswers";
import { flatLevels } from "@slipstream/book/ladder";
import { quoteTier } from "@slipstream/book/quoteAge";
import type { TokenId } from "@slipstream/contracts/ids";
import type { Books } from "../../services/executor/src/adapters/books.ts";
import type { Flow, Truth } from "./booksFlow.ts";
import type { Line, Miss } from "./booksLine.ts";

export type Window = { readonly toldWithinMs: number; readonly untoldWithinMs: number };

/** One stretch in which a wrong book was called healthy; times by our clock. */
export type Spell = {
  readonly tokenId: TokenId;
  readonly cause: string;
  /** When the first change was missed. */
  readonly missedMs: number;
  /** When the first message that could tell was sent, as far as one was. */
  toldMs: number | null;
  readonly seenMs: number;
  endedMs: number | null;
  end: "not healthy" | "right again" | "open";
};

export type Violation = {
  readonly tokenId: TokenId;
  /** When it was asked. */
  readonly atMs: number;
  readonly text: string;
};

export type Verdict = {
  instants: number;
  equal: number;
  /** By reason. */
  readonly notHealthy: Map<string, number>;
  /** Within the window of the rules. */
  wrongInWindow: number;
  readonly spells: Spell[];
  /** Beyond it: what must not be. */
  readonly violations: Violation[];
  readonly epochs: Set<string>;
};

export type Judge = {
  /** Notes what is true now, to be compared when the consumer knows as much. */
  instant(): void;
  /** Looks at what waits. Call it some tens of times a second. */
  look(): void;
  waiting(): number;
  readonly verdict: Verdict;
};

/** A question that the consumer cannot answer by then is answered by no. */
const ANSWER_MS_MAX = 3_000;

type Waiting = { readonly tokenId: TokenId; readonly truth: Truth; readonly sinceMs: number };

export function createJudge(options: {
  readonly flow: Flow;
  readonly line: Line;
  readonly books: Books;
  readonly window: Window;
  readonly nowMs: () => number;
}): Judge {
  const { flow, line, books, window, nowMs } = options;
  let waiting: Waiting[] = [];
  const open = new Map<TokenId, Spell>();
  const verdict: Verdict = {
    ...{ instants: 0, equal: 0, notHealthy: new Map(), wrongInWindow: 0, spells: [], violations: [] },
    epochs: new Set(),
  };
  const no = (reason: string): true => {
    verdict.notHealthy.set(reason, (verdict.notHealthy.get(reason) ?? 0) + 1);
    return true;
  };
  const close = (tokenId: TokenId, end: "not healthy" | "right again", atMs: number): void => {
    const spell = open.get(tokenId);
    if (spell === undefined) return;
    spell.endedMs = atMs;
    spell.toldMs ??= line.misses(tokenId).find(({ toldMs }) => toldMs !== null)?.toldMs ?? null;
    spell.end = end;
    open.delete(tokenId);
  };
  const wrong = ({ tokenId, truth }: Waiting, has: string, atMs: number): true => {
    const misses = line.misses(tokenId);
    const first = misses[0];
    if (!open.has(tokenId)) {
      const spell: Spell = {
        ...{ tokenId, cause: first?.cause ?? "nothing was missed", missedMs: first?.atMs ?? atMs },
        ...{ toldMs: first?.toldMs ?? null, seenMs: atMs, endedMs: null, end: "open" },
      };
      open.set(tokenId, spell);
      verdict.spells.push(spell);
    }
    const excused = misses.some((miss) => atMs <= deadlineOf(miss, window));
    if (excused) verdict.wrongInWindow += 1;
    else verdict.violations.push({ tokenId, atMs, text: describe(tokenId, truth, has, misses, books) });
    return true;
  };
  /** True when the question is answered. */
  const judge = (question: Waiting, atMs: number): boolean => {
    const { tokenId, truth, sinceMs } = question;
    const quote = books.quote(tokenId);
    if (quote === null) return no("no book");
    if (quote.health !== "healthy") return no(quote.health);
    const known = books.known(tokenId);
    if (known === null || known.watermarkMs < truth.tsMs) {
      if (atMs - sinceMs < ANSWER_MS_MAX) return false;
      return no(quoteTier(quote.ageMs) === "HARD_STALE" ? "hard stale" : "not known yet");
    }
    const answer = bookAt(known.history, truth.tsMs, known.watermarkMs);
    if (answer.kind !== "book") return no(answer.kind === "hole" ? "hole" : answer.kind);
    verdict.epochs.add(`${tokenId} ${answer.epoch}`);
    const own = levelsText({ bids: flatLevels(answer.book, "BUY"), asks: flatLevels(answer.book, "SELL") });
    if (own !== levelsText(truth)) return wrong(question, own, atMs);
    verdict.equal += 1;
    close(tokenId, "right again", atMs);
    line.settle(tokenId, truth.tsMs);
    return true;
  };
  return {
    instant: () => {
      const atMs = nowMs();
      verdict.instants += 1;
      for (const tokenId of flow.tokenIds) {
        waiting.push({ tokenId, truth: flow.truth(tokenId, atMs), sinceMs: atMs });
      }
    },
    look: () => {
      const atMs = nowMs();
      for (const tokenId of [...open.keys()]) {
        if (books.quote(tokenId)?.health !== "healthy") close(tokenId, "not healthy", atMs);
      }
      waiting = waiting.filter((question) => !judge(question, atMs));
    },
    waiting: () => waiting.length,
    verdict,
  };
}

const deadlineOf = ({ atMs, toldMs }: Miss, { toldWithinMs, untoldWithinMs }: Window): number =>
  toldMs === null ? atMs + untoldWithinMs : Math.min(toldMs + toldWithinMs, atMs + untoldWithinMs);

const levelsText = ({ bids, asks }: { readonly bids: readonly number[]; readonly asks: readonly number[] }): string =>
  `${bids.join()} | ${asks.join()}`;

function describe(tokenId: TokenId, truth: Truth, has: string, misses: readonly Miss[], books: Books): string {
  const { epoch, seq } = books.quote(tokenId) ?? {};
  const told = misses.slice(-3).map(({ cause, atMs, toldMs }) => `${cause} at ${atMs}, told ${toldMs ?? "never"}`);
  const [own, right] = [levelsOf(has), levelsOf(levelsText(truth))];
  const extra = own.filter((level) => !right.includes(level)).slice(0, 4);
  const lacks = right.filter((level) => !own.includes(level)).slice(0, 4);
  return (
    `at ${truth.tsMs}, epoch ${epoch} seq ${seq}: has ${extra.join(" ")}, ` +
    `lacks ${lacks.join(" ")}; missed: ${told.join("; ") || "nothing"}`
  );
}

const levelsOf = (text: string): string[] => {
  const levels: string[] = [];
  for (const [n, side] of text.split(" | ").entries()) {
    const parts = side.split(",");
    for (let at = 0; at + 1 < parts.length; at += 2)
      levels.push(`${n === 0 ? "bid" : "ask"} ${parts[at]}×${parts[at + 1]}`);
  }
  return levels;
};
