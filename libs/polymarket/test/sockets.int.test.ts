/** The socket clients against a real WebSocket server of this process. */
import type { AddressInfo } from "node:net";
import type { TokenId } from "@slipstream/contracts/ids";
import { eventually, HANGING_MS } from "@slipstream/testkit/until";
import { afterEach, expect, test, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { keepRpcSocket } from "../src/keptRpcSocket.ts";
import { createMarketSocket, FRAME_BYTES_MAX, QUIET_PING_MS, SILENCE_MS_MAX } from "../src/marketSocket.ts";
import { connectRpcSocket } from "../src/rpc.ts";

const [A, B, C] = ["1", "2", "3"] as [TokenId, TokenId, TokenId];
const closers: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A server that keeps what it was told; `say` answers on the newest connection. */
async function serve(onText?: (text: string, socket: WebSocket) => void) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  const heard: string[] = [];
  const sockets: WebSocket[] = [];
  server.on("connection", (socket) => {
    sockets.push(socket);
    socket.on("message", (data) => {
      heard.push(data.toString());
      onText?.(data.toString(), socket);
    });
  });
  await new Promise((resolve) => server.once("listening", resolve));
  closers.push(() => {
    for (const socket of sockets) socket.terminate();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const { port } = server.address() as AddressInfo;
  return { url: `ws://127.0.0.1:${port}`, heard, sockets };
}

/** Timers that fire when the test says so. */
function handClock() {
  let now = 1_000_000;
  let timers: { dueMs: number; call: () => void }[] = [];
  return {
    nowMs: () => now,
    after: (ms: number, call: () => void) => {
      const entry = { dueMs: now + ms, call };
      timers.push(entry);
      const cancel = (): void => {
        timers = timers.filter((each) => each !== entry);
      };
      return { cancel };
    },
    advance: (ms: number) => {
      now += ms;
      const due = timers.filter((each) => each.dueMs <= now);
      timers = timers.filter((each) => each.dueMs > now);
      for (const { call } of due) call();
    },
    waiting: () => timers.length,
  };
}

async function market(onText?: (text: string, socket: WebSocket) => void) {
  const venue = await serve(onText);
  const clock = handClock();
  const handlers = { onFrame: vi.fn(), onOpen: vi.fn(), onClose: vi.fn(), onProofOfLife: vi.fn(), onPong: vi.fn() };
  const socket = createMarketSocket({ url: venue.url, clock, random: () => 0.5, handlers });
  closers.push(socket.close);
  return { venue, clock, handlers, socket };
}
const named = (text: string): unknown => JSON.parse(text);

test("the first message names all wanted tokens, later ones add and remove", async () => {
  const { venue, socket, handlers } = await market();
  socket.subscribe([A, B]);
  socket.open();
  await eventually(() => expect(handlers.onOpen).toHaveBeenCalledWith([A, B]));
  socket.subscribe([B, C]);
  socket.unsubscribe([A, A]);
  await eventually(() => expect(venue.heard).toHaveLength(3));
  expect(venue.heard.map(named)).toEqual([
    { type: "market", assets_ids: [A, B], custom_feature_enabled: true },
    { operation: "subscribe", assets_ids: [C], custom_feature_enabled: true },
    { operation: "unsubscribe", assets_ids: [A] },
  ]);
  expect(socket.tokens()).toEqual([B, C]);
});

test("a connection opened with nothing wanted greets with its first tokens", async () => {
  const { venue, socket, handlers } = await market();
  socket.open();
  await eventually(() => expect(handlers.onOpen).toHaveBeenCalled());
  socket.subscribe([A]);
  await eventually(() => expect(venue.heard.map(named)).toEqual([expect.objectContaining({ type: "market" })]));
});

test("a quiet connection is pinged; the answer belongs to the oldest ping and is no frame", async () => {
  const { venue, clock, socket, handlers } = await market((text, peer) => {
    if (text === "PING") peer.send("PONG");
  });
  socket.open();
  await eventually(() => expect(handlers.onOpen).toHaveBeenCalled());
  clock.advance(QUIET_PING_MS - 1);
  const pingSentMs = clock.nowMs() + 300;
  clock.advance(300);
  await eventually(() => expect(handlers.onPong).toHaveBeenCalledWith({ pingSentMs, recvMs: pingSentMs }));
  expect(venue.heard).toEqual(["PING"]);
  expect(handlers.onProofOfLife).toHaveBeenCalledTimes(1);
  expect(handlers.onFrame).not.toHaveBeenCalled();
  venue.sockets[0]?.send("[]");
  await eventually(() => expect(handlers.onFrame).toHaveBeenCalledWith("[]", clock.nowMs()));
});

test("a lost connection is reported, comes back after a random wait and is subscribed again", async () => {
  const { venue, clock, socket, handlers } = await market();
  socket.subscribe([A]);
  socket.open();
  await eventually(() => expect(venue.heard).toHaveLength(1));
  venue.sockets[0]?.close(1013, "slow consumer");
  await eventually(() =>
    expect(handlers.onClose).toHaveBeenCalledWith({ code: 1013, reason: "slow consumer", retryInMs: 125 }),
  );
  socket.subscribe([B]);
  expect(venue.sockets).toHaveLength(1);
  clock.advance(125);
  await eventually(() => expect(venue.heard).toHaveLength(2));
  expect(named(venue.heard[1] ?? "")).toMatchObject({ type: "market", assets_ids: [A, B] });
});

test("a connection that stays silent is given up", async () => {
  const { clock, socket, handlers } = await market();
  socket.open();
  await eventually(() => expect(handlers.onOpen).toHaveBeenCalled());
  clock.advance(SILENCE_MS_MAX);
  await eventually(() => expect(handlers.onClose).toHaveBeenCalledWith(expect.objectContaining({ code: 1006 })));
});

test("a half-open connection, which takes pings and says nothing, is given up after the time it was told", async () => {
  const venue = await serve();
  const clock = handClock();
  const onClose = vi.fn();
  const handlers = { onFrame: vi.fn(), onOpen: vi.fn(), onClose, onProofOfLife: vi.fn() };
  const socket = createMarketSocket({ url: venue.url, clock, random: () => 0, handlers, silenceMsMax: 5_000 });
  closers.push(socket.close);
  socket.open();
  await eventually(() => expect(handlers.onOpen).toHaveBeenCalled());
  clock.advance(4_999);
  expect(onClose).not.toHaveBeenCalled();
  clock.advance(250);
  await eventually(() => expect(onClose).toHaveBeenCalledTimes(1));
  expect(handlers.onProofOfLife).not.toHaveBeenCalled();
});

test.each([
  ["beyond the bound", (socket: WebSocket) => socket.send("x".repeat(FRAME_BYTES_MAX + 1))],
  ["that is no UTF-8", (socket: WebSocket) => socket.send(Buffer.from([0xff, 0xfe]), { binary: false })],
])("a frame %s is never handed on: the connection ends there and comes back", async (_name, misbehave) => {
  const { venue, clock, socket, handlers } = await market();
  socket.subscribe([A]);
  socket.open();
  await eventually(() => expect(venue.heard).toHaveLength(1));
  for (const peer of venue.sockets) misbehave(peer);
  await eventually(() => expect(handlers.onClose).toHaveBeenCalledTimes(1));
  clock.advance(1_000);
  await eventually(() => expect(venue.heard).toHaveLength(2));
  expect(handlers.onFrame).not.toHaveBeenCalled();
});

test("a closed client stays closed and leaves no timer", async () => {
  const { venue, clock, socket, handlers } = await market();
  socket.open();
  await eventually(() => expect(handlers.onOpen).toHaveBeenCalled());
  socket.close();
  await eventually(() => expect(handlers.onClose).toHaveBeenCalledWith(expect.objectContaining({ retryInMs: null })));
  clock.advance(60_000);
  expect(clock.waiting()).toBe(0);
  expect(venue.sockets).toHaveLength(1);
});

test("items sent in one burst with the answer to a subscription are not missed", async () => {
  const node = await serve((text, peer) => {
    const { id, method } = JSON.parse(text) as { id: number; method: string };
    if (method !== "eth_subscribe") return;
    peer.send(JSON.stringify({ jsonrpc: "2.0", id, result: "0x1" }));
    for (const result of [1, 2, 3]) {
      peer.send(JSON.stringify({ method: "eth_subscription", params: { subscription: "0x1", result } }));
    }
  });
  const rpc = await connectRpcSocket(node.url, { timeoutMs: HANGING_MS });
  closers.push(rpc.close);
  const items: unknown[] = [];
  await rpc.subscribe(["newHeads"], (item) => items.push(item));
  await eventually(() => expect(items).toEqual([1, 2, 3]));
});

test("a refused, an unanswered and an interrupted request end in their own errors", async () => {
  const node = await serve((text, peer) => {
    const { id, method } = JSON.parse(text) as { id: number; method: string };
    if (method === "refuse") peer.send(JSON.stringify({ id, error: { code: -32_005, message: "range too large" } }));
    if (method === "hangup") peer.terminate();
  });
  const rpc = await connectRpcSocket(node.url, { timeoutMs: HANGING_MS });
  await expect(rpc.call("refuse")).rejects.toMatchObject({ code: "RPC_REFUSED", rpcCode: -32_005 });
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  closers.push(() => void vi.useRealTimers());
  const unanswered = rpc.call("silence");
  vi.advanceTimersByTime(HANGING_MS);
  await expect(unanswered).rejects.toMatchObject({ code: "RPC_UNREACHABLE" });
  vi.useRealTimers();
  await expect(rpc.call("hangup")).rejects.toMatchObject({ code: "RPC_UNREACHABLE" });
  await rpc.closed;
  await expect(connectRpcSocket("ws://127.0.0.1:1", { timeoutMs: HANGING_MS })).rejects.toMatchObject({
    code: "RPC_UNREACHABLE",
  });
});

/** A node that grants every subscription; `kept` subscribes to heads and hears what still counts. */
async function keptSocket() {
  const node = await serve((text, peer) => {
    const { id } = JSON.parse(text) as { id: number };
    peer.send(JSON.stringify({ jsonrpc: "2.0", id, result: `0x${id}` }));
  });
  const clock = handClock();
  const heads: unknown[] = [];
  const [onUp, onDown] = [vi.fn(), vi.fn()];
  let needed = true;
  const kept = keepRpcSocket({
    urls: [node.url],
    timeoutMs: HANGING_MS,
    clock,
    random: () => 0.5,
    isNeeded: () => needed,
    subscribe: async (socket, link) => {
      await socket.subscribe(["newHeads"], (head) => {
        if (link.isCurrent()) heads.push(head);
        link.proven();
      });
    },
    onUp,
    onDown,
  });
  closers.push(kept.stop);
  const says = (index: number, result: unknown): void =>
    node.sockets[index]?.send(JSON.stringify({ method: "eth_subscription", params: { subscription: "0x1", result } }));
  return { node, clock, kept, heads, onUp, onDown, says, isNeeded: (now: boolean) => (needed = now) };
}

test("a node's socket that is lost comes back with its subscriptions, later each time until it has proven itself", async () => {
  const { node, clock, kept, heads, onUp, onDown, says } = await keptSocket();
  kept.reopen();
  for (const [lost, waitMs] of [125, 250, 500].entries()) {
    await eventually(() => expect(onUp).toHaveBeenCalledTimes(lost + 1));
    node.sockets[lost]?.terminate();
    await eventually(() => expect(onDown).toHaveBeenCalledTimes(lost + 1));
    expect(kept.connected()).toBe(false);
    clock.advance(waitMs - 1);
    expect(clock.waiting()).toBe(1);
    clock.advance(1);
  }
  await eventually(() => expect(onUp).toHaveBeenCalledTimes(4));
  says(3, "a head");
  await eventually(() => expect(heads).toEqual(["a head"]));
  kept.drop();
  await eventually(() => expect(onDown).toHaveBeenLastCalledWith("closed by us"));
  clock.advance(125);
  await eventually(() => expect(onUp).toHaveBeenCalledTimes(5));
});

test("only the newest of a node's sockets counts, and none when nothing is wanted", async () => {
  const { node, clock, kept, heads, onUp, onDown, says, isNeeded } = await keptSocket();
  kept.reopen();
  kept.reopen();
  await eventually(() => expect(onUp).toHaveBeenCalledTimes(1));
  await eventually(() => expect(node.heard).not.toHaveLength(0));
  for (const index of node.sockets.keys()) says(index, index);
  await eventually(() => expect(heads).toHaveLength(1));
  isNeeded(false);
  kept.reopen();
  expect(kept.connected()).toBe(false);
  isNeeded(true);
  kept.stop();
  kept.reopen();
  expect([onDown.mock.calls.length, clock.waiting(), onUp.mock.calls.length]).toEqual([0, 0, 1]);
});
