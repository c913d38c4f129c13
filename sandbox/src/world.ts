/**
 * The sandbox world: a chain, a venue that settles on it, and actors, on one machine. The same seed tells the same story
 * of actions; times and transactions are those of the day.
 */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvariantError } from "@slipstream/contracts/errors";
import { type Address, Hash } from "@slipstream/contracts/ids";
import { type PriceMicro, priceMicro } from "@slipstream/contracts/money";
import { cast, createStory, type Pace } from "./actors/cast.ts";
import { startSandboxChain } from "./chain/chain.ts";
import type { SandboxChain } from "./chain/types.ts";
import { firstRecords, type MarketRecords, specOf } from "./churn/records.ts";
import { restoreListings, startChurn } from "./churn/start.ts";
import { controlRoutes, type Endpoints, endpointsAt, type WorldLeader } from "./control.ts";
import { type EndowmentOptions, endow } from "./endowment.ts";
import { startForgetting } from "./forgetting.ts";
import { fillsOnChain } from "./keptFills.ts";
import { clobRoutes } from "./venue/clobRoutes.ts";
import { createDataFaults } from "./venue/dataFaults.ts";
import { dataRoutes } from "./venue/dataRoutes.ts";
import { createExchange, type Exchange, openMarkets, undoTrade } from "./venue/exchange.ts";
import { createFeed, type Feed } from "./venue/feed.ts";
import { gammaRoutes } from "./venue/gammaRoutes.ts";
import { startHttp, upgradesAt } from "./venue/http.ts";
import { isTraded, type Listing, type Listings, shownPayout } from "./venue/listings.ts";
import type { VenueMarket } from "./venue/market.ts";
import { createMarketChannel, MARKET_WS_PATH } from "./venue/marketWs.ts";
import { createPurses } from "./venue/purses.ts";
import { createRtdsChannel, RTDS_WS_PATH } from "./venue/rtdsWs.ts";
import { type SettledAct, startDeeds } from "./venue/settledDeeds.ts";
import { createSettledFills, type SettledFill, type SettledFills } from "./venue/settledFills.ts";
import { startSettlement } from "./venue/settlement.ts";
import { createWorldFaults, type WorldFaults } from "./worldFaults.ts";
import { openWorldFolder, type WorldFolder } from "./worldFolder.ts";
import { startPlaying } from "./worldTicks.ts";

export type WorldOptions = {
  readonly seed: string;
  /** Default 1,000. */
  readonly blockTimeMs?: number;
  /** Of the venue; 0 (default): any free one. */
  readonly port?: number;
  /** Of the chain; 0 (default): any free one. */
  readonly rpcPort?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Where the world goes on from; absent: a new one in a temporary folder that `stop` removes. */
  readonly dir?: string;
  /** Default normal. */
  readonly pace?: Pace;
  /** Markets end, are paid, and others open in their place. Default false: they stay as they are. */
  readonly churn?: boolean;
  readonly anvilBin?: string;
  /** Something that a person should know, with its details. */
  readonly onNote?: (text: string, details: Readonly<Record<string, unknown>>) => void;
  /** The world can no longer go on; absent: the process ends with the error. */
  readonly onFailure?: (error: Error) => void;
};

export type World = {
  readonly endpoints: Endpoints;
  readonly leaders: readonly WorldLeader[];
  /** Those that are traded now. */
  readonly markets: readonly VenueMarket[];
  /** All that the venue answers for, ended ones for some hours. */
  listings(): Iterable<Listing>;
  readonly chain: SandboxChain;
  readonly feed: Feed;
  readonly faults: WorldFaults;
  /** Leaders' fills that the chain holds now, oldest first. */
  truth(): readonly SettledFill[];
  /** What leaders did besides, token by token. */
  acts(): readonly SettledAct[];
  /** Ends everything. Safe to call twice. */
  stop(): Promise<void>;
};

/**
 * Starts the world and resolves when everything answers and the actors are at work.
 * @throws ContractError when `dir` holds what cannot be gone on with, Error when a port is taken or anvil does not start.
 */
export async function startWorld(options: WorldOptions): Promise<World> {
  const temporary = options.dir === undefined ? mkdtempSync(join(tmpdir(), "slipstream-sandbox-")) : null;
  const clear = () => {
    if (temporary !== null) rmSync(temporary, { recursive: true, force: true });
  };
  const undo: (() => void | Promise<void>)[] = [clear];
  const stop = once(async () => {
    for (const step of undo.toReversed()) await step();
  });
  try {
    const folder = openWorldFolder(options.dir ?? temporary ?? "", options.seed);
    const records = folder.markets ?? firstRecords(Date.now());
    const chain = await startSandboxChain({
      seed: options.seed,
      blockTimeMs: options.blockTimeMs ?? BLOCK_TIME_MS,
      markets: records.markets.map(specOf),
      wallets: cast,
      dir: folder.path,
      keep: true,
      host: options.host ?? HOST,
      port: options.rpcPort ?? 0,
      ...(options.anvilBin === undefined ? {} : { anvilBin: options.anvilBin }),
      ...(options.onFailure === undefined ? {} : { onFailure: options.onFailure }),
      onUnkept: (error) => options.onNote?.("the chain cannot be kept, it is tried again", { why: error.message }),
    });
    undo.push(chain.stop);
    return await openWorld({ options, folder, records, chain, undo, stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

const HOST = "127.0.0.1";
const BLOCK_TIME_MS = 1_000;

type Opening = {
  readonly options: WorldOptions;
  readonly folder: WorldFolder;
  readonly records: MarketRecords;
  readonly chain: SandboxChain;
  /** Steps that end what has been started, oldest first. */
  readonly undo: (() => void | Promise<void>)[];
  readonly stop: () => Promise<void>;
};

async function openWorld({ options, folder, records, chain, undo, stop }: Opening): Promise<World> {
  const nowMs = Date.now;
  const { seed, pace = "normal", onNote = () => undefined } = options;
  const listings = await restoreListings(records, chain);
  const leaders = leadersOf(chain);
  const fills = await openFills(folder, chain, leaders);
  const purses = createPurses();
  const exchange = createExchange({ markets: tradedIn(listings), purses, orderIds: orderIdsOf(seed, folder.run) });
  const endowment = await endowCast(chain, exchange, listings);
  const feed = createFeed(exchange, nowMs());
  const { markets } = listings;
  const rtds = createRtdsChannel(markets, nowMs);
  const settlement = startSettlement({
    chain,
    fills,
    conditionOf: listings.conditionOf,
    onSent: feed.print,
    onFailed: (trade, why) => {
      undoTrade(exchange, trade);
      onNote("a trade will not settle", { trade: trade.n, market: trade.market.slug, why });
    },
    onFills: (change) => {
      keepFills(folder, fills, leaders, change);
      rtds.tell(change.added);
    },
  });
  const deeds = startDeeds({
    ...{ chain, inOrder: settlement.inOrder, purses },
    leaders: new Set(leaders.map(({ address }) => address)),
    known: await fillsOnChain(chain.rpcWsUrl, folder.acts),
    onFailed: ({ kind, wallet }, why) => onNote("an act besides trading failed", { kind, wallet, why }),
    onActs: folder.replaceActs,
  });
  undo.push(settlement.stop, deeds.stop, startForgetting({ chain, listings, folder, fills, deeds }));

  const channel = createMarketChannel(feed);
  const dataApi = createDataFaults();
  const lifecycle = startChurn({
    ...{ seed, pace, chain, exchange, feed, listings, endowment, nowMs, onNote, inOrder: settlement.inOrder },
    ...{ ends: records.ends, isOn: options.churn ?? false, keep: folder.replaceMarkets, story: () => story },
  });
  const faults = createWorldFaults({ chain, channel, rtds, dataApi, fills, lifecycle });
  undo.push(faults.stop);
  const rpcPort = Number(new URL(chain.rpcHttpUrl).port);
  const http = await startHttp({
    host: options.host ?? HOST,
    port: options.port ?? 0,
    onUpgrade: upgradesAt({ [MARKET_WS_PATH]: channel.onUpgrade, [RTDS_WS_PATH]: rtds.onUpgrade }),
    routes: {
      ...clobRoutes({ listings, feed, nowMs }),
      ...gammaRoutes({ listings, feed }),
      ...dataRoutes({
        ...{ markets, fills, acts: deeds.ofLeaders, feed, nowMs, faults: dataApi },
        payoutOf: (conditionId) => paidOf(listings.get(conditionId)),
      }),
      ...controlRoutes({
        endpoints: ({ hostname, port }) => endpointsAt({ hostname, port, rpcPort }),
        leaders,
        truth: fills.ofLeaders,
        acts: deeds.ofLeaders,
        markets: listings.all,
        fault: faults.apply,
      }),
    },
  });
  undo.push(http.stop, channel.stop, rtds.stop);

  const addressOf = (name: string): Address => walletOf(chain, name).address;
  // Each run tells another part: the story would begin again with the same acts.
  const { endsIn } = lifecycle;
  const story = createStory({ exchange, addressOf, seed: `${seed}|${folder.run}`, pace, endsIn });
  const playing = { story, lifecycle, feed, settlement, deeds, endowment, nowMs, onNote };
  undo.push(startPlaying({ ...playing, paused: faults.actorsPaused }));
  return {
    endpoints: endpointsAt({ hostname: shownHost(options.host ?? HOST), port: http.port, rpcPort }),
    leaders,
    get markets() {
      return openMarkets(exchange);
    },
    listings: listings.all,
    chain,
    feed,
    faults,
    truth: fills.ofLeaders,
    acts: deeds.ofLeaders,
    stop,
  };
}

/** Listening everywhere is reached from here by the loopback address. */
const shownHost = (host: string): string => (host === "0.0.0.0" ? HOST : host);

function walletOf(chain: SandboxChain, name: string) {
  const wallet = chain.wallets.find((one) => one.name === name);
  if (wallet === undefined) throw new InvariantError(`the chain has no wallet ${name}`);
  return wallet;
}

const tradedIn = (listings: Listings): VenueMarket[] =>
  [...listings.all()].flatMap((listing) => (isTraded(listing) ? [listing.market] : []));

/** What outcome 0 is paid, once the oracle has reported. */
function paidOf(listing: Listing | undefined): PriceMicro | null {
  const payouts = listing?.payouts ?? null;
  return payouts === null || listing?.reportedBlock === null ? null : priceMicro(shownPayout(payouts));
}

const leadersOf = (chain: SandboxChain): WorldLeader[] =>
  cast
    .filter(({ role }) => role.kind === "leader")
    .map(({ name }) => ({ address: walletOf(chain, name).address, label: name.replace("leader-", "") }));

async function openFills(
  folder: WorldFolder,
  chain: SandboxChain,
  leaders: readonly WorldLeader[],
): Promise<SettledFills> {
  const known = await fillsOnChain(chain.rpcWsUrl, folder.fills);
  if (known.length < folder.fills.length) folder.replaceFills(known);
  return createSettledFills(new Set(leaders.map(({ address }) => address)), known);
}

function keepFills(
  folder: WorldFolder,
  fills: SettledFills,
  leaders: readonly WorldLeader[],
  change: { readonly added: readonly SettledFill[]; readonly removed: readonly SettledFill[] },
): void {
  if (change.removed.length > 0) folder.replaceFills(fills.ofLeaders());
  const added = change.added.filter((fill) => leaders.some(({ address }) => address === fill.wallet));
  if (added.length > 0) folder.append(added);
}

async function endowCast(chain: SandboxChain, exchange: Exchange, listings: Listings): Promise<EndowmentOptions> {
  const quoting = cast.filter(({ role }) => role.kind !== "leader").map(({ name }) => walletOf(chain, name).address);
  const markets = (): VenueMarket[] => openMarkets(exchange);
  const { purses } = exchange;
  const endowment = { chain, purses, markets, wallets: chain.wallets, quoting: new Set(quoting) };
  const ended = [...listings.all()].filter((listing) => !isTraded(listing));
  await endow(
    endowment,
    ended.map(({ market }) => market),
  );
  return endowment;
}

/** Hashes that no other run of the same world gives. */
function orderIdsOf(seed: string, run: number): () => Hash {
  let orders = 0;
  return () => {
    orders += 1;
    return Hash.parse(`0x${createHash("sha256").update(`${seed}|${run}|${orders}`).digest("hex")}`);
  };
}

/** Returns `act` so that further calls join the first. */
function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= act();
    return done;
  };
}
