/**
 * Money and tokens of the cast, read from the chain at the start and kept in balance while the world runs: who quotes
 * and trades needs shares to sell, and pairs of both outcomes that pile up are merged back into money.
 */
import { TransientError } from "@slipstream/contracts/errors";
import type { Address, TokenId } from "@slipstream/contracts/ids";
import {
  minAmount,
  negate,
  parseShares,
  type SharesMicro,
  subtract,
  usdcMicro,
  ZERO_SHARES,
} from "@slipstream/contracts/money";
import type { SandboxChain, SandboxWallet } from "./chain/types.ts";
import type { VenueMarket } from "./venue/market.ts";
import { credit, creditShares, freeShares, ownedShares, type Purses } from "./venue/purses.ts";

/** Shares of each outcome a quoting wallet starts with. */
const SHARES_WANTED = parseShares("20000");
const SHARES_MIN = parseShares("4000");
const PAIRS_MAX = parseShares("60000");

export type EndowmentOptions = {
  readonly chain: SandboxChain;
  readonly purses: Purses;
  /** Those that are traded now. */
  readonly markets: () => readonly VenueMarket[];
  /** Every wallet of the cast. */
  readonly wallets: readonly SandboxWallet[];
  /** Those that need shares to begin with. */
  readonly quoting: ReadonlySet<Address>;
};

/**
 * Gives shares of the open markets to those that lack them, then fills `purses` with what the chain says.
 * @param ended - markets whose tokens may still be redeemed.
 */
export async function endow(options: EndowmentOptions, ended: readonly VenueMarket[]): Promise<void> {
  const { chain, purses, markets, wallets, quoting } = options;
  const open = new Set(markets());
  const splits = wallets
    .filter(({ address }) => quoting.has(address))
    .flatMap((wallet) => [...open].map((market) => ({ wallet, market })))
    .map(async ({ wallet, market }) => {
      const [yes, no] = await sharesOf(chain, wallet.address, market.tokenIds);
      const least = minAmount(yes, no);
      if (least >= SHARES_MIN) return null;
      return chain.split(wallet, market.conditionId, subtract(SHARES_WANTED, least));
    });
  const sent = (await Promise.all(splits)).filter((txHash) => txHash !== null);
  if (sent.length > 0) await chain.mine();
  for (const txHash of sent) await chain.waitForTx(txHash);
  await Promise.all([
    ...wallets.map(async ({ address }) => credit(purses, address, await chain.pusdOf(address))),
    ...wallets.flatMap(({ address }) =>
      partsOf([...open, ...ended].flatMap(({ tokenIds }) => tokenIds)).map(async (tokenIds) => {
        const amounts = await chain.balancesOf(address, tokenIds);
        for (const [index, tokenId] of tokenIds.entries()) {
          creditShares(purses, address, tokenId, amounts[index] ?? ZERO_SHARES);
        }
      }),
    ),
  ]);
}

/** Tokens that are asked for at once. */
const PART = 200;
const partsOf = (tokenIds: readonly TokenId[]): (readonly TokenId[])[] =>
  Array.from({ length: Math.ceil(tokenIds.length / PART) }, (_, n) => tokenIds.slice(n * PART, (n + 1) * PART));

/** Gives shares of markets that are about to open to those that quote, and counts them when the chain has them. */
export async function stock(options: EndowmentOptions, markets: readonly VenueMarket[]): Promise<void> {
  const { chain, purses, wallets, quoting } = options;
  await Promise.all(
    wallets
      .filter(({ address }) => quoting.has(address))
      .flatMap((wallet) =>
        markets.map(async (market) => {
          const { address } = wallet;
          const [yes, no] = await sharesOf(chain, address, market.tokenIds);
          // A run that was killed before may have left them.
          if (minAmount(yes, no) < SHARES_MIN) {
            credit(purses, address, negate(usdcMicro(SHARES_WANTED)));
            const { status } = await chain.waitForTx(await chain.split(wallet, market.conditionId, SHARES_WANTED));
            if (status !== "mined") throw new TransientError("RPC_REFUSED", `a split in ${market.slug} was ${status}`);
          }
          const owned = await sharesOf(chain, address, market.tokenIds);
          for (const [index, tokenId] of market.tokenIds.entries()) {
            const missing = subtract(owned[index === 0 ? 0 : 1], ownedShares(purses, address, tokenId));
            creditShares(purses, address, tokenId, missing);
          }
        }),
      ),
  );
}

async function sharesOf(
  chain: SandboxChain,
  address: Address,
  [yes, no]: readonly [TokenId, TokenId],
): Promise<[SharesMicro, SharesMicro]> {
  return Promise.all([chain.balanceOf(address, yes), chain.balanceOf(address, no)]);
}

/**
 * Merges pairs that pile up and splits where an outcome runs out; call it about once a minute. Amounts stay far from
 * what unsettled trades move, so the chain always covers them.
 */
export function recycle({ chain, purses, markets, wallets, quoting }: EndowmentOptions): Promise<unknown> {
  const works = wallets
    .filter((wallet) => quoting.has(wallet.address))
    .flatMap((wallet) =>
      markets().map(async (market) => {
        const { address } = wallet;
        const [yes, no] = market.tokenIds;
        const freePairs = minAmount(freeShares(purses, address, yes), freeShares(purses, address, no));
        const owned = minAmount(ownedShares(purses, address, yes), ownedShares(purses, address, no));
        if (freePairs > PAIRS_MAX) {
          const surplus = subtract(freePairs, SHARES_WANTED);
          change(purses, address, market, negate(surplus));
          await chain.merge(wallet, market.conditionId, surplus);
        } else if (owned < SHARES_MIN) {
          const txHash = await chain.split(wallet, market.conditionId, SHARES_WANTED);
          const { status } = await chain.waitForTx(txHash);
          if (status === "mined") change(purses, address, market, SHARES_WANTED);
        }
      }),
    );
  return Promise.all(works);
}

/** More pairs cost one pUSD each; fewer give it back. */
function change(purses: Purses, address: Address, market: VenueMarket, pairs: SharesMicro): void {
  for (const tokenId of market.tokenIds) creditShares(purses, address, tokenId, pairs);
  credit(purses, address, negate(usdcMicro(pairs)));
}
