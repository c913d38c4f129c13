/** Larger answers are no answers of nodes or venue: providers cut theirs far below, and a hostile one must not fill the memory. */
export const ANSWER_BYTES_MAX = 32 * 1024 * 1024;

/** The body as text; null when it is longer than `bytesMax`: the rest is not read. */
export async function boundedText(response: Response, bytesMax: number = ANSWER_BYTES_MAX): Promise<string | null> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > bytesMax) return null;
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}
