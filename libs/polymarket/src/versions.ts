/**
 * The version table: what the venue deployed is data, looked up and never guessed.
 *
 * Two kinds of version meet here. An exchange has a generation (V1, V2, V3) with its EIP-712 version ("1", "2", "3");
 * a market has a protocol version ("v1", "v2"). A "v1" market trades on exchange V2, a "v2" market on exchange V3.
 * @see docs/venue.md, Exchanges; addresses of 2026-11.
 */
import { ContractError } from "@slipstream/contracts/errors";
import { Address } from "@slipstream/contracts/ids";

export const CHAIN_ID = 137;
const address = (text: string): Address => text.toLowerCase() as Address;

export const CONDITIONAL_TOKENS = address("0x4D97DCd97eC945f40cF65F87097ACe5EA0476045");
export const POSITION_MANAGER = address("0x006F54F7f9A22e0000CC2AB60031000000ae9fEF");
export const NEG_RISK_ADAPTER = address("0xd91E80cF2E7be2e162c6513ceD06f1dD0dA35296");
/**
 * Contracts that split, merge, convert and redeem for their callers and keep nothing: of pUSD (each kind has been replaced
 * once), and below it of neg-risk positions.
 */
export const ADAPTERS: ReadonlySet<string> = new Set([
  address("0xAdA100Db00Ca00073811820692005400218FcE1f"),
  address("0xADa100874d00e3331D00F2007a9c336a65009718"),
  address("0xadA2005600Dec949baf300f4C6120000bDB6eAab"),
  address("0xAdA200001000ef00D07553cEE7006808F895c6F1"),
  NEG_RISK_ADAPTER,
]);
/** Where the neg-risk adapter sends NO tokens that were converted. */
export const NO_TOKEN_BURN_ADDRESS = address("0xa5Ef39C3D3e10d0B270233af41CaC69796B12966");
export const ZERO_ADDRESS = address(`0x${"0".repeat(40)}`);
export const USDC_E = address("0x2791Bca1f2de4661ED88A30C99A7a9449Aa84174");
/** What neg-risk positions are derived from; it wraps USDC.e. */
export const WRAPPED_COLLATERAL = address("0x3A3BD7bb9528E159577F7C2e685CC81A765002E2");
export const PUSD = address("0xC011a7E12a19f7B1f670d46F03B03f3342E82DFB");

export type Generation = "V1" | "V2" | "V3";
export type Eip712Version = "1" | "2" | "3";
/** Which markets an exchange settles. V3 settles all of its protocol and has no neg-risk twin. */
export type MarketKind = "standard" | "negRisk" | "any";

export type ExchangeRow = {
  readonly address: Address;
  readonly generation: Generation;
  readonly eip712Version: Eip712Version;
  readonly markets: MarketKind;
  /** Contract that keeps the outcome tokens. */
  readonly ledger: { readonly kind: "ConditionalTokens" | "PositionManager"; readonly address: Address };
  /** ERC-20 that pays. Six decimals, as all tokens of the venue. */
  readonly collateral: Address;
};

export type ExchangeTable = {
  readonly rows: readonly ExchangeRow[];
  readonly byAddress: ReadonlyMap<string, ExchangeRow>;
};

const ctf = { kind: "ConditionalTokens", address: CONDITIONAL_TOKENS } as const;
const positionManager = { kind: "PositionManager", address: POSITION_MANAGER } as const;
const byGeneration = {
  V1: { generation: "V1", eip712Version: "1", ledger: ctf, collateral: USDC_E },
  V2: { generation: "V2", eip712Version: "2", ledger: ctf, collateral: PUSD },
  V3: { generation: "V3", eip712Version: "3", ledger: positionManager, collateral: PUSD },
} as const;

export const EXCHANGE_V1 = address("0x4bFb41d5B3570DeFd03C39a9A4D8dE6Bd8B8982E");
export const NEG_RISK_EXCHANGE_V1 = address("0xC5d563A36AE78145C45a50134d48A1215220f80a");
export const EXCHANGE_V2 = address("0xE111180000d2663C0091e4f400237545B87B996B");
export const NEG_RISK_EXCHANGE_V2 = address("0xe2222d279d744050d28e00520010520000310F59");
export const EXCHANGE_V3 = address("0xe3333700cA9d93003F00f0F71f8515005F6c00Aa");

const knownRows: readonly ExchangeRow[] = [
  { address: EXCHANGE_V1, markets: "standard", ...byGeneration.V1 },
  { address: NEG_RISK_EXCHANGE_V1, markets: "negRisk", ...byGeneration.V1 },
  { address: EXCHANGE_V2, markets: "standard", ...byGeneration.V2 },
  { address: NEG_RISK_EXCHANGE_V2, markets: "negRisk", ...byGeneration.V2 },
  { address: EXCHANGE_V3, markets: "any", ...byGeneration.V3 },
];

const tableOf = (rows: readonly ExchangeRow[]): ExchangeTable => ({
  rows,
  byAddress: new Map(rows.map((row) => [row.address, row])),
});

/** The table of mainnet without overrides. */
export const defaultExchanges: ExchangeTable = tableOf(knownRows);

/** Answer of `eip712Domain()` (ERC-5267), as `decodeEip712Domain` of calls.ts reads it. */
export type Eip712Domain = {
  readonly name: string;
  readonly version: string;
  readonly chainId: bigint;
  readonly verifyingContract: string;
};

export type ExchangeOverrides = { readonly ctf?: string | undefined; readonly negRisk?: string | undefined };

/**
 * Builds the table with POLY_EXCHANGE_CTF and POLY_EXCHANGE_NEGRISK in place of the two V2 rows. An address of the
 * table keeps its own generation; any other one must answer `eip712Domain()` with a known version on this chain.
 * @param readDomain - reads `eip712Domain()` of a contract; its errors pass through.
 * @throws ContractError CONFIG_INVALID for a text that is no address, MARKET_VERSION_UNKNOWN for a wrong domain.
 */
export async function exchangesWith(
  overrides: ExchangeOverrides,
  readDomain: (exchange: Address) => Promise<Eip712Domain>,
): Promise<ExchangeTable> {
  let rows = knownRows;
  for (const [markets, given, replaced] of [
    ["standard", overrides.ctf, EXCHANGE_V2],
    ["negRisk", overrides.negRisk, NEG_RISK_EXCHANGE_V2],
  ] as const) {
    if (given === undefined || given === "") continue;
    const row = await overrideRow(given, markets, readDomain);
    rows = [...rows.filter((other) => other.address !== replaced && other.address !== row.address), row];
  }
  return tableOf(rows);
}

async function overrideRow(
  given: string,
  markets: "standard" | "negRisk",
  readDomain: (exchange: Address) => Promise<Eip712Domain>,
): Promise<ExchangeRow> {
  const parsed = Address.safeParse(given.trim().toLowerCase());
  if (!parsed.success)
    throw new ContractError("CONFIG_INVALID", `an exchange address is 0x and 40 hex digits, got ${given}`);
  const known = defaultExchanges.byAddress.get(parsed.data);
  if (known !== undefined) return { ...known, markets };
  const domain = await readDomain(parsed.data);
  const generation = generationOf(domain.version);
  const where = `the exchange ${parsed.data}`;
  if (generation === null)
    throw versionUnknown(`${where} says EIP-712 version ${JSON.stringify(domain.version)}; known are 1, 2, 3`);
  if (domain.chainId !== BigInt(CHAIN_ID) || domain.verifyingContract.toLowerCase() !== parsed.data) {
    throw versionUnknown(`${where} answers with the domain of ${domain.verifyingContract} on chain ${domain.chainId}`);
  }
  return { address: parsed.data, markets, ...byGeneration[generation] };
}

function generationOf(version: string): Generation | null {
  switch (version) {
    case "1":
      return "V1";
    case "2":
      return "V2";
    case "3":
      return "V3";
    default:
      return null;
  }
}

const versionUnknown = (why: string): ContractError => new ContractError("MARKET_VERSION_UNKNOWN", why);

/**
 * Returns the exchange that settles a market today. Overrides stand at the end of the table and win.
 * @throws ContractError MARKET_VERSION_UNKNOWN for a version that this program does not know.
 */
export function exchangeOfMarket(
  table: ExchangeTable,
  market: { readonly version: string; readonly negRisk: boolean },
): ExchangeRow {
  if (market.version === "v2") {
    const row = table.rows.find((each) => each.generation === "V3");
    if (row !== undefined) return row;
  }
  if (market.version === "v1") {
    const kind: MarketKind = market.negRisk ? "negRisk" : "standard";
    const row = table.rows.findLast((each) => each.markets === kind);
    if (row !== undefined) return row;
  }
  throw versionUnknown(`no exchange of the version table trades a market of version ${JSON.stringify(market.version)}`);
}
