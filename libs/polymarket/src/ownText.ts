/** The first characters of a text as a text of their own: a slice would keep all of it in memory. */
export const ownText = (text: string, max: number): string => Buffer.from(text.slice(0, max), "utf8").toString("utf8");
