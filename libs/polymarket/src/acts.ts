/**
 * What moved a wallet's outcome tokens other than its fills: splits, merges, conversions, redemptions, transfers.
 *
 * Told by the way the tokens went. The venue's adapters act on behalf of users and are then the stakeholder of the events,
 * so tokens that leave a wallet are followed through adapters to where they are burnt, tokens that arrive back to where
 * they were made, and the event that closes this place names the act. Tokens that another wallet made or burns are a
 * transfer, and so are those of an adapter that is not known yet: an exit by merge is then followed as one by transfer.
 *
 * Invariants
 * 1. Of a wallet and a token: what its acts and its fills add up to is what its balance changed by, for every
 *    transaction whose fills were settled by transfers.
 * 2. What cannot be told is a transfer, never nothing.
 * @see docs/venue.md, Other acts
 */
import { ContractError } from "@slipstream/contracts/errors";
import type { Address, TokenId } from "@slipstream/contracts/ids";
import {
  add,
  minAmount,
  type SharesMicro,
  sharesMicro,
  subtract,
  subtractToZero,
  ZERO_SHARES,
} from "@slipstream/contracts/money";
import { decodeTokenTransfer } from "./erc1155.ts";
import { decodeOrderFilled, type OrderFilled } from "./orderFilled.ts";
import { decodePositionEvent, type PositionEvent } from "./positionEvents.ts";
import { TRANSFER_BATCH, TRANSFER_SINGLE } from "./topics.ts";
import {
  ADAPTERS,
  CONDITIONAL_TOKENS,
  type ExchangeTable,
  NEG_RISK_ADAPTER,
  NO_TOKEN_BURN_ADDRESS,
  POSITION_MANAGER,
  ZERO_ADDRESS,
} from "./versions.ts";
import { walletTopics } from "./walletTopics.ts";
import type { RawLog } from "./words.ts";

export type ActKind = "split" | "merge" | "convert" | "redeem" | "transferIn" | "transferOut";
/** One token of one act; a split of two outcomes is two of them. */
export type Act = {
  readonly act: ActKind;
  readonly direction: "in" | "out";
  readonly tokenId: TokenId;
  /** Positive; 1e-6 share. */
  readonly sharesMicro: SharesMicro;
  /** Of the transfer. With wallet, token and direction it names the act within its transaction. */
  readonly logIndex: number;
  /** Where the tokens came from or went to: a wallet, an adapter, or the zero address. */
  readonly counterparty: Address;
};

export type TxLog = RawLog & { readonly logIndex: number };

/** The movement of one token in one log. */
type Hop = {
  readonly ledger: Address;
  readonly operator: Address;
  readonly from: Address;
  readonly to: Address;
  readonly tokenId: TokenId;
  readonly sharesMicro: SharesMicro;
  readonly logIndex: number;
};
type Closing = {
  readonly ledger: string;
  readonly kind: PositionEvent["kind"];
  readonly stakeholder: Address;
  readonly logIndex: number;
};
type Transaction = {
  readonly hops: readonly Hop[];
  readonly closings: readonly Closing[];
  readonly fills: readonly OrderFilled[];
  readonly exchanges: ExchangeTable;
};
/** A hop as the wallet sees it, and what of it no fill explains. */
type Move = { readonly hop: Hop; readonly direction: "in" | "out"; leftMicro: SharesMicro };

/**
 * Returns the acts of `wallet` in one transaction, in log order.
 * @param logs - all logs of the transaction, in any order.
 * @throws ContractError RPC_UNREADABLE for a transfer of a known ledger that is no transfer.
 */
export function actsOf(logs: readonly TxLog[], wallet: Address, exchanges: ExchangeTable): Act[] {
  const tx = readTransaction(logs, exchanges);
  const moves = movesOf(tx.hops, wallet);
  explainByFills(moves, tx, wallet);
  const acts = new Map<string, Act>();
  for (const { hop, direction, leftMicro } of moves) {
    // What a wallet sends to itself is no act.
    if (leftMicro === 0n || hop.from === hop.to) continue;
    const { tokenId, logIndex } = hop;
    // A batch may name a token twice.
    const key = `${logIndex}|${tokenId}|${direction}`;
    const known = acts.get(key);
    acts.set(key, {
      act: known?.act ?? kindOf({ hop, direction }, wallet, tx),
      ...{ direction, tokenId, logIndex },
      sharesMicro: add(known?.sharesMicro ?? ZERO_SHARES, leftMicro),
      counterparty: direction === "in" ? hop.from : hop.to,
    });
  }
  return [...acts.values()].sort((a, b) => a.logIndex - b.logIndex);
}

/** Filters of `eth_getLogs` that together find every transaction in which one of the wallets may have acted. */
export type ActFilter = {
  readonly address: readonly Address[];
  readonly topics: readonly (readonly string[] | null)[];
};

export const actFilters = (wallets: Iterable<Address>): ActFilter[] => {
  const address = [CONDITIONAL_TOKENS, POSITION_MANAGER];
  const events = [TRANSFER_SINGLE, TRANSFER_BATCH];
  return walletTopics([...wallets].sort()).flatMap((holders) => [
    { address, topics: [events, null, holders] },
    { address, topics: [events, null, null, holders] },
  ]);
};

/**
 * True for a transfer that an exchange made to settle a match, so that a transaction with no other ones need not be read
 * whole. Tokens that their owner himself sends to an exchange are not meant.
 */
export function isFillTransfer(log: RawLog, exchanges: ExchangeTable): boolean {
  const transfer = decodeTokenTransfer(log);
  if (transfer.kind === "refused") return false;
  const { operator, from, to } = transfer;
  const { byAddress } = exchanges;
  return byAddress.has(operator) || ((byAddress.has(from) || byAddress.has(to)) && operator !== from);
}

function readTransaction(logs: readonly TxLog[], exchanges: ExchangeTable): Transaction {
  const ledgers = new Set<string>(exchanges.rows.map((row) => row.ledger.address));
  const hops: Hop[] = [];
  const closings: Closing[] = [];
  const fills: OrderFilled[] = [];
  for (const log of [...logs].sort((a, b) => a.logIndex - b.logIndex)) {
    const address = log.address.toLowerCase();
    const [topic0] = log.topics;
    const { logIndex } = log;
    if (ledgers.has(address) && (topic0 === TRANSFER_SINGLE || topic0 === TRANSFER_BATCH)) {
      const transfer = decodeTokenTransfer(log);
      if (transfer.kind === "refused") {
        throw new ContractError("RPC_UNREADABLE", `a token transfer is ${transfer.code}: ${transfer.detail}`);
      }
      const { entries, kind: _, ...head } = transfer;
      for (const entry of entries) if (entry.sharesMicro > 0n) hops.push({ ...head, ...entry, logIndex });
    } else if (address === CONDITIONAL_TOKENS || address === NEG_RISK_ADAPTER) {
      const event = decodePositionEvent(log);
      if (event.kind === "refused") continue;
      closings.push({ ledger: address, kind: event.kind, stakeholder: event.stakeholder, logIndex });
    } else {
      const fill = decodeOrderFilled(log, exchanges);
      if (fill.kind === "orderFilled") fills.push(fill);
    }
  }
  return { hops, closings, fills, exchanges };
}

const movesOf = (hops: readonly Hop[], wallet: Address): Move[] =>
  hops.flatMap((hop) => [
    ...(hop.to === wallet ? [{ hop, direction: "in" as const, leftMicro: hop.sharesMicro }] : []),
    ...(hop.from === wallet ? [{ hop, direction: "out" as const, leftMicro: hop.sharesMicro }] : []),
  ]);

/**
 * Takes out of the moves what the wallet's own fills say. Moves by an exchange first; then others, because an exchange
 * may have its tokens moved by an adapter, or made for the buyer at once.
 */
function explainByFills(moves: readonly Move[], { fills, exchanges }: Transaction, wallet: Address): void {
  const unexplained = new Map<string, SharesMicro>();
  const keyOf = (tokenId: TokenId, direction: "in" | "out"): string => `${tokenId}|${direction}`;
  for (const fill of fills) {
    if (fill.maker !== wallet) continue;
    const key = keyOf(fill.tokenId, fill.side === "BUY" ? "in" : "out");
    unexplained.set(key, add(unexplained.get(key) ?? ZERO_SHARES, movedBy(fill)));
  }
  const isOfExchange = ({ hop }: Move): boolean =>
    [hop.operator, hop.from, hop.to].some((address) => exchanges.byAddress.has(address));
  const byExchange = moves.filter(isOfExchange);
  const others = moves.filter((move) => !isOfExchange(move) && move.hop.from !== move.hop.to);
  for (const move of [...byExchange, ...others]) {
    const key = keyOf(move.hop.tokenId, move.direction);
    const open = unexplained.get(key) ?? ZERO_SHARES;
    const explained = minAmount(open, move.leftMicro);
    move.leftMicro = subtract(move.leftMicro, explained);
    unexplained.set(key, subtract(open, explained));
  }
}

/** The tokens that a fill moved: a V1 buyer paid his fee in them. */
const movedBy = ({ sharesMicro: shares, feeMicro, feeUnit }: OrderFilled): SharesMicro =>
  feeUnit === "SHARES" ? subtractToZero(shares, sharesMicro(feeMicro)) : shares;

/** Which kinds of event can have made or taken tokens. */
const fits = {
  in: new Set<PositionEvent["kind"]>(["split", "convert"]),
  out: new Set<PositionEvent["kind"]>(["merge", "convert", "redeem"]),
};

function kindOf(move: Pick<Move, "hop" | "direction">, wallet: Address, tx: Transaction): ActKind {
  const { direction } = move;
  const way = wayOf(move, wallet, tx);
  const kind = way === null ? undefined : closingKind(way, tx);
  if (kind !== undefined && fits[direction].has(kind)) return kind;
  return direction === "in" ? "transferIn" : "transferOut";
}

/** The longest known way has two hops: wallet, collateral adapter, neg-risk adapter. */
const HOLDERS_MAX = 4;
type Way = {
  /** The wallet, and the adapters that held the tokens between it and their end. */
  readonly holders: readonly Address[];
  /** The hop that made or burnt them. */
  readonly end: Hop;
};

/** Follows the tokens through adapters to where they were burnt (out) or made (in); null when they just have another holder. */
function wayOf({ hop, direction }: Pick<Move, "hop" | "direction">, wallet: Address, tx: Transaction): Way | null {
  const holders: Address[] = [wallet];
  let at = hop;
  while (holders.length < HOLDERS_MAX) {
    const holder = direction === "out" ? at.to : at.from;
    if (holder === ZERO_ADDRESS || holder === NO_TOKEN_BURN_ADDRESS) return { holders, end: at };
    if (!ADAPTERS.has(holder) || holders.includes(holder)) return null;
    const isSame = (other: Hop): boolean => other.tokenId === at.tokenId && other.ledger === at.ledger;
    const next =
      direction === "out"
        ? tx.hops.find((other) => isSame(other) && other.logIndex > at.logIndex && other.from === holder)
        : tx.hops.findLast((other) => isSame(other) && other.logIndex < at.logIndex && other.to === holder);
    if (next === undefined) return null;
    holders.push(holder);
    at = next;
  }
  return null;
}

/**
 * What the event says that comes after tokens were made or burnt. Inside the neg-risk adapter the ledger's own event is
 * only a step (a conversion splits), and the adapter's event that follows names the act.
 */
function closingKind({ holders, end }: Way, { closings }: Transaction): PositionEvent["kind"] | undefined {
  const last = holders.at(-1);
  const ofAdapter = (after: number): Closing | undefined =>
    closings.find(
      ({ ledger, stakeholder, logIndex }) =>
        ledger === NEG_RISK_ADAPTER && logIndex > after && holders.includes(stakeholder),
    );
  if (end.to === NO_TOKEN_BURN_ADDRESS) {
    const closing = ofAdapter(end.logIndex);
    return closing?.kind === "convert" ? "convert" : undefined;
  }
  const closing = closings.find(
    ({ ledger, stakeholder, logIndex }) => ledger === end.ledger && stakeholder === last && logIndex > end.logIndex,
  );
  if (closing === undefined || last !== NEG_RISK_ADAPTER) return closing?.kind;
  return ofAdapter(closing.logIndex)?.kind ?? closing.kind;
}
