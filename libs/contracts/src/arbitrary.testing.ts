/** Random wire values of any of our schemas, for property tests: covers what the contracts use, refuses the rest. */
import fc from "fast-check";
import type { z } from "zod";

type Def = {
  type: string;
  values?: unknown[];
  entries?: Record<string, string>;
  shape?: Record<string, z.ZodType>;
  innerType?: z.ZodType;
  element?: z.ZodType;
  options?: z.ZodType[];
  items?: z.ZodType[];
  in?: z.ZodType;
  keyType?: z.ZodType;
  valueType?: z.ZodType;
};
type Check = {
  check: string;
  pattern?: RegExp;
  value?: number;
  minimum?: number;
  maximum?: number;
  inclusive?: boolean;
};
type Bounds = { pattern?: RegExp; min?: number; max?: number };

function boundsOf(checks: readonly { _zod: { def: Check } }[]): Bounds {
  const bounds: Bounds = {};
  for (const { _zod } of checks) {
    const { check, pattern, value = 0, minimum = 0, maximum = 0, inclusive } = _zod.def;
    if (check === "string_format" && pattern !== undefined) bounds.pattern = pattern;
    if (check === "greater_than") bounds.min = inclusive === true ? value : value + 1;
    if (check === "less_than") bounds.max = inclusive === true ? value : value - 1;
    if (check === "min_length") bounds.min = minimum;
    if (check === "max_length") bounds.max = maximum;
  }
  return bounds;
}

/** @throws Error for a kind of schema that no contract uses yet: add it here. */
export function wireArbitrary(schema: z.ZodType): fc.Arbitrary<unknown> {
  const { def } = schema._zod as unknown as { def: Def & { checks?: { _zod: { def: Check } }[] } };
  const bounds = boundsOf(def.checks ?? []);
  const inner = (type: z.ZodType | undefined): fc.Arbitrary<unknown> => {
    if (type === undefined) throw new Error(`${def.type} without an inner schema`);
    return wireArbitrary(type);
  };
  switch (def.type) {
    case "literal":
      return fc.constantFrom(...(def.values ?? []));
    case "enum":
      return fc.constantFrom(...Object.values(def.entries ?? {}));
    case "string": {
      if (bounds.pattern !== undefined) return fc.stringMatching(bounds.pattern);
      return fc.string({ minLength: bounds.min ?? 0, maxLength: Math.min(bounds.max ?? 20, 20) });
    }
    case "number":
      return fc.integer({ min: bounds.min ?? -1e9, max: bounds.max ?? 2e12 });
    case "boolean":
      return fc.boolean();
    case "nullable":
      return fc.option(inner(def.innerType), { nil: null });
    case "optional":
      return fc.option(inner(def.innerType), { nil: undefined });
    case "array":
      return fc.array(inner(def.element), { minLength: bounds.min ?? 0, maxLength: 4 });
    case "tuple":
      return fc.tuple(...(def.items ?? []).map(wireArbitrary));
    case "union":
      return fc.oneof(...(def.options ?? []).map(wireArbitrary));
    case "pipe":
      return inner(def.in);
    case "record":
      return fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), inner(def.valueType), {
        maxKeys: 3,
        noNullPrototype: true,
      });
    case "unknown":
      return fc.jsonValue({ maxDepth: 2 });
    case "object":
      return fc.record(
        Object.fromEntries(Object.entries(def.shape ?? {}).map(([key, type]) => [key, wireArbitrary(type)])),
        {
          noNullPrototype: true,
        },
      );
    default:
      throw new Error(`no arbitrary for a schema of kind ${def.type}`);
  }
}
