/** The queue of an order that comes to rest (rules 6.2, 6.11). */
import type { BookHistory } from "@slipstream/book/history";
import { type SharesMicro, sharesMicro } from "@slipstream/contracts/money";
import { BOTH, type KnownMarket, mirrored } from "./market.ts";
import type { PaperOrder } from "./orders.ts";
import { backOf, EXPLAIN_MS, onLevel, onPrintAtPrice, type Queue } from "./resting.ts";
import { changesOf, printsBack } from "./timeline.ts";

/**
 * At the back of its level, and with what the last second left there: the print of a trade from before the placement may
 * still come, and must not move the order.
 */
export function queueAt(paper: PaperOrder, known: KnownMarket, displayedMicro: SharesMicro): Queue {
  const { order, which } = paper;
  const history = known.histories[which];
  if (history === null) return backOf(displayedMicro);
  const untilMs = order.placeAtMs;
  const sinceMs = untilMs - EXPLAIN_MS;
  const level = { side: order.side, priceMicro: order.limitPriceMicro };
  const { changes, wholeSinceMs } = changesOf(history, level, sinceMs, untilMs);
  const moments: { readonly atMs: number; readonly apply: (queue: Queue) => void }[] = changes.map(
    ({ atMs, sizeMicro }) => ({ atMs, apply: (queue) => onLevel(queue, exact(sizeMicro), atMs) }),
  );
  for (const { tsEventMs: atMs, sizeMicro } of printsAt(paper, known, Math.max(sinceMs + 1, wholeSinceMs), untilMs)) {
    moments.push({ atMs, apply: (queue) => void onPrintAtPrice(queue, exact(sizeMicro), atMs) });
  }
  // As if it had been the last of all that was displayed then: every decrease is one that a print may still be about.
  const past = backOf(exact(changes[0]?.beforeMicro ?? Number(displayedMicro)));
  for (const { apply } of moments.sort((a, b) => a.atMs - b.atMs)) {
    past.aheadMicro = past.shownMicro;
    apply(past);
  }
  return { ...past, aheadMicro: displayedMicro, shownMicro: displayedMicro };
}

/** Prints of either token that would have met the order. */
const printsAt = ({ at }: PaperOrder, { histories }: KnownMarket, sinceMs: number, untilMs: number) =>
  BOTH.flatMap((which) => {
    const history: BookHistory | null = histories[which];
    if (history === null) return [];
    return printsBack(history, history.ring.end - 1, sinceMs).filter((print) => {
      const { side, priceMicro } = mirrored(which, print);
      return print.tsEventMs <= untilMs && side !== at.side && priceMicro === at.priceMicro;
    });
  }).sort((a, b) => a.tsEventMs - b.tsEventMs);

const exact = (sizeMicro: number): SharesMicro => sharesMicro(BigInt(sizeMicro));
