/** JSON of which nobody knows what it is. */
import { z } from "zod";

/** Returns what the text says when it is JSON and matches the schema, else null. Never throws. */
export function readJson<T>(schema: z.ZodType<T, unknown>, text: string): T | null {
  try {
    return z.safeDecode(schema, JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
