/**
 * How many blocks to ask of each provider at once, learned from its refusals and remembered.
 *
 * 1. A span is read from its first block on, in pieces without a hole: a refused piece is asked again, shorter, and one
 *    that cannot be read ends the reading with its error. Nothing is passed over.
 * 2. A piece has at least one block; 0 < `blocks` ≤ the policy's most, and `blocks` < `refusedAt`.
 * 3. Refusals for their length close in on the true limit from both sides. What a provider states is taken at once, and
 *    not believed when it refuses less than that.
 * 4. A refusal that nobody can explain may be about the length too: less is asked, down to a single block. If that is
 *    refused as well the length was not the reason, and nothing was learned. A refusal with an explanation that comes
 *    again and again is not believed either: less is asked the next time.
 */
import { z } from "zod";
import { RpcRefusedError } from "./rpc.ts";
import { type RangeHint, rpcFaultOf } from "./rpcFaults.ts";

export type RangePolicy = {
  /** Blocks asked at once at most, and at the beginning. */
  readonly max: number;
  /** Pieces of full length that must be answered before more is asked. */
  readonly growAfter: number;
  /** Full pieces after which a known limit is tried again: plans change, and quiet blocks hold less. */
  readonly forgetAfter: number;
};
const rangePolicy: RangePolicy = { max: 2_000, growAfter: 4, forgetAfter: 500 };

export const RangeMemory = z.object({
  /** Asked at once; both ends counted. */
  blocks: z.int().min(1),
  /** The shortest range refused for its length; null: none known. */
  refusedAt: z.int().min(2).nullable(),
  /** Full pieces answered since the last change. */
  good: z.int().min(0),
});
export type RangeMemory = z.infer<typeof RangeMemory>;

export const freshRange = (policy: RangePolicy): RangeMemory => ({ blocks: policy.max, refusedAt: null, good: 0 });

/** The memory after `asked` blocks were answered. A shorter piece than could be asked proves nothing. */
export function afterGood(memory: RangeMemory, policy: RangePolicy, asked: number): RangeMemory {
  if (asked < memory.blocks) return memory;
  const good = memory.good + 1;
  const { blocks, refusedAt } = memory;
  const halfway = refusedAt === null ? policy.max : Math.floor((blocks + refusedAt) / 2);
  const next = Math.min(policy.max, blocks * 2, halfway);
  if (next > blocks) return good < policy.growAfter ? { ...memory, good } : { blocks: next, refusedAt, good: 0 };
  const forgets = refusedAt !== null && good >= policy.forgetAfter;
  return forgets ? { blocks, refusedAt: null, good: 0 } : { ...memory, good };
}

/** The memory after `asked` blocks were refused for their length or their many logs, with what the refusal told. */
export function afterRefused(memory: RangeMemory, hint: RangeHint, asked: number): RangeMemory {
  const less = (told: number | null): number | null => (told !== null && told < asked ? told : null);
  const stated = less(hint.statedBlocks);
  const blocks = stated ?? less(hint.proposedBlocks) ?? half(asked);
  const limit = stated !== null ? stated + 1 : hint.tooLarge === "blocks" && asked > 1 ? asked : null;
  const refusedAt = limit === null ? memory.refusedAt : Math.min(limit, memory.refusedAt ?? limit);
  return { blocks, refusedAt, good: 0 };
}

/** The memory after `asked` blocks were not answered in time: less may be, and later perhaps as much again. */
export const afterTimeout = (memory: RangeMemory, asked: number): RangeMemory => ({
  ...memory,
  blocks: half(asked),
  good: 0,
});

const half = (asked: number): number => Math.max(1, Math.floor(asked / 2));

/** Both ends belong to it. */
export type BlockSpan = { readonly fromBlock: number; readonly toBlock: number };
export type Piece<T> = BlockSpan & { readonly value: T };
/** Reads one piece whole, by one node; throws the node's errors as they are. */
export type ReadPiece<T> = (fromBlock: number, toBlock: number) => Promise<T>;

export type LogRanges = {
  /**
   * Reads the first piece of the span, as long as the provider gives.
   * @throws what `read` threw: at once when shorter would not help, after a few timeouts, or at a single block.
   */
  readNext<T>(provider: string, span: BlockSpan, read: ReadPiece<T>): Promise<Piece<T>>;
  /** Reads the whole span in order, piece by piece; after an error go on behind the last piece that came. */
  readRange<T>(provider: string, span: BlockSpan, read: ReadPiece<T>): AsyncGenerator<Piece<T>, void, undefined>;
  /** Blocks that would be asked of the provider at once. */
  blocksOf(provider: string): number;
  /** What was learned, as plain JSON, by provider. */
  kept(): Readonly<Record<string, RangeMemory>>;
};

/** Each waits the whole timeout: more of them are the provider's illness, and another one may be well. */
const TIMEOUTS_MAX = 2;
/** So many explained refusals in a row, and the length is tried as the reason. */
const EXPLAINED_MAX = 3;
const ABOUT_LENGTH: RangeHint = { tooLarge: "blocks", statedBlocks: null, proposedBlocks: null };
/** More are no providers of ours. */
const PROVIDERS_MAX = 64;

/**
 * @param kept - of an earlier run; what does not fit the schema is left out, and learned again.
 */
export function createLogRanges(
  options: { readonly policy?: Partial<RangePolicy>; readonly kept?: unknown } = {},
): LogRanges {
  const policy: RangePolicy = { ...rangePolicy, ...options.policy };
  const memories = restored(options.kept, policy);
  const memoryOf = (provider: string): RangeMemory => memories.get(provider) ?? freshRange(policy);

  /** Refusals in a row that other reasons explain: too busy, behind, not offered. */
  const explained = new Map<string, number>();
  const doubtExplanation = (provider: string, asked: number): void => {
    const times = (explained.get(provider) ?? 0) + 1;
    if (times >= EXPLAINED_MAX) memories.set(provider, afterTimeout(memoryOf(provider), asked));
    explained.set(provider, times % EXPLAINED_MAX);
  };

  const readNext = async <T>(provider: string, span: BlockSpan, read: ReadPiece<T>): Promise<Piece<T>> => {
    const { fromBlock } = span;
    /** Before the first refusal without an explanation. */
    let unexplained: RangeMemory | null = null;
    for (let timeouts = 0; ; ) {
      const toBlock = Math.min(span.toBlock, fromBlock + memoryOf(provider).blocks - 1);
      const asked = toBlock - fromBlock + 1;
      try {
        const value = await read(fromBlock, toBlock);
        memories.set(provider, afterGood(memoryOf(provider), policy, asked));
        explained.delete(provider);
        return { fromBlock, toBlock, value };
      } catch (error) {
        const fault = rpcFaultOf(error);
        if (fault.kind === "timeout") {
          timeouts += 1;
          memories.set(provider, afterTimeout(memoryOf(provider), asked));
        } else if (fault.kind === "tooLarge") {
          memories.set(provider, afterRefused(memoryOf(provider), fault.hint, asked));
        } else if (fault.kind === "refused" && asked > 1) {
          unexplained ??= memoryOf(provider);
          memories.set(provider, afterRefused(memoryOf(provider), ABOUT_LENGTH, asked));
        } else {
          if (fault.kind === "refused" && unexplained !== null) memories.set(provider, unexplained);
          if (error instanceof RpcRefusedError && asked > 1) doubtExplanation(provider, asked);
          throw error;
        }
        if (asked === 1 || timeouts >= TIMEOUTS_MAX) throw error;
      }
    }
  };

  return {
    readNext,
    readRange: async function* (provider, span, read) {
      for (let fromBlock = span.fromBlock; fromBlock <= span.toBlock; ) {
        const piece = await readNext(provider, { fromBlock, toBlock: span.toBlock }, read);
        yield piece;
        fromBlock = piece.toBlock + 1;
      }
    },
    blocksOf: (provider) => memoryOf(provider).blocks,
    kept: () => Object.fromEntries(memories),
  };
}

function restored(kept: unknown, policy: RangePolicy): Map<string, RangeMemory> {
  const memories = new Map<string, RangeMemory>();
  const byProvider = z.record(z.string(), z.unknown()).safeParse(kept);
  if (!byProvider.success) return memories;
  for (const [provider, value] of Object.entries(byProvider.data).slice(0, PROVIDERS_MAX)) {
    const memory = RangeMemory.safeParse(value);
    if (!memory.success) continue;
    const { refusedAt } = memory.data;
    const blocks = Math.min(memory.data.blocks, policy.max, refusedAt === null ? policy.max : refusedAt - 1);
    memories.set(provider, { ...memory.data, blocks });
  }
  return memories;
}
