/**
 * Runs once before tests that need real programs, so that a plain `npx vitest` finds them too. Installs no packages:
 * they are in use.
 */
import { findPrograms, sayLine } from "./setup.mjs";

export default async function setup() {
  Object.assign(process.env, await findPrograms({ programs: "all", say: sayLine }));
}
