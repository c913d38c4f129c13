/** What leaders did is let go of when nobody can ask for it: neither the chain nor the venue answers for it any more. */
import { HISTORY_BLOCKS } from "./chain/history.ts";
import type { SandboxChain } from "./chain/types.ts";
import type { Listings } from "./venue/listings.ts";
import type { SettledAct, SettledDeeds } from "./venue/settledDeeds.ts";
import type { SettledFill, SettledFills } from "./venue/settledFills.ts";
import type { WorldFolder } from "./worldFolder.ts";

const EVERY_BLOCKS = 500;

/** @returns a function that ends it. */
export function startForgetting(options: {
  readonly chain: Pick<SandboxChain, "onBlock">;
  readonly listings: Pick<Listings, "get">;
  readonly folder: Pick<WorldFolder, "replaceFills">;
  readonly fills: Pick<SettledFills, "forget" | "ofLeaders">;
  readonly deeds: Pick<SettledDeeds, "forget">;
}): () => void {
  const { chain, listings, folder, fills, deeds } = options;
  return chain.onBlock((event) => {
    if (event.type !== "BlockMined" || event.block.number % EVERY_BLOCKS !== 0) return;
    const oldest = event.block.number - HISTORY_BLOCKS;
    const isForgotten = ({ blockNumber, conditionId }: SettledFill | SettledAct): boolean =>
      blockNumber < oldest && listings.get(conditionId) === undefined;
    if (fills.forget(isForgotten) > 0) folder.replaceFills(fills.ofLeaders());
    deeds.forget(isForgotten);
  });
}
