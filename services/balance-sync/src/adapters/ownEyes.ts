/**
 * The index beside the nodes, for our own wallets: read when no node answers, and compared with them all the time.
 *
 * 1. What the index says counts only as long as no node has answered since it was asked.
 * 2. Differences are logged when they change, and counted; who is right is not decided here.
 */
import type { Clock } from "@slipstream/actor/clock";
import type { Address, TokenId } from "@slipstream/contracts/ids";
import type { Logger } from "pino";
import { compareHoldings, type HoldingDifference } from "../core/compare.ts";
import type { BalanceSyncMessage, BalanceSyncView, Pair } from "../core/messages.ts";
import type { ChainReader } from "./chain.ts";
import type { IndexReader } from "./holdingsIndex.ts";

export type OwnEyes = {
  /** null: it does not answer, was asked a moment ago, or a node answers again. */
  readIndex(address: Address): Promise<BalanceSyncMessage | null>;
  /** null: nothing that was not known. */
  compare(address: Address, pairs: readonly Pair[]): Promise<BalanceSyncMessage | null>;
  /** Tokens on which node and index differ now. */
  differences(): number;
  /** Why the index did not answer last; null when it did. */
  indexFailure(): string | null;
  /** Steady time at which reading began. */
  readonly startMs: number;
};

export type OwnEyesOptions = {
  readonly context: {
    readonly clock: Clock;
    readonly logger: Logger;
    readonly settings: { readonly AQ_ONCHAIN_INDEX_SECONDS: number };
  };
  readonly reader: Pick<ChainReader, "read" | "lastReadMs">;
  readonly index: IndexReader;
  readonly ledgerOf: BalanceSyncView["ledgerOf"];
};

const LOGGED_MAX = 20;

export function createOwnEyes({ context, reader, index, ledgerOf }: OwnEyesOptions): OwnEyes {
  const { clock, logger, settings } = context;
  const askedMs = new Map<Address, number>();
  const found = new Map<Address, { readonly text: string; readonly count: number }>();

  const tell = (address: Address, blockNumber: number, differences: readonly HoldingDifference[]): void => {
    const rows = differences.map(({ tokenId, chainMicro, indexMicro }) => ({
      tokenId,
      chain: chainMicro === null ? "not read" : String(chainMicro),
      index: indexMicro === null ? "not listed" : String(indexMicro),
    }));
    const text = JSON.stringify(rows);
    const before = found.get(address)?.text ?? "[]";
    found.set(address, { text, count: rows.length });
    if (text === before) return;
    const fields = { address, blockNumber, count: rows.length, differences: rows.slice(0, LOGGED_MAX) };
    if (rows.length > 0) logger.warn(fields, "node and Data API differ");
    else logger.info(fields, "node and Data API agree again");
  };

  return {
    startMs: clock.steadyMs(),
    differences: () => [...found.values()].reduce((sum, { count }) => sum + count, 0),
    indexFailure: index.failure,
    readIndex: async (address) => {
      const startMs = clock.steadyMs();
      if (startMs - (askedMs.get(address) ?? Number.NEGATIVE_INFINITY) < settings.AQ_ONCHAIN_INDEX_SECONDS * 1_000) {
        return null;
      }
      askedMs.set(address, startMs);
      const holdings = await index.holdings(address);
      if (holdings === null || (reader.lastReadMs() ?? Number.NEGATIVE_INFINITY) >= startMs) return null;
      return { type: "IndexRead", address, tsMs: clock.nowMs(), holdings };
    },
    compare: async (address, known) => {
      const holdings = await index.holdings(address);
      if (holdings === null) return null;
      const pairs = [...known];
      const knownTokens = new Set(known.map(({ tokenId }) => tokenId));
      const unknown: TokenId[] = [];
      for (const { tokenId } of holdings) {
        const ledger = knownTokens.has(tokenId) ? null : ledgerOf(tokenId, null);
        if (ledger === null) continue;
        unknown.push(tokenId);
        pairs.push({ owner: address, tokenId, ledger });
      }
      const read = await reader.read({
        type: "ReadBalances",
        pairs,
        purses: [],
        complete: [],
        verify: null,
        source: "chain",
        afterReorg: false,
      });
      if (read?.type !== "BalancesRead") return null;
      // What was read together is also others'.
      const own = read.readings.filter((reading) => reading.owner === address);
      tell(address, read.block.blockNumber, compareHoldings(own, holdings));
      return unknown.length === 0 ? null : { type: "TokensListed", address, tokenIds: unknown };
    },
  };
}
