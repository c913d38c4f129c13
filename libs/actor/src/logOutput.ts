/** Where a process's log goes: standard output, which may be a file on a disk that is full. */
import { type DestinationStream, pino } from "pino";

/** Lines that cannot be written wait for the next one that can; the process goes on. */
export function logOutput(): DestinationStream {
  const output = pino.destination({ dest: 1, sync: true, maxLength: 1_000_000 });
  output.on("error", () => undefined);
  return output;
}
