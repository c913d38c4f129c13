import type { TokenId } from "@slipstream/contracts/ids";
import { expect, test } from "vitest";
import { bookstoreCore } from "./core/core.ts";
import { market, NO, YES } from "./core/venue.testing.ts";
import { createRequested, tokensToRead } from "./wanted.ts";

test("held tokens come first, then requested, then the latest traded; siblings beside their token", () => {
  const state = bookstoreCore.initial();
  const id = (text: string): TokenId => text as TokenId;
  state.held.add(id("9"));
  state.traded.set(id("5"), 1).set(id("6"), 2);
  const tokens = tokensToRead(state, [NO], (tokenId) => (tokenId === NO ? market : undefined));
  expect(tokens).toEqual([id("9"), NO, YES, id("6"), id("5")]);
});

test("a request lasts ten minutes from the last time it was made", () => {
  const requested = createRequested();
  requested.add([YES, NO], 0);
  requested.add([YES], 300_000);
  expect(requested.at(599_999)).toEqual([YES, NO]);
  expect(requested.at(600_000)).toEqual([YES]);
  expect(requested.at(900_000)).toEqual([]);
});
