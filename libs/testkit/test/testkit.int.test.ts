import { existsSync } from "node:fs";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { isAlive, startProcess } from "@slipstream/actor/process";
import { startAnvil } from "@slipstream/testkit/anvil";
import { startNats } from "@slipstream/testkit/nats";
import { expectNoLeaks, makeFolder, removeFolder, startCounted } from "@slipstream/testkit/processes";
import { until } from "@slipstream/testkit/until";
import { afterAll, expect, test } from "vitest";

afterAll(expectNoLeaks);

const node = process.execPath;
const forever = ["-e", "setInterval(() => undefined, 1000)"];

test("what nats-server acknowledged is there after kill -9 and restart, on the same port", async () => {
  const nats = await startNats();
  try {
    const before = await connect({ servers: nats.url, reconnect: false });
    await (await jetstreamManager(before)).streams.add({ name: "S", subjects: ["s.>"] });
    expect((await jetstream(before).publish("s.a", "kept")).seq).toBe(1);
    const firstPid = nats.pid;
    await nats.kill9();
    expect(isAlive(firstPid)).toBe(false);
    await nats.restart();
    expect(nats.pid).not.toBe(firstPid);
    const after = await connect({ servers: nats.url, reconnect: false });
    const info = await (await jetstreamManager(after)).streams.info("S");
    expect(info.state.messages).toBe(1);
    await after.close();
  } finally {
    await nats.stop();
  }
  expect(isAlive(nats.pid)).toBe(false);
  expect(existsSync(nats.storeDir)).toBe(false);
});

test("a wrong configuration ends with the server's own words", async () => {
  await expect(startNats({ config: "no_such_setting: 1" })).rejects.toThrow(/no_such_setting/);
});

test("anvil mines on request, on chain 137, from our genesis", async () => {
  const address = "0x00000000000000000000000000000000000000aa";
  const anvil = await startAnvil({ noMining: true, genesis: { alloc: { [address]: { balance: "0x2a" } } } });
  try {
    expect(await anvil.rpc("eth_chainId")).toBe("0x89");
    expect(await anvil.rpc("eth_getBalance", [address, "latest"])).toBe("0x2a");
    await anvil.rpc("evm_mine");
    expect(await anvil.rpc("eth_blockNumber")).toBe("0x1");
    await expect(anvil.rpc("no_such_method")).rejects.toThrow(/no_such_method/);
  } finally {
    await anvil.stop();
  }
  expect(isAlive(anvil.pid)).toBe(false);
});

test("a process that ignores SIGTERM is killed after the grace", async () => {
  const ignores = 'process.on("SIGTERM", () => undefined); console.log("up"); setInterval(() => undefined, 1000)';
  const stubborn = await startCounted({ name: "stubborn", command: node, args: ["-e", ignores] });
  await until(() => stubborn.outputTail().includes("up"), { what: "its first line" });
  expect(await stubborn.terminate(50)).toEqual({ code: null, signal: "SIGKILL" });
  expect(await stubborn.terminate(50)).toEqual({ code: null, signal: "SIGKILL" });
});

test.runIf(process.platform === "linux")("a child does not outlive a parent that is killed by -9", async () => {
  const source = `
    import { startProcess } from ${JSON.stringify(import.meta.resolve("@slipstream/actor/process"))};
    const child = await startProcess({ name: "child", command: process.execPath, args: ${JSON.stringify(forever)} });
    console.log("child " + child.pid);
    setInterval(() => undefined, 1000);`;
  const parent = await startCounted({ name: "parent", command: node, args: ["--input-type=module", "-e", source] });
  const [, pidText] = await until(() => /child (\d+)/.exec(parent.outputTail()), { what: "the child's pid" });
  const childPid = Number(pidText);
  expect(isAlive(childPid)).toBe(true);
  await parent.kill9();
  await until(() => !isAlive(childPid), { what: "the end of the child" });
});

test("a missing command is told at once", async () => {
  await expect(startProcess({ name: "ghost", command: "/no/such/program" })).rejects.toThrow(
    "ghost: there is no /no/such/program",
  );
});

test("expectNoLeaks names what was left, and ends it", async () => {
  const left = await startCounted({ name: "left", command: node, args: forever });
  const folder = makeFolder("left");
  await expect(expectNoLeaks()).rejects.toThrow(`left behind: process left (${left.pid}), folder ${folder}`);
  expect(isAlive(left.pid)).toBe(false);
  expect(existsSync(folder)).toBe(false);
  removeFolder(folder);
  await expectNoLeaks();
});
