/** Keeps the keeper's tokens equal to what is wanted and this replica's own. */
import type { ServiceContext } from "@slipstream/actor/service";
import type { TokenId } from "@slipstream/contracts/ids";
import type { bookstoreEnv } from "./config.ts";
import type { Keeper } from "./keeper.ts";
import type { TokenShare } from "./tokenShare.ts";

export type Reading = {
  /** Drops what is no longer wanted or own, at once, and takes what is new; resolves when it is taken. */
  review(): Promise<void>;
  /** Own tokens that are wanted, read or not. */
  wanted(): number;
  stop(): void;
};

export function keepReading(options: {
  readonly keeper: Keeper;
  readonly share: TokenShare;
  /** All wanted tokens, the most important first. */
  readonly wanted: () => readonly TokenId[];
  readonly max: number;
  readonly logger: ServiceContext<typeof bookstoreEnv>["logger"];
}): Reading {
  const { keeper, share, wanted, max, logger } = options;
  let reading: ReadonlySet<TokenId> = new Set();
  let wantedCount = 0;
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = false;

  const own = (): TokenId[] => {
    const tokens = wanted().filter(share.has);
    wantedCount = tokens.length;
    return tokens.slice(0, max);
  };
  const read = (tokens: readonly TokenId[], fence: number): void => {
    keeper.want(tokens, fence);
    reading = new Set(tokens);
  };
  const drop = (tokens: readonly TokenId[]): void => {
    const kept = tokens.filter((tokenId) => reading.has(tokenId));
    // None of these is new: no epoch begins with this fence.
    if (kept.length < reading.size) read(kept, 0);
  };
  const take = async (): Promise<void> => {
    const tokens = own();
    drop(tokens);
    const fresh = new Set(tokens.filter((tokenId) => !reading.has(tokenId)));
    if (fresh.size === 0) return;
    const fence = await share.newFence();
    if (stopped) return;
    // What came to us meanwhile may have had a later owner than this fence: it waits for its own.
    read(
      own().filter((tokenId) => reading.has(tokenId) || fresh.has(tokenId)),
      fence,
    );
  };
  const run = async (): Promise<void> => {
    try {
      do {
        again = false;
        await take();
      } while (again && !stopped);
    } catch (error) {
      logger.warn({ err: error }, "new tokens wait for the broker");
    }
  };
  return {
    review: () => {
      if (stopped) return Promise.resolve();
      if (running !== null) {
        // What is lost meanwhile does not wait for what is being taken.
        drop(own());
        again = true;
        return running;
      }
      running = run().finally(() => {
        running = null;
      });
      return running;
    },
    wanted: () => wantedCount,
    stop: () => {
      stopped = true;
    },
  };
}
