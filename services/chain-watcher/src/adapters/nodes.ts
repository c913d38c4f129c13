/** The pool of providers as the nodes of the reading cycle. */
import { ContractError, TransientError } from "@slipstream/contracts/errors";
import { createLogRanges } from "@slipstream/polymarket/logRanges";
import { RpcRefusedError } from "@slipstream/polymarket/rpc";
import type { RpcPool, RpcProvider } from "@slipstream/polymarket/rpcPool";
import { createRangeReader } from "./rangeReader.ts";
import type { Node, Nodes } from "./readingTypes.ts";

export function createNodes(pool: RpcPool, rangeMax: number, nowMs: () => number): Nodes {
  const ranges = createLogRanges({ policy: { max: rangeMax } });
  const nodes = new Map<string, Node>();
  const nodeOf = ({ name, rpc }: RpcProvider): Node => {
    const known = nodes.get(name) ?? { name, rpc, reader: createRangeReader(name, rpc, ranges, nowMs) };
    nodes.set(name, known);
    return known;
  };
  return {
    pick: () => nodeOf(pool.pick()),
    others: ({ name }) => pool.others(name).map(nodeOf),
    sawHead: (node, head) => {
      pool.sawHead(node.name, head);
      const isLagging = pool.status().some(({ name, state }) => name === node.name && state !== "HEALTHY");
      return !isLagging || pool.pick().name === node.name;
    },
    failed: ({ name }, error) => {
      if (isUseless(error)) pool.failed(name, error);
    },
    lied: ({ name }, detail) => pool.lied(name, detail),
  };
}

/** An answer came and could not be used: calls that fail are counted by the pool itself. */
const isUseless = (error: unknown): boolean =>
  error instanceof ContractError ||
  (error instanceof TransientError && error.code === "RPC_REFUSED" && !(error instanceof RpcRefusedError));
