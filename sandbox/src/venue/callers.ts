/**
 * Who may talk to the sandbox's ports. Programs may; a page of a browser may not, as any page that is open anywhere can
 * send requests to this machine: directly (then the browser names the page in Origin), or by a name of its own that it
 * lets point here (then the name is in Host).
 */
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import type { OnUpgrade } from "./http.ts";

/** Names of this machine as containers see it. */
const NAMES = new Set(["localhost", "host.docker.internal", "host.containers.internal", "gateway.docker.internal"]);

/** A name without a dot is one of this network, such as that of a container; nobody outside can own it. */
const isOurs = (name: string): boolean =>
  isIP(name.replace(/^\[|\]$/g, "")) !== 0 || NAMES.has(name) || name.endsWith(".localhost") || !name.includes(".");

function urlOf(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

/**
 * Returns why a request is refused, in a sentence; null: it is not.
 * @param hostname - that the server listens on; a name that is given there is ours.
 */
export function whyRefused({ headers }: Pick<IncomingMessage, "headers">, hostname: string): string | null {
  const { host, origin } = headers;
  const at = host === undefined ? null : urlOf(`http://${host}/`);
  if (host !== undefined && (at === null || !(isOurs(at.hostname) || at.hostname === hostname.toLowerCase()))) {
    return "the Host header names another machine: the sandbox answers to addresses, localhost and names without a dot";
  }
  const isForeign = headers["sec-fetch-site"] === "cross-site" || headers["sec-fetch-site"] === "same-site";
  if (isForeign || (origin !== undefined && (at === null || urlOf(origin)?.host !== at.host))) {
    return "a page of another origin asks: the sandbox answers programs, not pages";
  }
  return null;
}

/** Upgrades with the same rules; connections that break off or ask for nonsense end alone. */
export const guarded =
  (onUpgrade: OnUpgrade, hostname: string): OnUpgrade =>
  (request, stream, head) => {
    stream.on("error", () => stream.destroy());
    const refusal = whyRefused(request, hostname);
    if (refusal !== null) stream.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n");
    else onUpgrade(request, stream, head);
  };
