/** `npm run faults -- detection|replicas|books|clocks|inputs [--seed S] [--short] [--untold] [--minutes M]`: exit code 1 and the seed when something is wrong. */
import { parseArgs } from "node:util";
import { fullBooks, runBookFaults, shortBooks } from "./books.ts";
import { runClocks } from "./clocks.ts";
import { fullDetection, runDetection, shortDetection } from "./detection.ts";
import { fullInputs, runInputs, shortInputs } from "./inputs.ts";
import { fullReplicas, runReplicas, shortReplicas } from "./replicas.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string", default: String(Date.now()) },
    short: { type: "boolean", default: false },
    untold: { type: "boolean", default: false },
    minutes: { type: "string", default: String(fullBooks.minutes) },
  },
});
const CLOCK_RUN_SECONDS = 30;
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const common = { seed: values.seed, say };
const runs: Readonly<Record<string, () => Promise<{ readonly text: string; readonly clean: boolean }>>> = {
  detection: () =>
    runDetection({ ...(values.short ? shortDetection : fullDetection), ...common, untold: values.untold }),
  replicas: async () => {
    const { text, clean, inTime } = await runReplicas({ ...(values.short ? shortReplicas : fullReplicas), ...common });
    if (!inTime) say("a shard was without an owner for too long");
    return { text, clean: clean && inTime };
  },
  books: () =>
    runBookFaults({ ...(values.short ? shortBooks : { ...fullBooks, minutes: Number(values.minutes) }), ...common }),
  inputs: () => runInputs({ ...(values.short ? shortInputs : fullInputs), ...common }),
  clocks: () => runClocks({ short: values.short, seconds: CLOCK_RUN_SECONDS, say }),
};

const [name = "detection"] = positionals;
const run = Object.hasOwn(runs, name) ? runs[name] : undefined;
if (run === undefined) {
  say(`no run "${name}": one of ${Object.keys(runs).join(", ")}`);
  process.exitCode = 1;
} else {
  const startMs = performance.now();
  say(`${name}, seed ${values.seed}`);
  const { text, clean } = await run();
  process.stdout.write(`${text}\n  took ${Math.round((performance.now() - startMs) / 1_000)} s\n`);
  process.exitCode = clean ? 0 : 1;
  if (!clean) say(`seed ${values.seed} failed`);
}
