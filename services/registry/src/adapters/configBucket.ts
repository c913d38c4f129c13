/** Watches the KV bucket `config`: its present values, then every change. */
import type { Bus } from "@slipstream/actor/bus";
import { followRemade } from "@slipstream/actor/remade";
import { readConfig } from "@slipstream/contracts/policy";
import { buckets } from "@slipstream/contracts/subjects";
import type { Logger } from "pino";
import type { ConfigSeen } from "../core/core.ts";

export type ConfigRefusal = { readonly key: string; readonly revision: number; readonly text: string };
type Entry = {
  readonly key: string;
  readonly revision: number;
  readonly created: Date;
  readonly operation: string;
  string(): string;
};
export type ConfigWatch = { stop(): void };

/**
 * Calls back for each value as it stands and each later change, also when the bucket was made again in between.
 * @param onRefused - a value that cannot be accepted: nothing changes until it is corrected.
 * @param onForgotten - a refused key is gone.
 */
export async function watchConfig(
  bus: Bus,
  logger: Logger,
  onSeen: (seen: ConfigSeen) => void,
  onRefused: (refusal: ConfigRefusal) => void,
  onForgotten: (key: string) => void,
): Promise<ConfigWatch> {
  const take = (entry: Entry): void => {
    const { key, revision } = entry;
    const changedMs = entry.created.getTime();
    if (entry.operation !== "PUT") {
      // A key that names nobody was never told, so there is nothing to take back.
      if (!readConfig(key, null).ok) onForgotten(key);
      else onSeen({ type: "ConfigSeen", key, revision, value: null, changedMs });
      return;
    }
    const checked = checkConfig(key, entry.string());
    if (checked.ok) onSeen({ type: "ConfigSeen", key, revision, value: checked.value, changedMs });
    else onRefused({ key, revision, text: checked.text });
  };
  const stop = await followRemade({ bus, logger, stream: `KV_${buckets.config}` }, async () => {
    const watch = await (await bus.kvm.open(buckets.config)).watch({ include: "" });
    void (async () => {
      for await (const entry of watch) take(entry);
    })();
    return async () => watch.stop();
  });
  return { stop: () => void stop() };
}

/** Checks one value of the bucket; the value stays in its wire form. */
export function checkConfig(key: string, text: string): { ok: true; value: unknown } | { ok: false; text: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, text: `${key} is not JSON` };
  }
  // As a value it would be taken for a deletion.
  if (value === null) return { ok: false, text: `${key}: null is no value; delete the key instead` };
  const read = readConfig(key, value);
  return read.ok ? { ok: true, value } : read;
}
