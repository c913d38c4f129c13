import { ContractError } from "@slipstream/contracts/errors";
import fc from "fast-check";
import { hexToBytes, keccak256 } from "viem/utils";
import { describe, expect, test } from "vitest";
import { type Bloom, bloomOf, isWithin, mayContain, parseBloom, saturation } from "./bloom.ts";
import { type LogFilter, matches, narrowed } from "./logFilter.ts";
import { fixedHex } from "./testing/logs.ts";

const numRuns = Number(process.env["FC_RUNS"] ?? 200);
const hexOf = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((value) => fixedHex(Buffer.from(value).toString("hex"), bytes));
const log = fc.record({ address: hexOf(20), topics: fc.array(hexOf(32), { maxLength: 4 }) });
const blockHash = fixedHex("b1", 32);

/** As the yellow paper says it, over bytes: the lowest 11 bits of each of the first three pairs of the hash. */
function plainBloom(logs: readonly { address: `0x${string}`; topics: readonly `0x${string}`[] }[]): Bloom {
  const bloom = Buffer.alloc(256);
  for (const item of logs.flatMap(({ address, topics }) => [address, ...topics])) {
    const hash = Buffer.from(keccak256(hexToBytes(item)).slice(2), "hex");
    for (const from of [0, 2, 4]) {
      const bit = hash.readUInt16BE(from) & 2047;
      const byte = 255 - (bit >> 3);
      bloom.writeUInt8(bloom.readUInt8(byte) | (1 << (bit & 7)), byte);
    }
  }
  return `0x${bloom.toString("hex")}`;
}

test("the bloom of logs is the one of the yellow paper", () => {
  fc.assert(
    fc.property(fc.array(log, { maxLength: 12 }), (logs) => {
      expect(bloomOf(logs)).toBe(plainBloom(logs));
    }),
    { numRuns },
  );
});

test("everything added is contained, in either case of its digits, and what is surely not there is not", () => {
  fc.assert(
    fc.property(fc.array(log, { minLength: 1, maxLength: 12 }), hexOf(20), (logs, stranger) => {
      const bloom = bloomOf(logs);
      for (const { address, topics } of logs) {
        expect(mayContain(bloom, [address, ...topics])).toBe(true);
        expect(mayContain(bloom, [`0x${address.slice(2).toUpperCase()}`])).toBe(true);
      }
      expect(mayContain(bloom, [stranger])).toBe(isWithin(plainBloom([{ address: stranger, topics: [] }]), bloom));
      expect(isWithin(bloomOf(logs.slice(1)), bloom)).toBe(true);
    }),
    { numRuns },
  );
});

test("saturation is the part of the bits that is set", () => {
  expect(saturation(`0x${"0".repeat(512)}`)).toBe(0);
  expect(saturation(`0x${"f".repeat(512)}`)).toBe(1);
  expect(saturation(`0x${"7".repeat(256)}${"0".repeat(256)}`)).toBe(0.375);
  expect(saturation(`0x${"0f".repeat(256)}`)).toBe(0.5);
});

test.each([undefined, null, "0x", `0x${"0".repeat(511)}`, `0x${"g".repeat(512)}`, 7])("%s is no bloom", (value) => {
  expect(() => parseBloom(value)).toThrow(ContractError);
});
test("a bloom is read in lower case", () => {
  expect(parseBloom(`0x${"AB".repeat(256)}`)).toBe(`0x${"ab".repeat(256)}`);
});

describe("filters", () => {
  const [exchange, other] = [fixedHex("e1", 20), fixedHex("e2", 20)];
  const [filled, order, alice, bob] = [fixedHex("f1", 32), fixedHex("0d", 32), fixedHex("a1", 32), fixedHex("b0", 32)];
  const filter: LogFilter = { address: [exchange], topics: [filled, null, [alice]] };
  const fill = { address: exchange, topics: [filled, order, alice, bob], blockHash };
  test.each([
    ["the log of it", fill, true],
    ["another address", { ...fill, address: other }, false],
    ["another case of letters", { ...fill, address: `0x${exchange.slice(2).toUpperCase()}` }, true],
    ["another event", { ...fill, topics: [order, order, alice, bob] }, false],
    ["another wallet", { ...fill, topics: [filled, order, bob, alice] }, false],
    ["too few topics", { ...fill, topics: [filled, order] }, false],
  ])("%s", (_name, given, expected) => {
    expect(matches(filter, given)).toBe(expected);
  });

  test("a filter is narrowed to what may be there", () => {
    const wide: LogFilter = { address: [exchange, other], topics: [[filled], null, [alice, bob]] };
    const bloom = bloomOf([{ address: exchange, topics: [filled, order, alice] }]);
    expect(narrowed(wide, bloom)).toEqual({ address: [exchange], topics: [[filled], null, [alice]] });
    expect(narrowed({ ...wide, topics: [[filled], null, [bob]] }, bloom)).toBeNull();
    expect(narrowed(filter, bloomOf([]))).toBeNull();
  });

  test("what matches is never narrowed away", () => {
    fc.assert(
      fc.property(
        fc.array(log, { minLength: 1, maxLength: 8 }),
        fc.array(hexOf(32), { maxLength: 3 }),
        (logs, more) => {
          const [first] = logs;
          if (first === undefined) return;
          const wanted: LogFilter = {
            address: [exchange, first.address],
            topics: first.topics.map((topic, index) => (index === 1 ? null : [...more, topic])),
          };
          const left = narrowed(wanted, bloomOf(logs));
          expect(left !== null && matches(left, first)).toBe(true);
        },
      ),
      { numRuns },
    );
  });
});
