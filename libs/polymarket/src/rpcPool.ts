/**
 * Several providers of nodes as one.
 *
 * 1. All calls of one cycle of reading go to one node, picked at its start: tips of one and logs of another do not fit.
 * 2. There is always a pick: when all are bad, the least bad.
 * 3. The one in use is kept until another is clearly better; differences of some milliseconds are chance.
 * 4. Providers that are not in use are known by `probe`; without it nobody would see that the one in use lags.
 * 5. Errors and changes name providers by host alone.
 */
import { InvariantError, TransientError } from "@slipstream/contracts/errors";
import { withoutPaths } from "@slipstream/contracts/urls";
import {
  afterAnswer,
  afterFailure,
  afterHead,
  afterLie,
  costOf,
  type HealthPolicy,
  healthPolicy,
  isResting,
  type ProviderHealth,
  type ProviderState,
  rankOf,
  stateOf,
  unknownHealth,
} from "./providerHealth.ts";
import { type HttpRpcOptions, hostOf, httpRpc, type RpcReader } from "./rpc.ts";
import { rpcFaultOf } from "./rpcFaults.ts";

export type RpcProvider = { readonly name: string; readonly rpc: RpcReader };

export type ProviderChange = {
  readonly provider: string;
  readonly from: ProviderState;
  readonly to: ProviderState;
  /** Why, for people. */
  readonly detail: string;
};

export type ProviderStatus = {
  readonly name: string;
  readonly state: ProviderState;
  readonly inUse: boolean;
  readonly head: number | null;
  /** Blocks behind the best head known; null before its first. */
  readonly lagBlocks: number | null;
  readonly latencyMs: number | null;
  readonly failuresInRow: number;
  readonly lies: number;
};

export type RpcPoolOptions = {
  /** At least one, in the order of preference; names differ. */
  readonly providers: readonly RpcProvider[];
  readonly steadyMs: () => number;
  readonly policy?: Partial<HealthPolicy>;
  readonly onChange?: (change: ProviderChange) => void;
};

export type RpcPool = RpcReader & {
  /**
   * Returns the best provider, for one cycle. Calls through its `rpc` are counted by themselves: how long they took and
   * whether they failed; only heads and lies are to be told.
   */
  pick(): RpcProvider;
  /** All others, the best first: to ask for a second opinion. */
  others(name: string): readonly RpcProvider[];
  /** A head that the provider gave as its newest. */
  sawHead(name: string, head: number): void;
  /** The provider gave what is proved to be wrong, or left out what it has. */
  lied(name: string, detail: string): void;
  /** For what does not go through `pick().rpc`, as a socket; @param tookMs - null: do not count the time. */
  succeeded(name: string, tookMs: number | null): void;
  failed(name: string, error: unknown): void;
  /** Asks each provider for its head that has not told one lately; their failures are counted and not thrown. */
  probe(): Promise<void>;
  status(): readonly ProviderStatus[];
};

/** Another must cost less than this part of the one in use. */
const CLEARLY_BETTER = 0.7;
/** A head older than this is asked for by a probe. */
const PROBE_AFTER_MS = 5_000;
/** A head older than this is no measure for others. */
const HEAD_STALE_MS = 60_000;
const DETAIL_MAX = 200;

/** Names each node by its host; a second one of the same host gets a number. */
export function httpProviders(urls: readonly string[], options: HttpRpcOptions): RpcProvider[] {
  const seen = new Map<string, number>();
  return urls.map((url) => {
    const host = hostOf(url);
    const count = (seen.get(host) ?? 0) + 1;
    seen.set(host, count);
    return { name: count === 1 ? host : `${host}#${count}`, rpc: httpRpc(url, options) };
  });
}

type Entry = { readonly provider: RpcProvider; health: ProviderHealth; shown: ProviderState };

export function createRpcPool(options: RpcPoolOptions): RpcPool {
  const { steadyMs } = options;
  const roster = createRoster(options);
  const { policy, entries, update } = roster;
  let [inUse] = entries;
  const ordered = (): Entry[] => roster.ordered(inUse);

  const sawHead = (name: string, head: number): void => {
    // Its own head before is no measure: after a reset of the chain all heads go back.
    const bestHead = Math.max(head, roster.bestHead(name) ?? head);
    const change = (health: ProviderHealth): ProviderHealth =>
      afterHead(health, policy, { head, bestHead, nowMs: steadyMs() });
    update(name, change, (before) => `its head is ${head} after ${before.head}, the best is ${bestHead}`);
  };

  return {
    pick: () => {
      inUse = ordered()[0] ?? inUse;
      return inUse.provider;
    },
    others: (name) => ordered().flatMap(({ provider }) => (provider.name === name ? [] : provider)),
    call: (method, params) => callAnywhere(ordered(), method, params),
    sawHead,
    lied: (name, detail) =>
      update(
        name,
        (health) => afterLie(health, policy, steadyMs()),
        () => detail,
      ),
    succeeded: roster.succeeded,
    failed: roster.failed,
    probe: async () => {
      const nowMs = steadyMs();
      const isDue = ({ health }: Entry): boolean => health.head === null || nowMs - health.headAtMs >= PROBE_AFTER_MS;
      const due = entries.filter((entry) => isDue(entry) && !isResting(entry.health, policy, nowMs));
      await Promise.all(due.map(({ provider }) => probeHead(provider, sawHead)));
    },
    status: () => {
      const best = roster.bestHead();
      return entries.map(({ provider, health }) => ({
        name: provider.name,
        state: stateOf(health, policy, steadyMs()),
        inUse: provider === inUse.provider,
        head: health.head,
        lagBlocks: health.head === null || best === null ? null : Math.max(0, best - health.head),
        latencyMs: health.latencyMs,
        failuresInRow: health.failuresInRow,
        lies: health.lies,
      }));
    },
  };
}

type Roster = {
  readonly policy: HealthPolicy;
  readonly entries: readonly [Entry, ...Entry[]];
  /** Changes what is known of one and tells when its state is another one for it; names that are not known are ignored. */
  update(
    name: string,
    change: (health: ProviderHealth) => ProviderHealth,
    why: (before: ProviderHealth) => string,
  ): void;
  succeeded(name: string, tookMs: number | null): void;
  failed(name: string, error: unknown): void;
  /** Of all but one; null: none is known that counts. */
  bestHead(except?: string): number | null;
  /** The best first. */
  ordered(inUse: Entry): Entry[];
};

function createRoster({ providers, steadyMs, policy: given, onChange }: RpcPoolOptions): Roster {
  const policy: HealthPolicy = { ...healthPolicy, ...given };
  const entryOf = ({ name, rpc }: RpcProvider): Entry => {
    const counted = countedReader(rpc, {
      steadyMs,
      succeeded: (ms) => succeeded(name, ms),
      failed: (error) => failed(name, error),
    });
    return { provider: { name, rpc: counted }, health: unknownHealth, shown: "HEALTHY" };
  };
  const [first, ...rest] = providers.map(entryOf);
  if (first === undefined) throw new InvariantError("a pool of nodes needs one at least");
  const entries = [first, ...rest] as const;

  const show = (entry: Entry, detail: string): void => {
    const to = stateOf(entry.health, policy, steadyMs());
    const from = entry.shown;
    if (to === from) return;
    entry.shown = to;
    onChange?.({ provider: entry.provider.name, from, to, detail: withoutPaths(detail).slice(0, DETAIL_MAX) });
  };
  const update: Roster["update"] = (name, change, why) => {
    const entry = entries.find(({ provider }) => provider.name === name);
    if (entry === undefined) return;
    const before = entry.health;
    entry.health = change(before);
    show(entry, why(before));
  };
  const succeeded: Roster["succeeded"] = (name, tookMs) =>
    update(
      name,
      (health) => afterAnswer(health, tookMs),
      () => "it answers again",
    );
  const failed: Roster["failed"] = (name, error) =>
    update(
      name,
      (health) => afterFailure(health, policy, steadyMs()),
      () => textOf(error),
    );
  const bestHead: Roster["bestHead"] = (except) => {
    const nowMs = steadyMs();
    const heads = entries.flatMap(({ provider, health }) => {
      const isStale = nowMs - health.headAtMs > HEAD_STALE_MS;
      const counts = provider.name !== except && !isStale && stateOf(health, policy, nowMs) !== "QUARANTINED";
      return counts && health.head !== null ? health.head : [];
    });
    return heads.length === 0 ? null : Math.max(...heads);
  };
  const ordered: Roster["ordered"] = (inUse) => {
    const nowMs = steadyMs();
    const best = bestHead();
    for (const entry of entries) show(entry, "its time is over");
    const ranked = entries.map((entry) => ({
      entry,
      rank: rankOf(entry.health, policy, nowMs),
      cost: costOf(entry.health, best, nowMs) * (entry === inUse ? CLEARLY_BETTER : 1),
    }));
    return ranked.sort((a, b) => a.rank - b.rank || a.cost - b.cost).map(({ entry }) => entry);
  };
  return { policy, entries, update, succeeded, failed, bestHead, ordered };
}

/** How long these take says how far a node is; logs and receipts take as long as they are long. */
const smallCalls = new Set(["eth_blockNumber", "eth_getBlockByNumber", "eth_getBlockByHash", "eth_call"]);

/** The same reader; each call is reported. */
function countedReader(
  rpc: RpcReader,
  to: { steadyMs: () => number; succeeded: (tookMs: number | null) => void; failed: (error: unknown) => void },
): RpcReader {
  return {
    call: async (method, params) => {
      const startMs = to.steadyMs();
      try {
        const result = await rpc.call(method, params);
        to.succeeded(smallCalls.has(method) ? to.steadyMs() - startMs : null);
        return result;
      } catch (error) {
        if (isItsFault(error)) to.failed(error);
        else to.succeeded(null);
        throw error;
      }
    },
  };
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A no that says nothing of the provider's health: the request was too much, or every node refuses it. */
function isItsFault(error: unknown): boolean {
  const { kind } = rpcFaultOf(error);
  return kind !== "tooLarge" && kind !== "reverted" && kind !== "unsupported";
}

/** Each provider once, the best first. @throws what the only one threw, else TransientError naming all. */
async function callAnywhere(order: readonly Entry[], method: string, params?: readonly unknown[]): Promise<unknown> {
  const failures: Error[] = [];
  for (const { provider } of order) {
    try {
      return await provider.rpc.call(method, params);
    } catch (error) {
      if (!(error instanceof Error) || rpcFaultOf(error).kind === "reverted") throw error;
      failures.push(error);
    }
  }
  const [only] = failures;
  if (only !== undefined && failures.length === 1) throw only;
  const all = failures.map((error, index) => `${order[index]?.provider.name}: ${error.message}`).join("; ");
  throw new TransientError("RPC_UNREACHABLE", withoutPaths(`${method}: no node answered: ${all}`), { cause: only });
}

async function probeHead(provider: RpcProvider, sawHead: RpcPool["sawHead"]): Promise<void> {
  try {
    const answer = await provider.rpc.call("eth_blockNumber");
    // Of null, "" or [] a number would be 0, and a node at 0 has lost its chain.
    const head = typeof answer === "string" && answer.startsWith("0x") ? Number(answer) : Number.NaN;
    if (Number.isSafeInteger(head)) sawHead(provider.name, head);
  } catch {
    // Counted by its reader.
  }
}
