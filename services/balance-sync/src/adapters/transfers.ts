/**
 * Transfers of followed wallets from the node's socket: the fast way to know that a balance moved. What moved is then
 * read as an absolute balance, so a lost or repeated event costs nothing but time.
 */
import type { Clock } from "@slipstream/actor/clock";
import { type Address, Hash, type TokenId } from "@slipstream/contracts/ids";
import { negate, type SharesMicro, ZERO_SHARES } from "@slipstream/contracts/money";
import { decodeTokenTransfer, type TokenTransfer } from "@slipstream/polymarket/erc1155";
import { keepRpcSocket, type RpcLink } from "@slipstream/polymarket/keptRpcSocket";
import type { RpcSocket } from "@slipstream/polymarket/rpc";
import { TRANSFER_BATCH, TRANSFER_SINGLE } from "@slipstream/polymarket/topics";
import { CONDITIONAL_TOKENS, POSITION_MANAGER } from "@slipstream/polymarket/versions";
import { walletTopics } from "@slipstream/polymarket/walletTopics";
import { z } from "zod";
import type { HeardTransfer } from "../core/audit.ts";

export type TransferWatch = {
  /** Follows exactly these wallets from now on. */
  follow(wallets: readonly Address[]): void;
  connected(): boolean;
  stop(): void;
};

/** One log, as it concerns one wallet. */
export type WalletTransfer = {
  readonly wallet: Address;
  readonly ledger: Address;
  readonly tokenIds: readonly TokenId[];
  /** Movement by movement; null: the log was taken back, or says no block. */
  readonly heard: readonly HeardTransfer[] | null;
};

export type TransferWatchOptions = {
  /** The next one is tried after a loss. */
  readonly urls: readonly string[];
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly onTransfer: (transfer: WalletTransfer) => void;
  /** From now on every transfer is heard, until `onDown`. */
  readonly onUp: () => void;
  readonly onDown: (reason: string) => void;
};

const Quantity = z
  .string()
  .regex(/^0x[0-9a-f]+$/)
  .transform(Number)
  .pipe(z.int());
const Notice = z.object({
  address: z.string(),
  topics: z.array(z.string()),
  data: z.string(),
  // Without its place it still tells that something moved.
  blockNumber: Quantity.nullish().catch(null),
  blockHash: Hash.nullish().catch(null),
  logIndex: Quantity.nullish().catch(null),
  removed: z.boolean().nullish(),
});

export function watchTransfers(options: TransferWatchOptions): TransferWatch {
  let followed: ReadonlySet<Address> = new Set();
  const kept = keepRpcSocket({
    ...options,
    isNeeded: () => followed.size > 0,
    subscribe: async (socket, link) => {
      await subscribeTransfers(socket, link, followed, options.onTransfer);
      link.proven();
    },
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

/** What a log of the socket tells of these wallets; none when it is no transfer. */
export function transfersIn(value: unknown, followed: ReadonlySet<Address>): WalletTransfer[] {
  const notice = Notice.safeParse(value);
  const transfer = notice.success ? decodeTokenTransfer(notice.data) : null;
  if (!notice.success || transfer === null || transfer.kind === "refused") return [];
  const tokenIds = transfer.entries.map(({ tokenId }) => tokenId);
  const wallets = [...new Set([transfer.from, transfer.to])].filter((wallet) => followed.has(wallet));
  return wallets.map((wallet) => {
    const heard = movements(notice.data, transfer, wallet);
    return { wallet, ledger: transfer.ledger, tokenIds, heard };
  });
}

async function subscribeTransfers(
  socket: RpcSocket,
  link: RpcLink,
  followed: ReadonlySet<Address>,
  onTransfer: TransferWatchOptions["onTransfer"],
): Promise<void> {
  const onNotice = (value: unknown): void => {
    if (link.isCurrent()) for (const transfer of transfersIn(value, followed)) onTransfer(transfer);
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

function movements(
  { blockNumber, blockHash, logIndex, removed }: z.infer<typeof Notice>,
  { from, to, entries }: TokenTransfer,
  wallet: Address,
): HeardTransfer[] | null {
  if (removed === true || blockNumber == null || blockHash == null || logIndex == null) return null;
  const moved = (shares: SharesMicro): SharesMicro => {
    if (from === to) return ZERO_SHARES;
    return to === wallet ? shares : negate(shares);
  };
  return entries.map(({ tokenId, sharesMicro }, entry) => ({
    wallet,
    tokenId,
    blockNumber,
    blockHash,
    logIndex,
    entry,
    movedMicro: moved(sharesMicro),
  }));
}
