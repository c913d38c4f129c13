import { Address, shardOf } from "@slipstream/contracts/ids";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  account,
  balances,
  cashDisagreed,
  command,
  discrepancy,
  followed,
  gap,
  position,
  progress,
  type Risk,
  run,
  started,
} from "./world.testing.ts";

describe("start", () => {
  test("everything stands still until each service of the trading path was heard", () => {
    const risk = run();
    risk.lives({}, "chain-watcher", "balance-sync", "bookstore", "executor");
    risk.pass(5_000);
    expect(risk.said()).toEqual(["global halt STARTING"]);
    risk.lives({}, "inventory");
    risk.pass(500);
    expect(risk.said()).toEqual(["global halt STARTING", "global normal"]);
  });

  test("a decision before the first look is a halt", () => {
    const risk = run();
    risk.decideNow();
    expect(risk.said()).toEqual(["global halt STARTING"]);
  });

  test("a standby or an unready owner is not heard", () => {
    const risk = run();
    risk.lives({ role: "standby" });
    risk.pass(1_000);
    risk.lives({ ready: false });
    risk.pass(1_000);
    expect(risk.said()).toEqual(["global halt STARTING"]);
  });

  test("a restart of risk among living services changes nothing", () => {
    const risk = started();
    risk.restart();
    risk.pass(10_000);
    expect(risk.said()).toEqual(["global normal"]);
  });

  test("a restart among dead services halts as soon as they had time to speak", () => {
    const risk = started();
    risk.dies("inventory");
    risk.restart();
    risk.pass(2_750);
    expect(risk.said()).toEqual(["global normal"]);
    risk.pass(250);
    expect(risk.said()).toEqual(["global normal", "global halt STARTING"]);
  });

  test("a person's halt counts even before", () => {
    const risk = started();
    risk.restart();
    risk.append(command("halt"));
    expect(risk.said()).toEqual(["global normal", "global halt OPERATOR_HALT"]);
  });
});

const leader = Address.parse(`0x${"a".repeat(40)}`);
const stranger = Address.parse(`0x${"b".repeat(40)}`);

const causes: readonly {
  name: string;
  begin: (risk: Risk) => void;
  afterMs: number;
  said: string;
  end: (risk: Risk) => void;
  goneMs: number;
}[] = [
  {
    name: "a silent service degrades",
    begin: (risk) => risk.dies("inventory"),
    afterMs: 3_250,
    said: "global degrade SERVICE_SILENT",
    end: (risk) => risk.lives({}, "inventory"),
    goneMs: 2_500,
  },
  {
    name: "balances nobody could read for too long halt",
    begin: (risk) => risk.lives({ lagMs: 30_001 }, "balance-sync"),
    afterMs: 250,
    said: "global halt CHAIN_SYNC_LOST",
    end: (risk) => risk.lives({ lagMs: 100 }, "balance-sync"),
    goneMs: 5_500,
  },
  {
    name: "an old head of the chain degrades",
    begin: (risk) => risk.append(progress(0)),
    afterMs: 32_250,
    said: "global degrade WATCHER_LAGGING",
    end: (risk) => risk.append(progress(40_000)),
    goneMs: 5_500,
  },
  {
    name: "stale books degrade",
    begin: (risk) => risk.lives({ lagMs: 10_001 }, "bookstore"),
    afterMs: 2_250,
    said: "global degrade BOOKS_STALE",
    end: (risk) => risk.lives({ lagMs: 100 }, "bookstore"),
    goneMs: 3_500,
  },
  {
    name: "a difference degrades its account",
    begin: (risk) => risk.append(discrepancy("DiscrepancyFound")),
    afterMs: 250,
    said: "account degrade DISCREPANCY",
    end: (risk) => risk.append(discrepancy("DiscrepancyResolved")),
    goneMs: 5_500,
  },
  {
    name: "a negative holding halts its account",
    begin: (risk) => risk.append(position(-1n)),
    afterMs: 250,
    said: "account halt BALANCE_IMPOSSIBLE",
    end: (risk) => risk.append(position(0n)),
    goneMs: 5_500,
  },
  {
    name: "balances by the venue's index degrade their account",
    begin: (risk) => risk.append(balances(true)),
    afterMs: 250,
    said: "account degrade API_FALLBACK",
    end: (risk) => risk.append(balances(false)),
    goneMs: 5_500,
  },
  {
    name: "a gap that stays degrades the leader of its shard, and nobody of another one",
    begin: (risk) => {
      risk.append(followed(leader));
      risk.append(followed(stranger));
      risk.append(gap("GapDetected", shardOf(leader)));
    },
    afterMs: 10_500,
    said: "leader degrade GAP_OPEN",
    end: (risk) => risk.append(gap("GapResolved", shardOf(leader))),
    goneMs: 2_500,
  },
  {
    name: "a gap of unknown reach degrades everything",
    begin: (risk) => risk.append(gap("GapDetected", "elsewhere")),
    afterMs: 10_500,
    said: "global degrade GAP_OPEN",
    end: (risk) => risk.append(gap("GapResolved", "elsewhere")),
    goneMs: 2_500,
  },
  {
    name: "a fact that a service cannot read halts",
    begin: (risk) =>
      risk.lives({ ready: false, problems: ["stopped at fact 42, which cannot be read (X)"] }, "inventory"),
    afterMs: 250,
    said: "global halt UNREADABLE_FACT",
    end: (risk) => risk.lives({}, "inventory"),
    goneMs: 500,
  },
  {
    name: "a clock that may be off by more than a second degrades",
    begin: (risk) => risk.lives({ gauges: { clockOffsetMs: 5, clockUncertaintyMs: 1_001 } }, "chain-watcher"),
    afterMs: 250,
    said: "global degrade CLOCK_UNCERTAIN",
    end: (risk) => risk.lives({ gauges: { clockOffsetMs: -20_000, clockUncertaintyMs: 1_000 } }, "chain-watcher"),
    goneMs: 2_500,
  },
  {
    name: "a clock that was not measured degrades, that of risk as well",
    begin: (risk) => risk.lives({ gauges: {} }, "risk"),
    afterMs: 250,
    said: "global degrade CLOCK_UNCERTAIN",
    end: (risk) => risk.lives({}, "risk"),
    goneMs: 2_500,
  },
  {
    name: "a log that fills degrades",
    begin: (risk) => risk.streamIs(71),
    afterMs: 250,
    said: "global degrade STREAM_FILLING",
    end: (risk) => risk.streamIs(50),
    goneMs: 60_500,
  },
  {
    name: "a disk with little room for the log degrades",
    begin: (risk) => risk.roomIs(1_023, 512),
    afterMs: 250,
    said: "global degrade DISK_FULL",
    end: (risk) => risk.roomIs(1_024, 512),
    goneMs: 10_500,
  },
  {
    name: "a disk without room for the log halts",
    begin: (risk) => risk.roomIs(511, 512),
    afterMs: 250,
    said: "global halt DISK_FULL",
    end: (risk) => risk.roomIs(5_000, 512),
    goneMs: 10_500,
  },
];

describe("causes", () => {
  for (const { name, begin, afterMs, said, end, goneMs } of causes) {
    test(`${name}, and is over by itself when its cause is gone`, () => {
      const risk = started();
      begin(risk);
      risk.pass(afterMs);
      expect(risk.said().slice(1)).toEqual([said]);
      end(risk);
      risk.pass(goneMs);
      expect(risk.said().slice(2)).toEqual([`${said.split(" ", 1)[0]} normal`]);
    });
  }

  test("silence becomes a halt after ten seconds, said once at each level", () => {
    const risk = started();
    risk.dies("bookstore");
    risk.pass(20_000);
    expect(
      risk
        .said()
        .slice(1)
        .map((line) => line.split(" ", 2).join(" ")),
    ).toEqual(["global degrade", "global halt"]);
  });

  test("a value that plays around its limit is said twice, not at each turn", () => {
    const risk = started();
    for (let turn = 0; turn < 20; turn++) {
      risk.lives({ lagMs: turn % 2 === 0 ? 30_001 : 29_999 }, "balance-sync");
      risk.pass(1_000);
    }
    risk.pass(10_000);
    expect(risk.said().slice(1)).toEqual(["global halt CHAIN_SYNC_LOST", "global normal"]);
  });

  test("a restart of a service that is back in time is not said at all", () => {
    const risk = started();
    risk.dies("inventory");
    risk.pass(2_500);
    risk.lives({}, "inventory");
    risk.pass(5_000);
    expect(risk.said()).toEqual(["global normal"]);
  });

  test("the worst level counts, and what is left of the causes is said", () => {
    const risk = started();
    risk.append(discrepancy("DiscrepancyFound"));
    risk.append(position(-1n));
    risk.pass(250);
    risk.append(position(0n));
    risk.pass(5_500);
    expect(risk.said().slice(1)).toEqual([
      "account halt BALANCE_IMPOSSIBLE+DISCREPANCY",
      "account degrade DISCREPANCY",
    ]);
    expect(risk.published.at(-1)?.parameters).toEqual({ sizeFactorMicro: 500_000, reduceOnly: false, limitTicks: 1 });
  });
});

describe("books that contradict each other", () => {
  test("halt their account, whatever time passes, until a person resumes that account", () => {
    const risk = started();
    risk.append(cashDisagreed);
    risk.pass(250);
    expect(risk.said().slice(1)).toEqual(["account halt BOOKS_BROKEN"]);
    expect(risk.published.at(-1)?.reasons).toEqual([
      { code: "BOOKS_BROKEN", account, tokenId: null, expectedMicro: "10", actualMicro: "9" },
    ]);
    risk.restart();
    risk.append(command("resume"));
    risk.pass(100_000);
    expect(risk.said().slice(1)).toEqual(["account halt BOOKS_BROKEN"]);
    risk.append(command("resume", { kind: "account", id: account }));
    risk.pass(500);
    expect(risk.said().slice(2)).toEqual(["account normal"]);
  });
});

describe("a person", () => {
  test("halts at once and stays halted until he resumes", () => {
    const risk = started();
    risk.append(command("halt"));
    expect(risk.said().slice(1)).toEqual(["global halt OPERATOR_HALT"]);
    risk.pass(100_000);
    expect(risk.said()).toHaveLength(2);
    risk.append(command("resume"));
    expect(risk.said().slice(2)).toEqual(["global normal"]);
  });

  test("halts one account and not another scope", () => {
    const risk = started();
    risk.append(command("halt", { kind: "account", id: account }));
    risk.append(command("resume"));
    expect(risk.said().slice(1)).toEqual(["account halt OPERATOR_HALT"]);
  });
});

test("whatever happens in whatever order: ids are unique, and when all causes are gone all is normal", () => {
  const event = fc.oneof(
    fc.constantFrom<(risk: Risk) => void>(
      (risk) => risk.dies("inventory"),
      (risk) => risk.dies("executor"),
      (risk) => risk.lives({ lagMs: 99_999 }, "balance-sync", "bookstore"),
      (risk) => risk.append(discrepancy("DiscrepancyFound")),
      (risk) => risk.append(position(-1n)),
      (risk) => risk.append(gap("GapDetected", "x")),
      (risk) => risk.append(command("halt")),
      (risk) => risk.append(command("halt", { kind: "account", id: account })),
      (risk) => risk.restart(),
      (risk) => risk.lives(),
    ),
    fc.integer({ min: 250, max: 15_000 }).map((ms) => (risk: Risk) => risk.pass(ms)),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 20, size: "max" }), (events) => {
      const risk = run();
      for (const happens of events) happens(risk);
      risk.append(discrepancy("DiscrepancyResolved"));
      risk.append(position(0n));
      risk.append(gap("GapResolved", "x"));
      risk.append(command("resume"));
      risk.append(command("resume", { kind: "account", id: account }));
      risk.lives();
      risk.pass(20_000);
      const ids = risk.published.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      const last = new Map(risk.published.map(({ scope, level }) => [`${scope.kind}.${scope.id}`, level]));
      expect([...last.values()].every((level) => level === "normal")).toBe(true);
      expect(last.get("global.*")).toBe("normal");
    }),
    { numRuns: Number(process.env["FAST_CHECK_RUNS"] ?? 60) },
  );
});
