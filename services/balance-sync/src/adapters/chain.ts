/**
 * Balances from nodes.
 *
 * 1. All balances of one answer are of one block of one node, which is named with its hash.
 * 2. Nothing is guessed: a reading goes over all nodes in turn, a few times in all; if none answers, that is the answer,
 *    and the next poll asks again.
 * 3. One reading at a time; what is asked meanwhile is read together afterwards, so a busy block costs two calls.
 */
import { ContractError, TransientError } from "@slipstream/contracts/errors";
import { backoffMs, READ_RETRY } from "@slipstream/polymarket/backoff";
import type { RpcProvider } from "@slipstream/polymarket/rpcPool";
import type { BalanceSyncMessage, Pair, ReadBalances } from "../core/messages.ts";
import { type BlockReadingOptions, readBlock } from "./blockReading.ts";

type Answer = Extract<BalanceSyncMessage, { type: "BalancesRead" | "TipGone" }>;

export type ChainReader = {
  /** Reads; null: no node answered. Requests that were read together share one answer. */
  read(request: ReadBalances): Promise<Answer | null>;
  /** Reads for the mailbox: an answer that others share is given once. */
  perform(request: ReadBalances): Promise<BalanceSyncMessage | null>;
  /** True while a reading is under way. */
  busy(): boolean;
  /** Steady time of the last complete reading; null before the first. */
  lastReadMs(): number | null;
};

export type ChainReaderOptions = BlockReadingOptions & {
  /** At least one, the best first; asked anew for each reading. */
  readonly providers: () => readonly RpcProvider[];
  readonly steadyMs: () => number;
  readonly pause: (ms: number) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
  /** The newest block that a node gave. */
  readonly onHead: (provider: string, head: number) => void;
  readonly onFailure: (error: Error) => void;
};

/** Of one reading, over all nodes. */
const TRIES_MIN = 3;

type Batch = {
  request: ReadBalances;
  readonly answer: Promise<Answer | null>;
  /** Whether somebody asked for the mailbox already: the first one gets the answer. */
  isMailed: boolean;
};

export function createChainReader(options: ChainReaderOptions): ChainReader {
  let running: Promise<unknown> = Promise.resolve();
  let inHand = 0;
  let lastReadMs: number | null = null;
  /** What waits for its turn, by kind; later requests of the kind join it. */
  const waiting = new Map<string, Batch>();

  const readNow = async (request: ReadBalances): Promise<Answer | null> => {
    try {
      const answer = await readAnywhere(options, request);
      lastReadMs = options.steadyMs();
      return answer;
    } catch (error) {
      if (!(error instanceof TransientError || error instanceof ContractError)) throw error;
      options.onFailure(error);
      return null;
    }
  };

  const join = (request: ReadBalances): Batch => {
    const kind = `${request.source}.${request.afterReorg}`;
    const joined = waiting.get(kind);
    if (joined !== undefined) {
      joined.request = together(joined.request, request);
      return joined;
    }
    inHand += 1;
    const answer = running.then(() => {
      waiting.delete(kind);
      const { request: whole } = batch;
      return readNow({ ...whole, pairs: distinct(whole.pairs), purses: [...new Set(whole.purses)] });
    });
    const batch: Batch = { request, answer, isMailed: false };
    waiting.set(kind, batch);
    running = answer.then(
      () => (inHand -= 1),
      () => (inHand -= 1),
    );
    return batch;
  };

  return {
    read: (request) => join(request).answer,
    perform: async (request) => {
      const batch = join(request);
      const isFirst = !batch.isMailed;
      batch.isMailed = true;
      const message = await batch.answer;
      return isFirst ? (message ?? { type: "NodesSilent" }) : null;
    },
    busy: () => inHand > 0,
    lastReadMs: () => lastReadMs,
  };
}

/** Both in one, of one kind. The later tip: what was published since the first of them asked must still be there. */
const together = (a: ReadBalances, b: ReadBalances): ReadBalances => ({
  ...b,
  pairs: [...a.pairs, ...b.pairs],
  purses: [...a.purses, ...b.purses],
  complete: [...a.complete, ...b.complete],
  verify: b.verify ?? a.verify,
});

/** Each try is another node, as long as there is one; the first again after the last. */
async function readAnywhere(options: ChainReaderOptions, request: ReadBalances): Promise<Answer> {
  const providers = options.providers();
  const tries = Math.max(TRIES_MIN, providers.length);
  for (let failures = 0; ; failures++) {
    const provider = providers[failures % providers.length];
    if (provider === undefined) throw new ContractError("CONFIG_INVALID", "there is no node to read balances from");
    try {
      const answer = await readBlock(provider.rpc, options, request);
      if (answer.type === "BalancesRead") options.onHead(provider.name, answer.block.blockNumber);
      return answer;
    } catch (error) {
      const isTransient = error instanceof TransientError;
      // Nonsense of one node is no nonsense of the next.
      const mayAsk = isTransient || (error instanceof ContractError && failures + 1 < providers.length);
      if (!mayAsk || failures + 1 >= tries) throw error;
      // The next node is asked at once; a node that was asked before needs a moment.
      if (failures + 1 >= providers.length) await options.pause(backoffMs(READ_RETRY, failures, options.random()));
    }
  }
}

function distinct(pairs: readonly Pair[]): Pair[] {
  return [...new Map(pairs.map((pair) => [`${pair.owner}.${pair.tokenId}`, pair])).values()];
}
