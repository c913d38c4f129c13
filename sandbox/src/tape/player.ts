/**
 * The tape player: a tape served as the venue and the chain it came from, through the same sockets, at the world time of
 * the tape or faster.
 *
 * Invariants
 * 1. Frames leave with their recorded bytes, in the order of the tape, and never before their time.
 * 2. What REST and JSON-RPC answer is what the records played so far say.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { type ClockMapping, exactClockText, faceOf } from "@slipstream/actor/clock";
import { Address, type Hash, type TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { createMarketParser, type ParsedFrame } from "@slipstream/polymarket/marketChannel";
import { decodeOrderFilled } from "@slipstream/polymarket/orderFilled";
import { defaultExchanges } from "@slipstream/polymarket/versions";
import { matchesFilter } from "../chain/logFilter.ts";
import { type RpcServer, startRpcServer } from "../chain/rpcServer.ts";
import { guarded, whyRefused } from "../venue/callers.ts";
import type { OnUpgrade } from "../venue/http.ts";
import { addFills, type TapeHead, type TapeLog } from "./addFills.ts";
import { tapeBalances } from "./balances.ts";
import { defaultAssumptions, deriveMarkets, type MarketAssumptions } from "./deriveMarkets.ts";
import { resolutionsOf } from "./endings.ts";
import type { TapeRecord } from "./format.ts";
import { servePlayer } from "./playerHttp.ts";
import { gammaRows } from "./playerMarkets.ts";
import { createPlayerSockets, type PlayerSockets } from "./playerSockets.ts";
import { TapeGap } from "./recording.ts";
import { runSchedule, type Schedule } from "./schedule.ts";
import { createTapeBooks, type TapeBooks } from "./tapeBooks.ts";
import { blocksBefore, createTapeChain, type TapeChain } from "./tapeChain.ts";

export type TapePlayerOptions = {
  /** Ascending in time; without chain records a chain without fills is made for it. */
  readonly tape: readonly TapeRecord[];
  /** The clock of the run, when its processes have one already; else it follows from `speed` and `leadMs`. */
  readonly mapping?: ClockMapping;
  /** World time per real time. Default 1. */
  readonly speed?: number;
  /** Real time between now and the tape's first record: subscribers get ready in it. Default 10 s. */
  readonly leadMs?: number;
  readonly assumptions?: MarketAssumptions;
  readonly host?: string;
  /** 0, the default: any free one. */
  readonly port?: number;
  readonly rpcPort?: number;
  /** Wall clock, unix ms. */
  readonly nowMs?: () => number;
};

export type PlayReport = {
  /** Records of the tape, and how many of them are out: fewer when the player was stopped. */
  readonly records: number;
  readonly given: number;
  /** Frames of the market channel that no reader of this package understands; they were sent all the same. */
  readonly framesRefused: number;
  /** How late the latest record was, real ms. */
  readonly lateMsMax: number;
};

export type TapePlayer = {
  readonly endpoints: {
    readonly rpcHttpUrl: string;
    readonly rpcWsUrl: string;
    readonly clobHttpUrl: string;
    readonly clobMarketWsUrl: string;
    readonly gammaUrl: string;
    readonly dataApiUrl: string;
    /** Nobody answers there: a tape has no live feed. */
    readonly rtdsUrl: string;
  };
  /** SLIPSTREAM_CLOCK for every process of the run. */
  readonly clock: string;
  readonly mapping: ClockMapping;
  /** Wallets with fills on the tape, in the order of their first. */
  readonly leaders: readonly Address[];
  readonly markets: readonly MarketDefinition[];
  /** What was assumed of the markets, one sentence each. */
  readonly assumed: readonly string[];
  /** Connections that have subscribed to books. */
  subscribers(): number;
  /**
   * Lets the records run from now on; what is due already comes at once, in order. The world's clock does not wait for
   * it: call it before the lead is over.
   * @returns resolves when the last record is out. Further calls return the same.
   */
  play(): Promise<PlayReport>;
  stop(): Promise<void>;
};

const LEAD_MS_DEFAULT = 10_000;
const BLOCK_MS = 2_000;
const BLOCKS_BEFORE_MAX = 1_000;

/** Starts the servers and the clock; the records wait for `play`. The chain lives from the start. */
export async function startTapePlayer(options: TapePlayerOptions): Promise<TapePlayer> {
  const { speed = 1, leadMs = LEAD_MS_DEFAULT, host = "127.0.0.1", nowMs = Date.now } = options;
  const tape = withChain(options.tape);
  const mapping = options.mapping ?? { realMs: nowMs() + leadMs, worldMs: tape[0]?.t ?? 0, speed };
  const worldMs = () => Math.floor(faceOf(mapping, nowMs()));
  const found = deriveMarkets(tape, options.assumptions ?? defaultAssumptions);
  const books = createTapeBooks(found.markets);
  const chain = createTapeChain({ balances: tapeBalances(tape), resolutions: resolutionsOf(tape) });
  const sockets = createPlayerSockets(books);
  const leaders = leadersOf(tape);
  const rpc = await startRpcServer({ answer: chain.answer, isOut: () => false, host, port: options.rpcPort ?? 0 });

  const stage = createStage({ books, chain, sockets, rpc });
  const { give } = stage;

  const before = chainBefore(tape, worldMs());
  const first = before[0];
  if (first !== undefined) chain.applyHead(first.d as TapeHead);
  const prelude = runSchedule(before.slice(1), mapping, { nowMs, give });
  let playing: Schedule | undefined;
  const play = async (): Promise<PlayReport> => {
    playing ??= runSchedule(tape, mapping, { nowMs, give });
    await playing.done;
    return {
      records: tape.length,
      given: playing.given(),
      framesRefused: stage.framesRefused(),
      lateMsMax: playing.lateMsMax(),
    };
  };

  const world = (shownHost: string) => ({
    endpoints: endpointsFor(`http://${shownHost}`, rpc),
    leaders: leaders.map((address) => ({ address, label: "of the tape" })),
    clock: exactClockText(mapping),
    startsAtMs: mapping.realMs,
    assumed: found.assumed,
  });
  const gamma = gammaRows(tape, found.markets);
  const startPlay = () => {
    void play();
    return { clock: exactClockText(mapping) };
  };
  const { activity } = stage;
  const serve: RequestListener = (request, response) =>
    void servePlayer({ books, gamma, activity, worldMs, world, play: startPlay }, request, response);
  const http = await startHttp({ serve, upgrade: sockets.upgrade, host, port: options.port ?? 0 });
  return {
    endpoints: endpointsFor(http.url, rpc),
    clock: exactClockText(mapping),
    mapping,
    leaders,
    markets: found.markets,
    assumed: found.assumed,
    subscribers: sockets.subscribers,
    play,
    stop: async () => {
      prelude.stop();
      playing?.stop();
      sockets.stop();
      await rpc.stop();
      await http.stop();
    },
  };
}

type StageOptions = {
  readonly books: TapeBooks;
  readonly chain: TapeChain;
  readonly sockets: PlayerSockets;
  readonly rpc: RpcServer;
};

/** What happens when a record's time has come: the state first, then whoever listens. */
function createStage({ books, chain, sockets, rpc }: StageOptions) {
  const activity: Record<string, unknown>[] = [];
  let framesRefused = 0;
  const parser = createMarketParser();
  const giveFrame = (frame: string): void => {
    const read = parser.parse(frame);
    for (const event of read.events) books.apply(event);
    framesRefused += read.refused.length;
    sockets.send(frame, tokensOf(read));
  };
  const giveHead = (head: TapeHead): void => {
    chain.applyHead(head);
    rpc.tell((subscription) => (subscription.type === "newHeads" ? [head] : []));
  };
  const giveLog = (log: TapeLog): void => {
    const shown = chain.applyLog(log);
    rpc.tell((s) => (s.type === "logs" && matchesFilter(s.filter, shown) ? [shown] : []));
  };
  /** What the recorder lost, subscribers lose too: a book that nobody knows is not served as if it were known. */
  const giveGap = (d: unknown): void => {
    const gap = TapeGap.safeParse(d).data;
    if (gap === undefined || gap.untilMs !== null || (gap.of ?? "clob.market.ws") !== "clob.market.ws") return;
    books.forget(gap.tokens);
    sockets.cut(gap.tokens);
  };
  const give = ({ ch, d }: TapeRecord): void => {
    if (ch === "clob.market.ws" && typeof d === "string") giveFrame(d);
    else if (ch === "chain.head") giveHead(d as TapeHead);
    else if (ch === "chain.log") giveLog(d as TapeLog);
    else if (ch === "recorder.gap") giveGap(d);
    else if (ch === "data.activity" && d !== null && typeof d === "object") activity.push(d as Record<string, unknown>);
  };
  return { give, activity, framesRefused: () => framesRefused };
}

async function startHttp(options: {
  readonly serve: RequestListener;
  readonly upgrade: PlayerSockets["upgrade"];
  readonly host: string;
  readonly port: number;
}) {
  const { serve, upgrade, host } = options;
  const http = createServer((request, response) => {
    const refusal = whyRefused(request, host);
    if (refusal === null) serve(request, response);
    else response.writeHead(403, { "content-type": "text/plain" }).end(refusal);
  });
  const onUpgrade: OnUpgrade = (request, stream, head) => {
    if (request.url?.startsWith("/ws/market") === true) upgrade(request, stream, head);
    else stream.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
  };
  http.on("upgrade", guarded(onUpgrade, host));
  http.listen(options.port, host);
  await once(http, "listening");
  const address = http.address();
  const port = address !== null && typeof address === "object" ? address.port : options.port;
  return {
    url: `http://${host === "0.0.0.0" ? "127.0.0.1" : host}:${port}`,
    stop: async () => {
      if (!http.listening) return;
      const closed = once(http, "close");
      http.close();
      http.closeAllConnections();
      await closed;
    },
  };
}

function endpointsFor(base: string, rpc: { readonly httpUrl: string; readonly wsUrl: string }) {
  const rpcAt = (url: string) => {
    const at = new URL(url);
    at.hostname = new URL(base).hostname;
    return at.origin === "null" ? at.href.replace(/\/$/, "") : at.origin;
  };
  return {
    rpcHttpUrl: rpcAt(rpc.httpUrl),
    rpcWsUrl: rpcAt(rpc.wsUrl),
    clobHttpUrl: base,
    clobMarketWsUrl: `${base.replace(/^http/, "ws")}/ws/market`,
    gammaUrl: base,
    dataApiUrl: base,
    rtdsUrl: `${base.replace(/^http/, "ws")}/rtds`,
  };
}

/** A venue without a chain would look like a chain that stands still. */
function withChain(tape: readonly TapeRecord[]): readonly TapeRecord[] {
  const hasChain = tape.some(({ ch }) => ch === "chain.head" || ch === "chain.log");
  return hasChain ? tape : addFills(tape, []);
}

function leadersOf(tape: readonly TapeRecord[]): Address[] {
  const makers = new Set<Address>();
  for (const { ch, d } of tape) {
    if (ch !== "chain.log") continue;
    const fill = decodeOrderFilled(d as TapeLog, defaultExchanges);
    if (fill.kind === "orderFilled") makers.add(Address.parse(fill.maker));
  }
  return [...makers];
}

/** Null for a frame that names no token, such as an empty keep-alive. */
function tokensOf({ events, refused }: ParsedFrame): TokenId[] | null {
  const tokens = new Set<TokenId>(refused.flatMap(({ tokenIds }) => tokenIds));
  for (const event of events) {
    if (event.kind === "priceChange") for (const { tokenId } of event.changes) tokens.add(tokenId);
    else if ("tokenIds" in event) for (const tokenId of event.tokenIds) tokens.add(tokenId);
    else tokens.add(event.tokenId);
  }
  return tokens.size === 0 ? null : [...tokens];
}

/** Heads between the start of the player and the first head of the tape. */
function chainBefore(tape: readonly TapeRecord[], worldMs: number): TapeRecord[] {
  const first = tape.find(({ ch }) => ch === "chain.head");
  if (first === undefined) return [];
  const step = Math.max(BLOCK_MS, Math.ceil((first.t - worldMs) / BLOCKS_BEFORE_MAX));
  const times: number[] = [];
  for (let t = first.t - step; t >= worldMs - step && times.length <= BLOCKS_BEFORE_MAX; t -= step) times.unshift(t);
  const hashOf = (text: string): Hash => `0x${createHash("sha256").update(text).digest("hex")}` as Hash;
  const heads = blocksBefore(first.d as TapeHead, times, hashOf);
  return heads.map((d, index) => ({ t: times[index] ?? first.t, ch: "chain.head" as const, d }));
}
