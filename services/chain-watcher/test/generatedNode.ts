/** A provider over a generated chain: JSON-RPC by HTTP and WebSocket with the limits, the words and the failures of real ones. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { LogFilter } from "@slipstream/polymarket/logFilter";
import { type WebSocket, WebSocketServer } from "ws";
import { type GeneratedChain, type GeneratedLog, quantity } from "./generatedChain.ts";

export type NodeLimits = {
  /** Blocks of one `eth_getLogs`, both ends counted. */
  readonly rangeMax: number;
  /** Before each answer. */
  readonly latencyMs: number;
  /** Part of the calls that fail, 0 to 1: too many requests, gateway errors, resets, no answer at all. */
  readonly failing: number;
  /** When a call that gets no answer is ended all the same. Default 60 s: the caller's time-out is sooner. */
  readonly silenceMs?: number;
  /** Logs of the past beyond this block are answered when it is higher: so far and no farther can anybody read. */
  readonly pastUpTo?: number;
};

export type NodeCounts = {
  readonly calls: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly failed: number;
  readonly refused: number;
};

export type GeneratedNode = {
  readonly httpUrl: string;
  readonly wsUrl: string;
  head(): number;
  finalized(): number;
  /** One more block: told to whoever has subscribed. */
  mine(): void;
  counts(): NodeCounts;
  set(limits: Partial<NodeLimits>): void;
  stop(): Promise<void>;
};

type Query = LogFilter & { readonly fromBlock?: string; readonly toBlock?: string; readonly blockHash?: string };
type Reply = { readonly result: unknown } | { readonly error: { readonly code: number; readonly message: string } };

const FINALITY = 4;
/** Logs of the newest blocks are never held back. */
const RECENT_BLOCKS = 64;

/** A filter made ready: each place as a set. */
function matcher(filter: LogFilter): (log: GeneratedLog) => boolean {
  const lower = (values: readonly string[]): ReadonlySet<string> => new Set(values.map((value) => value.toLowerCase()));
  const addresses = lower(filter.address);
  const places = filter.topics.map((place) =>
    place === null ? null : lower(typeof place === "string" ? [place] : place),
  );
  return (log) =>
    addresses.has(log.address) &&
    places.every((place, index) => {
      const topic = log.topics[index];
      return topic !== undefined && (place === null || place.has(topic));
    });
}

/** As two of the large providers say it. */
const refusalOf = (rangeMax: number, fromBlock: number) =>
  rangeMax <= 10
    ? {
        code: -32600,
        message: `Under the Free tier plan, you can make eth_getLogs requests with up to a ${rangeMax} block range. Based on your parameters, this block range should work: [${quantity(fromBlock)}, ${quantity(fromBlock + rangeMax - 1)}].`,
      }
    : { code: -32614, message: `eth_getLogs is limited to a ${rangeMax.toLocaleString("en")} range` };

function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** @param options.head - the newest block at the start. */
export async function startGeneratedNode(options: {
  readonly chain: GeneratedChain;
  readonly head: number;
  readonly limits: NodeLimits;
}): Promise<GeneratedNode> {
  const { chain } = options;
  let { head, limits } = options;
  const random = numbers(chain.shape.seed);
  const counts = { calls: 0, bytesIn: 0, bytesOut: 0, failed: 0, refused: 0 };
  const recent = new Map<number, readonly GeneratedLog[]>();
  const logsOf = (blockNumber: number): readonly GeneratedLog[] => {
    const known = recent.get(blockNumber) ?? chain.logs(blockNumber);
    if (recent.size > 64) recent.clear();
    recent.set(blockNumber, known);
    return known;
  };
  const headerAt = (which: string): unknown => {
    if (which === "latest") return chain.header(head);
    const asked = which === "finalized" ? head - FINALITY : Number(which);
    return asked > head ? null : chain.header(asked);
  };
  const held: (() => void)[] = [];
  const isHeld = ({ blockHash, fromBlock, toBlock }: Query): boolean => {
    const [from, to] = [Number(fromBlock), Number(toBlock)];
    // What is refused for its length is refused at once.
    const isTaken = blockHash === undefined && to - from < limits.rangeMax;
    return isTaken && to > (limits.pastUpTo ?? head) && from < head - RECENT_BLOCKS;
  };
  const logsFor = (query: Query): Reply => {
    const from = query.blockHash === undefined ? Number(query.fromBlock) : Number(`0x${query.blockHash.slice(10)}`);
    const to = query.blockHash === undefined ? Number(query.toBlock) : from;
    if (to - from + 1 > limits.rangeMax) {
      counts.refused += 1;
      return { error: refusalOf(limits.rangeMax, from) };
    }
    const found: GeneratedLog[] = [];
    const matches = matcher(query);
    for (let blockNumber = from; blockNumber <= Math.min(to, head); blockNumber++) {
      for (const log of logsOf(blockNumber)) if (matches(log)) found.push(log);
    }
    return { result: found };
  };
  const answer = (method: string, params: readonly unknown[]): Reply => {
    const [first] = params;
    switch (method) {
      case "eth_blockNumber":
        return { result: quantity(head) };
      case "eth_getBlockByNumber":
        return { result: headerAt(String(first)) };
      case "eth_getBlockByHash":
        return { result: headerAt(quantity(Number(`0x${String(first).slice(10)}`))) };
      case "eth_getTransactionReceipt":
        return { result: chain.receipt(String(first)) };
      case "eth_getLogs":
        return logsFor(first as Query);
      default:
        return { error: { code: -32601, message: `the method ${method} does not exist/is not available` } };
    }
  };

  const http = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      counts.calls += 1;
      counts.bytesIn += body.length;
      const { id, method, params } = JSON.parse(body) as { id: number; method: string; params: unknown[] };
      const fault = random() < limits.failing ? Math.floor(random() * 4) : null;
      const reply = (): void => {
        if (method === "eth_getLogs" && isHeld(params[0] as Query)) return void held.push(reply);
        if (fault !== null) {
          counts.failed += 1;
          return failWith(fault, id, response, limits.silenceMs);
        }
        const text = JSON.stringify({ jsonrpc: "2.0", id, ...answer(method, params) });
        counts.bytesOut += text.length;
        response.writeHead(200, { "content-type": "application/json" }).end(text);
      };
      if (limits.latencyMs > 0) setTimeout(reply, limits.latencyMs);
      else reply();
    });
  });
  const sockets = new WebSocketServer({ server: http });
  const subscribers = new Set<{ readonly socket: WebSocket; readonly id: string; readonly filter: LogFilter | null }>();
  sockets.on("connection", (socket) => {
    socket.on("close", () => {
      for (const one of subscribers) if (one.socket === socket) subscribers.delete(one);
    });
    socket.on("message", (data) => {
      const { id, params } = JSON.parse(String(data)) as { id: number; params: [string, LogFilter?] };
      const subscription = quantity(subscribers.size + 1 + Math.floor(random() * 1e9));
      subscribers.add({ socket, id: subscription, filter: params[1] ?? null });
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, result: subscription }));
    });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  const notify = (socket: WebSocket, subscription: string, result: unknown): void => {
    const text = JSON.stringify({ jsonrpc: "2.0", method: "eth_subscription", params: { subscription, result } });
    counts.bytesOut += text.length;
    socket.send(text);
  };
  return {
    httpUrl: `http://127.0.0.1:${port}`,
    wsUrl: `ws://127.0.0.1:${port}`,
    head: () => head,
    finalized: () => head - FINALITY,
    mine: () => {
      head += 1;
      const header = chain.header(head);
      for (const { socket, id, filter } of subscribers) {
        if (filter === null) notify(socket, id, header);
        else for (const log of logsOf(head).filter(matcher(filter))) notify(socket, id, log);
      }
    },
    counts: () => ({ ...counts }),
    set: (changed) => {
      limits = { ...limits, ...changed };
      for (const reply of held.splice(0)) reply();
    },
    stop: async () => {
      for (const socket of sockets.clients) socket.terminate();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

function failWith(fault: number, id: number, response: ServerResponse, silenceMs = 60_000): void {
  switch (fault) {
    case 0:
      response.writeHead(429).end(
        JSON.stringify({
          jsonrpc: "2.0",
          id,
          error: { code: 429, message: "Your app has exceeded its compute units per second capacity." },
        }),
      );
      return;
    case 1:
      response.writeHead(503).end("<html>503 Service Temporarily Unavailable</html>");
      return;
    case 2:
      response.socket?.destroy();
      return;
    default:
      // No answer: the caller's time-out ends it.
      setTimeout(() => response.socket?.destroy(), silenceMs).unref();
  }
}
