/** The HTTP client against a server of this process, and blooms, logs and ranges against a real chain. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { startAnvil, type TestAnvil } from "@slipstream/testkit/anvil";
import { HANGING_MS } from "@slipstream/testkit/until";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type Bloom, bloomOf, mayContain, parseBloom, saturation } from "../src/bloom.ts";
import { suspectEmpty, verifyEmpty } from "../src/emptyBlocks.ts";
import type { LogFilter } from "../src/logFilter.ts";
import { createLogRanges } from "../src/logRanges.ts";
import { httpRpc, type RpcReader, RpcRefusedError } from "../src/rpc.ts";
import { rpcFaultOf } from "../src/rpcFaults.ts";
import { createRpcPool, httpProviders } from "../src/rpcPool.ts";
import { fixedHex } from "../src/testing/logs.ts";

describe("one HTTP call", () => {
  const closers: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });
  async function serve(answer: (response: ServerResponse) => void): Promise<string> {
    const server = createServer((_request, response) => answer(response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(
      () =>
        new Promise<void>((resolve) => {
          server.closeAllConnections();
          server.close(() => resolve());
        }),
    );
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2/KEY`;
  }
  const saying =
    (status: number, text: string) =>
    (response: ServerResponse): void => {
      response.writeHead(status).end(text);
    };
  /** A node that says nothing is given up soon; the others get all the time they need. */
  const failureOf = async (answer: (response: ServerResponse) => void, isSilent: boolean): Promise<Error> => {
    const timeoutMs = isSilent ? 300 : HANGING_MS;
    const node: RpcReader = httpRpc(await serve(answer), { timeoutMs, answerBytesMax: 1_000 });
    try {
      throw new Error(`answered ${JSON.stringify(await node.call("eth_getLogs"))}`);
    } catch (error) {
      return error as Error;
    }
  };

  const half = (response: ServerResponse): void => {
    response.writeHead(200).write("{");
  };
  const hangUp = (response: ServerResponse): void => {
    response.destroy();
  };
  test.each([
    ["a refusal", saying(200, '{"error":{"code":-32005,"message":"block range too large"}}'), "tooLarge"],
    [
      "a refusal with status 400",
      saying(400, '{"error":{"code":-32600,"message":"up to a 10 block range"}}'),
      "tooLarge",
    ],
    ["a refusal that is a text", saying(200, '{"error":"rate limit exceeded"}'), "busy"],
    ["status 429", saying(429, "slow down"), "busy"],
    ["status 413", saying(413, "large"), "tooLarge"],
    ["status 502", saying(502, "<html>"), "other"],
    ["more bytes than are taken", saying(200, `{"result":"${"x".repeat(2_000)}"}`), "tooLarge"],
    ["silence", () => undefined, "timeout"],
    ["half an answer and silence", half, "timeout"],
    ["a hang-up", hangUp, "other"],
    ["what is no JSON", saying(200, "<html>"), "other"],
  ] as const)("%s is told as it is, without the key", async (_name, answer, kind) => {
    const error = await failureOf(answer, kind === "timeout");
    expect({ kind: rpcFaultOf(error).kind, text: error.message }).toEqual({
      kind,
      text: expect.not.stringContaining("KEY"),
    });
    expect(error.message).toMatch(/^eth_getLogs: /);
  });

  test("a node that is gone is passed over, and the next one answers", async () => {
    const dead = await serve(hangUp);
    const well = await serve(saying(200, '{"jsonrpc":"2.0","id":1,"result":"0x7"}'));
    const pool = createRpcPool({
      providers: httpProviders([dead, well], { timeoutMs: HANGING_MS }),
      steadyMs: () => performance.now(),
    });
    expect(await pool.call("eth_blockNumber")).toBe("0x7");
    expect(pool.pick().name).toBe(new URL(well).host);
  });
});

describe("on a real chain", () => {
  /** Emits a log with the three words of its call data as topics and no data. */
  const EMITTER_CODE = "0x60403560203560003560006000a300";
  const emitters = [fixedHex("e1", 20), fixedHex("e2", 20)] as const;
  const FROM = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
  const word = (value: number): string => fixedHex(value.toString(16), 32);
  const BLOCKS = 24;
  let anvil: TestAnvil;
  let rpc: RpcReader;

  beforeAll(async () => {
    anvil = await startAnvil({ noMining: true });
    rpc = httpRpc(anvil.httpUrl, { timeoutMs: HANGING_MS });
    for (const emitter of emitters) await anvil.rpc("anvil_setCode", [emitter, EMITTER_CODE]);
    for (let block = 1; block <= BLOCKS; block++) {
      // Block n has n mod 4 logs, so some blocks have none.
      for (let log = 0; log < block % 4; log++) {
        const data = `0x${[log, block, 1_000 + block + log].map((value) => word(value).slice(2)).join("")}`;
        await anvil.rpc("eth_sendTransaction", [{ from: FROM, to: emitters[log % 2], data, gas: "0x20000" }]);
      }
      await anvil.rpc("evm_mine");
    }
  });
  afterAll(() => anvil.stop());

  const Header = z.object({ hash: z.string(), logsBloom: z.unknown() });
  const Logs = z.array(z.looseObject({ address: z.string(), topics: z.array(z.string()), blockHash: z.string() }));
  const hex = (value: number): string => `0x${value.toString(16)}`;
  const header = async (block: number): Promise<{ hash: string; logsBloom: Bloom }> => {
    const { hash, logsBloom } = Header.parse(await rpc.call("eth_getBlockByNumber", [hex(block), false]));
    return { hash, logsBloom: parseBloom(logsBloom) };
  };
  const logsOf = async (fromBlock: number, toBlock: number) =>
    Logs.parse(await rpc.call("eth_getLogs", [{ fromBlock: hex(fromBlock), toBlock: hex(toBlock) }]));
  const filterOf = (block: number): LogFilter => ({ address: emitters, topics: [null, [word(block), word(999_999)]] });

  test("headers carry the bloom that we make of their logs", async () => {
    for (let block = 1; block <= BLOCKS; block++) {
      const [{ logsBloom }, logs] = [await header(block), await logsOf(block, block)];
      expect(logs).toHaveLength(block % 4);
      expect(bloomOf(logs)).toBe(logsBloom);
      expect(logs.every((log) => mayContain(logsBloom, [log.address, ...log.topics]))).toBe(true);
      expect(saturation(logsBloom) > 0).toBe(block % 4 > 0);
    }
  });

  test("a node that hides logs in ranges is found out, by another one, by hash and by its receipts", async () => {
    const honest = { name: "honest", rpc };
    const hiding = (methods: readonly string[]) => ({
      name: "hiding",
      rpc: {
        call: async (method: string, params?: readonly unknown[]) =>
          methods.includes(method) ? [] : rpc.call(method, params),
      },
    });
    const block = 7;
    const seen = await header(block);
    const filters = suspectEmpty(seen, [filterOf(block)], []);
    expect(filters).toEqual([{ address: [...emitters], topics: [null, [word(block)]] }]);
    const hidden = (await logsOf(block, block)).map(({ logIndex }) => logIndex);
    const found = { kind: "lying", logs: hidden.map((logIndex) => expect.objectContaining({ logIndex })) };
    const ask = (doubted: typeof honest, ...witnesses: (typeof honest)[]) =>
      verifyEmpty({ header: seen, filters, doubted, witnesses });
    expect(await ask(hiding(["eth_getLogs"]), honest)).toEqual({ ...found, by: "honest" });
    expect(await ask(honest)).toEqual({ ...found, by: "honest" });
    expect(await ask(hiding(["eth_getLogs"]))).toEqual({ ...found, by: "hiding" });
    expect(await ask(hiding(["eth_getLogs", "eth_getBlockReceipts"]))).toMatchObject({ kind: "unknown" });
  });

  test("receipts prove that nothing was left out", async () => {
    // Both words are in block 6, but in no log together: what the bloom cannot know.
    const filter: LogFilter = { address: [emitters[1]], topics: [word(0), word(6)] };
    const seen = await header(6);
    const filters = suspectEmpty(seen, [filter], []);
    expect(filters).toHaveLength(1);
    const doubted = { name: "alone", rpc };
    expect(await verifyEmpty({ header: seen, filters, doubted, witnesses: [] })).toEqual({
      kind: "empty",
      by: "alone",
    });
  });

  test("all logs come through a provider that gives a few blocks at once", async () => {
    const limited: RpcReader = {
      call: async (method, params) => {
        const { fromBlock, toBlock } = z.object({ fromBlock: z.string(), toBlock: z.string() }).parse(params?.[0]);
        const length = Number(toBlock) - Number(fromBlock) + 1;
        if (length > 5) throw new RpcRefusedError(method, { code: -32005, message: "block range too large" });
        return rpc.call(method, params);
      },
    };
    const pieces: number[] = [];
    const read = async (fromBlock: number, toBlock: number) =>
      Logs.parse(await limited.call("eth_getLogs", [{ fromBlock: hex(fromBlock), toBlock: hex(toBlock) }]));
    const ranges = createLogRanges();
    const logs: unknown[] = [];
    for await (const piece of ranges.readRange("limited", { fromBlock: 1, toBlock: BLOCKS }, read)) {
      pieces.push(piece.toBlock - piece.fromBlock + 1);
      logs.push(...piece.value);
    }
    expect(logs).toEqual(await logsOf(1, BLOCKS));
    expect(Math.max(...pieces)).toBeLessThanOrEqual(5);
  });
});
