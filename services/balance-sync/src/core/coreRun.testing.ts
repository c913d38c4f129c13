/**
 * The core on a log, in the hands of a test: it decides when a request is performed, when its answer arrives, and when
 * the process dies. Every snapshot is held against the chain at the block that it names.
 */
import type { FactMessage } from "@slipstream/actor/core";
import { type Fact, type FactOf, type Recorded, readFact, writeFact } from "@slipstream/contracts/facts";
import { AccountId, type Address, type Hash, type TokenId } from "@slipstream/contracts/ids";
import type { SharesMicro, UsdcMicro } from "@slipstream/contracts/money";
import { subjectOf } from "@slipstream/contracts/subjects";
import { CONDITIONAL_TOKENS, POSITION_MANAGER } from "@slipstream/polymarket/versions";
import { expect } from "vitest";
import { balanceSyncCore } from "./core.ts";
import { allowances, type ForkedChain, heldAt, ours, tokens } from "./forkedChain.testing.ts";
import type { BalanceSyncMessage, BalanceSyncRequest, BalanceSyncView, ReadBalances } from "./messages.ts";

export const account = AccountId.parse("live");
type Snapshot = FactOf<"BalanceSnapshot">;

/** What somebody knows who reads the facts as inventory does. */
export type Told = {
  readonly blockNumber: number;
  readonly blockHash: Hash | null;
  readonly sharesMicro: SharesMicro;
};

export type World = {
  readonly chain: ForkedChain;
  nowMs: number;
  nodeUp: boolean;
  indexUp: boolean;
  /** Blocks by which the index is late. */
  indexLag: number;
};

export function createCoreRun(world: World) {
  const log: Recorded[] = [];
  let state = balanceSyncCore.initial();
  let startedMs = world.nowMs;
  let requests: BalanceSyncRequest[] = [];
  let answers: BalanceSyncMessage[] = [];
  const told = new Map<string, Told>();
  let money: { readonly blockNumber: number; readonly micro: UsdcMicro } | null = null;
  let degraded = false;
  const indexSaid = new Set<string>();
  const complete = new Map<Address, ReadonlySet<TokenId>>();

  const view = (): BalanceSyncView => ({
    nowMs: world.nowMs,
    startedMs,
    own: [{ address: ours, account, tokens: tokens.slice(0, 2) }],
    phase: "authoritative",
    ledgerOf: (tokenId) => (tokenId === tokens[1] ? POSITION_MANAGER : CONDITIONAL_TOKENS),
    market: () => null,
  });

  const listen = (fact: Snapshot): void => {
    if (fact.holder.kind !== "wallet") throw new Error("there are no paper purses here");
    const { address } = fact.holder;
    hold(world.chain, fact, address, indexSaid);
    for (const { tokenId, sharesMicro } of fact.balances) {
      const known = told.get(`${address}.${tokenId}`);
      // Nothing that is older than what was told, unless a reorg took that back.
      if (known !== undefined && !fact.afterReorg) expect(fact.blockNumber).toBeGreaterThanOrEqual(known.blockNumber);
      told.set(`${address}.${tokenId}`, { blockNumber: fact.blockNumber, blockHash: fact.blockHash, sharesMicro });
    }
    if (fact.complete) {
      expect([fact.part, fact.parts]).toEqual([1, 1]);
      complete.set(address, new Set(fact.balances.filter(({ sharesMicro }) => sharesMicro > 0n).map((b) => b.tokenId)));
    }
    if (address !== ours) return expect(fact.degraded).toBeUndefined();
    degraded = fact.degraded === true;
    const isIndexs = tokens.some((tokenId) => told.get(`${address}.${tokenId}`)?.blockHash === null);
    expect(degraded).toBe(isIndexs || fact.source === "api");
    if (fact.collateralMicro === null) return;
    if (!fact.afterReorg) expect(fact.blockNumber).toBeGreaterThanOrEqual(money?.blockNumber ?? 0);
    money = { blockNumber: fact.blockNumber, micro: fact.collateralMicro };
  };
  const append = (fact: Fact): void => {
    const reading = readFact(writeFact(fact));
    if (reading.kind !== "fact") throw new Error(`${fact.type} cannot be read back`);
    const recorded = { seq: log.length + 1, subject: subjectOf(fact), fence: 0, fact: reading.fact };
    log.push(recorded);
    state = balanceSyncCore.evolve(state, recorded);
    if (reading.fact.type === "BalanceSnapshot") listen(reading.fact);
    post({ type: "Fact", recorded });
  };
  const post = (message: BalanceSyncMessage | FactMessage): void => {
    if (message.type === "IndexRead") {
      for (const { tokenId, sharesMicro } of message.holdings) indexSaid.add(`${tokenId}=${sharesMicro}`);
    }
    for (const chain of balanceSyncCore.route(state, view(), message)) {
      const decision = balanceSyncCore.decide(state, view(), message, chain);
      for (const fact of decision.facts) {
        expect(subjectOf(fact)).toBe(chain);
        append(fact);
      }
      requests.push(...decision.requests);
    }
  };

  return {
    append,
    post,
    told: (wallet: Address, tokenId: TokenId): Told | null => told.get(`${wallet}.${tokenId}`) ?? null,
    /** What the last complete snapshot lists that is not empty. */
    complete: (wallet: Address): ReadonlySet<TokenId> => complete.get(wallet) ?? new Set(),
    money: (): UsdcMicro | null => money?.micro ?? null,
    degraded: (): boolean => degraded,
    facts: (): number => log.length,
    /** The oldest request sees the world as it is now; its answer is under way. */
    perform: (): boolean => {
      const request = requests.shift();
      if (request === undefined) return false;
      const answer = answerOf(world, request);
      if (answer !== null) answers.push(answer);
      return true;
    },
    /** One of the answers arrives, not always the oldest. */
    deliver: (which: number): boolean => {
      const [answer] = answers.splice(which % Math.max(1, answers.length), 1);
      if (answer !== undefined) post(answer);
      return answer !== undefined;
    },
    /** Dies with all that is under way, folds the log and asks what is owed. */
    restart: (): void => {
      requests = [];
      answers = [];
      startedMs = world.nowMs;
      const folded = log.reduce(
        (before, recorded) => balanceSyncCore.evolve(before, recorded),
        balanceSyncCore.initial(),
      );
      expect(folded).toEqual(state);
      state = folded;
      for (const message of balanceSyncCore.owed(state, view())) post(message);
    },
  };
}
export type CoreRun = ReturnType<typeof createCoreRun>;

/** A snapshot of the chain says what the chain says at its block; one of the index says what the index said. */
function hold(chain: ForkedChain, fact: Snapshot, address: Address, indexSaid: ReadonlySet<string>): void {
  expect(fact.account).toBe(address === ours ? account : undefined);
  if (fact.source === "api") {
    expect([address, fact.blockHash, fact.degraded, fact.collateralMicro]).toEqual([ours, null, true, null]);
    for (const { tokenId, sharesMicro } of fact.balances) expect(indexSaid).toContain(`${tokenId}=${sharesMicro}`);
    return;
  }
  const block = fact.blockHash === null ? null : chain.byHash(fact.blockHash);
  if (block === null) throw new Error("a snapshot names a block that never was");
  expect(fact.blockNumber).toBe(block.number);
  for (const { tokenId, sharesMicro, ledger } of fact.balances) {
    expect([tokenId, sharesMicro]).toEqual([tokenId, heldAt(block, address, tokenId)]);
    expect(ledger).toBe(tokenId === tokens[1] ? POSITION_MANAGER : undefined);
  }
  if (fact.collateralMicro !== null) expect([address, fact.collateralMicro]).toEqual([ours, block.money]);
}

function answerOf(world: World, request: BalanceSyncRequest): BalanceSyncMessage | null {
  switch (request.type) {
    case "ReadBalances":
      return world.nodeUp ? readChain(world.chain, request) : { type: "NodesSilent" };
    case "ReadResolutions":
      return null;
    case "ReadIndex": {
      const holdings = listedBy(world);
      return holdings === null ? null : { type: "IndexRead", address: request.address, tsMs: world.nowMs, holdings };
    }
    case "CompareWallet": {
      const known = new Set(request.pairs.map(({ tokenId }) => tokenId));
      const listed = listedBy(world)?.filter(({ tokenId }) => !known.has(tokenId)) ?? [];
      if (!world.nodeUp || listed.length === 0) return null;
      return { type: "TokensListed", address: request.address, tokenIds: listed.map(({ tokenId }) => tokenId) };
    }
  }
}

function readChain(chain: ForkedChain, { verify, pairs, purses, ...request }: ReadBalances): BalanceSyncMessage {
  const block = chain.head();
  if (verify !== null) {
    const there = chain.at(verify.blockNumber);
    if (there === null) return { type: "NodesSilent" };
    if (there.hash !== verify.blockHash) return { type: "TipGone", tip: verify };
  }
  return {
    type: "BalancesRead",
    block: { blockNumber: block.number, blockHash: block.hash, tsMs: block.number },
    source: request.source,
    readings: pairs.map((pair) => ({ ...pair, sharesMicro: heldAt(block, pair.owner, pair.tokenId) })),
    purses: purses.map((owner) => ({ owner, collateralMicro: block.money, allowances })),
    complete: request.complete,
    afterReorg: request.afterReorg,
  };
}

/** Late, and without what is empty. */
function listedBy({ chain, indexUp, indexLag }: World) {
  const block = chain.at(Math.max(0, chain.head().number - indexLag));
  if (!indexUp || block === null) return null;
  return tokens
    .map((tokenId) => ({ tokenId, sharesMicro: heldAt(block, ours, tokenId) }))
    .filter(({ sharesMicro }) => sharesMicro > 0n);
}
