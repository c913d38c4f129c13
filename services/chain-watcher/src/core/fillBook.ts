/** The fills that are known, found by identity, by leader and by block. */
import type { FactOf } from "@slipstream/contracts/facts";
import type { FillSource } from "@slipstream/contracts/facts/chain";
import type { Address, LeaderFillId } from "@slipstream/contracts/ids";

/** SEEN: told by another source, not yet shown by the chain. */
export type FillStatus = "SEEN" | "ON_CHAIN" | "REVERTED" | "RETRACTED";

export type KnownFill = Pick<
  FactOf<"LeaderFill">,
  | "occurrence"
  | "leader"
  | "tokenId"
  | "conditionId"
  | "side"
  | "txHash"
  | "blockNumber"
  | "blockHash"
  | "logIndex"
  | "tsEventMs"
> & {
  readonly status: FillStatus;
  /** Block by which it is kept and forgotten: its own, or the cursor's when it never came to the chain; null: not yet. */
  readonly keptAt: number | null;
  /** What makes two fills the same but for their ordinal. */
  readonly content: string;
  /** When the first source told of it. */
  readonly firstSeenMs: number;
  readonly sources: ReadonlySet<FillSource>;
  /** What it really cost has been told. */
  readonly costed: boolean;
};

export type FillBook = {
  readonly byId: Map<LeaderFillId, KnownFill>;
  readonly byLeader: Map<Address, Set<LeaderFillId>>;
  readonly byBlock: Map<number, Set<LeaderFillId>>;
  /** SEEN or REVERTED: the chain has yet to show them, or they are retracted. */
  readonly open: Set<LeaderFillId>;
};

export const emptyFills = (): FillBook => ({
  byId: new Map(),
  byLeader: new Map(),
  byBlock: new Map(),
  open: new Set(),
});

export function putFill(book: FillBook, id: LeaderFillId, fill: KnownFill): void {
  removeFill(book, id);
  book.byId.set(id, fill);
  addTo(book.byLeader, fill.leader, id);
  if (fill.keptAt !== null) addTo(book.byBlock, fill.keptAt, id);
  if (fill.status === "SEEN" || fill.status === "REVERTED") book.open.add(id);
}

export function removeFill(book: FillBook, id: LeaderFillId): void {
  const fill = book.byId.get(id);
  if (fill === undefined) return;
  book.byId.delete(id);
  book.open.delete(id);
  takeFrom(book.byLeader, fill.leader, id);
  if (fill.keptAt !== null) takeFrom(book.byBlock, fill.keptAt, id);
}

export const fillsOf = (book: FillBook, leader: Address): [LeaderFillId, KnownFill][] =>
  entriesOf(book, book.byLeader.get(leader) ?? []);

/** Fills of blocks in [fromBlock, toBlock]. */
export function fillsBetween(book: FillBook, fromBlock: number, toBlock: number): [LeaderFillId, KnownFill][] {
  const found: LeaderFillId[] = [];
  if (toBlock - fromBlock < book.byBlock.size) {
    for (let block = fromBlock; block <= toBlock; block++) found.push(...(book.byBlock.get(block) ?? []));
  } else {
    for (const [block, ids] of book.byBlock) if (block >= fromBlock && block <= toBlock) found.push(...ids);
  }
  return entriesOf(book, found);
}

export function entriesOf(book: FillBook, ids: Iterable<LeaderFillId>): [LeaderFillId, KnownFill][] {
  const entries: [LeaderFillId, KnownFill][] = [];
  for (const id of ids) {
    const fill = book.byId.get(id);
    if (fill !== undefined) entries.push([id, fill]);
  }
  return entries;
}

function addTo<K, V>(index: Map<K, Set<V>>, key: K, value: V): void {
  const known = index.get(key);
  if (known === undefined) index.set(key, new Set([value]));
  else known.add(value);
}

function takeFrom<K, V>(index: Map<K, Set<V>>, key: K, value: V): void {
  const known = index.get(key);
  if (known === undefined) return;
  known.delete(value);
  if (known.size === 0) index.delete(key);
}
