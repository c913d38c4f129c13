/** Pages of a browser reach no port of the sandbox; programs and containers do. */
import { request } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { whyRefused } from "./callers.ts";
import { type HttpServer, ok, startHttp, upgradesAt } from "./http.ts";

const HOST = "127.0.0.1:9000";
test.each([
  [{}],
  [{ host: HOST }],
  [{ host: "localhost:9000" }],
  [{ host: "[::1]:9000" }],
  [{ host: "sandbox:9000" }],
  [{ host: "host.docker.internal:9000" }],
  [{ host: HOST, origin: `http://${HOST}` }],
  [{ host: HOST, "sec-fetch-site": "same-origin" }],
  [{ host: HOST, "sec-fetch-site": "none" }],
  [{ host: "world.example:9000" }, "world.example"],
])("%j is answered", (headers, listensOn = "127.0.0.1") => expect(whyRefused({ headers }, listensOn)).toBeNull());

test.each([
  [{ host: "attacker.example:9000" }],
  [{ host: "127.0.0.1.attacker.example" }],
  [{ host: "localhost.attacker.example" }],
  [{ host: "a b" }],
  [{ host: "" }],
  [{ host: HOST, origin: "https://attacker.example" }],
  [{ host: HOST, origin: "null" }],
  [{ host: HOST, origin: "http://127.0.0.1:8080" }],
  [{ host: HOST, origin: "chrome-extension://abc" }],
  [{ host: HOST, "sec-fetch-site": "cross-site" }],
  [{ origin: "https://attacker.example" }],
])("%j is refused", (headers) => expect(whyRefused({ headers }, "127.0.0.1")).toMatch(/\w+ \w+/));

let server: HttpServer;
let faults = 0;
let upgrades = 0;
beforeAll(async () => {
  server = await startHttp({
    routes: {
      "GET /ok": () => ok("OK"),
      "GET /markets/:id": ({ id }) => ok(id),
      "POST /faults": () => {
        faults += 1;
        return ok({});
      },
    },
    onUpgrade: upgradesAt({
      "/ws": (_request, stream) => {
        upgrades += 1;
        stream.end("HTTP/1.1 101 Switching Protocols\r\n\r\n");
      },
    }),
    host: "127.0.0.1",
    port: 0,
  });
});
afterAll(() => server?.stop());

const post = (headers: Record<string, string>): Promise<number> =>
  new Promise((resolve, reject) => {
    const asked = request(
      { host: "127.0.0.1", port: server.port, method: "POST", path: "/faults", headers },
      (answer) => {
        answer.resume();
        answer.on("end", () => resolve(answer.statusCode ?? 0));
      },
    );
    asked.on("error", reject);
    asked.end("{}");
  });

/** Sends bytes and resolves with what comes back until the other side closes. */
const raw = (text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(server.port, "127.0.0.1", () => socket.write(text));
    socket.on("data", (bytes) => {
      answer += String(bytes);
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });

test("a post of a page, or by a foreign name, changes nothing", async () => {
  expect(await post({})).toBe(200);
  expect(faults).toBe(1);
  expect(await post({ origin: "https://attacker.example", "content-type": "text/plain" })).toBe(403);
  expect(await post({ host: "attacker.example" })).toBe(403);
  expect(faults).toBe(1);
});

test("an upgrade of a page is refused, one to nowhere is not found, and neither ends the server", async () => {
  const upgrade = (path: string, more = "") =>
    raw(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${more}\r\n`);
  expect(await upgrade("/ws", "Origin: https://attacker.example\r\n")).toContain("403");
  expect(await upgrade("//")).toContain("404");
  expect(upgrades).toBe(0);
  expect(await upgrade("/ws")).toContain("101");
  expect(upgrades).toBe(1);
});

test("paths that cannot be read are answered", async () => {
  const get = (path: string) => raw(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
  expect(await get("//")).toContain("400");
  expect(await get("/markets/%ff%")).toContain("200");
  expect(await get("/ok")).toContain("OK");
});
