/** URLs in texts that people read. */

const url = /([a-z][a-z0-9+.-]*:\/\/)([^\s/?#"'`,<>]*)([^\s"'`,<>]*)/gi;

/**
 * Returns the text with each URL cut down to its scheme and host: user, path and query may hold a key. What was cut is
 * shown as `/…`.
 */
export const withoutPaths = (text: string): string =>
  text.replace(url, (_whole, scheme: string, authority: string, rest: string) => {
    const host = authority.slice(authority.lastIndexOf("@") + 1);
    return `${scheme}${host}${rest === "" || rest === "/" ? rest : "/…"}`;
  });
