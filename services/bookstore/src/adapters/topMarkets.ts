/** The venue's most liquid markets, asked of Gamma from time to time. */
import type { Clock } from "@slipstream/actor/clock";
import type { ServiceContext } from "@slipstream/actor/service";
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { marketOfGamma, mostLiquidMarkets } from "@slipstream/polymarket/gamma";
import type { HttpReader } from "@slipstream/polymarket/http";
import type { bookstoreEnv } from "../config.ts";

export type TopMarkets = {
  /** The tokens of the markets of the last good answer, the most liquid first. */
  tokens(): readonly TokenId[];
  /** Definition of a market of that answer. */
  market(tokenId: TokenId): MarketDefinition | undefined;
  stop(): void;
};

/** World time. The order of the venue's markets changes over hours. */
const AGAIN_MS = 600_000;
const RETRY_MS = 30_000;

/** @param count - 0: nothing is asked. */
export function followTopMarkets(options: {
  readonly http: Pick<HttpReader, "get">;
  readonly clock: Clock;
  readonly logger: ServiceContext<typeof bookstoreEnv>["logger"];
  readonly count: number;
  readonly onChange: () => void;
}): TopMarkets {
  const { http, clock, logger, count, onChange } = options;
  let byToken = new Map<TokenId, MarketDefinition>();
  let timer: { cancel(): void } | null = null;
  let stopped = false;

  const read = async (): Promise<void> => {
    let nextMs = AGAIN_MS;
    try {
      const found = (await mostLiquidMarkets(http, count)).map((json) => marketOfGamma(json, clock.nowMs()));
      const fresh = new Map<TokenId, MarketDefinition>();
      for (const market of found) {
        // A market we cannot read is nobody's problem here: it is not traded either.
        if ("code" in market || market.closed) continue;
        for (const { tokenId } of market.tokens) fresh.set(tokenId, market);
      }
      byToken = fresh;
      if (!stopped) onChange();
    } catch (error) {
      nextMs = RETRY_MS;
      logger.warn({ err: error }, "most liquid markets could not be read, the last ones stay");
    }
    if (!stopped) timer = clock.after(nextMs, () => void read());
  };
  if (count > 0) void read();
  return {
    tokens: () => [...byToken.keys()],
    market: (tokenId) => byToken.get(tokenId),
    stop: () => {
      stopped = true;
      timer?.cancel();
    },
  };
}
