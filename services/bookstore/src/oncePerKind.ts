/** Says the first of each kind in the log and counts the rest: a venue that sends nonsense must not fill the disk. */
import type { ServiceContext } from "@slipstream/actor/service";
import type { bookstoreEnv } from "./config.ts";

export type OncePerKind = (kind: string, fields: Readonly<Record<string, unknown>>, text: string) => void;

/** Beyond so many, new kinds are not told: their names come from outside. */
const KINDS_MAX = 200;

export function createOncePerKind(logger: ServiceContext<typeof bookstoreEnv>["logger"]): OncePerKind {
  const told = new Set<string>();
  return (kind, fields, text) => {
    if (told.has(kind) || told.size >= KINDS_MAX) return;
    told.add(kind);
    logger.error({ kind, ...fields }, `${text}; more of this kind is only counted`);
  };
}
