/** Which balances of wallets are read, and which readings are news. */
import { createHash } from "node:crypto";
import type { Fact } from "@slipstream/contracts/facts";
import { type Address, factId, type Hash, type TokenId } from "@slipstream/contracts/ids";
import type { SharesMicro } from "@slipstream/contracts/money";
import type { BalanceSyncMessage, Pair } from "./messages.ts";
import type { BalanceSyncState, Wallet } from "./state.ts";

/** Balances in one fact: a fact stays below 128 KiB. */
export const BALANCES_MAX = 500;
/** Balances in one poll: ten calls of 500. The most recently moved come first. */
export const PAIRS_MAX = 5_000;
/** A token without balance is watched this long after it last moved. */
export const TOUCHED_KEEP_MS = 600_000;

/** Balances that may have moved: held, never read, or traded lately. */
export function duePairs(state: BalanceSyncState, nowMs: number): Pair[] {
  const due: (Pair & { readonly touchedMs: number })[] = [];
  for (const wallet of state.wallets.values()) {
    if (!wallet.followed) continue;
    for (const [tokenId, { sharesMicro, touchedMs, exchange }] of wallet.tokens) {
      if (sharesMicro === 0n && nowMs - touchedMs > TOUCHED_KEEP_MS) continue;
      due.push({ owner: wallet.address, tokenId, exchange, touchedMs });
    }
  }
  if (due.length > PAIRS_MAX) due.sort((a, b) => b.touchedMs - a.touchedMs).splice(PAIRS_MAX);
  return due.map(({ owner, tokenId, exchange }) => ({ owner, tokenId, exchange }));
}

/** Balances whose snapshot may stand on a block that is gone: all above finality, the newest in any case. */
export function pairsAbove(state: BalanceSyncState, blockNumber: number): Pair[] {
  const pairs: Pair[] = [];
  for (const wallet of state.wallets.values()) {
    for (const [tokenId, token] of wallet.tokens) {
      if (token.blockNumber >= blockNumber) pairs.push({ owner: wallet.address, tokenId, exchange: token.exchange });
    }
  }
  return pairs;
}

/** What of a reading is news about one wallet: changed, read for the first time, or said again after a reorg. */
export function walletFacts(
  wallet: Wallet | undefined,
  address: Address,
  read: Extract<BalanceSyncMessage, { type: "BalancesRead" }>,
  nowMs: number,
): Fact[] {
  const { block, afterReorg, source } = read;
  const { blockNumber, blockHash } = block;
  const news = new Map<TokenId, SharesMicro>();
  for (const { owner, tokenId, sharesMicro } of read.readings) {
    if (owner !== address) continue;
    const known = wallet?.tokens.get(tokenId);
    // Two readings may both have found that a reorg happened: the second says nothing new.
    if (known?.blockHash === blockHash && known.sharesMicro === sharesMicro) continue;
    const newer = known === undefined || blockNumber >= known.blockNumber;
    if (afterReorg || (newer && known?.sharesMicro !== sharesMicro)) news.set(tokenId, sharesMicro);
  }
  const balances = [...news].map(([tokenId, sharesMicro]) => ({ tokenId, sharesMicro }));
  const facts: Fact[] = [];
  for (let from = 0; from < balances.length; from += BALANCES_MAX) {
    const part = balances.slice(from, from + BALANCES_MAX);
    facts.push({
      type: "BalanceSnapshot",
      v: 1,
      id: factId(
        "BalanceSnapshot",
        `${address}.${blockNumber}.${contentName(part, blockHash)}`,
        (wallet?.snapshots ?? 0) + facts.length,
      ),
      tsEventMs: block.tsMs,
      tsInitMs: nowMs,
      holder: { kind: "wallet", address },
      blockNumber,
      blockHash,
      source,
      complete: false,
      balances: part,
      collateralMicro: null,
      afterReorg,
    });
  }
  return facts;
}

/** Names what a snapshot says, so that the same news has the same id. */
export function contentName(
  balances: readonly { readonly tokenId: TokenId; readonly sharesMicro: SharesMicro }[],
  blockHash: Hash | null,
): string {
  const text = balances.map(({ tokenId, sharesMicro }) => `${tokenId}=${sharesMicro}`).join(",");
  return createHash("sha256").update(`${blockHash}|${text}`).digest("hex").slice(0, 16);
}
