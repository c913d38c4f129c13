/** Mainnet addresses that the sandbox chain occupies, lower case. Source: reference list of the venue's contracts, Polygon (137). */
import { Address } from "@slipstream/contracts/ids";

const at = (text: string): Address => Address.parse(text.toLowerCase());

export const CHAIN_ID = 137;
export const conditionalTokens = at("0x4D97DCd97eC945f40cF65F87097ACe5EA0476045");
export const pusd = at("0xC011a7E12a19f7B1f670d46F03B03f3342E82DFB");
/** Collateral of standard markets inside the CTF. */
export const usdce = at("0x2791Bca1f2de4661ED88A30C99A7a9449Aa84174");
/** Collateral of neg-risk markets inside the CTF. */
export const wcol = at("0x3A3BD7bb9528E159577F7C2e685CC81A765002E2");
export const standardExchange = at("0xE111180000d2663C0091e4f400237545B87B996B");
export const negRiskExchange = at("0xe2222d279d744050d28e00520010520000310F59");
/** First generation: history only. Its fee module is the one of neg-risk; here it serves both exchanges. */
export const exchangeV1 = at("0x4bFb41d5B3570DeFd03C39a9A4D8dE6Bd8B8982E");
export const negRiskExchangeV1 = at("0xC5d563A36AE78145C45a50134d48A1215220f80a");
export const feeModuleV1 = at("0x78769D50Be1763ed1CA0D5E878D93f05aabff29e");
/** Third generation. */
export const exchangeV3 = at("0xe3333700cA9d93003F00f0F71f8515005F6c00Aa");
export const positionManager = at("0x006F54F7f9A22e0000CC2AB60031000000ae9fEF");
export const standardAdapter = at("0xAdA100Db00Ca00073811820692005400218FcE1f");
export const negRiskCollateralAdapter = at("0xadA2005600Dec949baf300f4C6120000bDB6eAab");
/** Oracle of every neg-risk condition. */
export const negRiskAdapter = at("0xd91E80cF2E7be2e162c6513ceD06f1dD0dA35296");
/** Oracle of standard conditions. */
export const umaAdapter = at("0x6A9D222616C90FcA5754cd1333cFD9b7fb6a4F74");
export const multicall3 = at("0xcA11bde05977b3631167028862bE2a173976CA11");
/** A wallet that does several things in one transaction; of the sandbox only. */
export const batchWallet = at("0x000000000000000000000000000000000000Ba7C");
/** Where the sandbox exchange sends fees; holds no code. */
export const feeReceiver = at("0x000000000000000000000000000000000000Fee5");

export const exchangeOf = (negRisk: boolean): Address => (negRisk ? negRiskExchange : standardExchange);
export const adapterOf = (negRisk: boolean): Address => (negRisk ? negRiskCollateralAdapter : standardAdapter);
export const oracleOf = (negRisk: boolean): Address => (negRisk ? negRiskAdapter : umaAdapter);
export const ctfCollateralOf = (negRisk: boolean): Address => (negRisk ? wcol : usdce);
