/** Final blocks read several pieces ahead, and once more when a node fails for a moment. */
import { setTimeout as pause } from "node:timers/promises";
import { InvariantError, TransientError } from "@slipstream/contracts/errors";
import { RpcTimeoutError } from "@slipstream/polymarket/rpc";
import { rpcFaultOf } from "@slipstream/polymarket/rpcFaults";
import { type Asked, type FinalBlocks, readFinal } from "./finalBlocks.ts";
import { createDepth, type Piece, readAhead } from "./readAhead.ts";
import type { Cycle, ReadingOptions } from "./readingTypes.ts";
import { together } from "./together.ts";

type FinalPiece = FinalBlocks & Piece;

export type FinalReads = {
  /**
   * Reads `asked` piece by piece, in order, as long as `goesOn`; what is under way then still comes.
   * @throws TransientError when a piece cannot be read; everything before it has been given.
   */
  read(cycle: Cycle, asked: Asked, goesOn: () => boolean): AsyncGenerator<FinalBlocks, void, undefined>;
};

/** Blocks kept ahead at most, whatever a provider gives at once: what lies in them is in memory. */
const AHEAD_BLOCKS_MAX = 4_000;
/** One piece is told while the next is read. */
const AHEAD_MIN = 2;
const TRIES = 3;
const RETRY_MS = 100;

export function createFinalReads(options: ReadingOptions): FinalReads {
  const depth = createDepth(options.settings.readsAhead);

  const tried = async <T>(work: () => Promise<T>): Promise<T> => {
    for (let tries = 1; ; tries += 1) {
      try {
        const result = await work();
        depth.good();
        return result;
      } catch (error) {
        depth.bad();
        if (tries >= TRIES || !passesSoon(error)) throw error;
        await pause(RETRY_MS * 2 ** tries);
      }
    }
  };
  const readPiece = async (cycle: Cycle, asked: Asked): Promise<FinalPiece> => {
    const { blocks, acts, costs } = await tried(() => readFinal(options, cycle, asked));
    const { fromBlock, toBlock } = blocks;
    return { fromBlock, toBlock, blocks, acts, costs: () => tried(costs) };
  };
  return {
    read: async function* (cycle, asked, goesOn) {
      const width = (): number => cycle.node.reader.blocksAtOnce();
      const pieces = readAhead(asked, {
        width,
        depth: () => Math.min(depth.now(), Math.max(AHEAD_MIN, Math.ceil(AHEAD_BLOCKS_MAX / width()))),
        goesOn,
        read: (fromBlock, toBlock) => readPiece(cycle, { leaders: asked.leaders, fromBlock, toBlock }),
      });
      for await (const some of pieces) yield joined(some);
    },
  };
}

/** Pieces that follow each other, as one. */
function joined(pieces: readonly FinalPiece[]): FinalBlocks {
  const [first, last] = [pieces[0], pieces.at(-1)];
  if (first === undefined || last === undefined) throw new InvariantError("no piece to join");
  return {
    blocks: { ...last.blocks, fromBlock: first.fromBlock, fills: pieces.flatMap(({ blocks }) => blocks.fills) },
    acts: pieces.flatMap(({ acts }) => acts),
    costs: async () => (await together(pieces, ({ costs }) => costs())).flat(),
  };
}

/** A node that is busy or hung up may answer at once again; one that is silent or wrong is left to the next cycle. */
const passesSoon = (error: unknown): boolean =>
  rpcFaultOf(error).kind === "busy" ||
  (error instanceof TransientError && error.code === "RPC_UNREACHABLE" && !(error instanceof RpcTimeoutError));
