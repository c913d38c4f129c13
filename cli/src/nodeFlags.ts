/** How much memory a service may take before it collects, as flags of Node. Measured: services/chain-watcher/README.md. */
import type { ServiceName } from "@slipstream/contracts/subjects";

const flags: Partial<Record<ServiceName, readonly string[]>> = {
  // Much is read and let go of at each block: a young generation that grows, and an old one that is collected late, hold
  // several times what lives.
  "chain-watcher": ["--max-semi-space-size=4", "--max-old-space-size=512"],
};

export const nodeFlags = (service: ServiceName): readonly string[] => flags[service] ?? [];
