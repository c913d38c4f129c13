/**
 * The JSON-RPC endpoint that the product sees, before the node. It does what the node cannot (logs of removed blocks)
 * and misbehaves on request.
 *
 * Invariants
 * 1. Subscribers hear of every shown block once (twice on request), in order, and of nothing the view does not show.
 * 2. Before the logs of a new branch come the logs of the old one with `removed: true`, unless switched off.
 * 3. What happens while it is silent or hides logs is never told to subscribers.
 */
import type { ChainBlock, NodeLog } from "./blocks.ts";
import type { History } from "./history.ts";
import type { ChainLedger } from "./ledger.ts";
import { matchesFilter } from "./logFilter.ts";
import type { ChainNodeProcess } from "./node.ts";
import { createAnswers } from "./rpcMethods.ts";
import { type Subscription, startRpcServer } from "./rpcServer.ts";
import { createView, type FrontSwitches, noFaults } from "./rpcView.ts";

export type RpcFront = {
  readonly httpUrl: string;
  readonly wsUrl: string;
  /** Changes take effect by `apply`. */
  readonly switches: FrontSwitches;
  /** Acts on changed switches at once. */
  apply(): void;
  dropSockets(): void;
  stop(): Promise<void>;
};

export type RpcFrontOptions = {
  readonly node: Pick<ChainNodeProcess, "rpc" | "at">;
  /** Where final blocks are; null: the node has them all. */
  readonly history: History | null;
  readonly ledger: ChainLedger;
  readonly finalityDepth: number;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
};

export async function startRpcFront(options: RpcFrontOptions): Promise<RpcFront> {
  const { node, history, ledger, finalityDepth, host, port } = options;
  const switches = noFaults();
  const view = createView({ blocks: ledger.blocks, finalityDepth, switches });
  const answer = createAnswers({ node, history, ledger, view, switches });
  const server = await startRpcServer({ answer, isOut: () => switches.outage, host, port });
  const follow = () => {
    const change = view.advance();
    if (switches.silent) return;
    server.tell((subscription) => newsFor(subscription, change, switches));
  };
  const stopFollowing = ledger.onChange(follow);
  return {
    httpUrl: server.httpUrl,
    wsUrl: server.wsUrl,
    switches,
    apply: () => {
      if (switches.outage) server.dropSockets();
      follow();
    },
    dropSockets: server.dropSockets,
    stop: async () => {
      stopFollowing();
      await server.stop();
    },
  };
}

/** What one subscription is told of a change, in order. */
function newsFor(
  subscription: Subscription,
  change: { readonly removed: readonly ChainBlock[]; readonly added: readonly ChainBlock[] },
  switches: FrontSwitches,
): readonly unknown[] {
  if (subscription.type === "newHeads") return change.added.map((block) => block.header);
  if (switches.hiddenLogs) return [];
  const wanted = (block: ChainBlock): NodeLog[] => block.logs.filter((log) => matchesFilter(subscription.filter, log));
  const removed = switches.removedLogs ? change.removed : [];
  const news = [
    ...removed.flatMap((block) => wanted(block).map((log) => ({ ...log, removed: true }))),
    ...change.added.flatMap(wanted),
  ];
  return switches.duplicateLogs ? news.flatMap((log) => [log, log]) : news;
}
