/**
 * Every type of match on the exchange of every generation, on a real EVM: the fills that each wallet must show, and the
 * truth is what its balances changed by, not what the logs say.
 */
import type { TxLog } from "@slipstream/polymarket/acts";
import { type ExactFill, exactFill, needsExactCost } from "@slipstream/polymarket/exactCost";
import { decodeOrderFilled, type OrderFilled } from "@slipstream/polymarket/orderFilled";
import { defaultExchanges } from "@slipstream/polymarket/versions";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hashOf, startTestChain, type TestChain, walletOf } from "./chainKit.ts";
import { type Arena, arenasOf, endow, type Holdings, holdingsOf, type Matched, settle, type Who } from "./matchKit.ts";
import { scenarios } from "./matchScenarios.ts";

const whos: readonly Who[] = ["active", "first", "second"];
let kit: TestChain;
beforeAll(async () => {
  kit = await startTestChain();
  await endow(kit, whos, 200_000_000n);
});
afterAll(() => kit.stop());

type Settled = { readonly logs: readonly TxLog[]; readonly changes: Readonly<Record<Who, Holdings>> };
const settled = new Map<string, Promise<Settled>>();

/** Settles a scenario once, whoever asks first. */
function settleOnce(arena: Arena, name: string): Promise<Settled> {
  const key = `${arena.name} ${name}`;
  const known = settled.get(key) ?? settleAndCompare(arena, scenarios[name] ?? []);
  settled.set(key, known);
  return known;
}

async function settleAndCompare(arena: Arena, matches: readonly Matched[]): Promise<Settled> {
  const all = () => Promise.all(whos.map((who) => holdingsOf(kit, arena, who)));
  const before = await all();
  const logs = await settle(kit, arena, matches);
  const after = await all();
  const change = (at: number): Holdings => {
    const [then, now] = [before[at], after[at]];
    if (then === undefined || now === undefined) throw new Error("holdings");
    const [yes, no] = [now.shares[0] - then.shares[0], now.shares[1] - then.shares[1]];
    return { usdc: now.usdc - then.usdc, shares: [yes, no] };
  };
  return { logs, changes: { active: change(0), first: change(1), second: change(2) } };
}

type Read = { readonly fill: OrderFilled; readonly exact: ExactFill };

/** What a watcher of `who` reads: his own orders' logs, each with what it really was. */
function fillsOf(logs: readonly TxLog[], who: Who): Read[] {
  const { address } = walletOf(kit.chain, who);
  return logs.flatMap((log) => {
    const fill = decodeOrderFilled(log, defaultExchanges);
    if (fill.kind === "refused" || fill.maker !== address) return [];
    const exact = exactFill(logs, log, defaultExchanges);
    if (exact.kind === "unknown") throw new Error(`${exact.code}: ${exact.detail}`);
    return [{ fill, exact }];
  });
}

/** The orders of `who` as the exchange logs them: resting ones first, then the active one. */
const ordersOf = (matches: readonly Matched[], who: Who) =>
  matches
    .flatMap(({ active, resting }) => [
      ...resting.map((one) => ({ one, role: "MAKER" })),
      { one: active, role: "TAKER" },
    ])
    .filter(({ one }) => one.who === who);

/** What fills make of a wallet: fees of purchases on V1 come out of the shares, all others out of the money. */
function effectOf(arena: Arena, reads: readonly Read[]): Holdings {
  let usdc = 0n;
  const shares: [bigint, bigint] = [0n, 0n];
  for (const { fill, exact } of reads) {
    const outcome = fill.tokenId === String(arena.tokenIds[0]) ? 0 : 1;
    const sign = fill.side === "BUY" ? 1n : -1n;
    const feeInShares = exact.feeUnit === "SHARES";
    shares[outcome] += sign * fill.sharesMicro - (feeInShares ? exact.feeMicro : 0n);
    usdc -= sign * exact.usdcMicro + (feeInShares ? 0n : exact.feeMicro);
  }
  return { usdc, shares };
}

const arenaNames = ["V1", "V1 neg-risk", "V2", "V2 neg-risk", "V3"];
const rows = Object.entries(scenarios).flatMap(([name, matches]) =>
  whos.flatMap((who) => {
    const roles = [...new Set(ordersOf(matches, who).map(({ role }) => role))];
    return roles.length === 0 ? [] : [{ name, who, roles: roles.join(" and ") }];
  }),
);

describe.each(arenaNames)("%s", (arenaName) => {
  test.each(rows)("$name: what $who did as $roles", async ({ name, who }) => {
    const arena = arenasOf(kit).find((one) => one.name === arenaName);
    if (arena === undefined) throw new Error(`no arena ${arenaName}`);
    const { logs, changes } = await settleOnce(arena, name);
    const reads = fillsOf(logs, who);
    const isV1 = arena.generation === "V1";
    const expected = ordersOf(scenarios[name] ?? [], who).map(({ one, role }) => ({
      generation: arena.generation,
      exchange: arena.exchange,
      orderHash: hashOf(one.n),
      role,
      side: one.side,
      tokenId: String(arena.tokenIds[one.outcome]),
      sharesMicro: one.shares,
      usdcMicro: one.paid ?? one.usdc,
      feeMicro: (one.fee ?? 0n) - (isV1 ? (one.refund?.amount ?? 0n) : 0n),
      feeUnit: isV1 && one.side === "BUY" ? "SHARES" : "USDC",
    }));
    const shown = reads.map(({ fill, exact: { usdcMicro, feeMicro, feeUnit } }) => {
      const { generation, exchange, orderHash, role, side, tokenId, sharesMicro } = fill;
      return {
        generation,
        exchange,
        orderHash,
        role,
        side,
        tokenId,
        sharesMicro,
        usdcMicro,
        feeMicro,
        feeUnit,
      };
    });
    expect(shown).toEqual(expected);
    expect(effectOf(arena, reads)).toEqual(changes[who]);
    // Whoever does not look at the whole transaction misses nothing.
    for (const { fill, exact } of reads) if (!needsExactCost(fill)) expect(exact.difference).toBe(false);
  });

  test("an active purchase is logged with its offer where the venue does so, and only there", async () => {
    const arena = arenasOf(kit).find((one) => one.name === arenaName);
    if (arena === undefined) throw new Error(`no arena ${arenaName}`);
    const leftoverOf = async (name: string) => {
      const { logs } = await settleOnce(arena, name);
      return fillsOf(logs, "active").find(({ fill }) => fill.role === "TAKER")?.exact.leftoverMicro;
    };
    expect(await leftoverOf("COMPLEMENTARY, active buy")).toBe(arena.generation === "V1" ? 940_000n : 0n);
    expect(await leftoverOf("MINT")).toBe(arena.generation === "V3" ? 0n : 300_000n);
  });
});
