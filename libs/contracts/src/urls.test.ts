import { expect, test } from "vitest";
import { withoutPaths } from "./urls.ts";

test.each([
  ["https://node.example/v2/KEY", "https://node.example/…"],
  ["https://node.example:8545", "https://node.example:8545"],
  ["https://node.example/", "https://node.example/"],
  ["wss://node.example?key=KEY", "wss://node.example/…"],
  ["nats://user:KEY@bus.example:4222", "nats://bus.example:4222"],
  ["https://a.example/KEY,https://b.example/KEY", "https://a.example/…,https://b.example/…"],
  ['Failed to parse URL from "https://a.example/KEY": bad', 'Failed to parse URL from "https://a.example/…": bad'],
  ["no address here, 1/2", "no address here, 1/2"],
])("%s is shown as %s", (text, shown) => {
  expect(withoutPaths(text)).toBe(shown);
});
