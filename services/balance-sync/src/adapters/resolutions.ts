/**
 * How markets were resolved, from nodes.
 *
 * 1. Everything is read at one block that the node calls final. It must have the final block that the log knows of, so it
 *    is on our chain.
 * 2. A resolution is believed when a second node, asked at the same block, says the same. Is there no second one, or none
 *    that answers, the first one stands; do two disagree, nothing is told.
 * 3. An answer that does not fit its question is told to people and asked again; so is a reading that failed.
 */
import { ContractError, TransientError } from "@slipstream/contracts/errors";
import type { ConditionId } from "@slipstream/contracts/ids";
import {
  decodeUint,
  encodeOutcomeSlotCount,
  encodePayoutDenominator,
  encodePayoutNumerator,
} from "@slipstream/polymarket/calls";
import type { RpcReader } from "@slipstream/polymarket/rpc";
import type { RpcProvider } from "@slipstream/polymarket/rpcPool";
import { CONDITIONAL_TOKENS } from "@slipstream/polymarket/versions";
import type { ReadResolutions, ResolutionQuestion, ResolutionsRead } from "../core/messages.ts";
import { judgeResolution, type ResolutionAnswer } from "../core/resolutions.ts";
import { type Block, blockOf, hex, performReads, type Read } from "./blockReading.ts";

export type ResolutionReader = {
  /** null: no node answered, a reading is under way already, or nothing was resolved. */
  read(request: ReadResolutions): Promise<ResolutionsRead | null>;
  /** Why these conditions are not settled although they were asked; empty when nothing is in the way. */
  problems(open: ReadonlySet<ConditionId>): readonly string[];
};

export type ResolutionReaderOptions = {
  /** At least one, the best first. */
  readonly providers: () => readonly RpcProvider[];
  readonly multiCall: boolean;
  /** A sentence for people, once per change. */
  readonly onProblem: (text: string) => void;
};

type Answers = ReadonlyMap<ConditionId, ResolutionAnswer>;
type Asked = { readonly name: string; readonly block: Block; readonly answers: Answers };

/** So many conditions are held in doubt at most; the others of a bad node are counted with them. */
const DOUBTS_MAX = 1_000;

export function createResolutionReader(options: ResolutionReaderOptions): ResolutionReader {
  const { onProblem } = options;
  const doubts = new Map<ConditionId, string>();
  let failure: string | null = null;
  const waiting = new Set<ReadResolutions>();
  let last: Promise<unknown> = Promise.resolve();

  const doubt = (conditionId: ConditionId, text: string | null): void => {
    const before = doubts.get(conditionId) ?? null;
    doubts.delete(conditionId);
    if (text === null || doubts.size >= DOUBTS_MAX) return;
    doubts.set(conditionId, text);
    if (text !== before) onProblem(text);
  };

  const read = async (request: ReadResolutions): Promise<ResolutionsRead | null> => {
    const first = await askAny(options, options.providers(), { request, at: null });
    const found: ResolutionQuestion[] = [];
    for (const question of request.questions) {
      const answer = first.answers.get(question.conditionId);
      const judged = answer === undefined ? null : judgeResolution(question, answer);
      doubt(
        question.conditionId,
        judged === null
          ? `condition ${question.conditionId}: its contract refuses to be read`
          : judged.kind === "refused"
            ? judged.text
            : null,
      );
      if (judged?.kind === "resolved") found.push(question);
    }
    const second = found.length === 0 ? null : await secondOpinion(options, first, { ...request, questions: found });
    const agreed = found.flatMap(({ conditionId, tokenIds }) => {
      const answer = first.answers.get(conditionId);
      if (answer === undefined) return [];
      if (second !== null && !isSame(answer, second.answers.get(conditionId))) {
        doubt(
          conditionId,
          `condition ${conditionId}: ${first.name} and ${second.name} disagree how it was resolved at block ${first.block.blockNumber}`,
        );
        return [];
      }
      const { denominator: payoutDenominator, numerators: payoutNumerators } = answer;
      return { conditionId, tokenIds, payoutNumerators, payoutDenominator };
    });
    return agreed.length === 0 ? null : { type: "ResolutionsRead", block: first.block, resolutions: agreed };
  };

  const readNow = async (request: ReadResolutions): Promise<ResolutionsRead | null> => {
    try {
      const answer = await read(request);
      failure = null;
      return answer;
    } catch (error) {
      if (!(error instanceof TransientError || error instanceof ContractError)) throw error;
      const text = `resolutions cannot be read: ${error.message}`;
      if (failure === null) onProblem(text);
      failure = text;
      return null;
    }
  };
  /** One reading after the other; what waits for its turn is not asked twice, so a slow node gathers no queue. */
  const isWaiting = ({ questions }: ReadResolutions): boolean => {
    const asked = new Set([...waiting].flatMap((one) => one.questions.map(({ conditionId }) => conditionId)));
    return questions.every(({ conditionId }) => asked.has(conditionId));
  };

  return {
    read: (request) => {
      if (isWaiting(request)) return Promise.resolve(null);
      waiting.add(request);
      const turn = last.then(() => {
        waiting.delete(request);
        return readNow(request);
      });
      last = turn.catch(() => undefined);
      return turn;
    },
    problems: (open) => [
      ...(failure === null ? [] : [failure]),
      ...[...doubts].flatMap(([conditionId, text]) => (open.has(conditionId) ? text : [])),
    ],
  };
}

/** Two nodes that do not agree on a final block: one of them is wrong, and nobody knows which. */
class FinalityDiffers extends ContractError {}

type Question = {
  readonly request: ReadResolutions;
  /** The block that another node answered at; null: the newest final one. */
  readonly at: Block | null;
};

/** @throws what the last of the nodes threw. */
async function askAny(
  options: ResolutionReaderOptions,
  providers: readonly RpcProvider[],
  question: Question,
): Promise<Asked> {
  let last: unknown = new ContractError("CONFIG_INVALID", "there is no node to read resolutions from");
  for (const { name, rpc } of providers) {
    try {
      return { name, ...(await readAt(rpc, options.multiCall, question)) };
    } catch (error) {
      const mayGoOn = error instanceof TransientError || error instanceof ContractError;
      if (!mayGoOn || error instanceof FinalityDiffers) throw error;
      last = error;
    }
  }
  throw last;
}

/** null: there is no other node that answers. */
async function secondOpinion(
  options: ResolutionReaderOptions,
  first: Asked,
  request: ReadResolutions,
): Promise<Asked | null> {
  const others = options.providers().filter(({ name }) => name !== first.name);
  try {
    return await askAny(options, others, { request, at: first.block });
  } catch (error) {
    const isNoAnswer = error instanceof TransientError || error instanceof ContractError;
    if (!isNoAnswer || error instanceof FinalityDiffers) throw error;
    return null;
  }
}

async function readAt(
  rpc: RpcReader,
  multiCall: boolean,
  { request, at }: Question,
): Promise<{ readonly block: Block; readonly answers: Answers }> {
  const block = await finalBlock(rpc, request, at);
  const raw = new Map<ConditionId, { slots?: bigint; denominator?: bigint; numerators: (bigint | undefined)[] }>();
  const reads = request.questions.flatMap((question) => {
    const into: typeof raw extends Map<ConditionId, infer T> ? T : never = { numerators: [] };
    raw.set(question.conditionId, into);
    return readsOf(question, into);
  });
  await performReads(rpc, reads, { block, multiCall });
  const after = await blockOf(rpc, hex(block.blockNumber));
  if (after?.blockHash !== block.blockHash) {
    throw new TransientError("RPC_UNREACHABLE", "a block that was called final changed while resolutions were read");
  }
  const answers = new Map<ConditionId, ResolutionAnswer>();
  for (const [conditionId, { slots, denominator, numerators }] of raw) {
    // A condition that is not known has no slot that could be asked for.
    if (slots === undefined || denominator === undefined) continue;
    answers.set(conditionId, { slots, denominator, numerators: numerators.filter((one) => one !== undefined) });
  }
  return { block, answers };
}

/** @throws TransientError for a node that is behind, FinalityDiffers for one of another chain. */
async function finalBlock(rpc: RpcReader, { verify }: ReadResolutions, at: Block | null): Promise<Block> {
  const newest = await blockOf(rpc, "finalized");
  if (newest === null) throw new ContractError("RPC_UNREADABLE", "the node names no final block");
  for (const known of [verify, at]) {
    if (known === null) continue;
    if (newest.blockNumber < known.blockNumber) {
      throw new TransientError("RPC_UNREACHABLE", `the node calls block ${newest.blockNumber} final, others are ahead`);
    }
    const there = await blockOf(rpc, hex(known.blockNumber));
    if (there === null) throw new TransientError("RPC_UNREACHABLE", `the node lacks block ${known.blockNumber}`);
    if (there.blockHash !== known.blockHash) {
      const text = `two nodes name different final blocks ${known.blockNumber}, nothing is settled by either`;
      throw new FinalityDiffers("RPC_UNREADABLE", text);
    }
  }
  return at ?? newest;
}

function readsOf(
  { conditionId, tokenIds }: ResolutionQuestion,
  into: { slots?: bigint; denominator?: bigint; numerators: (bigint | undefined)[] },
): Read[] {
  const read = (data: string, take: (value: bigint) => void): Read => ({
    to: CONDITIONAL_TOKENS,
    data,
    weight: 1,
    owners: [],
    take: (answer) => take(decodeUint(answer)),
  });
  return [
    read(encodeOutcomeSlotCount(conditionId), (value) => {
      into.slots = value;
    }),
    read(encodePayoutDenominator(conditionId), (value) => {
      into.denominator = value;
    }),
    ...tokenIds.map((_tokenId, slot) =>
      read(encodePayoutNumerator(conditionId, slot), (value) => {
        into.numerators[slot] = value;
      }),
    ),
  ];
}

const isSame = (a: ResolutionAnswer, b: ResolutionAnswer | undefined): boolean =>
  a.slots === b?.slots &&
  a.denominator === b.denominator &&
  a.numerators.length === b.numerators.length &&
  a.numerators.every((numerator, slot) => numerator === b.numerators[slot]);
