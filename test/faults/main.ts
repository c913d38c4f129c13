/** `npm run faults -- detection|replicas [--seed S] [--short]`: exit code 1 and the seed when something is wrong. */
import { parseArgs } from "node:util";
import { fullDetection, runDetection, shortDetection } from "./detection.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: "string", default: String(Date.now()) }, short: { type: "boolean", default: false } },
});
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const { seed } = values;
const [what = "detection"] = positionals;
const startMs = performance.now();
say(`${what}, seed ${seed}`);
const result = await runDetection({ ...(values.short ? shortDetection : fullDetection), seed, say });
process.stdout.write(`${result.text}\n  took ${Math.round((performance.now() - startMs) / 1_000)} s\n`);
process.exitCode = result.clean ? 0 : 1;
if (!result.clean) say(`seed ${seed} failed`);
