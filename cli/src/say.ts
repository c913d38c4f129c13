/** A line for the person at the terminal, beside what a command prints as its result. */
export const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};
