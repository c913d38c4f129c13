/** Settings of balance-sync. */
import { addressText, flag, httpUrls, integer, sharedSettings } from "@slipstream/contracts/env";
import { ContractError } from "@slipstream/contracts/errors";
import { AccountId, type Address, TokenId } from "@slipstream/contracts/ids";
import { publicEndpoints } from "@slipstream/polymarket/publicEndpoints";
import type { WalletClaim } from "@slipstream/polymarket/wallets";
import { z } from "zod";
import type { OwnWallet } from "./core/messages.ts";

/** Values parted by commas. */
const list = <T extends z.ZodType<unknown, string>>(one: T) =>
  z
    .string()
    .transform((text) => text.split(",").map((part) => part.trim()))
    .pipe(z.array(one));

export const balanceSyncEnv = {
  /** Nodes for balances, parted by commas, the best first; absent: POLYGON_HTTP_URL. */
  AQ_ONCHAIN_PROVIDER_URL: httpUrls().optional(),
  POLYGON_HTTP_URL: sharedSettings.POLYGON_HTTP_URL.default([publicEndpoints.polygonHttpUrl]),
  /** Nodes for transfer events; absent: balances come by polling and after fills only. */
  POLYGON_WS_URL: sharedSettings.POLYGON_WS_URL.optional(),
  AQ_ONCHAIN_SYNC_INTERVAL_SECONDS: integer(1, 3_600).default(3),
  /** Of one call to a node. */
  AQ_ONCHAIN_SYNC_TIMEOUT_SECONDS: integer(1, 120).default(5),
  /** One call for up to 500 balances, whichever contracts keep them; off: a call for each. */
  AQ_ONCHAIN_MULTI_CALL_ENABLED: flag().default(true),
  /**
   * How far balances of our own wallets go. observe: differences between node and index are logged, nothing is published.
   * authoritative: they are published.
   */
  AQ_ONCHAIN_PHASE: z.enum(["observe", "authoritative"]).default("observe"),
  /** How often our own wallets are compared with the index. */
  AQ_ONCHAIN_COMPARE_SECONDS: integer(1, 86_400).default(60),
  /** How often the index is read while no node answers. */
  AQ_ONCHAIN_INDEX_SECONDS: integer(1, 3_600).default(10),
  /** How often closed markets of positions are asked on the chain whether they are resolved. */
  AQ_ONCHAIN_RESOLUTION_SECONDS: integer(1, 3_600).default(5),
  /** The same for all markets of positions: nothing is lost when nobody says that a market closed. */
  AQ_ONCHAIN_RESOLUTION_ALL_SECONDS: integer(1, 86_400).default(600),
  DATA_API_URL: sharedSettings.DATA_API_URL.default(publicEndpoints.dataApiUrl),
  /** In place of the V2 exchanges of the version table; must answer eip712Domain() with a known version. */
  POLY_EXCHANGE_CTF: addressText().optional(),
  POLY_EXCHANGE_NEGRISK: addressText().optional(),
  /** Our own wallets, each setting a list parted by commas, in the same order: the key's address, */
  AQ_WALLET_SIGNER: list(addressText()).optional(),
  /** the holder of money and tokens, */
  AQ_WALLET_FUNDER: list(addressText()).optional(),
  /** how it signs (0 the key itself, 1 proxy, 2 Safe, 3 deposit wallet), */
  AQ_WALLET_SIGNATURE_TYPE: list(
    z.enum(["0", "1", "2", "3"]).transform((text) => Number(text) as 0 | 1 | 2 | 3),
  ).optional(),
  /** and the account that trades with it; absent: no account's positions and orders say which tokens to read. */
  AQ_WALLET_ACCOUNT: list(AccountId).optional(),
  /** Tokens of our own wallets that are read whatever the log says. */
  AQ_WALLET_TRACKED: list(TokenId).optional(),
} as const;

export type BalanceSyncSettings = z.infer<z.ZodObject<typeof balanceSyncEnv>>;

/** The nodes that balances are read from, the best first. */
export const providerUrls = (settings: BalanceSyncSettings): readonly string[] =>
  settings.AQ_ONCHAIN_PROVIDER_URL ?? settings.POLYGON_HTTP_URL;

export type ConfiguredWallet = OwnWallet & { readonly claim: WalletClaim };

/**
 * Our own wallets as configured, not checked yet.
 * @throws ContractError CONFIG_INVALID when one setting is missing beside the others, or the lists differ in length.
 */
export function walletsOf(settings: BalanceSyncSettings): ConfiguredWallet[] {
  const { AQ_WALLET_SIGNER: signers, AQ_WALLET_FUNDER: funders, AQ_WALLET_SIGNATURE_TYPE: types } = settings;
  const { AQ_WALLET_ACCOUNT: accounts, AQ_WALLET_TRACKED: tokens = [] } = settings;
  if (signers === undefined && funders === undefined && types === undefined && accounts === undefined) return [];
  if (signers === undefined || funders === undefined || types === undefined) {
    throw new ContractError(
      "CONFIG_INVALID",
      "a wallet needs AQ_WALLET_SIGNER, AQ_WALLET_FUNDER and AQ_WALLET_SIGNATURE_TYPE: one of them is missing",
    );
  }
  const lengths = new Set([signers.length, funders.length, types.length, accounts?.length ?? signers.length]);
  const distinct = new Set<Address | AccountId>([...funders, ...(accounts ?? [])]);
  if (lengths.size > 1 || distinct.size < funders.length + (accounts?.length ?? 0)) {
    throw new ContractError(
      "CONFIG_INVALID",
      `AQ_WALLET_SIGNER, _FUNDER, _SIGNATURE_TYPE and _ACCOUNT list one value for each wallet, and no wallet or account twice; got ${signers.length}, ${funders.length}, ${types.length} and ${accounts?.length ?? "no"} values`,
    );
  }
  return funders.flatMap((funder, i) => {
    const [signer, signatureType] = [signers[i], types[i]];
    if (signer === undefined || signatureType === undefined) return [];
    return { address: funder, account: accounts?.[i] ?? null, tokens, claim: { signer, funder, signatureType } };
  });
}
