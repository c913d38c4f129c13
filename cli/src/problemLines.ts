/** What limits services, each in full and once, with the names of those that say it: the line of services has no room for it. */

import { type ServiceName, serviceNames } from "@slipstream/contracts/subjects";
import { plainText } from "@slipstream/contracts/text";
import type { Overview } from "./overview.ts";
import { isOfClock, speakerOf } from "./serviceHealth.ts";

const TEXT_MAX = 600;
const INDENT = "    ";

/** @param wallMs - real time. @param width - columns. */
export function problemLines(overview: Overview, { wallMs, width }: { wallMs: number; width: number }): string[] {
  const said = new Map<string, ServiceName[]>();
  for (const name of serviceNames) {
    for (const text of speakerOf(overview, name, wallMs)?.problems ?? []) {
      if (!isOfClock(text)) said.set(text, [...(said.get(text) ?? []), name]);
    }
  }
  return [...said].flatMap(([text, names]) => {
    const who = names.length === serviceNames.length ? "all" : names.join(", ");
    return wrapped(`  ! ${who}: ${plainText(text, TEXT_MAX)}`, width);
  });
}

/** Breaks a line at spaces; what follows is indented. A word that is longer than a line is cut by whoever prints it. */
export function wrapped(line: string, width: number): string[] {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > width) {
    const at = rest.lastIndexOf(" ", width);
    if (at <= INDENT.length) break;
    lines.push(rest.slice(0, at));
    rest = `${INDENT}${rest.slice(at + 1)}`;
  }
  return [...lines, rest];
}
