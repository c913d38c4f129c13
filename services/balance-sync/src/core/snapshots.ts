/** Which readings are news, and the facts that tell them. */
import { createHash } from "node:crypto";
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import type { Allowances, BalanceSnapshot } from "@slipstream/contracts/facts/balance";
import { type AccountId, type Address, factId, type Hash, type TokenId } from "@slipstream/contracts/ids";
import type { SharesMicro } from "@slipstream/contracts/money";
import { CONDITIONAL_TOKENS } from "@slipstream/polymarket/versions";
import type { BalanceSyncMessage, BalanceSyncView, BalancesRead, PurseReading } from "./messages.ts";
import type { BalanceSyncState, Wallet } from "./state.ts";
import { ledgerOf, ownWallet, tokensOf } from "./tokens.ts";

/** Balances in one fact: a fact stays below 128 KiB. */
export const BALANCES_MAX = 500;

type Balance = BalanceSnapshot["balances"][number];
type IndexRead = Extract<BalanceSyncMessage, { type: "IndexRead" }>;

/** One wallet among all that is known. */
export type WalletContext = {
  readonly state: BalanceSyncState;
  readonly view: BalanceSyncView;
  readonly address: Address;
};

/**
 * What of a reading is news about one wallet: changed, read for the first time, told by the index before, or said again
 * after a reorg; with a complete reading, all that the wallet holds.
 */
export function walletFacts({ state, view, address }: WalletContext, read: BalancesRead): Fact[] {
  const wallet = state.wallets.get(address);
  const own = ownWallet(view, address);
  const news = tokenNews(wallet, address, read);
  const purse = purseNews(
    wallet,
    read.purses.find(({ owner }) => owner === address),
    read,
  );
  const complete = read.complete.includes(address) && !news.isLate;
  const balances = complete
    ? [...news.changed, ...news.same.filter(({ sharesMicro }) => sharesMicro > 0n)]
    : news.changed;
  const fromIndex = new Set([...(wallet?.tokens ?? [])].filter(([, known]) => known.fromIndex).map(([id]) => id));
  const recovers = wallet?.degraded === true && [...fromIndex].every((id) => news.read.has(id)) && !news.isLate;
  if (balances.length === 0 && purse === null && !complete && !recovers) return [];
  const tokens = tokensOf(state, wallet, own);
  const unread = [...tokens].filter((id) => ledgerOf(view, id, wallet?.tokens.get(id)) === null).length;
  return inParts(balances).map((part, index, parts) => {
    for (const { tokenId } of part) fromIndex.delete(tokenId);
    return snapshotOf(wallet, index, {
      ...headOf(address, own?.account ?? null, view),
      tsEventMs: read.block.tsMs,
      blockNumber: read.block.blockNumber,
      blockHash: read.block.blockHash,
      source: read.source,
      complete,
      ...(complete ? { part: index + 1, parts: parts.length, unread } : {}),
      balances: part,
      collateralMicro: index === 0 ? (purse?.collateralMicro ?? null) : null,
      ...(index === 0 && purse?.allowances !== undefined ? { allowances: purse.allowances } : {}),
      afterReorg: read.afterReorg,
      ...(own === null ? {} : { degraded: fromIndex.size > 0 }),
    });
  });
}

type TokenNews = {
  readonly changed: Balance[];
  readonly same: Balance[];
  readonly read: ReadonlySet<TokenId>;
  /** Something newer was published meanwhile. */
  readonly isLate: boolean;
};

function tokenNews(
  wallet: Wallet | undefined,
  address: Address,
  { block, readings, afterReorg }: BalancesRead,
): TokenNews {
  const changed = new Map<TokenId, Balance>();
  const same = new Map<TokenId, Balance>();
  let isLate = false;
  for (const { owner, tokenId, ledger, sharesMicro } of readings) {
    if (owner !== address) continue;
    const known = wallet?.tokens.get(tokenId);
    const isNewer = known === undefined || block.blockNumber >= known.blockNumber;
    if (!isNewer) isLate = true;
    const differs = known === undefined || known.sharesMicro !== sharesMicro || known.fromIndex;
    // Two readings may both have found that a reorg happened: the second says nothing new.
    const isSaid = known?.blockHash === block.blockHash && !differs;
    const balance = balanceOf(tokenId, sharesMicro, ledger);
    if (!isSaid && (afterReorg || (isNewer && differs))) changed.set(tokenId, balance);
    else same.set(tokenId, balance);
  }
  const read = new Set([...changed.keys(), ...same.keys()]);
  return { changed: [...changed.values()], same: [...same.values()], read, isLate: isLate && !afterReorg };
}

const balanceOf = (tokenId: TokenId, sharesMicro: SharesMicro, ledger: Address): Balance => ({
  tokenId,
  sharesMicro,
  ...(ledger === CONDITIONAL_TOKENS ? {} : { ledger }),
});

type PurseNews = { readonly collateralMicro: PurseReading["collateralMicro"]; readonly allowances?: Allowances };

function purseNews(
  wallet: Wallet | undefined,
  purse: PurseReading | undefined,
  { block, afterReorg, complete }: BalancesRead,
): PurseNews | null {
  if (purse === undefined) return null;
  const { collateralMicro, allowances } = purse;
  const known = wallet?.purse ?? null;
  if (known !== null && known.blockNumber > block.blockNumber && !afterReorg) return null;
  const isComplete = complete.includes(purse.owner);
  const isAllowed = !isComplete && !afterReorg && sameAllowances(wallet?.allowances ?? null, allowances);
  if (known?.collateralMicro === collateralMicro && isAllowed) return null;
  return isAllowed ? { collateralMicro } : { collateralMicro, allowances };
}

const sameAllowances = (a: Allowances | null, b: Allowances): boolean => allowanceText(a) === allowanceText(b);
const allowanceText = (allowances: Allowances | null): string =>
  JSON.stringify(allowances, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value));

/**
 * What the index says that is not said yet. Holdings that it does not list stay as they are: whether it left them out or
 * they are gone is not known.
 */
export function indexFacts({ state, view, address }: WalletContext, { tsMs, holdings }: IndexRead): Fact[] {
  const own = ownWallet(view, address);
  const wallet = state.wallets.get(address);
  const news = new Map<TokenId, Balance>();
  for (const { tokenId, sharesMicro } of holdings) {
    const known = wallet?.tokens.get(tokenId);
    const ledger = ledgerOf(view, tokenId, known);
    // A token that could never be read from the chain would keep the wallet degraded for good.
    if (ledger === null || (known?.fromIndex === true && known.sharesMicro === sharesMicro)) continue;
    news.set(tokenId, balanceOf(tokenId, sharesMicro, ledger));
  }
  if (news.size === 0 && wallet?.degraded === true) return [];
  let blockNumber = Math.max(state.tip?.blockNumber ?? 0, wallet?.purse?.blockNumber ?? 0);
  for (const known of wallet?.tokens.values() ?? []) blockNumber = Math.max(blockNumber, known.blockNumber);
  return inParts([...news.values()]).map((part, index) =>
    snapshotOf(wallet, index, {
      ...headOf(address, own?.account ?? null, view),
      tsEventMs: tsMs,
      blockNumber,
      blockHash: null,
      source: "api",
      complete: false,
      balances: part,
      collateralMicro: null,
      afterReorg: false,
      degraded: true,
    }),
  );
}

/** At least one part, which may be empty. */
function inParts(balances: readonly Balance[]): Balance[][] {
  const parts: Balance[][] = [];
  for (let from = 0; from === 0 || from < balances.length; from += BALANCES_MAX) {
    parts.push(balances.slice(from, from + BALANCES_MAX));
  }
  return parts;
}

const headOf = (address: Address, account: AccountId | null, { nowMs }: BalanceSyncView) => ({
  tsInitMs: nowMs,
  holder: { kind: "wallet", address } as const,
  ...(account === null ? {} : { account }),
});

/** @param index - how many facts of the same decision come before it. */
function snapshotOf(
  wallet: Wallet | undefined,
  index: number,
  body: Omit<FactOf<"BalanceSnapshot">, "type" | "v" | "id">,
): Fact {
  const { holder, blockNumber, blockHash, balances } = body;
  const name = holder.kind === "wallet" ? holder.address : holder.account;
  const more = `${body.source}|${body.complete}|${body.collateralMicro}|${allowanceText(body.allowances ?? null)}`;
  return {
    type: "BalanceSnapshot",
    v: 1,
    id: factId(
      "BalanceSnapshot",
      `${name}.${blockNumber}.${contentName(balances, blockHash, more)}`,
      (wallet?.snapshots ?? 0) + index,
    ),
    ...body,
  };
}

/** Names what a snapshot says, so that the same news has the same id. */
export function contentName(
  balances: readonly { readonly tokenId: TokenId; readonly sharesMicro: SharesMicro }[],
  blockHash: Hash | null,
  more = "",
): string {
  const text = balances.map(({ tokenId, sharesMicro }) => `${tokenId}=${sharesMicro}`).join(",");
  return createHash("sha256").update(`${blockHash}|${text}${more}`).digest("hex").slice(0, 16);
}
