import type { Fact } from "@slipstream/contracts/facts";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { usdcMicro } from "@slipstream/contracts/money";
import { expect, test } from "vitest";
import { fitHeight, renderLiveView } from "./liveView.ts";
import { execution, fallen, intent, leaderFill, overviewOf, position, skip, tokenId } from "./overview.testing.ts";
import { applyAccountValue } from "./overview.ts";

test("the live view tells fills, attempts, positions and why nothing trades", () => {
  const overview = overviewOf(
    leaderFill(1),
    intent(1),
    execution(1, 4_000_000n, 6_000_000n),
    leaderFill(2),
    skip(2),
    position(4_000_000n),
  );
  applyAccountValue(overview, fallen);
  const text = renderLiveView(overview, {
    nowMs: 2_000,
    wallMs: 2_000,
    width: 160,
    rows: 5,
    market: () => undefined,
    title: "Slipstream · test",
  });
  for (const line of [
    /risk HALT: NO_EXECUTOR \(it is not heard, so nothing is traded\); no decision of risk yet/,
    /LEADER FILLS 2/,
    /0x1111…1111 BUY {2}100 @ 0.5/,
    /entry BUY 10 ≤ 0.51 +filled 4 /,
    /skip HISTORICAL_FILL {2}0x1111…1111 BUY token/,
    /equity \$9994.2, cash \$9994, realized -\$1 \(after fees of \$1\), unrealized -\$4.8, oldest price 2 s old/,
    /paper +4 +cost \$5 +worth \$0.2 -\$4.8 @ 0.05 2 s old +confirmed 4/,
    /executor silent/,
  ]) {
    expect(text).toMatch(line);
  }
  for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(160);
});

test("the live view says of a position that its market owes it, and what can be claimed", () => {
  const closed = (): MarketDefinition =>
    ({ closed: true, tokens: [{ tokenId, outcome: "Yes" }], question: "?" }) as never;
  const shown = (facts: Fact[]): string =>
    renderLiveView(overviewOf(...facts), {
      ...{ nowMs: 5_000, wallMs: 5_000, width: 200, rows: 5, title: "test" },
      market: closed,
    });
  expect(shown([position(10_000_000n)])).toContain("closed, not paid yet");
  const claim = { ...position(10_000_000n, 0n), claimableMicro: usdcMicro(10_000_000n) };
  expect(shown([claim])).toContain("claimable $10");
  expect(shown([claim])).not.toContain("not paid yet");
});

test("a position's worth is that of the shares it shows, also when inventory has valued fewer", () => {
  const overview = overviewOf(position(8_000_000n));
  applyAccountValue(overview, fallen);
  const text = renderLiveView(overview, {
    ...{ nowMs: 2_000, wallMs: 2_000, width: 160, rows: 5, title: "test" },
    market: () => undefined,
  });
  expect(text).toMatch(/paper +8 +cost \$5 +worth \$0.4 -\$4.6 @ 0.05/);
});

test("on a low terminal the first lines stay, and the last says how many are missing", () => {
  expect(fitHeight("a\nb\nc", 4)).toBe("a\nb\nc");
  expect(fitHeight("a\nb\nc\nd\ne", 4)).toBe("a\nb\n… and 3 lines that a higher terminal shows");
});
