/**
 * What the log tells against what the chain holds: nothing missed, nothing doubled, nothing that never was. A fold of its
 * own, which knows nothing of the watcher's.
 */
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import type { FillSource } from "@slipstream/contracts/facts/chain";
import type { Address, LeaderFillId } from "@slipstream/contracts/ids";

/** An OrderFilled of a leader on the chain. Amounts in 1e-6 units. */
export type TrueFill = {
  readonly leader: Address;
  readonly role: "MAKER" | "TAKER";
  readonly side: "BUY" | "SELL";
  readonly tokenId: string;
  readonly sharesMicro: bigint;
  readonly usdcMicro: bigint;
  readonly feeMicro: bigint;
  readonly exchange: string;
  readonly orderHash: string;
  readonly txHash: string;
  readonly blockNumber: number;
  readonly blockHash: string;
  readonly logIndex: number;
};

type LeaderFill = FactOf<"LeaderFill">;
type Status = "SEEN" | "ON_CHAIN" | "REVERTED" | "RETRACTED";
type Life = {
  readonly first: LeaderFill;
  last: LeaderFill;
  status: Status;
  returned: boolean;
  confirmed: boolean;
  reverts: number;
};

export type Counts = {
  /** Leaders' fills on the chain. */
  onChain: number;
  firstBy: Record<FillSource, number>;
  /** Told by another source first, then shown by the chain. */
  confirmed: number;
  reverted: number;
  returned: number;
  retracted: number;
  disputed: number;
  /** Disputed although everything told of the same trade turned out to be true. */
  disputedInVain: number;
  sighted: number;
};
/** Each list holds a sentence per case; all are empty when the log is right. */
export type Verdict = {
  readonly counts: Counts;
  readonly missed: string[];
  readonly doubled: string[];
  readonly phantom: string[];
  readonly wrong: string[];
};

const place = ({
  blockHash,
  logIndex,
}: {
  readonly blockHash: string | null;
  readonly logIndex: number | null;
}): string => `${blockHash}:${logIndex}`;
const trade = (fill: Pick<TrueFill, "txHash" | "leader" | "tokenId" | "side" | "sharesMicro">): string =>
  `${fill.txHash}|${fill.leader}|${fill.tokenId}|${fill.side}|${fill.sharesMicro}`;

/** What a dispute is about. */
const side = ({ txHash, leader, tokenId, side: direction }: LeaderFill): string =>
  `${txHash}|${leader}|${tokenId}|${direction}`;

/**
 * @param facts - the whole log, in its order.
 * @param truth - all fills of the leaders on the canonical chain, from the block on from which they are followed.
 */
export function judge(facts: readonly Fact[], truth: readonly TrueFill[]): Verdict {
  const verdict: Verdict = { counts: emptyCounts(truth.length), missed: [], doubled: [], phantom: [], wrong: [] };
  const lives = foldLives(facts, verdict);
  compare(lives, truth, verdict);
  const { counts } = verdict;
  const untrue = new Set([...lives.values()].flatMap((life) => (life.status === "ON_CHAIN" ? [] : side(life.first))));
  for (const { first, status, returned, confirmed, reverts } of lives.values()) {
    counts.firstBy[first.source] += 1;
    counts.reverted += reverts;
    counts.confirmed += Number(confirmed);
    counts.returned += Number(returned);
    counts.retracted += Number(status === "RETRACTED");
    counts.disputedInVain += Number(first.disputed === true && !untrue.has(side(first)));
  }
  return verdict;
}

const emptyCounts = (onChain: number): Counts => ({
  onChain,
  firstBy: { chain: 0, data_api: 0, rtds: 0 },
  ...{ confirmed: 0, reverted: 0, returned: 0, retracted: 0, disputed: 0, disputedInVain: 0, sighted: 0 },
});

function foldLives(facts: readonly Fact[], verdict: Verdict): Map<LeaderFillId, Life> {
  const lives = new Map<LeaderFillId, Life>();
  const ids = new Set<string>();
  for (const fact of facts) {
    if (ids.has(fact.id)) verdict.doubled.push(`fact ${fact.id} stands twice in the log`);
    ids.add(fact.id);
    if (fact.type === "LeaderFill") applyFill(lives, fact, verdict);
    if (fact.type === "LeaderFillSighted") verdict.counts.sighted += 1;
    if (fact.type !== "LeaderFillReverted" && fact.type !== "LeaderFillRetracted") continue;
    const life = lives.get(fact.leaderFillId);
    if (life === undefined) verdict.wrong.push(`${fact.id} is about a fill that was never told`);
    else if (fact.type === "LeaderFillRetracted") life.status = "RETRACTED";
    else {
      if (life.status !== "ON_CHAIN") verdict.wrong.push(`${fact.id} takes back what is ${life.status}`);
      life.status = "REVERTED";
      life.reverts += 1;
    }
  }
  return lives;
}

function applyFill(lives: Map<LeaderFillId, Life>, fact: LeaderFill, { doubled, counts }: Verdict): void {
  const life = lives.get(fact.leaderFillId);
  if (fact.disputed === true) counts.disputed += 1;
  if (life === undefined) {
    if (fact.occurrence !== 0) doubled.push(`${fact.id} is the first telling of its fill and says it is not`);
    const status = fact.blockNumber === null ? "SEEN" : "ON_CHAIN";
    lives.set(fact.leaderFillId, { first: fact, last: fact, status, returned: false, confirmed: false, reverts: 0 });
    return;
  }
  if (fact.occurrence <= life.last.occurrence)
    doubled.push(`${fact.id} is told after occurrence ${life.last.occurrence}`);
  if (life.status === "ON_CHAIN") doubled.push(`${fact.id} is told while the fill stands`);
  if (life.status === "SEEN") life.confirmed = true;
  else life.returned = true;
  life.last = fact;
  life.status = fact.blockNumber === null ? "SEEN" : "ON_CHAIN";
}

function compare(lives: ReadonlyMap<LeaderFillId, Life>, truth: readonly TrueFill[], verdict: Verdict): void {
  const told = new Map<string, [LeaderFillId, Life][]>();
  const tellings = new Map<string, number>();
  const logs = new Map(truth.map((fill) => [place(fill), fill]));
  for (const [id, life] of lives) {
    // Whoever copies acts on each identity, also on one that is retracted later.
    if (life.first.disputed !== true) tellings.set(trade(life.first), (tellings.get(trade(life.first)) ?? 0) + 1);
    if (life.status === "RETRACTED") continue;
    const name = `fill ${id} (${life.last.source}, ${life.status}, transaction ${life.last.txHash})`;
    if (life.status !== "ON_CHAIN") verdict.phantom.push(`${name} was never settled`);
    else if (!logs.has(place(life.last))) verdict.phantom.push(`${name} is not in block ${life.last.blockNumber}`);
    else told.set(place(life.last), [...(told.get(place(life.last)) ?? []), [id, life]]);
  }
  const equals = new Map<string, number>();
  for (const fill of truth) {
    equals.set(trade(fill), (equals.get(trade(fill)) ?? 0) + 1);
    const name = `log ${fill.logIndex} of block ${fill.blockNumber} (${fill.leader}, transaction ${fill.txHash})`;
    const [first, ...others] = told.get(place(fill)) ?? [];
    if (first === undefined) verdict.missed.push(name);
    else verdict.wrong.push(...differences(first[1].last, fill).map((what) => `${name}: ${what}`));
    if (others.length > 0) verdict.doubled.push(`${name} is told as ${others.length + 1} fills`);
  }
  for (const [content, count] of equals) {
    const times = tellings.get(content) ?? 0;
    if (times > count) verdict.doubled.push(`${content} is on the chain ${count} times and was told ${times} times`);
  }
}

const compared = [
  ...(["leader", "role", "side", "tokenId", "sharesMicro", "usdcMicro", "feeMicro"] as const),
  ...(["exchange", "orderHash", "txHash", "blockNumber"] as const),
];

const differences = (told: LeaderFill, fill: TrueFill): string[] =>
  compared.flatMap((field) => (told[field] === fill[field] ? [] : `${field} is ${told[field]}, not ${fill[field]}`));

export const isClean = ({ missed, doubled, phantom, wrong }: Verdict): boolean =>
  missed.length + doubled.length + phantom.length + wrong.length === 0;
