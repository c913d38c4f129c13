/** What a message that cannot be read does to the books: nothing, where it was no book and no change of one. */
import type { FrameRefusal } from "@slipstream/polymarket/marketChannel";
import { tokensOf } from "./closing.ts";
import { type Desk, type DeskOutput, onUnreadable, onUnreadableFrame } from "./desk.ts";

export function onRefused(
  desk: Desk,
  connectionName: string,
  { concerns, tokenIds, conditionId }: Pick<FrameRefusal, "concerns" | "tokenIds" | "conditionId">,
  tsInitMs: number,
): DeskOutput[] {
  if (concerns === "noBook") return [];
  if (concerns === "anyBook") return onUnreadableFrame(desk, connectionName, tsInitMs);
  const ofMarket = conditionId === null ? [] : tokensOf(desk, conditionId);
  return onUnreadable(desk, connectionName, [...new Set([...tokenIds, ...ofMarket])], tsInitMs);
}
