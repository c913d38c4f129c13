/**
 * Replays tapes with leaders' fills under many policies and compares every order with the reference:
 *
 *   node test/oracle/replays.ts TAPE…
 *
 * Prints a line for each replay and each order that differs; exit code 1 when one differs.
 */
import { parseUsdc } from "@slipstream/contracts/money";
import type { AccountPolicy } from "@slipstream/contracts/policy";
import { loadTape } from "@slipstream/sandbox/tape/format";
import { defaultAccount } from "../../cli/src/defaults.ts";
import { eventLine } from "../../cli/src/replay/eventLog.ts";
import { replay } from "../../cli/src/replay/replay.ts";
import { differences, resultUntil } from "./compare.ts";
import { runReference } from "./reference.ts";
import { replayedOf } from "./replayed.ts";
import { tapeOf } from "./tape.ts";

const PLENTY = parseUsdc("1000000000");
/** Money and caps that refuse nothing: what is compared is the engine. */
const rich: AccountPolicy = {
  ...defaultAccount,
  initialCollateralMicro: PLENTY,
  caps: { orderUsdcMicro: PLENTY, tokenUsdcMicro: PLENTY, grossUsdcMicro: PLENTY, openPositionsMax: 50 },
};
const LATENCIES_MS = [0, 150, 1_000];
const KINDS = [
  { timeInForce: "GTD", ttlMs: 5_000 },
  { timeInForce: "GTD", ttlMs: 60_000 },
  { timeInForce: "FAK", ttlMs: 5_000 },
  { timeInForce: "FOK", ttlMs: 5_000 },
] as const;
/** Ten per cent of the leader's size, and ten times that. */
const RATIOS_MICRO = [100_000, 1_000_000];

const print = (line: string): void => void process.stdout.write(`${line}\n`);
let [orders, differ] = [0, 0];
for (const file of process.argv.slice(2)) {
  const tape = await loadTape(file);
  const { markets, messages } = tapeOf(file);
  for (const submitLatencyMs of LATENCIES_MS) {
    for (const kind of KINDS) {
      for (const ratioMicro of RATIOS_MICRO) {
        const account: AccountPolicy = {
          ...rich,
          ...kind,
          submitLatencyMs,
          sizing: { kind: "percentage", ratioMicro },
        };
        const { events, knownThroughMs } = replay({ tape, leaders: [], account, proofs: "none" });
        const told = events.map((event) => JSON.parse(eventLine(event)) as { readonly [key: string]: unknown });
        let [here, wrong, fills] = [0, 0, 0];
        for (const [condition, group] of replayedOf(told, markets).byMarket) {
          const market = markets.get(condition);
          if (market === undefined) continue;
          // An exit may rest longer than the replay lives.
          const made = runReference(market, messages, group.orders).map((one) => resultUntil(one, knownThroughMs));
          const lines = differences(group.orders, group.results, made);
          for (const line of lines) print(line);
          here += made.length;
          wrong += lines.length;
          fills += made.reduce((sum, result) => sum + result.fills.length, 0);
        }
        const { timeInForce, ttlMs } = kind;
        const policy = `${timeInForce} ${ttlMs / 1_000} s, latency ${submitLatencyMs} ms, ratio ${ratioMicro / 1e6}`;
        print(`${file.split("/").at(-1)}, ${policy}: orders ${here}, fills ${fills}, differ ${wrong}`);
        orders += here;
        differ += wrong;
      }
    }
  }
}
print(`orders ${orders}, differ ${differ}`);
process.exitCode = orders === 0 ? 2 : differ > 0 ? 1 : 0;
