/** Blocks of which a node gave no fill although their bloom says that one may be there: asked for by another way. */
import { createHash } from "node:crypto";
import { TransientError } from "@slipstream/contracts/errors";
import { parseBloom } from "@slipstream/polymarket/bloom";
import { suspectEmpty, verifyEmpty } from "@slipstream/polymarket/emptyBlocks";
import type { LogFilter } from "@slipstream/polymarket/logFilter";
import type { Node, Nodes } from "./readingTypes.ts";
import { createSecondOpinion, type SecondOpinion } from "./secondOpinion.ts";
import type { Header, WireLog } from "./wire.ts";

export type EmptyCheck = {
  /** Of a range that is too long for a header of each block. */
  readonly compare: SecondOpinion["check"];
  /** @throws TransientError when the node left logs out or does not have the block. */
  check(node: Node, headers: readonly Header[], filters: readonly LogFilter[], logs: readonly WireLog[]): Promise<void>;
};

/** False positives of blooms are usual: what was found empty once is not asked for again when it is final. */
const VERIFIED_MAX = 1_024;

/** @param onUnproven - nobody could tell; a single node without receipts of blocks must not stop the reading. */
export function createEmptyCheck(nodes: Nodes, onUnproven: () => void): EmptyCheck {
  const verified = new Set<string>();
  return {
    compare: createSecondOpinion(nodes, onUnproven).check,
    check: async (node, headers, filters, logs) => {
      const print = createHash("sha1").update(JSON.stringify(filters)).digest("base64");
      for (const { hash, number, logsBloom } of headers) {
        // Of these filters: somebody else's logs may be left out of the same block.
        const asked = `${hash}:${print}`;
        if (logsBloom === null || verified.has(asked)) continue;
        const header = { hash, logsBloom: parseBloom(logsBloom) };
        const doubts = suspectEmpty(header, filters, logs);
        if (doubts.length > 0) {
          const verdict = await verifyEmpty({ header, filters: doubts, doubted: node, witnesses: nodes.others(node) });
          if (verdict.kind === "lying") nodes.lied(node, `left out ${verdict.logs.length} logs of block ${number}`);
          if (verdict.kind === "unknown") onUnproven();
          else if (verdict.kind !== "empty") {
            throw new TransientError(
              "RPC_REFUSED",
              `${node.name}: logs of block ${number} are in doubt (${verdict.kind})`,
            );
          }
        }
        if (verified.size >= VERIFIED_MAX) verified.clear();
        verified.add(asked);
      }
    },
  };
}
