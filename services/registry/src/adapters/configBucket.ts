/** Watches the KV bucket `config`: its present values, then every change. */
import type { Bus } from "@slipstream/actor/bus";
import { type ConfigKind, configSchemas } from "@slipstream/contracts/policy";
import { buckets } from "@slipstream/contracts/subjects";
import { z } from "zod";
import type { ConfigSeen } from "../core/core.ts";

export type ConfigRefusal = { readonly key: string; readonly revision: number; readonly text: string };
export type ConfigWatch = { stop(): void };

/**
 * Calls back for each value as it stands and each later change.
 * @param onRefused - a value that does not match its schema: nothing changes until it is corrected.
 */
export async function watchConfig(
  bus: Bus,
  onSeen: (seen: ConfigSeen) => void,
  onRefused: (refusal: ConfigRefusal) => void,
): Promise<ConfigWatch> {
  const bucket = await bus.kvm.open(buckets.config);
  const watch = await bucket.watch({ include: "" });
  void (async () => {
    for await (const entry of watch) {
      const { key, revision } = entry;
      const changedMs = entry.created.getTime();
      if (entry.operation !== "PUT") {
        onSeen({ type: "ConfigSeen", key, revision, value: null, changedMs });
        continue;
      }
      const checked = checkConfig(key, entry.string());
      if (checked.ok) onSeen({ type: "ConfigSeen", key, revision, value: checked.value, changedMs });
      else onRefused({ key, revision, text: checked.text });
    }
  })();
  return { stop: () => watch.stop() };
}

/** Checks one value of the bucket against the schema its key names; the value stays in its wire form. */
export function checkConfig(key: string, text: string): { ok: true; value: unknown } | { ok: false; text: string } {
  const kind = key.split(".", 1)[0] ?? "";
  if (!Object.hasOwn(configSchemas, kind)) {
    return { ok: false, text: `${key}: a key begins with ${Object.keys(configSchemas).join(" or ")}` };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, text: `${key} is not JSON` };
  }
  const parsed = configSchemas[kind as ConfigKind].safeParse(value);
  return parsed.success ? { ok: true, value } : { ok: false, text: `${key}: ${z.prettifyError(parsed.error)}` };
}
