/**
 * What an error of a node means: whose fault it is, and whether asking for less helps.
 *
 * Codes say little: -32005 is a range, a number of logs or a rate, and -32602 any of them or a wrong parameter. So the
 * text decides first. Texts seen at providers, 2026: rpcFaults.test.ts.
 */
import { RpcRefusedError, RpcTimeoutError, RpcTooLargeError } from "./rpc.ts";

export type RpcFault =
  /** Too many blocks or too large an answer: the same node answers less. No matter of its health. */
  | { readonly kind: "tooLarge"; readonly hint: RangeHint }
  | { readonly kind: "timeout" }
  /** Too many requests. */
  | { readonly kind: "busy" }
  /** The node does not know the block yet, or no longer. */
  | { readonly kind: "behind" }
  /** The contract said no: every node would. */
  | { readonly kind: "reverted" }
  /** This node does not offer it; another may. */
  | { readonly kind: "unsupported" }
  /** A no that nothing explains: it may be about the range as well. */
  | { readonly kind: "refused" }
  /** Unreachable or unreadable. */
  | { readonly kind: "other" };

/** What a refusal tells about ranges, as far as it does; numbers of blocks, both ends counted. */
export type RangeHint = {
  /** What was too large; unknown counts as the answer, since a quieter range of that length may do. */
  readonly tooLarge: "blocks" | "answer";
  /** The most that the provider allows, by its own words. They are not always true. */
  readonly statedBlocks: number | null;
  /** What the provider proposes for this request alone. */
  readonly proposedBlocks: number | null;
};

const noHint: RangeHint = { tooLarge: "answer", statedBlocks: null, proposedBlocks: null };

/** Codes that some provider uses for a range that is too long. */
const rangeCodes = new Set([-32005, -32602, -32614, -32062, -32701, -32047, 35]);
const METHOD_NOT_FOUND = -32601;
const REVERTED = 3;
const TOO_MANY_REQUESTS = 429;

const busy =
  /rate.?limit|too many requests|request rate|requests? (per|limit)|\/s(ec(ond)?)? |per second|throttl|compute units|capacity|quota|daily/;
const behind =
  /beyond (the )?(current )?head|unknown block|(header|block) not found|could not find block|invalid block range|after last accepted|block (is )?not (yet )?available/;
const topics = /max(imum)? (number of )?(addresses|topics)/;
const unsupported =
  /method .*(not found|not supported|not available|does not exist|not whitelisted)|unsupported method|missing trie node|archive|pruned/;
const timedOut = /tim(ed|e) ?out/;
const answerTooLarge =
  /more than \d+ (results|logs)|logs matched|response (size|is too|too)|max(imum)? (results|logs)|too many (results|logs|records)|result set/;
const blocksTooMany =
  /blocks? range|blocks? span|range (is )?too|too (wide|large)|ranges? over|max(imum)? range|limited to|range \d+ exceeds|requested (too many )?blocks|too many blocks/;

/** Classifies what a call or a reader of ranges threw. */
export function rpcFaultOf(error: unknown): RpcFault {
  if (error instanceof RpcTimeoutError) return { kind: "timeout" };
  if (error instanceof RpcTooLargeError) return { kind: "tooLarge", hint: noHint };
  if (!(error instanceof RpcRefusedError)) return { kind: "other" };
  const text = error.message.toLowerCase();
  const { rpcCode } = error;
  if (rpcCode === REVERTED || text.includes("revert")) return { kind: "reverted" };
  if (rpcCode === TOO_MANY_REQUESTS || busy.test(text)) return { kind: "busy" };
  if (behind.test(text)) return { kind: "behind" };
  if (topics.test(text)) return { kind: "other" };
  if (rpcCode === METHOD_NOT_FOUND || unsupported.test(text)) return { kind: "unsupported" };
  if (timedOut.test(text)) return { kind: "timeout" };
  const known = answerTooLarge.test(text) || blocksTooMany.test(text) || text.includes("limit exceeded");
  return known || rangeCodes.has(rpcCode) ? { kind: "tooLarge", hint: hintOf(text) } : { kind: "refused" };
}

const N = String.raw`(\d[\d,_']*(?:\.\d+)?)\s?([km]?)\b`;
/** Each names a number of blocks by itself. */
const statedByBlocks = [
  `up to (?:a |an )?${N} blocks? range`,
  `limited to (?:a |an )?(?:0 ?- ?)?${N}(?: blocks?)? range`,
  `max(?:imum)?(?: allowed)? (?:block )?range(?: is| of| size)?:? ?${N}`,
  `max(?:imum)?(?: is| is set to| of|:)? ?${N} blocks`,
  `ranges? over ${N} blocks`,
  `requested blocks is ${N}`,
].map((pattern) => new RegExp(pattern));
/** These may speak of logs as well: only where the refusal is about blocks alone. */
const statedByContext = [
  `limit (?:is|of) ${N}`,
  `exceeds? (?:the )?(?:server )?limit(?: of|[^0-9.;]*:)? ?${N}`,
  `maximum is set to ${N}`,
  `at most ${N}`,
  `max(?: is|:) ?${N}`,
].map((pattern) => new RegExp(pattern));

function hintOf(text: string): RangeHint {
  const aboutAnswer = answerTooLarge.test(text);
  const aboutBlocks = blocksTooMany.test(text) && !aboutAnswer;
  const statedBlocks = firstNumber(text, aboutBlocks ? [...statedByBlocks, ...statedByContext] : statedByBlocks);
  return { tooLarge: aboutBlocks ? "blocks" : "answer", statedBlocks, proposedBlocks: proposedIn(text) };
}

function firstNumber(text: string, patterns: readonly RegExp[]): number | null {
  for (const pattern of patterns) {
    const [, digits, unit] = pattern.exec(text) ?? [];
    if (digits === undefined) continue;
    const blocks = Number(digits.replace(/[,_']/g, "")) * (unit === "k" ? 1_000 : unit === "m" ? 1_000_000 : 1);
    if (Number.isSafeInteger(blocks) && blocks >= 1) return blocks;
  }
  return null;
}

function proposedIn(text: string): number | null {
  const [, from, to] = /\[(0x[0-9a-f]+), ?(0x[0-9a-f]+)\]/.exec(text) ?? /with the range (\d+)-(\d+)/.exec(text) ?? [];
  const blocks = Number(to) - Number(from) + 1;
  return Number.isSafeInteger(blocks) && blocks >= 1 ? blocks : null;
}
