import { readFileSync } from "node:fs";
import { serviceNames } from "@slipstream/contracts/subjects";
import { expect, test } from "vitest";
import { nodeFlags } from "./nodeFlags.ts";

test("containers run each service with the same flags as a local run", () => {
  const compose = readFileSync(new URL("../../docker-compose.yml", import.meta.url), "utf8");
  for (const name of serviceNames) {
    const words = [...nodeFlags(name), `services/${name}/src/main.ts`].map((word) => JSON.stringify(word));
    expect(compose).toContain(`command: [${words.join(", ")}]`);
  }
});
