/** A door is where something from outside enters: the real reader, and what must hold of what it says. */
import { ContractError, TransientError } from "@slipstream/contracts/errors";

export type Door = {
  readonly name: string;
  /** Documents as they should be. */
  readonly documents: readonly unknown[];
  /** Its part of the documents; absent: 1. */
  readonly weight?: number;
  /** True: damage may also be done to the text of a document, which is then given as it is. */
  readonly isText?: boolean;
  /**
   * Lets a damaged document in.
   * @param good - what must not be lost: the same document before it was damaged.
   * @returns what is wrong; null: nothing. What is thrown is wrong, too, unless it is one of our errors.
   */
  readonly enter: (damaged: unknown, good: unknown) => string | null | Promise<string | null>;
};

/** Refusals of a whole answer that the callers of a reader know. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof TransientError || (error instanceof ContractError && error.code !== "INVARIANT_BROKEN");

export async function outcomeOf(door: Door, damaged: unknown, good: unknown): Promise<string | null> {
  try {
    return await door.enter(damaged, good);
  } catch (error) {
    return isRefusal(error) ? null : `threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
}
