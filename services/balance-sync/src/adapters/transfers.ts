/**
 * Transfers of followed wallets from the node's socket: the fast way to know that a balance moved. What moved is then
 * read as an absolute balance, so a lost or repeated event costs nothing but time.
 */
import type { Clock } from "@slipstream/actor/clock";
import type { Address, TokenId } from "@slipstream/contracts/ids";
import { decodeTokenTransfer } from "@slipstream/polymarket/erc1155";
import { keepRpcSocket, type RpcLink } from "@slipstream/polymarket/keptRpcSocket";
import type { RpcSocket } from "@slipstream/polymarket/rpc";
import { TRANSFER_BATCH, TRANSFER_SINGLE } from "@slipstream/polymarket/topics";
import { CONDITIONAL_TOKENS, POSITION_MANAGER } from "@slipstream/polymarket/versions";
import { walletTopics } from "@slipstream/polymarket/walletTopics";
import { z } from "zod";

export type TransferWatch = {
  /** Follows exactly these wallets from now on. */
  follow(wallets: readonly Address[]): void;
  connected(): boolean;
  stop(): void;
};

export type TransferWatchOptions = {
  readonly url: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly onTransfer: (wallet: Address, tokenIds: readonly TokenId[]) => void;
  readonly onDown: (reason: string) => void;
};

const Notice = z.object({ address: z.string(), topics: z.array(z.string()), data: z.string() });

export function watchTransfers(options: TransferWatchOptions): TransferWatch {
  let followed: ReadonlySet<Address> = new Set();
  const kept = keepRpcSocket({
    ...options,
    isNeeded: () => followed.size > 0,
    subscribe: async (socket, link) => {
      await subscribeTransfers(socket, link, followed, options.onTransfer);
      link.proven();
    },
    onUp: () => undefined,
  });
  return {
    follow: (wallets) => {
      if (wallets.length === followed.size && wallets.every((wallet) => followed.has(wallet))) return;
      followed = new Set(wallets);
      kept.reopen();
    },
    connected: kept.connected,
    stop: kept.stop,
  };
}

async function subscribeTransfers(
  socket: RpcSocket,
  link: RpcLink,
  followed: ReadonlySet<Address>,
  onTransfer: TransferWatchOptions["onTransfer"],
): Promise<void> {
  const onNotice = (notice: unknown): void => {
    const log = Notice.safeParse(notice);
    const transfer = log.success ? decodeTokenTransfer(log.data) : null;
    if (transfer === null || transfer.kind === "refused" || !link.isCurrent()) return;
    const tokenIds = transfer.entries.map(({ tokenId }) => tokenId);
    for (const wallet of new Set([transfer.from, transfer.to])) {
      if (followed.has(wallet)) onTransfer(wallet, tokenIds);
    }
  };
  const events = [TRANSFER_SINGLE, TRANSFER_BATCH];
  for (const wallets of walletTopics(followed)) {
    for (const topics of [
      [events, null, wallets],
      [events, null, null, wallets],
    ]) {
      if (!link.isCurrent()) return;
      await socket.subscribe(["logs", { address: [CONDITIONAL_TOKENS, POSITION_MANAGER], topics }], onNotice);
    }
  }
}
