#!/usr/bin/env node
/** The `slipstream` command. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readDotEnv } from "@slipstream/actor/dotEnv";
import { ContractError } from "@slipstream/contracts/errors";
import { parseLeaders, runLeaders } from "./commands/leaders.ts";
import { runOperator, runSkip } from "./commands/operator.ts";
import { runProvision, watchProvision } from "./commands/provision.ts";
import { runStatus } from "./commands/status.ts";
import { parseDuration, readSettings } from "./config.ts";
import { busAddressOf } from "./connection.ts";
import { openRunFolder } from "./runFolder.ts";
import { refuseStrayWords } from "./strayWords.ts";

const USAGE = `slipstream: follows chosen Polymarket wallets and copies their fills, on paper

  start [--leader 0x…[,0x…]] [--for 60s] [--report FILE]   the sandbox, or real wallets, with a live view
  status                                                   the live view once
  leaders add 0x… [--label NAME] [--from now|BLOCK|30d] | list   who is followed, and from when on
  leaders remove 0x… [--exits | --close | --keep]          what was bought after him: sold when he sells, now, or not
  halt [--account A] [--why TEXT] | resume …               stop trading, everywhere or of one account; go on
  replay TAPE [--leader 0x…] [--latency-ms N] [--for 60s] [--report FILE] [--fills-out FILE]
         [--events-out FILE]                               the same decisions on a recording, told event by event
  tape add-fills TAPE FILLS.jsonl -o OUT                   put leaders' fills on a tape
  tape add-market TAPE MARKET.json -o OUT                  its true tick, minimum, fee and delay (a CLOB or Gamma market);
         [--fee-rate 0.05 [--fee-exponent 1]] [--taker-delay-ms N] [--neg-risk yes|no] [--tick 0.01] [--min-size 5]
         [--assume]                                        what the object does not state, by hand or as it usually is
  tape info TAPE | tape play TAPE [--speed N]              what is on it; serve it as a venue
  tape check TAPE [--silence 30s]                          prove its books, list its gaps; exit code 1 when it is not whole
  record [--out FOLDER] [--token ID…] [--market 0x…] [--leader 0x…] [--top N] [--for 10m]
         [--rotate-mb N] [--rotate-minutes N] [--from-sandbox URL]   what the venue says, onto a tape
  skip SEQ… --why TEXT                                     pass over facts that services cannot read
  provision [--watch [--store FOLDER]]                     streams, buckets and the first account; again when they vanish;
                                                           and how much room the disk of the bus has

As: npm run slipstream -- <command> …   (start also as: npm start -- …)`;

const options = {
  leader: { type: "string", multiple: true },
  for: { type: "string" },
  report: { type: "string" },
  label: { type: "string" },
  from: { type: "string" },
  why: { type: "string" },
  account: { type: "string" },
  "from-sandbox": { type: "string" },
  "latency-ms": { type: "string" },
  "fills-out": { type: "string" },
  "events-out": { type: "string" },
  speed: { type: "string" },
  output: { type: "string", short: "o" },
  out: { type: "string" },
  token: { type: "string", multiple: true },
  market: { type: "string", multiple: true },
  top: { type: "string" },
  "rotate-mb": { type: "string" },
  "rotate-minutes": { type: "string" },
  silence: { type: "string" },
  exits: { type: "boolean" },
  close: { type: "boolean" },
  keep: { type: "boolean" },
  "fee-rate": { type: "string" },
  "fee-exponent": { type: "string" },
  "taker-delay-ms": { type: "string" },
  "neg-risk": { type: "string" },
  tick: { type: "string" },
  "min-size": { type: "string" },
  assume: { type: "boolean" },
  watch: { type: "boolean" },
  store: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
/** Signals come twice when a whole group is told to end. */
const ONE_SIGNAL_MS = 1_000;
/** After an error, what was printed is out by then. */
const LEFTOVERS_MS = 500;

/** `.env` of the clone fills in what the environment does not say. */
function readEnvironment(): Record<string, string | undefined> {
  return { ...readDotEnv(join(root, ".env")), ...process.env };
}

async function main(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
  const [command, ...rest] = positionals;
  if (values.help === true || command === undefined) {
    console.log(USAGE);
    return command === undefined && values.help !== true ? 1 : 0;
  }
  refuseStrayWords(command, rest);
  const env = readEnvironment();
  const settings = readSettings(env);
  const folder = openRunFolder(settings.SLIPSTREAM_HOME ?? join(root, ".slipstream"));
  const address = () => busAddressOf(settings, folder);
  const asked = {
    leaders: parseLeaders(values.leader ?? []),
    reportFile: values.report ?? null,
    fillsFile: values["fills-out"] ?? null,
  };
  const surroundings = () => ({ settings, folder, env, signal: untilSignal() });
  // The large ones are loaded when they are asked for: whoever says `halt` does not wait for a recorder.
  switch (command) {
    case "start": {
      const { runStart } = await import("./commands/start.ts");
      return runStart({ ...asked, ...surroundings(), tape: null, forMs: durationOf(values.for) });
    }
    case "status":
      return runStatus(await address());
    case "leaders":
      return runLeaders(await address(), rest, {
        label: values.label ?? "",
        from: values.from,
        fromSandbox: values["from-sandbox"],
        removed: { exits: values.exits ?? false, close: values.close ?? false, keep: values.keep ?? false },
        // A sandbox's wallets are in no Data API.
        dataApiUrl: (folder.read()?.sandboxUrl ?? null) === null ? settings.DATA_API_URL : null,
      });
    case "halt":
    case "resume":
      return runOperator(await address(), command, { why: values.why ?? "", account: values.account });
    case "skip":
      return runSkip(await address(), rest, values.why ?? "");
    case "provision":
      if (values.watch !== true) return runProvision(await address());
      return watchProvision(await address(), {
        store: values.store ?? null,
        haltBelowMb: settings.STORE_FREE_MB_MIN,
        signal: untilSignal(),
      });
    case "record": {
      const { runRecord } = await import("./commands/record.ts");
      return runRecord({
        asked: {
          out: values.out,
          token: values.token ?? [],
          market: values.market ?? [],
          top: values.top,
          rotateMb: values["rotate-mb"],
          rotateMinutes: values["rotate-minutes"],
          for: values.for,
          fromSandbox: values["from-sandbox"],
        },
        leaders: asked.leaders,
        settings,
        home: folder.path,
        signal: untilSignal(),
      });
    }
    case "replay": {
      const { runReplay } = await import("./commands/replay.ts");
      return runReplay({
        ...asked,
        tape: rest[0],
        eventsFile: values["events-out"] ?? null,
        latencyMs: latencyOf(values["latency-ms"]),
        forMs: durationOf(values.for),
      });
    }
    case "tape": {
      const { playMs, runTape, tapeWorld } = await import("./commands/tape.ts");
      if (rest[0] === "play") {
        const { runStart } = await import("./commands/start.ts");
        const tape = await tapeWorld(rest[1], values.speed);
        return runStart({ ...asked, ...surroundings(), tape, forMs: playMs(tape, settings.TAPE_LEAD_SECONDS * 1_000) });
      }
      return runTape(rest, {
        output: values.output,
        silence: values.silence,
        stated: {
          feeRate: values["fee-rate"],
          feeExponent: values["fee-exponent"],
          takerDelayMs: values["taker-delay-ms"],
          negRisk: values["neg-risk"],
          tick: values.tick,
          minSize: values["min-size"],
          assume: values.assume,
        },
      });
    }
    default:
      throw new ContractError("CONFIG_INVALID", `there is no command "${command}"\n\n${USAGE}`);
  }
}

function durationOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const ms = parseDuration(text);
  if (ms === null || ms === 0) throw new ContractError("CONFIG_INVALID", `--for ${text}: a time such as 60s, 5m or 1h`);
  return ms;
}

function latencyOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^\d{1,6}$/.test(text)) throw new ContractError("CONFIG_INVALID", `--latency-ms ${text}: a whole number of ms`);
  return Number(text);
}

/** Aborts at the first Ctrl-C or SIGTERM; a second one, later, ends at once. */
function untilSignal(): AbortSignal {
  const controller = new AbortController();
  let firstMs = 0;
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (firstMs === 0) firstMs = performance.now();
      else if (performance.now() - firstMs > ONE_SIGNAL_MS) process.exit(130);
      controller.abort();
    });
  }
  return controller.signal;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const known = error instanceof Error && ("code" in error || error.name === "TypeError");
  console.error(known ? error.message : error);
  process.exitCode = 1;
  // What still holds the process (a socket that is being opened to nobody) is of no use any more.
  setTimeout(() => process.exit(), LEFTOVERS_MS).unref();
}
