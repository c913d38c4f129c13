/** Asks the sandbox what it offers, as its `/world` answers. */
import { ContractError, TransientError } from "@slipstream/contracts/errors";
import { Address } from "@slipstream/contracts/ids";
import { z } from "zod";

/** The sandbox's endpoints and its leaders. */
export const World = z.object({
  endpoints: z.object({
    rpcHttpUrl: z.string(),
    rpcWsUrl: z.string(),
    clobHttpUrl: z.string(),
    clobMarketWsUrl: z.string(),
    gammaUrl: z.string(),
    dataApiUrl: z.string(),
    rtdsUrl: z.string(),
  }),
  leaders: z.array(z.object({ address: Address, label: z.string() })),
});
export type World = z.infer<typeof World>;

const TIMEOUT_MS = 2_000;

/**
 * @param baseUrl - the sandbox's HTTP address.
 * @throws TransientError when it does not answer (yet), ContractError when the answer is not a world.
 */
export async function fetchWorld(baseUrl: string): Promise<World> {
  let body: unknown;
  try {
    const response = await fetch(new URL("/world", baseUrl), { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    body = await response.json();
  } catch (cause) {
    throw new TransientError("VENUE_UNREACHABLE", `no sandbox answers at ${baseUrl}`, { cause });
  }
  const parsed = World.safeParse(body);
  if (!parsed.success)
    throw new ContractError("VENUE_UNREADABLE", `the sandbox at ${baseUrl} answered no world`, { cause: parsed.error });
  return parsed.data;
}

/** Sends one command to the sandbox's `/faults`; the answer is its JSON. */
export async function sendFault(baseUrl: string, fault: Readonly<Record<string, unknown>>): Promise<unknown> {
  const response = await fetch(new URL("/faults", baseUrl), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(fault),
    signal: AbortSignal.timeout(30_000),
  });
  const body: unknown = await response.json();
  if (!response.ok)
    throw new ContractError("VENUE_REFUSED", `the sandbox refused ${JSON.stringify(fault)}: ${JSON.stringify(body)}`);
  return body;
}
