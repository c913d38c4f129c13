/**
 * A small world for the property of `stranding.property.test.ts`: two leaders who move both tokens of a market, a chain that
 * tells of it late and in disorder, an inventory and a venue that answer as they like.
 */
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import { type Address, factId, shardOf, type TokenId } from "@slipstream/contracts/ids";
import type { SharesMicro } from "@slipstream/contracts/money";
import {
  balance,
  configFact,
  denial,
  grant,
  hash,
  leader,
  leaderFill,
  loss,
  only,
  policyFact,
  price,
  quote,
  riskFact,
  shares,
  tokenId,
  usdc,
} from "./facts.testing.ts";
import type { AwaitBook } from "./messages.ts";
import { isMayBeAtVenue, leavesOf, type OrderState } from "./orders.ts";
import { openOrders } from "./state.ts";
import { leaderAct, tick } from "./stories.testing.ts";
import { goodStory, type Story } from "./story.testing.ts";
import type { Did, Run, Step } from "./strandingSteps.testing.ts";

export const no = "8" as TokenId;
const second = `0x${"22".repeat(20)}` as Address;
export const leaders = [leader, second] as const;
export const tokens = [tokenId, no] as const;

type Told = {
  readonly atStep: number;
  readonly order: number;
  readonly fact: FactOf<"LeaderFill" | "LeaderAct">;
  readonly block: number;
};
/** In whole shares. */
const halfOf = (size: SharesMicro): SharesMicro => shares(Math.ceil(Number(size) / 2e6));
const fees = { feeMicro: usdc(0), liquiditySide: "taker" as const };
export const key = (who: Address, of: TokenId): string => `${who}|${of}`;

export class World {
  readonly story: Story;
  readonly held = new Map<string, number>();
  /** What he had at the end of each block. */
  readonly blocks: Map<string, number>[] = [];
  readonly bought = new Map<string, number>();
  readonly gave = new Set<string>();
  readonly kept = new Set<Address>();
  readonly closed = new Set<Address>();
  private queue: Told[] = [];
  private readonly fills: FactOf<"LeaderFill">[] = [];
  private readonly answered = new Set<string>();
  private logIndex = 0;
  private at = 0;
  private risks = 1;
  private asked = 0;
  private ghosts: { readonly atStep: number; readonly fact: Fact }[] = [];
  private waits: AwaitBook[] = [];
  /** The block that more may still be put in. */
  private open = -1;
  /** Every act up to this block is told. */
  private cursor = 99;
  private readonly of: Run;

  constructor(of: Run) {
    this.of = of;
    this.story = goodStory({}, "silent");
    const huge = usdc(1e9);
    const caps = { orderUsdcMicro: huge, tokenUsdcMicro: huge, grossUsdcMicro: huge, openPositionsMax: 10 };
    this.story.tell(
      policyFact({ caps, onRetract: "exit" }, 2),
      configFact(`leaders.${second}`, 1, { leader: second, enabled: true }),
    );
    this.book(true);
    for (const who of leaders) for (const of_ of tokens) this.held.set(key(who, of_), of.before * 10);
    this.blocks.push(new Map(this.held));
    if (of.read) for (const who of [0, 1] as const) this.read(who, 0);
  }

  get head(): number {
    return 100 + this.blocks.length - 1;
  }

  step(step: Step): void {
    this.at += 1;
    const isMove = "sameBlock" in step;
    if (!isMove || !step.sameBlock || this.open !== this.head) this.mine();
    this.open = isMove ? this.head : -1;
    switch (step.do) {
      case "pass":
        this.story.view.nowMs += step.ms;
        break;
      case "read":
        this.read(step.who, step.back);
        break;
      case "risk":
        this.risks += 1;
        this.story.tell(riskFact(step.level, this.risks));
        break;
      case "book":
        this.book(step.isThere);
        break;
      case "venue":
        this.venue(step.pick, step.how);
        break;
      case "answer":
        this.answer(step.how, 1);
        break;
      case "ghost":
        this.ghost(step);
        break;
      case "reorg":
        this.reorg(step.pick, step.late);
        break;
      case "remove":
        this.remove(step.who, step.when);
        break;
      default:
        this.move(step);
    }
    this.settle();
  }

  private mine(): void {
    this.blocks.push(new Map(this.held));
    this.logIndex = 0;
  }

  /** What follows by itself. */
  private settle(): void {
    this.tellDue();
    for (let round = 0; round < 3; round++) {
      if (this.of.grants) this.answer("grant", 99);
      if (this.of.fills) this.fillOpen(() => true);
      tick(this.story, 50);
      this.books();
    }
  }

  private book(isThere: boolean): void {
    const { view } = this.story;
    view.quote = isThere ? { ...quote, bestBidMicro: price(0.5) } : null;
    view.otherQuote = view.quote;
  }

  /** As the shell does: who waits for a book decides when it is there, or has been waited for long enough. */
  private books(): void {
    const { view, requests } = this.story;
    for (let rounds = 0; ; rounds++) {
      this.waits.push(...requests.slice(this.asked).filter((one) => one.type === "AwaitBook"));
      this.asked = requests.length;
      const due = this.waits.filter(({ untilMs }) => view.quote !== null || view.nowMs >= untilMs);
      if (due.length === 0) return;
      if (rounds > 100) throw new Error("a decision waits for ever");
      this.waits = this.waits.filter((one) => !due.includes(one));
      for (const { account, leaderFillId, sinceMs } of due) {
        this.story.say({ type: "DecideFill", account, leaderFillId, sinceMs });
      }
    }
  }

  private read(who: 0 | 1, back: number): void {
    const block = Math.max(0, this.blocks.length - 1 - back);
    const at = this.blocks[block];
    const holder = { kind: "wallet" as const, address: leaders[who] };
    const balances = tokens.map((of) => ({ tokenId: of, sharesMicro: shares(at?.get(key(leaders[who], of)) ?? 0) }));
    this.story.tell(balance(100 + block, 0, { holder, balances }));
  }

  private tellDue(upTo = this.at, finality = this.of.finality): void {
    const isFill = ({ fact }: Told): boolean => fact.type === "LeaderFill";
    const inOrder = (a: Told, b: Told): number => a.atStep - b.atStep || a.block - b.block || a.order - b.order;
    this.tellAll(this.queue.filter((one) => isFill(one) && one.atStep <= upTo).sort(inOrder));
    // A cursor passes only blocks of which everything is told, and then their acts are.
    const late = this.queue.filter((one) => isFill(one) || one.atStep > upTo).map(({ block }) => block - 1);
    this.cursor = Math.max(this.cursor, Math.min(this.head - finality, ...late));
    const acts = this.queue.filter((one) => !isFill(one) && one.block <= this.cursor);
    this.tellAll(acts.sort((a, b) => a.block - b.block || a.order - b.order));
    this.progress();
    for (const { atStep, fact } of this.ghosts) if (atStep <= upTo) this.story.tell(fact);
    this.ghosts = this.ghosts.filter(({ atStep }) => atStep > upTo);
  }

  private tellAll(due: readonly Told[]): void {
    this.queue = this.queue.filter((one) => !due.includes(one));
    for (const { fact } of due) this.story.tell(fact);
  }

  private progress(): void {
    const { head, cursor } = this;
    const id = factId("ChainProgress", String(cursor));
    const times = { tsEventMs: 1, tsInitMs: 1 };
    const tips = { head, headHash: hash(head), headTsMs: 1 };
    const final = { finalized: cursor, finalizedHash: hash(cursor), openGaps: 0 };
    for (const who of leaders) {
      this.story.tell({ type: "ChainProgress", v: 1, id, ...times, shard: shardOf(who), ...tips, ...final, cursor });
    }
  }

  private move(did: Did): void {
    const who = leaders[did.who];
    const isOut = did.do === "sell" || did.do === "merge" || did.do === "transferOut" || did.do === "convert";
    const of = did.do === "convert" ? no : tokens[did.token];
    const both = did.do === "split" || did.do === "merge";
    const has = (one: TokenId): number => this.held.get(key(who, one)) ?? 0;
    const most = both ? Math.min(has(tokenId), has(no)) : has(of);
    const amount = isOut ? Math.floor((most * Math.min(4, did.size)) / 4) : did.size * 10;
    if (amount === 0) return;
    this.logIndex += 1;
    for (const one of both ? tokens : [of]) this.held.set(key(who, one), has(one) + (isOut ? -amount : amount));
    if (isOut || did.do === "split") for (const one of tokens) this.gave.add(key(who, one));
    this.blocks[this.blocks.length - 1] = new Map(this.held);
    const other = of === no ? tokenId : no;
    const copied = did.do === "buy" ? of : did.do === "sell" ? other : null;
    if (copied !== null) this.bought.set(key(who, copied), (this.bought.get(key(who, copied)) ?? 0) + amount);
    if (did.do === "buy" || did.do === "sell") this.trade(did, { who, of, amount });
    else this.act(did.do, did, { who, of: both ? tokens : [of], amount });
  }

  private get place() {
    const { head: blockNumber, logIndex } = this;
    return { blockNumber, blockHash: hash(blockNumber), logIndex, txHash: hash(blockNumber * 1_000 + logIndex) };
  }

  private trade(did: Did, { who, of, amount }: { who: Address; of: TokenId; amount: number }): void {
    const { nowMs } = this.story.view;
    const times = { tsEventMs: nowMs, tsInitMs: nowMs, tsSeenMs: nowMs };
    const side = did.do === "buy" ? ("BUY" as const) : ("SELL" as const);
    const n = this.head * 1_000 + this.logIndex;
    const { place } = this;
    const size = { sharesMicro: shares(amount), usdcMicro: usdc(amount / 2), orderHash: place.txHash };
    const about = { ...times, leader: who, tokenId: of, side, ...size };
    const fact = leaderFill(n, { ...about, ...place, occurrence: did.early ? 1 : 0 });
    const nowhere = { blockNumber: null, blockHash: null, logIndex: null };
    if (did.early) this.story.tell(leaderFill(n, { ...about, ...place, ...nowhere }));
    this.fills.push(fact);
    this.queue.push({ atStep: this.at + did.late, order: this.logIndex, fact, block: this.head });
  }

  private act(
    act: FactOf<"LeaderAct">["act"],
    did: Did,
    { who, of, amount }: { who: Address; of: readonly TokenId[]; amount: number },
  ) {
    const { nowMs } = this.story.view;
    const times = { tsEventMs: nowMs, tsInitMs: nowMs };
    for (const [n, one] of of.entries()) {
      const fact = { ...leaderAct(0, act, amount), ...times, ...this.place, leader: who, tokenId: one };
      const id = factId("LeaderAct", `${fact.txHash}.${one}`);
      const order = this.logIndex * 4 + (did.swapped ? -n : n);
      this.queue.push({ atStep: this.at + did.late, order, fact: { ...fact, id }, block: this.head });
    }
  }

  private reorg(pick: number, late: number): void {
    const queued = new Set(this.queue.map(({ fact }) => fact));
    const young = this.fills.filter((fill) => !queued.has(fill) && (fill.blockNumber ?? 0) > this.cursor);
    const fill = young[pick % Math.max(1, young.length)];
    if (fill === undefined) return;
    this.story.tell({ ...loss("LeaderFillReverted", fill), leader: fill.leader, tokenId: fill.tokenId });
    const occurrence = fill.occurrence + 1;
    const back = { ...fill, occurrence, id: factId("LeaderFill", fill.leaderFillId, occurrence) };
    this.fills.splice(this.fills.indexOf(fill), 1, back);
    this.queue.push({ atStep: this.at + late, order: fill.logIndex ?? 0, fact: back, block: fill.blockNumber ?? 0 });
  }

  private ghost({ who, token, isSale, late }: Extract<Step, { do: "ghost" }>): void {
    const { nowMs } = this.story.view;
    const [by, of] = [leaders[who], tokens[token]];
    const times = { tsEventMs: nowMs, tsInitMs: nowMs, tsSeenMs: nowMs };
    const nowhere = { blockNumber: null, blockHash: null, logIndex: null, orderHash: null };
    const about = { ...times, leader: by, tokenId: of, side: isSale ? ("SELL" as const) : ("BUY" as const) };
    const fill = leaderFill(this.head * 1_000 + 999, { ...about, ...nowhere });
    this.story.tell(fill);
    if (!isSale) this.bought.set(key(by, of), (this.bought.get(key(by, of)) ?? 0) + 100);
    this.gave.add(key(by, of));
    const fact = { ...loss("LeaderFillRetracted", fill), leader: by, tokenId: of };
    this.ghosts.push({ atStep: this.at + late, fact });
  }

  private remove(who: 0 | 1, when: "follow" | "close" | "keep"): void {
    const address = leaders[who];
    if (when === "keep") this.kept.add(address);
    if (when === "close") this.closed.add(address);
    const fact = configFact(`leaders.${address}`, 2, { leader: address, enabled: false, whenRemoved: when });
    this.story.tell({ ...fact, tsInitMs: this.story.view.nowMs });
  }

  private answer(how: "grant" | "part" | "deny", most: number): void {
    const open = only(this.story.own, "OrderIntent").filter(({ orderId }) => !this.answered.has(orderId));
    for (const intent of open.slice(0, most)) {
      this.answered.add(intent.orderId);
      if (how === "deny") this.story.tell(denial(intent));
      else this.story.tell(how === "grant" ? grant(intent) : grant(intent, halfOf(intent.sizeMicro)));
    }
  }

  private atVenue(): OrderState[] {
    return [...openOrders(this.story.state())].filter(isMayBeAtVenue);
  }

  private venue(pick: number, how: "fill" | "part" | "expired" | "canceled"): void {
    const open = this.atVenue();
    const order = open[pick % Math.max(1, open.length)];
    if (order === undefined) return;
    if (how === "expired" || how === "canceled") this.end(order, how);
    else this.fill(order, how === "fill" ? leavesOf(order) : halfOf(leavesOf(order)));
  }

  private fill(order: OrderState, sizeMicro: SharesMicro): void {
    const { orderId, tokenId: of, trades } = order;
    const fill = { kind: "fill" as const, orderId, tokenId: of, atMs: this.story.view.nowMs, n: trades.size };
    const money = { priceMicro: price(0.5), usdcMicro: usdc(Number(sizeMicro) / 2e6), sizeMicro };
    this.story.say({ type: "VenueReport", orderId, events: [{ ...fill, ...money, ...fees }] });
  }

  private end({ orderId, tokenId: of }: OrderState, kind: "expired" | "canceled"): void {
    const event = { kind, orderId, tokenId: of, atMs: this.story.view.nowMs };
    this.story.say({ type: "VenueReport", orderId, events: [event] });
  }

  private fillOpen(isOf: (order: OrderState) => boolean): void {
    for (const order of this.atVenue()) if (isOf(order)) this.fill(order, leavesOf(order));
  }

  /** Everything is told and final, balances are read, and the book buys everything. */
  finish(): void {
    this.book(true);
    this.mine();
    this.tellDue(Number.MAX_SAFE_INTEGER, 0);
    for (const who of [0, 1] as const) this.read(who, 0);
    this.risks += 1;
    this.story.tell(riskFact("normal", this.risks));
    for (let round = 0; round < 40; round++) {
      this.answer("grant", 99);
      this.fillOpen(({ kind }) => kind === "EXIT" || (this.of.fillsLate && round === 0));
      for (const order of this.atVenue()) this.end(order, order.cancelReason === null ? "expired" : "canceled");
      tick(this.story, round < 20 ? 1_000 : 60_000);
      this.books();
    }
  }
}
