/** Requests to the bookstore: every replica hears them, the one that reads the token answers. */
import { serveOwn } from "@slipstream/actor/ask";
import type { Bus } from "@slipstream/actor/bus";
import type { Clock } from "@slipstream/actor/clock";
import type { BookSnapshot } from "@slipstream/contracts/book";
import type { TokenId } from "@slipstream/contracts/ids";
import type { ReadOutcome } from "./adapters/restBooks.ts";
import type { PastRefusal } from "./core/deskAnswers.ts";
import type { Keeper } from "./keeper.ts";
import type { TokenShare } from "./tokenShare.ts";
import type { Requested } from "./wanted.ts";

type RefusalCode = PastRefusal | "REFRESH_FAILED" | "REFRESH_LATE";
type Refusal = { readonly ok: false; readonly code: RefusalCode; readonly text: string };

const texts: Readonly<Record<RefusalCode, string>> = {
  UNKNOWN_TOKEN: "there is no book of this token yet",
  TOO_OLD: "books are kept for a minute",
  HOLE: "the book was not continuous at that time",
  NOT_YET: "the venue's changes up to that time have not all arrived",
  REFRESH_FAILED: "the venue did not answer; the book is as old as it was",
  REFRESH_LATE: "the venue has not answered yet; the book is as old as it was",
};
const refused = (code: RefusalCode): Refusal => ({ ok: false, code, text: texts[code] });

/** Serves until the returned function is called. */
export function serveBooks(options: {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly keeper: Keeper;
  readonly share: TokenShare;
  readonly requested: Requested;
  readonly refreshMsMax: number;
  /** Resolves when what was requested is read. */
  readonly review: () => Promise<void>;
}): () => void {
  const { bus, clock, keeper, share, requested, refreshMsMax, review } = options;
  /** Every replica remembers it, whoever reads the token now: another may have to go on. */
  const touch = async (tokenIds: readonly TokenId[]): Promise<void> => {
    const isNew = tokenIds.some((tokenId) => !requested.has(tokenId));
    requested.add(tokenIds, clock.nowMs());
    if (isNew) await review();
  };
  const snap = (tokenId: TokenId): { ok: true; value: BookSnapshot } | Refusal => {
    const value = keeper.snap(tokenId);
    return value === null ? refused("UNKNOWN_TOKEN") : { ok: true, value };
  };
  const refresh = (tokenId: TokenId): Promise<ReadOutcome | "late"> =>
    new Promise((resolve) => {
      const timer = clock.after(refreshMsMax, () => resolve("late"));
      void keeper.refresh(tokenId).then((outcome) => {
        timer.cancel();
        resolve(outcome);
      });
    });
  const stops = [
    serveOwn(bus, "bookstore", "snap", ({ tokenId }) => {
      const answer = share.has(tokenId) ? snap(tokenId) : null;
      // Whoever needs a book that nobody reads yet gets it by asking again.
      if (answer?.ok !== true) void touch([tokenId]);
      return answer;
    }),
    serveOwn(bus, "bookstore", "bookAt", ({ tokenId, tsMs }) => {
      if (!share.has(tokenId)) return null;
      const value = keeper.snapAt(tokenId, tsMs);
      return "refused" in value ? refused(value.refused) : { ok: true, value };
    }),
    serveOwn(bus, "bookstore", "track", async ({ tokenIds }) => {
      await touch(tokenIds);
      return share.count() === 0 ? null : { ok: true, value: { tracked: keeper.counts().books } };
    }),
    serveOwn(bus, "bookstore", "refresh", async ({ tokenId }) => {
      await touch([tokenId]);
      if (!share.has(tokenId)) return null;
      const outcome = await refresh(tokenId);
      if (outcome === "failed") return refused("REFRESH_FAILED");
      return outcome === "late" ? refused("REFRESH_LATE") : snap(tokenId);
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
