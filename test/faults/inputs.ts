/**
 * The mutation run over every outside input: documents as they should be, damaged by a seed in one place, are let in
 * through the real readers. None of them may throw past its door, lose a good neighbour, make a fact that cannot be
 * written, or leave a book wrong and healthy.
 */

import { busDoors } from "./inputs/busDoors.ts";
import { type Corpus, corpus } from "./inputs/corpus.ts";
import { type Door, outcomeOf } from "./inputs/door.ts";
import { frameDoor } from "./inputs/frameDoor.ts";
import { damage, damageText, numbersFrom, pick } from "./inputs/mutate.ts";
import { venueDoors } from "./inputs/venueDoors.ts";
import { watcherDoors } from "./inputs/watcherDoors.ts";

const doors: readonly Door[] = [...watcherDoors, ...venueDoors, frameDoor, ...busDoors];

export type InputRun = { readonly seed: string; readonly documents: number; readonly say: (line: string) => void };
export const fullInputs = { documents: 200_000 };
export const shortInputs = { documents: 4_000 };

/** Of one door, the first few faults of a kind: what is wrong, and the document. */
type Found = { readonly door: string; readonly why: string; readonly document: string };
const FOUND_MAX = 20;
const SHOWN = 400;
/** Half of the damage to documents that are read as text is done to the text. */
const TEXT_PART = 0.3;
/** A second place, now and then. */
const AGAIN_PART = 0.2;

function damaged(door: Door, good: unknown, random: () => number): unknown {
  if (typeof good === "string") return damageText(good, random);
  const isText = door.isText === true && random() < TEXT_PART;
  const copy = structuredClone(good);
  if (isText)
    return damageText(JSON.stringify("frame" in (copy as object) ? (copy as { frame: unknown }).frame : copy), random);
  const holder = { document: copy };
  damage(holder, random);
  if (random() < AGAIN_PART) damage(holder, random);
  return holder.document;
}

/** Names the fault without the numbers of the document, so that one fault is counted once. */
const kindOf = (why: string): string => why.replace(/\d+/g, "n").slice(0, 160);

/** Lets in a share of the documents through each door. Deterministic by seed. */
export async function runInputs({ seed, documents, say }: InputRun): Promise<{
  readonly text: string;
  readonly clean: boolean;
  readonly found: readonly Found[];
}> {
  const found = new Map<string, Found>();
  const counts: string[] = [];
  let faults = 0;
  const weights = doors.reduce((sum, { weight = 1 }) => sum + weight, 0);
  for (const door of doors) {
    const share = Math.ceil((documents * (door.weight ?? 1)) / weights);
    const random = numbersFrom(`${seed}/${door.name}`);
    let wrong = 0;
    const startMs = performance.now();
    for (let n = 0; n < share; n++) {
      const good = pick(random, door.documents);
      const document = damaged(door, good, random);
      const why = await outcomeOf(door, document, good);
      if (why === null) continue;
      wrong += 1;
      const kind = `${door.name}: ${kindOf(why)}`;
      if (found.has(kind) || found.size >= FOUND_MAX) continue;
      const shown = typeof document === "string" ? document : (JSON.stringify(document) ?? "nothing");
      found.set(kind, { door: door.name, why, document: shown });
      say(`${kind}\n    ${shown.slice(0, SHOWN)}`);
    }
    faults += wrong;
    const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
    counts.push(`  ${door.name.padEnd(30)} ${String(share).padStart(7)} documents, ${wrong} wrong, ${seconds} s`);
  }
  return { text: counts.join("\n"), clean: faults === 0, found: [...found.values()] };
}

/** Lets in the inputs that once went wrong. @returns what goes wrong still. */
export async function runCorpus(inputs: readonly Corpus[] = corpus): Promise<string[]> {
  const wrong: string[] = [];
  for (const { name, door: of, change } of inputs) {
    const door = doors.find((one) => one.name === of);
    const good = door?.documents[0];
    const copy = structuredClone(good);
    const document = change(copy) ?? copy;
    const why = door === undefined ? "no such door" : await outcomeOf(door, document, good);
    if (why !== null) wrong.push(`${name}: ${why}`);
  }
  return wrong;
}
