/** Words on a command line that a command does not take. */
import { ContractError } from "@slipstream/contracts/errors";

/** How many words each command takes at most behind its name; those that are not here look at theirs themselves. */
const WORDS_MOST: Readonly<Record<string, number>> = {
  ...{ start: 0, status: 0, halt: 0, resume: 0, provision: 0, record: 0 },
  ...{ replay: 1, tape: 2, "tape add-fills": 3, "tape add-market": 3 },
};
const HINTS: Readonly<Record<string, (word: string) => string>> = {
  halt: (word) => ` To halt one account: halt --account ${word}`,
  resume: (word) => ` To resume one account: resume --account ${word}`,
  start: (word) => ` To follow a leader: npm start -- --leader ${word}`,
  record: (word) => ` To record a leader: record --leader ${word}`,
};

/**
 * Whoever says `resume whale` does not mean everything: a word that is passed over makes a command a larger one.
 * @param words - behind the command's name.
 * @throws ContractError CONFIG_INVALID naming the first word that is too many.
 */
export function refuseStrayWords(command: string, words: readonly string[]): void {
  const most = WORDS_MOST[`${command} ${words[0]}`] ?? WORDS_MOST[command];
  const stray = most === undefined ? undefined : words[most];
  if (stray === undefined) return;
  const hint = HINTS[command]?.(stray) ?? "";
  throw new ContractError(
    "CONFIG_INVALID",
    `${command} does not take the word "${stray}", so nothing was done.${hint}`,
  );
}
