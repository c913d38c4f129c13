/**
 * Long ranges of final blocks are compared with what another node gives for them: their blooms, one for each block, would
 * cost a call a block. Without another node that answers they are believed.
 */
import { TransientError } from "@slipstream/contracts/errors";
import { mayContain, parseBloom } from "@slipstream/polymarket/bloom";
import type { LogFilter } from "@slipstream/polymarket/logFilter";
import type { ReadRange } from "./rangeReader.ts";
import type { Node, Nodes } from "./readingTypes.ts";
import type { WireLog } from "./wire.ts";

export type SecondOpinion = {
  /** @throws TransientError when the node left out a log of a block that it has. */
  check(node: Node, groups: readonly (readonly LogFilter[])[], read: ReadRange): Promise<void>;
};

/** One that did not answer is not asked for so many ranges: nobody waits for it at each of them. */
const RANGES_REST = 50;

/** @param onUnproven - nobody could tell; a single node must not stop the reading. */
export function createSecondOpinion(nodes: Nodes, onUnproven: () => void): SecondOpinion {
  const rests = new Map<string, number>();
  const isRested = ({ name }: Node): boolean => {
    const left = rests.get(name) ?? 0;
    if (left > 0) rests.set(name, left - 1);
    return left <= 0;
  };
  const ask = async (
    witness: Node,
    groups: readonly (readonly LogFilter[])[],
    { fromBlock, toBlock }: ReadRange,
  ): Promise<WireLog[]> => {
    const logs: WireLog[] = [];
    for (let from = fromBlock; from <= toBlock; ) {
      const piece = await witness.reader.range(groups, from, toBlock);
      logs.push(...piece.logs.flat());
      from = piece.toBlock + 1;
    }
    return logs;
  };
  return {
    check: async (node, groups, read) => {
      const witness = nodes.others(node).find(isRested);
      if (witness === undefined) return onUnproven();
      let theirs: readonly WireLog[];
      try {
        theirs = await ask(witness, groups, read);
      } catch {
        rests.set(witness.name, RANGES_REST);
        return onUnproven();
      }
      const ours = new Set(read.logs.flat().map(placeOf));
      for (const log of theirs) {
        if (ours.has(placeOf(log)) || !(await isOfChain(node, log))) continue;
        nodes.lied(node, `left out log ${Number(log.logIndex)} of block ${Number(log.blockNumber)}`);
        throw new TransientError("RPC_REFUSED", `${node.name} left out what ${witness.name} has`);
      }
    },
  };
}

const placeOf = (log: WireLog): string => `${log.blockHash}:${Number(log.logIndex)}`;

/** By the header of the node that is in doubt: what its own bloom allows in a block that it has. */
async function isOfChain(node: Node, log: WireLog): Promise<boolean> {
  const { hash, logsBloom } = await node.reader.header(Number(log.blockNumber));
  return (
    hash === log.blockHash && (logsBloom === null || mayContain(parseBloom(logsBloom), [log.address, ...log.topics]))
  );
}
