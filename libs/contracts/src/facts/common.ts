/** The envelope of every fact and how a schema of one is made. */
import { z } from "zod";
import { Ms } from "../codec.ts";
import { FactId } from "../ids.ts";

/**
 * Makes the schema of a fact. Two times: `tsEventMs` the source says it happened, `tsInitMs` we made the message.
 * `v` is the major version: another one is refused, added optional fields are not a new major.
 */
export const fact = <Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) =>
  z.object({ type: z.literal(type), v: z.literal(1), id: FactId, tsEventMs: Ms, tsInitMs: Ms, ...shape });

/** A new owner of a chain announces himself before anything else; a stale owner's next write is then refused. */
export const OwnerChanged = fact("OwnerChanged", {
  /** The subject of the chain. */
  chain: z.string(),
  fence: z.int().nonnegative(),
  owner: z.string(),
});
export type OwnerChanged = z.infer<typeof OwnerChanged>;
