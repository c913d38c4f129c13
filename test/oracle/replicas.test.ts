/** Whoever follows a book over the bus knows of any time what the bookstore knows; who joins later, the same or nothing. */
import type { BookHistory } from "@slipstream/book/history";
import { bookAt, deltasAfter } from "@slipstream/book/historyAnswers";
import { flatLevels } from "@slipstream/book/ladder";
import { askedNow, createReplica, onReplicaAnswer, type Replica } from "@slipstream/book/replica";
import { hearPublished } from "@slipstream/book/replica.testing";
import {
  createDesk,
  type Desk,
  type DeskOutput,
  onDisconnected,
  onEvents,
  onPong,
  onUnreadable,
  onUnreadableFrame,
  track,
} from "@slipstream/bookstore/core/desk";
import { snap } from "@slipstream/bookstore/core/deskAnswers";
import { type TokenId, TokenId as TokenIds } from "@slipstream/contracts/ids";
import { createMarketParser } from "@slipstream/polymarket/marketChannel";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Case } from "./acts.ts";
import { cases } from "./generate.ts";
import { caseText, played } from "./play.ts";
import type { Message } from "./types.ts";

const C = "only";
const numRuns = Number(process.env["FC_RUNS"] ?? 200);

/** What a history knows of a time, as a text; null when it does not. */
function knownAt(history: BookHistory, ms: number): string | null {
  const answer = bookAt(history, ms);
  if (answer.kind !== "book") return null;
  const { book, tickMicro } = answer;
  return JSON.stringify([tickMicro, flatLevels(book, "BUY"), flatLevels(book, "SELL")]);
}

function told(desk: Desk, parser: ReturnType<typeof createMarketParser>, message: Message): DeskOutput[] {
  const { atMs } = message;
  if (message.kind === "definition") return [];
  if (message.kind === "gap") {
    if (message.tokens === null) return onDisconnected(desk, C, atMs);
    return onUnreadable(
      desk,
      C,
      message.tokens.map((token) => TokenIds.parse(token)),
      atMs,
    );
  }
  // Our clock may be a second ahead of the venue's.
  if (message.kind === "pong") return onPong(desk, C, message.upToMs + 1_000, atMs);
  const { events, refused } = parser.parse(message.text);
  const outputs: DeskOutput[] = onEvents(desk, C, events, atMs);
  for (const { tokenIds } of refused) {
    outputs.push(...(tokenIds.length > 0 ? onUnreadable(desk, C, tokenIds, atMs) : onUnreadableFrame(desk, C, atMs)));
  }
  return outputs;
}

function hear(replica: Replica | undefined, outputs: readonly DeskOutput[]): void {
  for (const output of outputs) {
    if (replica === undefined || output.type === "BookClock" || output.tokenId !== replica.tokenId) continue;
    hearPublished(replica, output, 0);
  }
}

function follow({ market, messages }: ReturnType<typeof played>, joinsAt: number): void {
  const parser = createMarketParser();
  const desk = createDesk(1, () => undefined, false);
  const tokens: TokenId[] = market.tokens.map((token) => TokenIds.parse(token));
  for (const token of tokens) track(desk, token, C);
  const always = tokens.map((tokenId) => createReplica({ tokenId }));
  const late = tokens.map((tokenId) => createReplica({ tokenId }));
  for (const [n, message] of messages.entries()) {
    const outputs = told(desk, parser, message);
    for (const replica of always) hear(replica, outputs);
    if (n > joinsAt) for (const replica of late) hear(replica, outputs);
    if (n !== joinsAt) continue;
    for (const [at, token] of tokens.entries()) {
      const now = snap(desk, token, message.atMs);
      const joins = late[at];
      if (now !== null && joins !== undefined) onReplicaAnswer(joins, now, askedNow(joins), 0);
    }
  }
  const firstMs = messages[0]?.atMs ?? 0;
  for (const [at, token] of tokens.entries()) {
    const source = desk.books.get(token)?.history;
    if (source === undefined) continue;
    const answer = deltasAfter(source, -1);
    const entries = answer.kind === "entries" ? answer.entries : [];
    const ends = source.segments.map(({ closed }) => closed?.endTsMs ?? 0);
    const times = new Set([firstMs, ...entries.map(({ tsEventMs }) => tsEventMs), ...ends]);
    for (const near of [...times].flatMap((ms) => [ms - 1, ms, ms + 1])) {
      const truth = knownAt(source, near);
      expect(always[at] === undefined ? "" : knownAt(always[at].history, near), `${token} at ${near}`).toBe(truth);
      const joined = late[at] === undefined ? null : knownAt(late[at].history, near);
      if (joined !== null) expect(joined, `${token}, joined at ${joinsAt}, at ${near}`).toBe(truth);
    }
    expect(always[at]?.history.closedTsMs).toBe(source.closedTsMs);
  }
}

it("a replica knows of any time what the bookstore knows, whatever is stamped ahead", () => {
  fc.assert(
    fc.property(cases({ acts: 20, orders: 1 }), fc.nat(20), (one: Case, joinsAt) => {
      const story = played(one);
      try {
        follow(story, joinsAt);
      } catch (error) {
        throw new Error(`${caseText(one)}\n${String(error)}`);
      }
    }),
    { numRuns },
  );
});
