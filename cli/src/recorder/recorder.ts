/**
 * Records what the venue and the chain say of some markets and leaders. Everything received goes to the writer in the
 * order of receipt; nothing here waits for the disk.
 *
 * 1. A market is on the tape before its first frame: Gamma's object and REST's books, with what hashes cover.
 * 2. A leader's fill in a market that is not recorded yet adds it, both tokens.
 * 3. With leaders, how recorded markets are resolved is on the tape: ConditionResolution logs of the chain.
 * 4. Every book is read from REST again about every 90 s, for audits of the tape.
 */
import type { Clock } from "@slipstream/actor/clock";
import { ContractError } from "@slipstream/contracts/errors";
import type { Address, ConditionId, TokenId } from "@slipstream/contracts/ids";
import { createClobRest } from "@slipstream/polymarket/clobRest";
import { gammaClient } from "@slipstream/polymarket/gamma";
import { decodeOrderFilled } from "@slipstream/polymarket/orderFilled";
import type { RpcReader } from "@slipstream/polymarket/rpc";
import { createRpcPool, httpProviders } from "@slipstream/polymarket/rpcPool";
import { defaultExchanges } from "@slipstream/polymarket/versions";
import type { TapeLog } from "@slipstream/sandbox/tape/addFills";
import { type ChainLine, createChainLine, recentLogs } from "./chainLine.ts";
import { createMarketLines } from "./marketLines.ts";
import { createTapeWriter, type WriterCounts } from "./tapeWriter.ts";
import { budgeted, type FoundMarkets, findMarkets, readMarkets, recordedClob, tokensOf } from "./venueReads.ts";

export type RecorderOptions = {
  readonly folder: string;
  readonly endpoints: {
    readonly rpcHttpUrls: readonly string[];
    readonly rpcWsUrls: readonly string[];
    readonly clobHttpUrl: string;
    readonly clobMarketWsUrl: string;
    readonly gammaUrl: string;
  };
  readonly tokens: readonly TokenId[];
  readonly conditions: readonly ConditionId[];
  /** Their fills and the chain's heads; none: no chain on the tape. */
  readonly leaders: readonly Address[];
  /** So many markets with the most volume. */
  readonly top: number;
  readonly rotateBytes: number;
  readonly rotateMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  /** One line for the person who watches. */
  readonly say: (line: string) => void;
  readonly onFailure: (error: ContractError) => void;
};

export type RecorderState = WriterCounts & {
  readonly markets: number;
  readonly tokens: number;
  readonly connections: { readonly open: number; readonly all: number };
  /** Null when no leader is recorded. */
  readonly chainConnected: boolean | null;
};

export type Recorder = {
  state(): RecorderState;
  /** Of the writer alone: final after `stop`. */
  counts(): WriterCounts;
  /** Seals the recording. @param why - goes into the index. */
  stop(why: string): Promise<void>;
};

const RPC_TIMEOUT_MS = 10_000;
/** Each book is read again in so many turns, one per AUDIT_TURN_MS. */
const AUDIT_TURNS = 9;
const AUDIT_TURN_MS = 10_000;

/**
 * Starts recording; resolves when the sockets are being opened.
 * @throws ContractError CONFIG_INVALID when nothing of what was named exists, or what the first requests throw.
 */
export async function startRecorder(options: RecorderOptions): Promise<Recorder> {
  const { endpoints, clock, random, leaders, say } = options;
  const at = (baseUrl: string) => ({ baseUrl, clock, random });
  const gammaHttp = budgeted(at(endpoints.gammaUrl), "gammaMarkets");
  const gamma = gammaClient(gammaHttp);
  const rpc = createRpcPool({
    providers: httpProviders(endpoints.rpcHttpUrls, { timeoutMs: RPC_TIMEOUT_MS }),
    steadyMs: clock.steadyMs,
  });
  const tradedTokens = leaders.length === 0 ? [] : await tokensOfLeaders(rpc, leaders, say);
  const wanted = { ...options, tokens: [...options.tokens, ...tradedTokens] };
  const found = await findMarkets({ gamma, gammaHttp }, wanted, clock.nowMs());
  refuseNothing(options, found);

  const writer = createTapeWriter({ ...options, onResumed: () => lines.again() });
  const rest = createClobRest(recordedClob(at(endpoints.clobHttpUrl), (answer) => writer.take("clob.rest", answer)));
  const lines = createMarketLines({
    url: endpoints.clobMarketWsUrl,
    clock,
    random,
    onFrame: (text, connection) => writer.take("clob.market.ws", text, connection),
    onGap: writer.gap,
  });
  const markets = new Set<ConditionId>();
  const tokens: TokenId[] = [];
  /** Tokens that were looked up: a fill in them asks nobody again. */
  const asked = new Set<TokenId>();

  const readBooks = (tokenIds: readonly TokenId[]): Promise<void> =>
    rest.books(tokenIds).then(
      () => {},
      (error: unknown) => say(`books could not be read from REST: ${String(error)}`),
    );
  const add = async ({ markets: all, refused }: FoundMarkets): Promise<void> => {
    for (const text of refused) say(`not recorded: ${text}`);
    const fresh = all.filter(({ definition }) => !markets.has(definition.conditionId));
    for (const { definition, object } of fresh) {
      markets.add(definition.conditionId);
      writer.take("gamma.market", object);
    }
    const added = fresh.flatMap(tokensOf);
    for (const tokenId of added) asked.add(tokenId);
    writer.tokens(added);
    if (added.length > 0) await readBooks(added);
    for (const market of fresh) lines.add(tokensOf(market));
    tokens.push(...added);
  };
  const touch = (log: unknown): void => {
    const tokenId = tokenOf(log);
    if (tokenId === null || asked.has(tokenId)) return;
    asked.add(tokenId);
    gamma
      .byTokens([tokenId])
      .then((objects) => add(readMarkets(objects, clock.nowMs())))
      .catch((error: unknown) => {
        asked.delete(tokenId);
        say(`the market of token ${tokenId} could not be read: ${String(error)}`);
      });
  };

  const chain: ChainLine | null =
    leaders.length === 0
      ? null
      : createChainLine({
          wsUrls: endpoints.rpcWsUrls,
          rpc,
          timeoutMs: RPC_TIMEOUT_MS,
          clock,
          random,
          leaders,
          isRecorded: (conditionId) => markets.has(conditionId as ConditionId),
          onHead: (head) => writer.take("chain.head", head),
          onLog: (log) => {
            writer.take("chain.log", log);
            touch(log);
          },
          onGap: writer.gap,
        });
  await add(found);
  let turn = 0;
  const audits = clock.every(AUDIT_TURN_MS, () => {
    const part = tokens.filter((_, index) => index % AUDIT_TURNS === turn % AUDIT_TURNS);
    turn += 1;
    if (part.length > 0) void readBooks(part);
  });

  return {
    counts: writer.counts,
    state: () => ({
      ...writer.counts(),
      markets: markets.size,
      tokens: tokens.length,
      connections: lines.connections(),
      chainConnected: chain?.connected() ?? null,
    }),
    stop: async (why) => {
      audits.cancel();
      lines.stop();
      chain?.stop();
      await writer.end(why);
    },
  };
}

function tokenOf(log: unknown): TokenId | null {
  try {
    const fill = decodeOrderFilled(log as TapeLog, defaultExchanges);
    return fill.kind === "orderFilled" ? fill.tokenId : null;
  } catch {
    return null;
  }
}

async function tokensOfLeaders(
  rpc: RpcReader,
  leaders: readonly Address[],
  say: (line: string) => void,
): Promise<TokenId[]> {
  try {
    const tokens = (await recentLogs(rpc, leaders)).map(tokenOf).filter((tokenId) => tokenId !== null);
    return [...new Set(tokens)];
  } catch (error) {
    say(`what the leaders traded in the last hour could not be read, their markets come with their fills: ${error}`);
    return [];
  }
}

function refuseNothing({ tokens, conditions, leaders, top }: RecorderOptions, found: FoundMarkets): void {
  const known = new Set(found.markets.flatMap(tokensOf));
  const knownConditions = new Set(found.markets.map(({ definition }) => definition.conditionId));
  const missing = [
    ...tokens.filter((tokenId) => !known.has(tokenId)),
    ...conditions.filter((id) => !knownConditions.has(id)),
  ];
  if (missing.length > 0) {
    const why = found.refused.map((text) => `\n  ${text}`).join("");
    throw new ContractError("CONFIG_INVALID", `Gamma has no market of ${missing.join(", ")}${why}`);
  }
  if (found.markets.length > 0 || leaders.length > 0) return;
  throw new ContractError("CONFIG_INVALID", `nothing to record: Gamma lists no open market${top === 0 ? "" : " now"}`);
}
