/** What the passes of the reading cycle share. */
import type { Address } from "@slipstream/contracts/ids";
import type { CostUnknown } from "@slipstream/polymarket/exactCost";
import type { RpcReader } from "@slipstream/polymarket/rpc";
import type { ExchangeTable } from "@slipstream/polymarket/versions";
import type { Tips, WatcherMessage } from "../core/messages.ts";
import type { WatcherState } from "../core/state.ts";
import type { EmptyCheck } from "./emptyBlocks.ts";
import type { Observer } from "./observer.ts";
import type { RangeReader } from "./rangeReader.ts";
import type { Header } from "./wire.ts";

export type Node = { readonly name: string; readonly rpc: RpcReader; readonly reader: RangeReader };

/** The providers, best first by their own account. */
export type Nodes = {
  /** The node for one cycle of reading. */
  pick(): Node;
  /** All others, the best first: to ask a second one what the first left out. */
  others(node: Node): readonly Node[];
  /** @returns false when the node is so far behind another one that it must not be read. */
  sawHead(node: Node, head: number): boolean;
  /** Its answers were of no use: another one is asked. What its calls have counted already, or is not its fault, is not. */
  failed(node: Node, error: unknown): void;
  /** The node left out what it has: it is not asked for a while. */
  lied(node: Node, detail: string): void;
};

export type ReadingOptions = {
  readonly nodes: Nodes;
  readonly emptyCheck: EmptyCheck;
  readonly observe: Observer;
  readonly exchanges: () => ExchangeTable;
  readonly state: () => WatcherState;
  /** Whether this replica owns the shard now. */
  readonly owns: (shard: string) => boolean;
  /** The shard whose owner tells the newest block. */
  readonly headShard: string;
  readonly post: (message: WatcherMessage) => boolean;
  /** Resolves when what was posted is in the log. */
  readonly settled: () => Promise<void>;
  readonly nowMs: () => number;
  readonly steadyMs: () => number;
  readonly settings: {
    /** Above this many leaders all fills are read and chosen here. */
    readonly wholeAbove: number;
    /** A shard whose cursor is further behind finality has a gap. */
    readonly gapBlocks: number;
    /** Read from the other logs of a transaction what an order really paid. */
    readonly exactCosts: boolean;
    /** Pieces of final blocks read ahead of the one that is told. */
    readonly readsAhead: number;
    /** How often it is told how far a past is read. */
    readonly progressMs: number;
  };
  readonly onCostUnknown: (txHash: string, why: CostUnknown) => void;
  readonly onSuccess: () => void;
  readonly onFailure: (error: unknown, node: string) => void;
  /** One range of final or past blocks was read. */
  readonly onRange?: () => void;
};

/** One turn of the cycle. */
export type Cycle = {
  readonly node: Node;
  readonly head: Header;
  readonly tips: Tips;
  /** Followed, of our shards. */
  readonly leaders: ReadonlySet<Address>;
  readonly isStopped: () => boolean;
};
