/** Facts made by people: configuration and commands. */
import { z } from "zod";
import { fact } from "./common.ts";
import { RiskScope } from "./risk.ts";

const person = { who: z.string().min(1).max(64), why: z.string().max(500) };

/** One accepted revision of one key of the `config` bucket; `value` null: deleted. Validated by its schema. */
export const ConfigChanged = fact("ConfigChanged", {
  key: z.string(),
  revision: z.int().positive(),
  value: z.unknown().nullable(),
});
export type ConfigChanged = z.infer<typeof ConfigChanged>;

/** Halts stay until a person lifts them. */
export const OperatorCommand = fact("OperatorCommand", {
  command: z.enum(["halt", "resume"]),
  scope: RiskScope,
  ...person,
});
export type OperatorCommand = z.infer<typeof OperatorCommand>;

/** Lets one unreadable fact pass, for every service that cannot read it. */
export const SkipFact = fact("SkipFact", { seq: z.int().positive(), ...person });
export type SkipFact = z.infer<typeof SkipFact>;
