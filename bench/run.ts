/**
 * `npm run bench [name…]`: prints our figure, the floor or peer measured in the same run, and their ratio. Machines differ
 * and are noisy: quote ratios.
 */
import { cpus } from "node:os";

/** One comparison. `ratio` is ours ÷ floor for rates; for latencies the row says what it is. */
export type BenchRow = { readonly name: string; readonly ours: string; readonly floor: string; readonly ratio: number };
type Bench = { run(): Promise<BenchRow[]> };

const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  decode: () => import("./decode.bench.ts"),
  book: () => import("./book.bench.ts"),
  memory: () => import("./memory.bench.ts"),
  replay: () => import("./replay.bench.ts"),
  path: () => import("./path.bench.ts"),
  bookstore: () => import("./bookstore.bench.ts"),
  watcher: () => import("./watcher.bench.ts"),
  gap: () => import("./gap.bench.ts"),
};

/** These take many minutes: only by name. */
const long = new Set(["watcher", "gap"]);

const asked = process.argv.slice(2);
const names = asked.length === 0 ? Object.keys(benches).filter((name) => !long.has(name)) : asked;
console.log(
  `node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model.trim() ?? "unknown"}), ${new Date().toISOString()}`,
);
for (const name of names) {
  const load = benches[name];
  if (load === undefined) throw new Error(`no benchmark "${name}": one of ${Object.keys(benches).join(", ")}`);
  console.log(`\n${name}`);
  for (const row of await (await load()).run()) {
    console.log(
      `  ${row.name.padEnd(64)} ${row.ours.padStart(16)}  beside ${row.floor.padStart(16)}  × ${row.ratio.toFixed(2)}`,
    );
  }
}
