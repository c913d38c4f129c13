/** The sources beside the chain that the settings ask for. */
import type { Clock } from "@slipstream/actor/clock";
import type { Address } from "@slipstream/contracts/ids";
import { createDataApi } from "@slipstream/polymarket/dataApi";
import { parseExactJson } from "@slipstream/polymarket/exactJson";
import { createHttpReader } from "@slipstream/polymarket/http";
import { createRateBudget } from "@slipstream/polymarket/rateBudget";
import type { z } from "zod";
import type { watcherEnv } from "../config.ts";
import type { FillBatch } from "../core/fillRow.ts";
import { createDataApiSource } from "./dataApiSource.ts";
import { createRtdsSource } from "./rtdsSource.ts";
import type { LeaderFillSource } from "./source.ts";

type Settings = z.infer<z.ZodObject<typeof watcherEnv>>;

export type NamedSource = LeaderFillSource & { readonly name: "Data API" | "RTDS" };

export function createSources(options: {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onRows: (batch: FillBatch) => void;
  readonly onBudgetError: (error: Error) => void;
}): NamedSource[] {
  const { settings, clock, random, onRows } = options;
  const sources: NamedSource[] = [];
  if (settings.TRIGGER_MODE !== "polygon") {
    const perSecond = settings.DATA_API_REQUESTS_PER_SECOND;
    const budget = createRateBudget({
      name: "data-api-fills",
      perSecond,
      clock,
      redisUrl: settings.REDIS_URL,
      onError: options.onBudgetError,
    });
    const http = createHttpReader({ baseUrl: settings.DATA_API_URL, clock, random, budget, parse: parseExactJson });
    const source = createDataApiSource({
      api: createDataApi(http),
      clock,
      random,
      onRows,
      pollMs: settings.DATA_API_POLL_MS,
      overlapMs: settings.DATA_API_OVERLAP_MS,
      requestsPerSecond: perSecond,
    });
    const stop = (): void => {
      source.stop();
      budget.close();
    };
    sources.push({ ...source, stop, name: "Data API" });
  }
  if (settings.RTDS_ENABLED) {
    sources.push({ ...createRtdsSource({ url: settings.RTDS_URL, clock, random, onRows }), name: "RTDS" });
  }
  return sources;
}

/** Only leaders whose shards are ours: another replica hears the others'. */
export const followEverywhere = (sources: readonly LeaderFillSource[], leaders: ReadonlySet<Address>): void => {
  for (const source of sources) source.follow(leaders);
};
