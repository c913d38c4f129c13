/** Where the programs of the tests are. The set-up of the integration tests (scripts/) fills these variables in. */

/**
 * Reads the path of a program from its variable.
 * @throws Error that says what to do; a missing program is never a reason to skip a test.
 */
function programFrom(variable: "NATS_SERVER_BIN" | "ANVIL_BIN"): string {
  const path = process.env[variable];
  if (path !== undefined && path !== "") return path;
  throw new Error(
    `${variable} is not set: run through \`npm test\`, \`npm run bench\` or \`npx vitest\` in the repository, which find or fetch the program, or set it to the program's path`,
  );
}

/** Path of nats-server, 2.11 or newer. */
export const natsServerBin = (): string => programFrom("NATS_SERVER_BIN");
/** Path of anvil, the platform's own binary. */
export const anvilBin = (): string => programFrom("ANVIL_BIN");
