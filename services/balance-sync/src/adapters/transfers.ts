/**
 * Transfers of followed wallets from the node's socket: the fast way to know that a balance moved. What moved is then
 * read as an absolute balance, so a lost or repeated event costs nothing but time.
 */
import type { Clock, Timer } from "@slipstream/actor/clock";
import type { Address, TokenId } from "@slipstream/contracts/ids";
import { backoffMs, RECONNECT } from "@slipstream/polymarket/backoff";
import { decodeTokenTransfer } from "@slipstream/polymarket/erc1155";
import { connectRpcSocket, type RpcSocket } from "@slipstream/polymarket/rpc";
import { TRANSFER_BATCH, TRANSFER_SINGLE } from "@slipstream/polymarket/topics";
import { CONDITIONAL_TOKENS, POSITION_MANAGER } from "@slipstream/polymarket/versions";
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

/** Providers refuse filters with more topics than some hundreds. */
const WALLETS_PER_FILTER = 200;

const Notice = z.object({ address: z.string(), topics: z.array(z.string()), data: z.string() });

export function watchTransfers(options: TransferWatchOptions): TransferWatch {
  const { clock, random, onDown } = options;
  let followed: ReadonlySet<Address> = new Set();
  let socket: RpcSocket | null = null;
  let retry: Timer | null = null;
  let failures = 0;
  let stopped = false;
  /** Counts up with every change of what is followed: an older connection knows that it is no longer wanted. */
  let wanted = 0;

  const later = (reason: string): void => {
    if (stopped) return;
    onDown(reason);
    retry?.cancel();
    retry = clock.after(backoffMs(RECONNECT, failures, random()), open);
    failures += 1;
  };

  const open = (): void => {
    const turn = ++wanted;
    socket?.close();
    socket = null;
    if (stopped || followed.size === 0) return;
    connect(options, followed, () => wanted === turn).then(
      (connected) => {
        if (connected === null || wanted !== turn) return connected?.close();
        socket = connected;
        failures = 0;
        void connected.closed.then((reason) => {
          if (wanted !== turn) return;
          socket = null;
          later(reason);
        });
      },
      (error: unknown) => {
        if (wanted === turn) later(String(error));
      },
    );
  };

  return {
    follow: (wallets) => {
      if (wallets.length === followed.size && wallets.every((wallet) => followed.has(wallet))) return;
      followed = new Set(wallets);
      open();
    },
    connected: () => socket !== null,
    stop: () => {
      stopped = true;
      wanted += 1;
      retry?.cancel();
      socket?.close();
    },
  };
}

async function connect(
  { url, timeoutMs, onTransfer }: TransferWatchOptions,
  followed: ReadonlySet<Address>,
  isWanted: () => boolean,
): Promise<RpcSocket | null> {
  const socket = await connectRpcSocket(url, { timeoutMs });
  const onNotice = (notice: unknown): void => {
    const log = Notice.safeParse(notice);
    const transfer = log.success ? decodeTokenTransfer(log.data) : null;
    if (transfer === null || transfer.kind === "refused" || !isWanted()) return;
    const tokenIds = transfer.entries.map(({ tokenId }) => tokenId);
    for (const wallet of new Set([transfer.from, transfer.to])) {
      if (followed.has(wallet)) onTransfer(wallet, tokenIds);
    }
  };
  try {
    const wallets = [...followed].map((wallet) => `0x${wallet.slice(2).padStart(64, "0")}`);
    for (let from = 0; from < wallets.length && isWanted(); from += WALLETS_PER_FILTER) {
      const part = wallets.slice(from, from + WALLETS_PER_FILTER);
      const events = [TRANSFER_SINGLE, TRANSFER_BATCH];
      for (const topics of [
        [events, null, part],
        [events, null, null, part],
      ]) {
        await socket.subscribe(["logs", { address: [CONDITIONAL_TOKENS, POSITION_MANAGER], topics }], onNotice);
      }
    }
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}
