/** Which balances of which wallets are read. A token whose contract is not known is not read, and told. */
import type { Address, TokenId } from "@slipstream/contracts/ids";
import type { BalanceSyncView, OwnWallet, Pair, ReadBalances } from "./messages.ts";
import type { BalanceSyncState, Wallet, WalletToken } from "./state.ts";

/** Balances in one poll: ten calls of 500. Our own wallets come first, then what moved last. */
const PAIRS_MAX = 5_000;
/** A token without balance is watched this long after it last moved; a complete reading has it too. */
const TOUCHED_KEEP_MS = 600_000;
export const COMPLETE_EVERY_MS = 3_600_000;

export type Wanted = Pick<ReadBalances, "pairs" | "purses" | "complete">;

/** A wallet that is watched: a leader's that is followed, or ours in the phase that publishes. */
type Watched = { readonly address: Address; readonly wallet: Wallet | undefined; readonly own: OwnWallet | null };

export const ownWallet = (view: BalanceSyncView, address: Address): OwnWallet | null =>
  view.own.find((own) => own.address === address) ?? null;

/** Whether balances of the wallet are published. */
export const isPublished = (view: BalanceSyncView, address: Address): boolean =>
  view.phase === "authoritative" || ownWallet(view, address) === null;

/** Ours first. */
export function watchedWallets(state: BalanceSyncState, view: BalanceSyncView): Watched[] {
  const ours = view.phase === "observe" ? [] : view.own;
  const watched: Watched[] = ours.map((own) => ({ address: own.address, wallet: state.wallets.get(own.address), own }));
  for (const wallet of state.wallets.values()) {
    if (wallet.followed && ownWallet(view, wallet.address) === null) {
      watched.push({ address: wallet.address, wallet, own: null });
    }
  }
  return watched;
}

/** Everything known of a wallet: read or traded before, and of ours its positions, open orders and tracked tokens. */
export function tokensOf(state: BalanceSyncState, wallet: Wallet | undefined, own: OwnWallet | null): Set<TokenId> {
  const tokens = new Set(wallet?.tokens.keys() ?? []);
  if (own === null) return tokens;
  for (const tokenId of own.tokens) tokens.add(tokenId);
  if (own.account !== null)
    for (const tokenId of state.accountTokens.get(own.account)?.keys() ?? []) tokens.add(tokenId);
  return tokens;
}

/** The contract that keeps a token: as its market says, else where it was read before; null: not known. */
export const ledgerOf = (view: BalanceSyncView, tokenId: TokenId, known: WalletToken | undefined): Address | null =>
  view.ledgerOf(tokenId, known?.exchange ?? null) ?? known?.ledger ?? null;

/** Reads these tokens of a wallet, without those whose contract is not known. */
export function pairsOf(
  state: BalanceSyncState,
  view: BalanceSyncView,
  owner: Address,
  tokenIds: Iterable<TokenId>,
): Pair[] {
  const tokens = state.wallets.get(owner)?.tokens;
  return [...tokenIds].flatMap((tokenId) => {
    const ledger = ledgerOf(view, tokenId, tokens?.get(tokenId));
    return ledger === null ? [] : { owner, tokenId, ledger };
  });
}

/** Known tokens that are not read, because nobody has told their market yet. */
export function unreadTokens(state: BalanceSyncState, view: BalanceSyncView): TokenId[] {
  return watchedWallets(state, view).flatMap(({ wallet, own }) =>
    [...tokensOf(state, wallet, own)].filter(
      (tokenId) => ledgerOf(view, tokenId, wallet?.tokens.get(tokenId)) === null,
    ),
  );
}

/**
 * What a poll reads. Of each wallet what may have moved: held, never read, traded lately, last told by the index. Of a
 * wallet whose complete snapshot is due, everything known.
 */
export function wantedByPoll(state: BalanceSyncState, view: BalanceSyncView): Wanted {
  const pairs: Pair[] = [];
  const purses: Address[] = [];
  const complete: Address[] = [];
  const later: (Pair & { readonly touchedMs: number })[] = [];
  for (const { address, wallet, own } of watchedWallets(state, view)) {
    const all = pairsOf(state, view, address, tokensOf(state, wallet, own));
    if (own !== null) purses.push(address);
    if (isCompleteDue(wallet, view) && (own !== null || (all.length > 0 && pairs.length + all.length <= PAIRS_MAX))) {
      complete.push(address);
      pairs.push(...all);
      continue;
    }
    for (const pair of all) {
      const known = wallet?.tokens.get(pair.tokenId);
      if (own !== null) pairs.push(pair);
      else if (mayHaveMoved(known, view)) later.push({ ...pair, touchedMs: known?.touchedMs ?? 0 });
    }
  }
  const room = Math.max(0, PAIRS_MAX - pairs.length);
  if (later.length > room) later.sort((a, b) => b.touchedMs - a.touchedMs).splice(room);
  pairs.push(...later.map(({ owner, tokenId, ledger }) => ({ owner, tokenId, ledger })));
  return { pairs, purses, complete };
}

const mayHaveMoved = (known: WalletToken | undefined, { nowMs }: BalanceSyncView): boolean =>
  known?.sharesMicro !== 0n || nowMs - known.touchedMs <= TOUCHED_KEEP_MS;

/** At the start, every hour, and when a node answers again after the index had to. */
function isCompleteDue(wallet: Wallet | undefined, { nowMs, startedMs }: BalanceSyncView): boolean {
  const completeMs = wallet?.completeMs ?? null;
  return completeMs === null || completeMs < startedMs || nowMs - completeMs >= COMPLETE_EVERY_MS || isDegraded(wallet);
}
const isDegraded = (wallet: Wallet | undefined): boolean => wallet?.degraded === true;

/**
 * What may stand on a block that is gone: all from this block on. Nothing does when the newest snapshot listed nothing;
 * then one wallet is told completely, because only a snapshot of a new block ends the asking for the old one.
 */
export function wantedAbove(state: BalanceSyncState, view: BalanceSyncView, blockNumber: number): Wanted {
  const pairs: Pair[] = [];
  const purses: Address[] = [];
  for (const wallet of state.wallets.values()) {
    const moved = [...wallet.tokens]
      .filter(([, token]) => token.blockNumber >= blockNumber)
      .map(([tokenId]) => tokenId);
    pairs.push(...pairsOf(state, view, wallet.address, moved));
    const isOurs = ownWallet(view, wallet.address) !== null;
    if (isOurs && (wallet.purse?.blockNumber ?? -1) >= blockNumber) purses.push(wallet.address);
  }
  return pairs.length === 0 && purses.length === 0 ? oneComplete(state, view) : { pairs, purses, complete: [] };
}

function oneComplete(state: BalanceSyncState, view: BalanceSyncView): Wanted {
  for (const { address, wallet, own } of watchedWallets(state, view)) {
    const pairs = pairsOf(state, view, address, tokensOf(state, wallet, own));
    if (pairs.length > 0) return { pairs, purses: own === null ? [] : [address], complete: [address] };
  }
  return { pairs: [], purses: [], complete: [] };
}
