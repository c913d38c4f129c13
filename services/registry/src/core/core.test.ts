import type { Fact } from "@slipstream/contracts/facts";
import { expect, test } from "vitest";
import { type ConfigSeen, registryCore } from "./core.ts";

const seen = (revision: number, value: unknown = { enabled: true }): ConfigSeen => ({
  type: "ConfigSeen",
  key: "leaders.0xab",
  revision,
  value,
  changedMs: 5,
});

function told(...messages: ConfigSeen[]): string[] {
  let state = registryCore.initial();
  const facts: Fact[] = [];
  for (const message of messages) {
    for (const chain of registryCore.route(state, { nowMs: 9 }, message)) {
      for (const fact of registryCore.decide(state, { nowMs: 9 }, message, chain).facts) {
        facts.push(fact);
        state = registryCore.evolve(state, { seq: facts.length, subject: chain, fence: 0, fact });
      }
    }
  }
  return facts.map((fact) => fact.id);
}

test.each([
  ["a revision", [seen(3)], ["ConfigChanged:leaders.0xab:3"]],
  ["the same again, after a restart of the watch", [seen(3), seen(3)], ["ConfigChanged:leaders.0xab:3"]],
  ["an older one late", [seen(4), seen(3)], ["ConfigChanged:leaders.0xab:4"]],
  ["a deletion", [seen(4), seen(6, null)], ["ConfigChanged:leaders.0xab:4", "ConfigChanged:leaders.0xab:6"]],
])("%s is told once", (_name, messages, expected) => expect(told(...messages)).toEqual(expected));
