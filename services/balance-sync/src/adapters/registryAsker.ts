/** Asks registry for markets of tokens that nobody knows; the answer comes as a market definition. */
import { ask } from "@slipstream/actor/ask";
import type { Bus } from "@slipstream/actor/bus";
import type { Clock } from "@slipstream/actor/clock";
import type { TokenId } from "@slipstream/contracts/ids";

export type RegistryAsker = { ask(tokenIds: readonly TokenId[]): void };

const AGAIN_MS = 60_000;
const AT_ONCE_MAX = 10;
const TIMEOUT_MS = 5_000;
const REMEMBERED_MAX = 10_000;

/** Each token once a minute, a few at a time; nothing depends on an answer. */
export function createRegistryAsker({ bus, clock }: { readonly bus: Bus; readonly clock: Clock }): RegistryAsker {
  const askedMs = new Map<TokenId, number>();
  let inHand = 0;
  return {
    ask: (tokenIds) => {
      if (askedMs.size > REMEMBERED_MAX) askedMs.clear();
      for (const tokenId of tokenIds) {
        if (inHand >= AT_ONCE_MAX) return;
        const nowMs = clock.steadyMs();
        if (nowMs - (askedMs.get(tokenId) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) continue;
        askedMs.set(tokenId, nowMs);
        inHand += 1;
        ask(bus, "registry", "resolve", { tokenId }, TIMEOUT_MS)
          .catch(() => undefined)
          .finally(() => {
            inHand -= 1;
          });
      }
    },
  };
}
