/** JSON with bigints, Maps and Sets, for snapshots of state: what goes in comes out. */

/** Encodes state. A key that starts with `$` in a plain object is refused: it is the tag of this encoding. */
export function encodeState(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === "bigint") return { $n: item.toString() };
    if (item instanceof Map) return { $m: [...item] };
    if (item instanceof Set) return { $s: [...item] };
    return item;
  });
}

/** Decodes what `encodeState` wrote. The caller checks the version beside it. */
export function decodeState(text: string): unknown {
  return JSON.parse(text, (_key, item: unknown) => {
    if (item === null || typeof item !== "object" || Array.isArray(item)) return item;
    if ("$n" in item && typeof item.$n === "string") return BigInt(item.$n);
    if ("$m" in item && Array.isArray(item.$m)) return new Map(item.$m as [unknown, unknown][]);
    if ("$s" in item && Array.isArray(item.$s)) return new Set(item.$s as unknown[]);
    return item;
  });
}
