/**
 * What frames cost: time from the text to the published messages, and how long the event loop was held by whatever. Kept
 * over the last 10 to 20 s, so that one bad moment is seen and forgotten.
 */
import { monitorEventLoopDelay, performance } from "node:perf_hooks";

export type FrameCosts = {
  /** Runs what is done with one frame. */
  measure(run: () => void): void;
  /** `frameNs`: mean; `frameMsMax`, `loopHoldMsMax`: the longest of one frame, and of one turn of the loop. */
  gauges(): { readonly frameNs: number; readonly frameMsMax: number; readonly loopHoldMsMax: number };
  stop(): void;
};

type Window = { frames: number; totalMs: number; maxMs: number; holdMs: number };

const WINDOW_MS = 10_000;
const RESOLUTION_MS = 10;
const empty = (): Window => ({ frames: 0, totalMs: 0, maxMs: 0, holdMs: 0 });

export function createFrameCosts(): FrameCosts {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  let before = empty();
  let current = empty();
  let sinceMs = performance.now();

  const turn = (nowMs: number): void => {
    // The histogram holds the whole interval between two looks.
    current.holdMs = Math.max(0, delay.max / 1e6 - RESOLUTION_MS);
    if (nowMs - sinceMs < WINDOW_MS) return;
    before = current;
    current = empty();
    sinceMs = nowMs;
    delay.reset();
  };
  return {
    measure: (run) => {
      const fromMs = performance.now();
      run();
      const nowMs = performance.now();
      current.frames += 1;
      current.totalMs += nowMs - fromMs;
      current.maxMs = Math.max(current.maxMs, nowMs - fromMs);
      if (nowMs - sinceMs >= WINDOW_MS) turn(nowMs);
    },
    gauges: () => {
      turn(performance.now());
      const frames = before.frames + current.frames;
      const totalMs = before.totalMs + current.totalMs;
      const rounded = (ms: number): number => Math.round(ms * 100) / 100;
      return {
        frameNs: frames === 0 ? 0 : Math.round((totalMs * 1e6) / frames),
        frameMsMax: rounded(Math.max(before.maxMs, current.maxMs)),
        loopHoldMsMax: rounded(Math.max(before.holdMs, current.holdMs)),
      };
    },
    stop: () => void delay.disable(),
  };
}
