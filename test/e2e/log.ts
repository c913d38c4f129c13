/** What the tests of whole runs wait for: the log of a run, and its report as it would be now. */
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import { AccountPolicy } from "@slipstream/contracts/policy";
import { buckets, streams } from "@slipstream/contracts/subjects";
import { z } from "zod";
import { connectCli } from "../../cli/src/connection.ts";
import { followLog } from "../../cli/src/follow.ts";
import { buildReport, type RunReport } from "../../cli/src/report.ts";

export type Log = {
  readonly stored: readonly { readonly seq: number; readonly fact: Fact }[];
  /** Sequence at which the log ends now, with everything up to it in `stored`. */
  end(): Promise<number>;
  /** Facts of one type after a sequence. */
  since<T extends Fact["type"]>(seq: number, type: T): FactOf<T>[];
  /** The run's report up to now, without the chain's word. */
  report(): RunReport;
  /** Replaces the paper account's policy. */
  setAccount(policy: AccountPolicy): Promise<void>;
  stop(): Promise<void>;
};

const nothingFound = { missed: [], phantom: [], duplicated: [] };
const nothingSaid = { faults: [], errors: [], isClosed: () => false, pending: { exits: [], lots: [], buckets: [] } };

export async function readLog(natsUrl: string): Promise<Log> {
  const bus = await connectCli({ urls: [natsUrl], withinMs: 30_000 });
  const stored: { seq: number; fact: Fact }[] = [];
  const following = await followLog(
    bus,
    (ms) => ms,
    "all",
    ({ seq, fact }) => stored.push({ seq, fact }),
  );
  return {
    stored,
    end: async () => {
      const { state } = await bus.jsm.streams.info(streams.facts);
      await following.caughtUp();
      return state.last_seq;
    },
    since: <T extends Fact["type"]>(after: number, type: T) =>
      stored.flatMap(({ seq, fact }) => (seq > after && fact.type === type ? [fact as FactOf<T>] : [])),
    report: () => buildReport(following.overview, nothingFound, nothingSaid),
    setAccount: async (policy) => {
      const bucket = await bus.kvm.open(buckets.config);
      await bucket.put(`accounts.${policy.account}`, JSON.stringify(z.encode(AccountPolicy, policy)));
    },
    stop: async () => {
      await following.stop();
      await bus.drain();
    },
  };
}
