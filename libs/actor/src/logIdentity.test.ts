import { expect, test } from "vitest";
import { checkedLog } from "./logIdentity.ts";

test("facts that arrive while the server answers do not make its answer look short", async () => {
  let position = 5;
  const log = await checkedLog({
    created: "monday",
    position: () => position,
    read: async () => {
      position = 7;
      return { created: "monday", lastSeq: 6 };
    },
  });
  expect(log).toEqual({ created: "monday", lastSeq: 6 });
});

test.each([
  ["a log that ends before our position", { created: "monday", lastSeq: 4 }],
  ["a log created at another moment", { created: "tuesday", lastSeq: 9 }],
])("%s is not ours", async (_name, log) => {
  await expect(checkedLog({ created: "monday", position: () => 5, read: async () => log })).rejects.toMatchObject({
    code: "STREAM_IDENTITY_CHANGED",
  });
});
