/** Frames of the market channel: one of a tape is damaged, the others are right. */

import { flatLevels } from "@slipstream/book/ladder";
import {
  createDesk,
  type Desk,
  onEvents,
  onTick,
  onUnreadable,
  onUnreadableFrame,
  track,
} from "@slipstream/bookstore/core/desk";
import { BookUpdate, TradePrint } from "@slipstream/contracts/book";
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { type PriceMicro, sharesMicro } from "@slipstream/contracts/money";
import { createMarketParser, type ParsedFrame } from "@slipstream/polymarket/marketChannel";
import { framesOf, sampleTapes } from "@slipstream/testkit/samples";
import { z } from "zod";
import type { Door } from "./door.ts";

const [tape] = sampleTapes;
if (tape === undefined) throw new Error("there is no tape among the samples");
const frames = framesOf(tape);
const parsed = frames.map(({ t, d }) => ({ t, frame: createMarketParser().parse(d) }));
const tokens = [
  ...new Set(
    parsed.flatMap(({ frame }) => frame.events.flatMap((event) => (event.kind === "book" ? [event.tokenId] : []))),
  ),
];
const definition = {
  conditionId: parsed.flatMap(({ frame }) => frame.events).find((event) => event.kind === "book")?.conditionId,
  tokens: tokens.map((tokenId) => ({ tokenId, outcome: "" })),
  tickMicro: tape.tickMicro as PriceMicro,
  minOrderSizeMicro: sharesMicro(BigInt(tape.minOrderSizeMicro)),
  negRisk: tape.negRisk,
} as unknown as MarketDefinition;

/** Frames after the damaged one: several bursts, each with hashes. */
const FOLLOWING = 16;
/** Damaged frames are among the first: the later ones follow them. */
const FIRST_MAX = 40;
const CONNECTION = "tape";

/** As the source of a stream does with a parsed frame. */
function give(desk: Desk, t: number, { events, refused }: ParsedFrame): void {
  const outputs = [...onTick(desk, t), ...onEvents(desk, CONNECTION, events, t)];
  for (const { tokenIds } of refused) {
    outputs.push(
      ...(tokenIds.length === 0 ? onUnreadableFrame(desk, CONNECTION, t) : onUnreadable(desk, CONNECTION, tokenIds, t)),
    );
  }
  for (const output of outputs) {
    if (output.type !== "BookClock") z.encode(z.union([BookUpdate, TradePrint]), output);
  }
}

const levels = (desk: Desk, tokenId: TokenId): string => {
  const book = desk.books.get(tokenId)?.history.book ?? null;
  return book === null ? "none" : JSON.stringify([flatLevels(book, "BUY"), flatLevels(book, "SELL")]);
};
const newDesk = (): Desk => {
  const desk = createDesk(1, () => definition);
  for (const tokenId of tokens) track(desk, tokenId, CONNECTION);
  return desk;
};

const truths = new Map<number, Map<TokenId, string>>();
/** The books after a frame, when none was damaged. */
function truthAfter(last: number): ReadonlyMap<TokenId, string> {
  const known = truths.get(last);
  if (known !== undefined) return known;
  const desk = newDesk();
  for (const { t, frame } of parsed.slice(0, last + 1)) give(desk, t, frame);
  const books = new Map(tokens.map((tokenId) => [tokenId, levels(desk, tokenId)]));
  truths.set(last, books);
  return books;
}

export const frameDoor: Door = {
  name: "frames of the market channel",
  isText: true,
  // Each is a tape of dozens of frames.
  weight: 0.5,
  documents: frames
    .slice(0, FIRST_MAX)
    .flatMap(({ d }, n) => (d.startsWith("{") || d.startsWith("[") ? [{ n, frame: JSON.parse(d) as unknown }] : [])),
  enter: (damaged, good) => {
    const { n } = good as { n: number };
    const text =
      typeof damaged === "string"
        ? damaged
        : JSON.stringify((damaged as { frame?: unknown } | null | undefined)?.frame ?? null);
    const desk = newDesk();
    const parser = createMarketParser();
    const proofs = new Map<TokenId, number>();
    for (const [at, { t, frame }] of parsed.entries()) {
      if (at > n + FOLLOWING) break;
      give(desk, t, at === n ? parser.parse(text) : frame);
      if (at === n + 1) for (const [tokenId, book] of desk.books) proofs.set(tokenId, book.proofs.passed);
    }
    for (const tokenId of tokens) {
      const book = desk.books.get(tokenId);
      // A proof of a later burst: whatever was wrong must have been noticed by then.
      const isProved = (book?.proofs.passed ?? 0) > (proofs.get(tokenId) ?? 0) + 1;
      if (book?.health !== "healthy" || !isProved) continue;
      if (levels(desk, tokenId) !== truthAfter(n + FOLLOWING).get(tokenId))
        return `the book of ${tokenId} is wrong and healthy`;
    }
    return null;
  },
};
