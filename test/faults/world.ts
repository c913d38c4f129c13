/** A chain with several nodes, the venue's lists of trades, a bus, and watchers as processes of their own. */
import { join } from "node:path";
import { type Bus, connectBus } from "@slipstream/actor/bus";
import { publishMarket } from "@slipstream/actor/markets";
import type { RunningProcess } from "@slipstream/actor/process";
import { provision } from "@slipstream/actor/provision";
import type { FactOf } from "@slipstream/contracts/facts";
import { type Address, factId, type Hash, shardOf } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { parseShares, parseUsdc, priceMicro } from "@slipstream/contracts/money";
import { startSandboxChain } from "@slipstream/sandbox/chain/chain";
import type { ChainMarket, ChainNode, SandboxChain, SandboxWallet } from "@slipstream/sandbox/chain/types";
import { deriveWallet } from "@slipstream/sandbox/chain/wallets";
import { venueMarket, type WorldMarket } from "@slipstream/sandbox/markets";
import { createDataFaults, type DataFaults } from "@slipstream/sandbox/venue/dataFaults";
import { dataRoutes } from "@slipstream/sandbox/venue/dataRoutes";
import { startHttp, upgradesAt } from "@slipstream/sandbox/venue/http";
import { createRtdsChannel, RTDS_WS_PATH, type RtdsChannel } from "@slipstream/sandbox/venue/rtdsWs";
import { createSettledFills, type SettledFills } from "@slipstream/sandbox/venue/settledFills";
import { startSettlement } from "@slipstream/sandbox/venue/settlement";
import { anvilBin } from "@slipstream/testkit/binaries";
import { startNats } from "@slipstream/testkit/nats";
import { makeFolder, removeFolder, startCounted } from "@slipstream/testkit/processes";
import { append, silentLogger } from "@slipstream/testkit/testBus";

export type FaultWorld = {
  readonly chain: SandboxChain;
  /** In the order in which the watchers prefer them; the first one is the chain's own. */
  readonly nodes: readonly ChainNode[];
  readonly markets: readonly ChainMarket[];
  readonly leaders: readonly SandboxWallet[];
  readonly others: readonly SandboxWallet[];
  /** Fills as the chain holds them now, for the Data API and the live feed. */
  readonly fills: SettledFills;
  readonly dataApi: DataFaults;
  readonly rtds: RtdsChannel;
  readonly bus: Bus;
  /** When a transaction was mined first, wall clock. */
  readonly minedMs: ReadonlyMap<Hash, number>;
  /** Starts a process; its output is kept in the world's folder. */
  startWatcher(instance: string): Promise<RunningProcess>;
  /** Publishes whom to follow, as registry does. */
  follow(): Promise<void>;
  stop(): Promise<void>;
};

export type FaultWorldOptions = {
  readonly seed: string;
  readonly leaders: number;
  readonly nodes: number;
  /** Deeper than the deepest reorg. */
  readonly finalityDepth: number;
  /** Whether a market stays unknown to the watchers. */
  readonly untold: boolean;
  /** Settings of the watchers beside the endpoints. */
  readonly settings: Readonly<Record<string, string>>;
};

const HOST = "127.0.0.1";
const OTHERS = 6;
const PURSE = parseUsdc("100000000");
const SHARES = parseShares("10000000");
const market = (slug: string, more: WorldMarket["chain"] | null = null): WorldMarket => ({
  chain: more ?? { slug, negRisk: false },
  question: `Will there be ${slug}?`,
  eventTitle: slug,
  outcomes: ["Yes", "No"],
  tickMicro: priceMicro(10_000),
  feeRateMicro: 0,
});
const worldMarkets: readonly WorldMarket[] = [
  market("rain"),
  market("candidate", { slug: "candidate", negRisk: true, eventSlug: "election", questionIndex: 0 }),
  market("snow"),
];
/** With `untold` nobody says what market this is: the chain's fills are told without it, others name it in their rows. */
const UNTOLD = "snow";

export async function startFaultWorld(options: FaultWorldOptions): Promise<FaultWorld> {
  const undo: (() => unknown)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const folder = makeFolder("faults");
    undo.push(() => removeFolder(folder));
    return await open(options, { folder, undo, stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

type Opening = { readonly folder: string; readonly undo: (() => unknown)[]; readonly stop: () => Promise<void> };

async function open(options: FaultWorldOptions, { folder, undo, stop }: Opening): Promise<FaultWorld> {
  const leaderNames = namesOf(options.seed, options.leaders);
  const otherNames = Array.from({ length: OTHERS }, (_, n) => `other-${n}`);
  const chain = await startSandboxChain({
    seed: options.seed,
    blockTimeMs: 0,
    markets: worldMarkets.map(({ chain: spec }) => spec),
    wallets: [...leaderNames, ...otherNames].map((name) => ({ name, pusdMicro: PURSE })),
    dir: folder,
    finalityDepth: options.finalityDepth,
    anvilBin: anvilBin(),
  });
  undo.push(chain.stop);
  await endow(chain);
  const nodes: ChainNode[] = [chain];
  while (nodes.length < options.nodes) nodes.push(await chain.addNode());
  const leaders = chain.wallets.slice(0, options.leaders);
  const venue = await startVenue(chain, leaders, undo);
  const nats = await startNats();
  undo.push(nats.stop);
  const bus = await connectBus({ url: nats.url, name: "faults", logger: silentLogger });
  undo.push(bus.drain);
  await provision(bus.jsm);
  const known = chain.markets.filter(({ slug }) => !options.untold || slug !== UNTOLD);
  for (const one of known) await publishMarket(bus, definitionOf(one));
  const settings = {
    NATS_URL: nats.url,
    POLYGON_HTTP_URL: nodes.map(({ rpcHttpUrl }) => rpcHttpUrl).join(),
    POLYGON_WS_URL: nodes.map(({ rpcWsUrl }) => rpcWsUrl).join(),
    DATA_API_URL: `http://${HOST}:${venue.port}`,
    RTDS_URL: `ws://${HOST}:${venue.port}${RTDS_WS_PATH}`,
    ...options.settings,
  };
  return {
    ...{ chain, nodes, leaders, bus, ...venue },
    markets: chain.markets,
    others: chain.wallets.slice(options.leaders),
    startWatcher: async (instance) => {
      const running = await startCounted({
        name: `watcher ${instance}`,
        command: process.execPath,
        args: [join(import.meta.dirname, "..", "..", "services", "chain-watcher", "src", "main.ts")],
        // Settings of a file .env are not for it.
        cwd: folder,
        env: { ...settings, INSTANCE: instance },
        logFile: join(folder, `${instance}.log`),
      });
      undo.push(() => running.terminate());
      return running;
    },
    follow: () => append(bus, ...leaders.map(({ address }, n) => followed(address, n + 1))),
    stop,
  };
}

/** Each shard has a leader, as far as there are enough; the same seed gives the same names. */
function namesOf(seed: string, count: number): string[] {
  const byShard = new Map<string, string>();
  const more: string[] = [];
  for (let n = 0; byShard.size + more.length < count || (count > 200 && byShard.size < 64); n++) {
    const name = `leader-${n}`;
    const shard = shardOf(deriveWallet(seed, name).address);
    if (byShard.has(shard)) more.push(name);
    else byShard.set(shard, name);
  }
  return [...byShard.values(), ...more].slice(0, count);
}

/** Everybody can sell everything from the beginning on. */
async function endow(chain: SandboxChain): Promise<void> {
  let last: Hash | null = null;
  for (const wallet of chain.wallets) {
    for (const { conditionId } of chain.markets) last = await chain.split(wallet, conditionId, SHARES);
  }
  while (last !== null && (await chain.txStatus(last)).status === "pending") await chain.mine();
}

async function startVenue(chain: SandboxChain, leaders: readonly SandboxWallet[], undo: (() => unknown)[]) {
  const sheets = chain.markets.flatMap((onChain, n) => {
    const described = worldMarkets[n];
    return described === undefined ? [] : [venueMarket(described, onChain, n, Date.now())];
  });
  const markets = new Map(sheets.map((sheet) => [sheet.conditionId, sheet]));
  const fills = createSettledFills(new Set(leaders.map(({ address }) => address)), []);
  const dataApi = createDataFaults();
  const rtds = createRtdsChannel(markets, Date.now);
  const minedMs = new Map<Hash, number>();
  const stopNoting = chain.onBlock((event) => {
    const blocks = event.type === "BlockMined" ? [event.block] : event.report.added;
    for (const txHash of blocks.flatMap((block) => block.txHashes)) {
      if (!minedMs.has(txHash)) minedMs.set(txHash, Date.now());
    }
  });
  const settlement = startSettlement({
    chain,
    fills,
    conditionOf: (tokenId) => chain.markets.find(({ tokenIds }) => tokenIds.includes(tokenId))?.conditionId,
    onSent: () => undefined,
    onFailed: () => undefined,
    onFills: ({ added }) => rtds.tell(added),
  });
  const feed = { booksOf: () => null };
  const http = await startHttp({
    host: HOST,
    port: 0,
    onUpgrade: upgradesAt({ [RTDS_WS_PATH]: rtds.onUpgrade }),
    routes: dataRoutes({
      markets,
      payoutOf: () => null,
      fills,
      acts: () => [],
      feed,
      nowMs: Date.now,
      faults: dataApi,
    }),
  });
  undo.push(stopNoting, settlement.stop, rtds.stop, http.stop);
  return { fills, dataApi, rtds, minedMs, port: http.port };
}

function definitionOf({ conditionId, slug, tokenIds, negRisk, negRiskMarketId }: ChainMarket): MarketDefinition {
  const [yes, no] = tokenIds;
  return {
    ...{ type: "MarketDefinition", v: 1, conditionId, slug, question: slug, eventId: null, negRisk, negRiskMarketId },
    tokens: [
      { tokenId: yes, outcome: "Yes" },
      { tokenId: no, outcome: "No" },
    ],
    version: "v1",
    tickMicro: priceMicro(10_000),
    minOrderSizeMicro: parseShares("1"),
    fee: { rateMicro: 0, exponent: 1, takerOnly: true },
    ...{ takerDelayMs: 0, acceptingOrders: true, closed: false, payoutMicro: null, tsEventMs: 1, tsInitMs: 1 },
  };
}

const followed = (leader: Address, revision: number): FactOf<"ConfigChanged"> => ({
  type: "ConfigChanged",
  v: 1,
  id: factId("ConfigChanged", `leaders.${leader}`, revision),
  key: `leaders.${leader}`,
  revision,
  value: { leader, enabled: true },
  tsEventMs: 1,
  tsInitMs: 1,
});
