/** JSON whose numbers lose no digit. */

/**
 * Parses JSON. A number stays a number where its shortest text is what was sent; one that a double cannot tell apart
 * from its neighbours (more than some 16 digits), or that was written in another way (`1.50`, `1e-7`), comes as the text
 * that was sent.
 * @throws SyntaxError for what is no JSON.
 */
export function parseExactJson(text: string): unknown {
  return JSON.parse(text, keepDigits) as unknown;
}

function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number") return value;
  const source = context?.source;
  return source === undefined || String(value) === source ? value : source;
}
