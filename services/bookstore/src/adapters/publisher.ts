/** The desk's messages on core NATS. What is published without a link is lost; replicas find the gap by sequence. */
import type { Bus } from "@slipstream/actor/bus";
import type { BookSnapshot } from "@slipstream/contracts/book";
import { subjects } from "@slipstream/contracts/subjects";
import type { DeskOutput } from "../core/desk.ts";

export type Publisher = {
  /** In this order. */
  publish(outputs: readonly DeskOutput[]): void;
  publishLast(snapshot: BookSnapshot): void;
};

export function createPublisher(bus: Bus): Publisher {
  const send = (subject: string, text: string): void => {
    if (bus.connected() && !bus.nc.isClosed()) bus.nc.publish(subject, text);
  };
  return {
    publish: (outputs) => {
      for (const output of outputs) send(subjectOfOutput(output), wireText(output));
    },
    publishLast: (snapshot) => send(subjects.bookLast(snapshot.tokenId), wireText(snapshot)),
  };
}

function subjectOfOutput(output: DeskOutput): string {
  if (output.type === "BookClock") return subjects.bookClock;
  return output.type === "TradePrint" ? subjects.trade(output.tokenId) : subjects.book(output.tokenId);
}

/** The wire form without zod, which is too slow for each delta: all fields are numbers and text but a print's size. */
const wireText = (output: DeskOutput): string =>
  JSON.stringify(output.type === "TradePrint" ? { ...output, sizeMicro: output.sizeMicro.toString() } : output);
