/**
 * Exit code 0 when an address answers 2xx, 1 otherwise. In a service's container without arguments: its own readiness.
 * A standby is ready as well: readiness says that the process does its part, not that trading is allowed.
 */
const TIMEOUT_MS = 4_000;
const address = process.argv[2] ?? `http://127.0.0.1:${process.env.HEALTH_PORT ?? "8080"}/readyz`;

try {
  const response = await fetch(address, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  console.log((await response.text()).slice(0, 500));
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  console.log(`${address}: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
