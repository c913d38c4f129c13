/**
 * The chain node behind one address that stays: a node holds the header of each block it ever made, and its state is
 * written out with all of them, so now and then another one takes over from a pruned state. Nobody notices: the former
 * goes on answering about states of its own blocks for a while.
 */
import { type Anvil, startAnvil } from "./anvil.ts";
import type { RpcClient } from "./rpcClient.ts";

/** How long the former one stays: reads of state reach this far back at least. */
const FORMER_BLOCKS = 64;

export type ChainNodeProcess = {
  /** Of the node that makes the blocks. */
  readonly rpc: RpcClient;
  /** Asks the node that has the state after block `number`. */
  at(number: number): RpcClient;
  wsUrl(): string;
  /** Another node goes on from the state in `file`, whose last block is `head`. */
  replace(file: string, head: number): Promise<void>;
  /** Ends the former one when the chain is far enough beyond it. */
  retire(head: number): Promise<void>;
  stop(): Promise<void>;
};

/** @param start - absent: anvil from genesis. @throws as `startAnvil`. */
export async function startNode(options: Parameters<typeof startAnvil>[0]): Promise<ChainNodeProcess> {
  let current: Anvil = await startAnvil(options);
  let former: { readonly node: Anvil; readonly upTo: number } | null = null;
  const endFormer = async (): Promise<void> => {
    const gone = former;
    former = null;
    await gone?.node.stop();
  };
  const rpc: RpcClient = { call: (...request) => current.rpc.call(...request), close: () => current.rpc.close() };
  return {
    rpc,
    at: (number) => (former !== null && number <= former.upTo ? former.node.rpc : rpc),
    wsUrl: () => current.wsUrl,
    replace: async (file, head) => {
      const next = await startAnvil({ ...options, state: file });
      await endFormer();
      former = { node: current, upTo: head };
      current = next;
    },
    retire: async (head) => {
      if (former !== null && head > former.upTo + FORMER_BLOCKS) await endFormer();
    },
    stop: async () => {
      await endFormer();
      await current.stop();
    },
  };
}
