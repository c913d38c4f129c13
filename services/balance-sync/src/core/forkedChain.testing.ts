/** A chain with forks for the tests of the core: every block that ever was is kept, by its hash. */
import type { Allowances } from "@slipstream/contracts/facts/balance";
import { Address, Hash, TokenId } from "@slipstream/contracts/ids";
import { type SharesMicro, sharesMicro, type UsdcMicro, usdcMicro, ZERO_SHARES } from "@slipstream/contracts/money";

export const leader = Address.parse(`0x${"a".repeat(40)}`);
export const ours = Address.parse(`0x${"b".repeat(40)}`);
export const wallets = [leader, ours] as const;
export const tokens = ["11", "22", "33", "44"].map((text) => TokenId.parse(text));

export type SimBlock = {
  readonly number: number;
  readonly hash: Hash;
  readonly balances: ReadonlyMap<string, SharesMicro>;
  readonly money: UsdcMicro;
};

export type Move = { readonly wallet: Address; readonly tokenId: TokenId; readonly shares: number };

const keyOf = (wallet: Address, tokenId: TokenId): string => `${wallet}.${tokenId}`;
export const heldAt = (block: SimBlock, wallet: Address, tokenId: TokenId): SharesMicro =>
  block.balances.get(keyOf(wallet, tokenId)) ?? ZERO_SHARES;

/** Never changes: allowances are read with the money and told with it. */
export const allowances: Allowances = { collateral: [{ spender: leader, amountMicro: usdcMicro(1n) }], tokens: [] };

/** Blocks below the highest there ever was that no reorg touches. */
export const FINALITY = 8;

export function createForkedChain() {
  let made = 0;
  let highest = 0;
  const everMade = new Map<Hash, SimBlock>();
  const canonical: SimBlock[] = [];
  const push = (balances: ReadonlyMap<string, SharesMicro>, money: UsdcMicro): void => {
    made += 1;
    const hash = Hash.parse(`0x${made.toString(16).padStart(64, "0")}`);
    const block = { number: canonical.length, hash, balances, money };
    everMade.set(hash, block);
    canonical.push(block);
    highest = Math.max(highest, block.number);
  };
  const head = (): SimBlock => {
    const block = canonical.at(-1);
    if (block === undefined) throw new Error("no genesis block");
    return block;
  };
  for (let n = 0; n <= FINALITY; n++) push(new Map(), usdcMicro(1_000n));

  return {
    head,
    at: (number: number): SimBlock | null => canonical[number] ?? null,
    byHash: (hash: Hash): SimBlock | null => everMade.get(hash) ?? null,
    finalized: (): number => Math.max(0, highest - FINALITY),
    isCanonical: (hash: Hash): boolean => canonical.some((block) => block.hash === hash),
    /** A block in which a wallet's balance becomes what the move says; ours pays or earns by it. */
    mine: (move: Move | null): void => {
      const { balances, money } = head();
      if (move === null) return push(balances, money);
      const moved = new Map(balances).set(keyOf(move.wallet, move.tokenId), sharesMicro(BigInt(move.shares)));
      push(moved, move.wallet === ours ? usdcMicro(BigInt(1_000 + made)) : money);
    },
    /** Takes blocks back and makes others: without what moved in them, or with the last of it in the last one. */
    reorg: (depth: number, made_: number, returns: boolean): void => {
      const before = head();
      canonical.splice(Math.max(1, highest - FINALITY + 1, canonical.length - depth));
      const { balances, money } = head();
      for (let n = 1; n < made_; n++) push(balances, money);
      if (returns) push(before.balances, before.money);
      else push(balances, money);
    },
  };
}
export type ForkedChain = ReturnType<typeof createForkedChain>;
