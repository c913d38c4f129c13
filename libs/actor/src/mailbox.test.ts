import { describe, expect, test } from "vitest";
import { createMailbox } from "./mailbox.ts";

describe("the mailbox", () => {
  test("handles one message of a chain at a time, chains beside each other, in order", async () => {
    const events: string[] = [];
    const open: (() => void)[] = [];
    const mailbox = createMailbox<number>(
      (chain, n) => {
        events.push(`${chain}${n}`);
        return new Promise((resolve) => open.push(resolve));
      },
      (error) => events.push(String(error)),
    );
    for (const n of [1, 2]) for (const chain of ["x", "y"]) mailbox.put(chain, n);
    expect(events).toEqual(["x1", "y1"]);
    open[1]?.();
    await Promise.resolve();
    await new Promise(setImmediate);
    expect(events).toEqual(["x1", "y1", "y2"]);
    expect(mailbox.size()).toBe(3);
    let idle = false;
    void mailbox.idle().then(() => {
      idle = true;
    });
    open[0]?.();
    open[2]?.();
    await new Promise(setImmediate);
    expect(idle).toBe(false);
    open[3]?.();
    await new Promise(setImmediate);
    expect([events, idle, mailbox.size()]).toEqual([["x1", "y1", "y2", "x2"], true, 0]);
  });

  test("a decision without waiting is handled within the call, also one that it causes itself", () => {
    const events: number[] = [];
    const mailbox = createMailbox<number>(
      (chain, n) => {
        events.push(n);
        if (n < 3) mailbox.put(chain, n + 1);
        return undefined;
      },
      () => undefined,
    );
    mailbox.put("x", 1);
    expect(events).toEqual([1, 2, 3]);
  });

  test("an error is reported and the next message handled; closed, it handles nothing more", async () => {
    const errors: unknown[] = [];
    const handled: number[] = [];
    const mailbox = createMailbox<number>(
      (_chain, n) => {
        handled.push(n);
        if (n === 1) throw new Error("sync");
        return n === 2 ? Promise.reject(new Error("async")) : undefined;
      },
      (error) => errors.push(String(error)),
    );
    for (const n of [1, 2, 3]) mailbox.put("x", n);
    await mailbox.idle();
    expect([handled, errors]).toEqual([
      [1, 2, 3],
      ["Error: sync", "Error: async"],
    ]);
    mailbox.close();
    mailbox.put("x", 4);
    expect(handled).toEqual([1, 2, 3]);
  });
});
