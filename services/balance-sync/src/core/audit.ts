/**
 * Two eyes on one wallet: transfers that were heard, and balances that were read. What moved between two readings must be
 * what was heard between their blocks; a difference means that one of the two misses something.
 *
 * 1. An interval is judged one reading later: notices may come after the reading of their own block.
 * 2. A reorg, or a socket that was lost, ends every interval: nothing is judged across it.
 */
import type { Address, Hash, TokenId } from "@slipstream/contracts/ids";
import { add, type SharesMicro, subtract, ZERO_SHARES } from "@slipstream/contracts/money";
import type { BalancesRead } from "./messages.ts";

/** One movement of one token of a wallet. */
export type HeardTransfer = {
  readonly wallet: Address;
  readonly tokenId: TokenId;
  readonly blockNumber: number;
  readonly blockHash: Hash;
  readonly logIndex: number;
  /** Place among the tokens of the log. */
  readonly entry: number;
  /** In minus out. */
  readonly movedMicro: SharesMicro;
};

export type AuditDifference = {
  readonly wallet: Address;
  readonly tokenId: TokenId;
  readonly fromBlock: number;
  readonly toBlock: number;
  /** Between the two readings, and by the transfers between their blocks. */
  readonly readMicro: SharesMicro;
  readonly heardMicro: SharesMicro;
};

export type TransferAudit = {
  heard(transfer: HeardTransfer): void;
  /** @returns what the readings before this one do not agree on with the transfers. */
  read(read: BalancesRead): AuditDifference[];
  /** Begins anew: the chain or the hearing has changed. */
  reset(): void;
};

type Point = { readonly blockNumber: number; readonly sharesMicro: SharesMicro };
type Watch = { from: Point; to: Point | null; readonly transfers: Map<string, HeardTransfer> };

/** Tokens of wallets; beyond it all begins anew. */
const WATCHED_MAX = 100_000;
/** Blocks whose hash is kept to notice that one was replaced. */
const HASHES_MAX = 1_024;

export function createTransferAudit(): TransferAudit {
  const watches = new Map<string, Watch>();
  /** Heard of tokens that were never read yet. */
  const early = new Map<string, HeardTransfer[]>();
  const hashes = new Map<number, Hash>();

  const reset = (): void => {
    watches.clear();
    early.clear();
    hashes.clear();
  };
  const noteBlock = (blockNumber: number, blockHash: Hash): void => {
    if ((hashes.get(blockNumber) ?? blockHash) !== blockHash || watches.size + early.size > WATCHED_MAX) reset();
    hashes.set(blockNumber, blockHash);
    for (const oldest of hashes.keys()) {
      if (hashes.size <= HASHES_MAX) break;
      hashes.delete(oldest);
    }
  };

  return {
    reset,
    heard: (transfer) => {
      noteBlock(transfer.blockNumber, transfer.blockHash);
      const key = `${transfer.wallet}.${transfer.tokenId}`;
      const watch = watches.get(key);
      if (watch === undefined) early.set(key, [...(early.get(key) ?? []), transfer]);
      else watch.transfers.set(nameOf(transfer), transfer);
    },
    read: ({ block, readings, afterReorg }) => {
      if (afterReorg) reset();
      noteBlock(block.blockNumber, block.blockHash);
      return readings.flatMap(({ owner, tokenId, sharesMicro }) => {
        const key = `${owner}.${tokenId}`;
        const point = { blockNumber: block.blockNumber, sharesMicro };
        const watch = watches.get(key);
        if (watch !== undefined) return judged(watch, point, { wallet: owner, tokenId });
        const transfers = new Map((early.get(key) ?? []).map((transfer) => [nameOf(transfer), transfer]));
        early.delete(key);
        watches.set(key, { from: point, to: null, transfers });
        return [];
      });
    },
  };
}

/** The same log comes twice from some nodes. */
const nameOf = ({ blockHash, logIndex, entry }: HeardTransfer): string => `${blockHash}.${logIndex}.${entry}`;

function judged(watch: Watch, point: Point, of: Pick<AuditDifference, "wallet" | "tokenId">): AuditDifference[] {
  const { from, to } = watch;
  if (point.blockNumber <= (to ?? from).blockNumber) return [];
  if (to === null) {
    watch.to = point;
    return [];
  }
  let heardMicro = ZERO_SHARES;
  for (const [name, { blockNumber, movedMicro }] of watch.transfers) {
    if (blockNumber > to.blockNumber) continue;
    if (blockNumber > from.blockNumber) heardMicro = add(heardMicro, movedMicro);
    watch.transfers.delete(name);
  }
  watch.from = to;
  watch.to = point;
  const readMicro = subtract(to.sharesMicro, from.sharesMicro);
  if (readMicro === heardMicro) return [];
  return [{ ...of, fromBlock: from.blockNumber, toBlock: to.blockNumber, readMicro, heardMicro }];
}
