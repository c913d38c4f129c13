/** /livez, /readyz and /metrics of a process. No authentication: nothing secret is shown, nothing can be changed. */
import { createServer } from "node:http";
import { ContractError } from "@slipstream/contracts/errors";
import type { ServiceName } from "@slipstream/contracts/subjects";
import { toldProblems } from "./problems.ts";
import type { ServiceStatus } from "./service.ts";

export type HealthServer = { readonly port: number; stop(): Promise<void> };

/**
 * Readiness is the process's own; whether it may trade is risk's business.
 * @throws ContractError CONFIG_INVALID when the port is taken.
 */
export async function startHealthServer({
  name,
  host,
  port,
  status,
}: {
  readonly name: ServiceName;
  readonly host: string;
  readonly port: number;
  readonly status: () => ServiceStatus;
}): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const answer = (code: number, text: string): void => {
      response.writeHead(code, { "content-type": "text/plain; charset=utf-8" }).end(text);
    };
    switch (request.url) {
      case "/livez":
        return answer(200, "ok\n");
      case "/readyz": {
        const { ready, role, problems } = status();
        return answer(ready ? 200 : 503, `${[role, ...toldProblems(problems)].join("\n")}\n`);
      }
      case "/metrics":
        return answer(200, metricsText(name, status()));
      default:
        return answer(404, "/livez, /readyz or /metrics\n");
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new ContractError("CONFIG_INVALID", `HEALTH_PORT ${port} of ${host} cannot be used`, { cause })),
    );
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Prometheus text format: own gauges and histograms as `slipstream_<name>`, camel case as snake case. */
function metricsText(name: ServiceName, status: ServiceStatus): string {
  const gauges: Record<string, number> = {
    ready: Number(status.ready),
    owner: Number(status.role === "owner"),
    fact_seq: status.lastSeq,
    lagging: Number(status.lagging),
    problems: status.problems.length,
    ...(typeof status.lagMs === "number" ? { lag_ms: status.lagMs } : {}),
    ...status.gauges,
  };
  const lines = Object.entries(gauges).map(([key, value]) => {
    const metric = metricName(key);
    return `# TYPE ${metric} gauge\n${metric}{service="${name}"} ${value}\n`;
  });
  for (const [key, histogram] of Object.entries(status.histograms ?? {})) {
    lines.push(histogram.text(metricName(key), `service="${name}"`));
  }
  return lines.join("");
}

const metricName = (key: string): string =>
  `slipstream_${key
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .replace(/[^a-z0-9_]/g, "_")}`;
