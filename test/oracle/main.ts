/**
 * Compares the paper engine with the reference over a tape:
 *
 *   node test/oracle/main.ts --tape TAPE --events FILE      the orders of a replay (`--events-out FILE`)
 *   node test/oracle/main.ts --tape TAPE --generate N [--seed S]   orders made here, handed to the engine directly
 *   node test/oracle/main.ts --tape TAPE --fills-out FILE --generate N [--seed S] [--sizes 20,200]   leader fills to copy
 *
 * `--market ID` takes one market of the tape only. Prints a line for each order that differs and `orders N, differ M`;
 * exit code 1 when one differs, 2 when nothing could be compared.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { differences } from "./compare.ts";
import { runEngine } from "./engine.ts";
import { runReference } from "./reference.ts";
import { replayedOf } from "./replayed.ts";
import { recordsOf, tapeOf } from "./tape.ts";
import { leaderFills, tapeOrders } from "./tapeOrders.ts";
import type { OrderResult } from "./types.ts";

const { values } = parseArgs({
  options: {
    tape: { type: "string" },
    events: { type: "string" },
    generate: { type: "string" },
    seed: { type: "string", default: "1" },
    market: { type: "string" },
    "fills-out": { type: "string" },
    sizes: { type: "string", default: "50,500,5000" },
    verbose: { type: "boolean", default: false },
  },
});

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** Counts of how the reference's orders ended, so that a comparison of nothing does not look well. */
function kindsOf(results: readonly OrderResult[]): string {
  const counts = new Map<string, number>();
  const count = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const { fills, end } of results) {
    count(end?.kind ?? "open");
    for (const { liquiditySide } of fills) count(`${liquiditySide} fills`);
  }
  return [...counts].map(([name, n]) => `${name} ${n}`).join(", ");
}

function main(): number {
  const { tape: file, events, generate } = values;
  if (file === undefined || (events === undefined && generate === undefined)) {
    print("usage: main.ts --tape TAPE (--events FILE | --generate N [--seed S]) [--market ID]");
    return 2;
  }
  const { markets, messages } = tapeOf(file);
  const only = values.market?.toLowerCase();
  const fillsFile = values["fills-out"];
  if (fillsFile !== undefined) {
    const options = { seed: Number(values.seed), count: Number(generate), sizes: values.sizes.split(",") };
    const lines = [...markets.values()].flatMap((market) => leaderFills(market, messages, options));
    writeFileSync(fillsFile, lines.map((line) => `${line}\n`).join(""));
    print(`${lines.length} fills written`);
    return 0;
  }
  const results: OrderResult[] = [];
  let [orders, differ] = [0, 0];
  const show = (made: readonly OrderResult[], lines: readonly string[]): void => {
    results.push(...made);
    orders += made.length;
    differ += lines.length;
    for (const line of lines) print(line);
  };
  if (events !== undefined) {
    const { byMarket, notPlaced, unknownMarkets } = replayedOf(recordsOf(events), markets);
    if (notPlaced > 0) print(`${notPlaced} orders never reached the engine`);
    for (const condition of unknownMarkets) print(`the tape has no market ${condition}: its orders are not compared`);
    for (const [condition, group] of byMarket) {
      const market = markets.get(condition);
      if (market === undefined || (only !== undefined && condition !== only)) continue;
      const made = runReference(market, messages, group.orders);
      show(made, differences(group.orders, group.results, made));
    }
  }
  if (generate !== undefined) {
    for (const [condition, market] of markets) {
      if (only !== undefined && condition !== only) continue;
      const wanted = tapeOrders(market, messages, Number(values.seed), Number(generate));
      const made = runReference(market, messages, wanted);
      show(made, differences(wanted, runEngine(market, messages, wanted), made));
    }
  }
  print(`reference: ${kindsOf(results)}`);
  print(`orders ${orders}, differ ${differ}`);
  return orders === 0 ? 2 : differ > 0 ? 1 : 0;
}

process.exitCode = main();
